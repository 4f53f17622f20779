#include "stages/analyze/sizing/knobs.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/clock.h"
#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "pipeline/run/record.h"
#include "stages/analyze/sizing/hours.h"

enum { KEY_MAX = 128, SHOWN = 60 };

static const char prefix[] = "tare.dev/";
static const double percentile_least = 50;
static const double percentile_most = 100;
static const double headroom_most = 400; /* percent */

/* One annotation: sets a knob from its text, or returns what the text would have to be. */
struct knob {
    const char *name; /* after the prefix */
    const char *(*set)(struct policy *policy, enum guardrail_resource resource, const char *text, struct arena *arena);
    enum guardrail_resource resource;
};

/* A number from `least` to `most`, a percent sign may follow; NaN for anything else. */
static double number_in(const char *text, double least, double most)
{
    char *end;
    double value = strtod(text, &end);
    size_t digits = strspn(text, "0123456789.");
    bool whole = digits > 0 && end == text + digits && (*end == '\0' || strcmp(end, "%") == 0);
    return whole && value >= least && value <= most ? value : NAN;
}

static const char *set_aggressiveness(struct policy *policy, enum guardrail_resource resource, const char *text, struct arena *arena)
{
    (void)resource, (void)arena;
    return policy_set_aggressiveness(policy, text) ? NULL : "safe, balanced or lean";
}

static const char *set_replicas(struct policy *policy, enum guardrail_resource resource, const char *text, struct arena *arena)
{
    (void)resource, (void)arena;
    return policy_set_replicas(policy, text) ? NULL : "auto, pooled or max";
}

static const char *set_limits(struct policy *policy, enum guardrail_resource resource, const char *text, struct arena *arena)
{
    (void)arena;
    return policy_set_limits(policy, resource, text) ? NULL : "keep, none, ratio or headroom";
}

static const char *set_percentile(struct policy *policy, enum guardrail_resource resource, const char *text, struct arena *arena)
{
    double value = number_in(text, percentile_least, percentile_most);
    (void)arena;
    if (isnan(value)) {
        return "a number from 50 to 100";
    }
    policy->percentile[resource] = value;
    return NULL;
}

static const char *set_headroom(struct policy *policy, enum guardrail_resource resource, const char *text, struct arena *arena)
{
    double value = number_in(text, 0, headroom_most);
    (void)arena;
    if (isnan(value)) {
        return "a percentage from 0 to 400";
    }
    policy->headroom[resource] = 1 + value / 100;
    return NULL;
}

static const char *set_history(struct policy *policy, enum guardrail_resource resource, const char *text, struct arena *arena)
{
    int64_t seconds;
    struct err err;
    (void)resource, (void)arena;
    if (duration_parse(text, &seconds, &err) || seconds < policy->minimum_history_seconds) {
        return "a duration, no shorter than the policy's";
    }
    policy->minimum_history_seconds = seconds;
    return NULL;
}

/* "Mon-Fri 08:00-18:00 Europe/Berlin": a zone is the last word, where it is no stretch of the day. */
static const char *set_hours(struct policy *policy, enum guardrail_resource resource, const char *text, struct arena *arena)
{
    struct business_hours hours = {arena_strdup(arena, text), NULL};
    char *last = strrchr((char *)(uintptr_t)hours.schedule, ' ');
    struct err err;
    (void)resource;
    if (str_equal(text, "always")) {
        policy->hours = (struct business_hours){NULL, NULL};
        return NULL;
    }
    if (last && strchr(last, ':') == NULL) {
        *last = '\0';
        hours.timezone = last + 1;
    }
    if (hours_check(&hours, &err)) {
        return "days, a stretch of the day and a time zone, as in Mon-Fri 08:00-18:00 Europe/Berlin";
    }
    policy->hours = hours;
    return NULL;
}

static const struct knob knobs[] = {
    {"aggressiveness", set_aggressiveness, GUARDRAIL_CPU},  {"cpu-percentile", set_percentile, GUARDRAIL_CPU},
    {"memory-percentile", set_percentile, GUARDRAIL_MEMORY}, {"headroom-cpu", set_headroom, GUARDRAIL_CPU},
    {"headroom-memory", set_headroom, GUARDRAIL_MEMORY},     {"limits-cpu", set_limits, GUARDRAIL_CPU},
    {"limits-memory", set_limits, GUARDRAIL_MEMORY},         {"replica-aggregation", set_replicas, GUARDRAIL_CPU},
    {"minimum-history", set_history, GUARDRAIL_CPU},         {"business-hours", set_hours, GUARDRAIL_CPU},
};

/* Text from outside, short and safe to show. */
static const char *shown(const char *text, char out[SHOWN + 1])
{
    (void)snprintf(out, SHOWN + 1, "%s", text);
    str_trim_utf8(out);
    str_mask_controls(out);
    return out;
}

static void unknown(json_t *record, const char *owner, const char *key)
{
    const char *names[ARRAY_COUNT(knobs)];
    char name[SHOWN + 1];
    for (size_t i = 0; i < ARRAY_COUNT(knobs); i++) {
        names[i] = knobs[i].name;
    }
    const char *near = str_nearest(shown(key + sizeof prefix - 1, name), names, ARRAY_COUNT(knobs));
    record_problem(record, "analyze", "odd-annotation", "the %s has an annotation %s%s that nothing reads%s%s%s", owner, prefix, name,
                   near ? "; did you mean " : "", near ? prefix : "", near ? near : "");
}

/* Follows one annotation of ours. */
static void annotate(json_t *record, const char *owner, const char *key, const char *text, struct arena *arena, struct policy *policy)
{
    for (size_t i = 0; i < ARRAY_COUNT(knobs); i++) {
        if (!str_equal(key + sizeof prefix - 1, knobs[i].name)) {
            continue;
        }
        char value[SHOWN + 1];
        const char *wanted = knobs[i].set(policy, knobs[i].resource, text, arena);
        if (wanted) {
            record_problem(record, "analyze", "odd-annotation", "annotation %s of the %s is \"%s\" and would have to be %s: not followed",
                           key, owner, shown(text, value), wanted);
        }
        return;
    }
    unknown(record, owner, key);
}

static void annotate_all(json_t *record, const char *owner, const json_t *annotations, const char *skip, struct arena *arena,
                         struct policy *policy)
{
    const char *key;
    const json_t *value;
    json_object_foreach((json_t *)(uintptr_t)annotations, key, value)
    {
        bool ours = str_starts(key, prefix) && !str_equal(key, skip);
        if (ours && json_is_string(value)) {
            annotate(record, owner, key, json_string_value(value), arena, policy);
        }
    }
}

void knobs_annotate(json_t *record, const struct config *config, struct arena *arena, struct policy *policy)
{
    const json_t *workload = json_object_get(record, "workload");
    const char *skip = config_string(config, "policy.exclude.annotation");
    annotate_all(record, "namespace", json_object_get(workload, "namespace_annotations"), skip, arena, policy);
    annotate_all(record, "workload", json_object_get(workload, "annotations"), skip, arena, policy);
}

/* A number of an object of the configuration, where it is given, lies in [least, most]. */
static int check_number(const struct config *config, const json_t *object, const char *where, const char *key, double least,
                        double most, struct err *err)
{
    char whole[KEY_MAX];
    const json_t *number = json_at(object, key);
    double value = json_number_value(number);
    if (!json_is_number(number) || (value >= least && value <= most)) {
        return 0;
    }
    (void)snprintf(whole, sizeof whole, "%s.%s", where, key);
    return config_error(config, err, whole, "must be between %g and %g, not %g", least, most, value);
}

/* The floor of one resource is not above its ceiling, where one object gives both. */
static int check_rails(const struct config *config, const json_t *object, const char *where, const char *resource, struct err *err)
{
    char key[KEY_MAX];
    int64_t bound[2];
    static const char *const ends[] = {"min", "max"};
    for (size_t i = 0; i < 2; i++) {
        (void)snprintf(key, sizeof key, "%s_%s", ends[i], resource);
        bound[i] = json_int_or(json_object_get(object, "guardrails"), key, AMOUNT_ABSENT);
    }
    if (bound[1] < 0 || bound[0] <= bound[1]) {
        return 0;
    }
    (void)snprintf(key, sizeof key, "%s.guardrails.min_%s", where, resource);
    return config_error(config, err, key, "is above max_%s", resource);
}

/* `policy` itself or one of its overrides. */
static int check_object(const struct config *config, const json_t *object, const char *where, struct err *err)
{
    const json_t *given = json_object_get(object, "business_hours");
    struct business_hours hours = {json_string_or_null(given, "schedule"), json_string_or_null(given, "timezone")};
    struct err inner = {0};
    char key[KEY_MAX];
    if (check_number(config, object, where, "cpu_percentile", percentile_least, percentile_most, err) ||
        check_number(config, object, where, "memory_percentile", percentile_least, percentile_most, err) ||
        check_number(config, object, where, "headroom.cpu", 0, headroom_most, err) ||
        check_number(config, object, where, "headroom.memory", 0, headroom_most, err) ||
        check_rails(config, object, where, "cpu", err) || check_rails(config, object, where, "memory", err)) {
        return -1;
    }
    (void)snprintf(key, sizeof key, "%s.business_hours.schedule", where);
    if (!hours.schedule && hours.timezone) {
        return config_error(config, err, key, "a time zone needs a schedule beside it");
    }
    if (hours.schedule && !str_equal(hours.schedule, "always") && hours_check(&hours, &inner)) {
        config_error(config, err, key, "%s", inner.message);
        return err_hint(err, "%s", inner.hint);
    }
    return 0;
}

int knobs_check(const struct config *config, struct err *err)
{
    char where[KEY_MAX];
    size_t index;
    json_t *override;
    if (check_object(config, config_value(config, "policy"), "policy", err)) {
        return -1;
    }
    json_array_foreach(config_value(config, "policy.overrides"), index, override)
    {
        (void)snprintf(where, sizeof where, "policy.overrides[%zu]", index);
        if (check_object(config, override, where, err)) {
            return -1;
        }
    }
    return 0;
}
