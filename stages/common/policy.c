#include "stages/common/policy.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "pipeline/run/selector.h"

static const char *const aggressiveness_names[] = {"safe", "balanced", "lean"};
static const char *const limits_names[] = {"keep", "remove", "ratio", "headroom"};
static const char *const replicas_names[] = {"auto", "pooled", "max"};
static const char *const resource_names[] = {"cpu", "memory"};

/* Position of `word` in a list of names, -1 when it is NULL or none of them. */
static int position(const char *word, const char *const *names, size_t count)
{
    for (size_t i = 0; word && i < count; i++) {
        if (str_equal(word, names[i])) {
            return (int)i;
        }
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

/* The guardrails of configuration, and where each lies. Percents and money are numbers, all others amounts. */
static const struct rail {
    const char *key;
    bool number;
    size_t offset;
} rails[] = {
    {"max_increase_percent", true, offsetof(struct guardrails, max_increase_percent)},
    {"max_decrease_percent", true, offsetof(struct guardrails, max_decrease_percent)},
    {"min_monthly_saving_usd", true, offsetof(struct guardrails, min_saving_usd)},
    {"min_cpu", false, offsetof(struct guardrails, floor[GUARDRAIL_CPU])},
    {"min_memory", false, offsetof(struct guardrails, floor[GUARDRAIL_MEMORY])},
    {"max_cpu", false, offsetof(struct guardrails, ceiling[GUARDRAIL_CPU])},
    {"max_memory", false, offsetof(struct guardrails, ceiling[GUARDRAIL_MEMORY])},
    {"max_increase_cpu", false, offsetof(struct guardrails, step_up[GUARDRAIL_CPU])},
    {"max_increase_memory", false, offsetof(struct guardrails, step_up[GUARDRAIL_MEMORY])},
    {"max_decrease_cpu", false, offsetof(struct guardrails, step_down[GUARDRAIL_CPU])},
    {"max_decrease_memory", false, offsetof(struct guardrails, step_down[GUARDRAIL_MEMORY])},
    {"max_replicas", false, offsetof(struct guardrails, max_replicas)},
};

/* Takes the guardrail that an object states; what it leaves out or sets to null stays. */
static void take_rail(const json_t *from, const struct rail *rail, struct guardrails *out)
{
    char *at = (char *)out + rail->offset;
    double number;
    int64_t amount;
    if (rail->number && json_get_number(from, rail->key, &number) && number >= 0) {
        memcpy(at, &number, sizeof number);
    } else if (!rail->number && json_get_int(from, rail->key, &amount) && amount >= 0) {
        memcpy(at, &amount, sizeof amount);
    }
}

static void take_guardrails(const json_t *from, struct guardrails *out)
{
    for (size_t i = 0; i < ARRAY_COUNT(rails); i++) {
        take_rail(from, &rails[i], out);
    }
}

void policy_guardrails_given(const struct config *config, const json_t *workload, const char *namespace, const char *class,
                             struct guardrails *out)
{
    guardrails_none(out);
    for (size_t i = 0; i < ARRAY_COUNT(rails); i++) {
        char key[64];
        (void)snprintf(key, sizeof key, "policy.guardrails.%s", rails[i].key);
        if (config_given(config, key)) {
            take_rail(config_value(config, "policy.guardrails"), &rails[i], out);
        }
    }
    size_t index;
    json_t *override;
    json_array_foreach(config_value(config, "policy.overrides"), index, override)
    {
        if (selector_match(json_object_get(override, "match"), workload, namespace, class)) {
            take_guardrails(json_object_get(override, "guardrails"), out);
        }
    }
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

void policy_for(const struct config *config, const json_t *workload, const char *default_namespace, const char *class,
                struct policy *out)
{
    *out = (struct policy){.aggressiveness = AGGRESSIVENESS_BALANCED,
                           .limits = {LIMITS_KEEP, LIMITS_HEADROOM},
                           .minimum_history_seconds = 24 * 3600};
    guardrails_default(&out->guardrails);
    take_policy(config_value(config, "policy"), out);
    const char *namespace = selector_namespace(workload, default_namespace);
    const json_t *overrides = config_value(config, "policy.overrides");
    size_t index;
    json_t *override;
    json_array_foreach(overrides, index, override)
    {
        if (selector_match(json_object_get(override, "match"), workload, namespace, class)) {
            take_policy(override, out);
        }
    }
}

/* Whether an object of annotations holds `key` = "true". */
static bool opted_out(const json_t *annotations, const char *key)
{
    return key && str_equal(json_string_or_null(annotations, key), "true");
}

/* Whether a list of globs holds one that fits; an empty one holds none, nor does one that counts only if the file gives it. */
static bool listed(const struct config *config, const char *key, bool given_only, const char *text)
{
    const json_t *globs = config_value(config, key);
    bool counts = !given_only || config_given(config, key);
    return counts && json_array_size(globs) > 0 && selector_globs(globs, text);
}

/* Whether a list of `exclude` names the workload. */
static bool excluded_by_list(const struct config *config, const json_t *workload, const char *namespace,
                             bool given_only, char reason[POLICY_REASON_MAX])
{
    const char *kind = json_string_or_null(workload, "kind");
    const char *name = json_string_or_null(workload, "name");
    char *whole = xasprintf("%s/%s/%s", namespace, kind == NULL ? "" : kind, name == NULL ? "" : name);
    bool found = true;
    if (listed(config, "policy.exclude.namespaces", given_only, namespace)) {
        (void)snprintf(reason, POLICY_REASON_MAX, "namespace %s is excluded by policy.exclude.namespaces", namespace);
    } else if (listed(config, "policy.exclude.kinds", given_only, kind)) {
        (void)snprintf(reason, POLICY_REASON_MAX, "kind %s is excluded by policy.exclude.kinds", kind);
    } else if (listed(config, "policy.exclude.workloads", given_only, whole)) {
        (void)snprintf(reason, POLICY_REASON_MAX, "%.180s is protected by policy.exclude.workloads", whole);
    } else {
        found = false;
    }
    free(whole);
    return found;
}

bool policy_excluded(const struct config *config, const json_t *workload, const char *default_namespace,
                     bool given_only, char reason[POLICY_REASON_MAX])
{
    if (excluded_by_list(config, workload, selector_namespace(workload, default_namespace), given_only, reason)) {
        return true;
    }
    static const char *const key = "policy.exclude.annotation";
    const char *annotation = given_only && !config_given(config, key) ? NULL : config_string(config, key);
    bool own = opted_out(json_object_get(workload, "annotations"), annotation);
    if (!own && !opted_out(json_object_get(workload, "namespace_annotations"), annotation)) {
        return false;
    }
    (void)snprintf(reason, POLICY_REASON_MAX, "annotation %s is \"true\" on the %s", annotation,
                   own ? "workload" : "namespace");
    return true;
}
