#include "stages/common/policy.h"

#include <stdio.h>
#include <string.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"

static const char *const aggressiveness_names[] = {"safe", "balanced", "lean"};
static const char *const limits_names[] = {"keep", "remove", "ratio", "headroom"};
static const char *const replicas_names[] = {"auto", "pooled", "max"};
static const char *const resource_names[] = {"cpu", "memory"};

/* Position of `word` in a list of names, -1 when it is NULL or none of them. */
static int position(const char *word, const char *const *names, size_t count)
{
    for (size_t i = 0; word && i < count; i++) {
        if (str_equal(word, names[i]))
            return (int)i;
    }
    return -1;
}

bool policy_set_aggressiveness(struct policy *policy, const char *word)
{
    int found = position(word, aggressiveness_names, ARRAY_COUNT(aggressiveness_names));
    if (found >= 0) {
        policy->aggressiveness = (enum aggressiveness)found;
    }
    return found >= 0;
}

bool policy_set_limits(struct policy *policy, enum guardrail_resource resource, const char *word)
{
    int found = str_equal(word, "none") ? (int)LIMITS_REMOVE : position(word, limits_names, ARRAY_COUNT(limits_names));
    if (found >= 0) {
        policy->limits[resource] = (enum limits_policy)found;
    }
    return found >= 0;
}

bool policy_set_replicas(struct policy *policy, const char *word)
{
    int found = position(word, replicas_names, ARRAY_COUNT(replicas_names));
    if (found >= 0) {
        policy->replicas = (enum replica_aggregation)found;
    }
    return found >= 0;
}

/* The workload's namespace, or what stands for a null one. */
static const char *namespace_of(const json_t *workload, const char *default_namespace)
{
    const char *given = json_string_or_null(workload, "namespace");
    return given ? given : (default_namespace ? default_namespace : "default");
}

/* Whether a list of globs is missing, empty, or holds one that fits. */
static bool globs_fit(const json_t *globs, const char *text)
{
    if (!json_is_array(globs) || json_array_size(globs) == 0)
        return true;
    size_t index;
    json_t *glob;
    json_array_foreach(globs, index, glob)
    {
        if (json_is_string(glob) && text && str_glob(json_string_value(glob), text))
            return true;
    }
    return false;
}

/* Whether the workload carries all of these labels. */
static bool labels_fit(const json_t *wanted, const json_t *workload)
{
    const json_t *labels = json_object_get(workload, "labels");
    const char *key;
    const json_t *value;
    if (!json_is_object(wanted))
        return true;
    json_object_foreach((json_t *)(uintptr_t)wanted, key, value)
    {
        if (!json_is_string(value) || !str_equal(json_string_or_null(labels, key), json_string_value(value)))
            return false;
    }
    return true;
}

bool policy_match(const json_t *match, const json_t *workload, const char *default_namespace)
{
    if (!json_is_object(match))
        return true;
    return globs_fit(json_object_get(match, "namespaces"), namespace_of(workload, default_namespace)) &&
           globs_fit(json_object_get(match, "clusters"), json_string_or_null(workload, "cluster")) &&
           globs_fit(json_object_get(match, "kinds"), json_string_or_null(workload, "kind")) &&
           labels_fit(json_object_get(match, "labels"), workload);
}

/* Takes the guardrails that an object states; what it leaves out or sets to null stays. */
static void take_guardrails(const json_t *from, struct guardrails *out)
{
    double percent;
    if (json_get_number(from, "max_increase_percent", &percent) && percent >= 0)
        out->max_increase_percent = percent;
    if (json_get_number(from, "max_decrease_percent", &percent) && percent >= 0)
        out->max_decrease_percent = percent;
    out->floor[GUARDRAIL_CPU] = json_int_or(from, "min_cpu", out->floor[GUARDRAIL_CPU]);
    out->floor[GUARDRAIL_MEMORY] = json_int_or(from, "min_memory", out->floor[GUARDRAIL_MEMORY]);
    out->ceiling[GUARDRAIL_CPU] = json_int_or(from, "max_cpu", out->ceiling[GUARDRAIL_CPU]);
    out->ceiling[GUARDRAIL_MEMORY] = json_int_or(from, "max_memory", out->ceiling[GUARDRAIL_MEMORY]);
}

/* The knobs of statistics: percentile and headroom of each resource. */
static void take_statistics(const json_t *from, struct policy *out)
{
    static const char *const percentiles[] = {"cpu_percentile", "memory_percentile"};
    const json_t *headroom = json_object_get(from, "headroom");
    double number;
    for (int i = 0; i < GUARDRAIL_RESOURCES; i++) {
        if (json_get_number(from, percentiles[i], &number)) {
            out->percentile[i] = number;
        }
        if (json_get_number(headroom, resource_names[i], &number)) {
            out->headroom[i] = 1 + number / 100;
        }
    }
}

/* The hours to learn from; `always` takes back what an earlier one said. */
static void take_hours(const json_t *from, struct policy *out)
{
    const char *schedule = json_string_or_null(from, "schedule");
    if (schedule) {
        bool always = str_equal(schedule, "always");
        out->hours = (struct business_hours){always ? NULL : schedule, json_string_or_null(from, "timezone")};
    }
}

/* Takes what one policy object (the file's `policy` or an override) states. */
static void take_policy(const json_t *from, struct policy *out)
{
    const json_t *limits = json_object_get(from, "limits");
    (void)policy_set_aggressiveness(out, json_string_or_null(from, "aggressiveness"));
    (void)policy_set_replicas(out, json_string_or_null(from, "replica_aggregation"));
    for (int i = 0; i < GUARDRAIL_RESOURCES; i++) {
        (void)policy_set_limits(out, (enum guardrail_resource)i, json_string_or_null(limits, resource_names[i]));
    }
    out->qos_change = json_bool_or(from, "qos_change", out->qos_change);
    out->minimum_history_seconds = json_int_or(from, "minimum_history", out->minimum_history_seconds);
    take_statistics(from, out);
    take_hours(json_object_get(from, "business_hours"), out);
    take_guardrails(json_object_get(from, "guardrails"), &out->guardrails);
}

void policy_for(const struct config *config, const json_t *workload, const char *default_namespace,
                struct policy *out)
{
    *out = (struct policy){.aggressiveness = AGGRESSIVENESS_BALANCED,
                           .limits = {LIMITS_KEEP, LIMITS_HEADROOM},
                           .minimum_history_seconds = 24 * 3600};
    guardrails_default(&out->guardrails);
    take_policy(config_value(config, "policy"), out);
    const json_t *overrides = config_value(config, "policy.overrides");
    size_t index;
    json_t *override;
    json_array_foreach(overrides, index, override)
    {
        if (policy_match(json_object_get(override, "match"), workload, default_namespace))
            take_policy(override, out);
    }
}

/* Whether an object of annotations holds `key` = "true". */
static bool opted_out(const json_t *annotations, const char *key)
{
    return key && str_equal(json_string_or_null(annotations, key), "true");
}

bool policy_excluded(const struct config *config, const json_t *workload, const char *default_namespace,
                     char reason[POLICY_REASON_MAX])
{
    const char *namespace = namespace_of(workload, default_namespace);
    const json_t *namespaces = config_value(config, "policy.exclude.namespaces");
    if (json_array_size(namespaces) > 0 && globs_fit(namespaces, namespace)) {
        (void)snprintf(reason, POLICY_REASON_MAX, "namespace %s is excluded by policy.exclude.namespaces",
                       namespace);
        return true;
    }
    const char *annotation = config_string(config, "policy.exclude.annotation");
    bool own = opted_out(json_object_get(workload, "annotations"), annotation);
    if (!own && !opted_out(json_object_get(workload, "namespace_annotations"), annotation))
        return false;
    (void)snprintf(reason, POLICY_REASON_MAX, "annotation %s is \"true\" on the %s", annotation,
                   own ? "workload" : "namespace");
    return true;
}
