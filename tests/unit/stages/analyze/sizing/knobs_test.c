/* Knobs: what the configuration may hold, what annotations change, and what they cannot. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "pipeline/run/record.h"
#include "stages/analyze/sizing/knobs.h"

static struct config *config_of(const char *text)
{
    struct config *config;
    struct err err = {0};
    if (config_parse(text, strlen(text), "c.yaml", &config, &err)) {
        fail_msg("%s", err.message);
    }
    return config;
}

static void the_configuration(void **state)
{
    (void)state;
    static const struct {
        const char *policy;
        const char *wrong; /* in the message, NULL: good */
    } cases[] = {
        {"{cpu_percentile: 95, headroom: {cpu: 15}}", NULL},
        {"{business_hours: {schedule: \"Mon-Fri 08:00-18:00\", timezone: Europe/Berlin}}", NULL},
        {"{business_hours: {schedule: always}}", NULL},
        {"{cpu_percentile: 49}", "policy.cpu_percentile: must be between 50 and 100"},
        {"{memory_percentile: 101}", "policy.memory_percentile"},
        {"{headroom: {memory: 401}}", "policy.headroom.memory: must be between 0 and 400"},
        {"{business_hours: {schedule: \"Mon-Fry 08:00-18:00\"}}", "policy.business_hours.schedule"},
        {"{business_hours: {schedule: \"08:00-18:00\", timezone: Mars/X}}", "is not a time zone"},
        {"{business_hours: {timezone: Europe/Berlin}}", "needs a schedule"},
        {"{overrides: [{match: {kinds: [Job]}}, {match: {namespaces: [a]}, cpu_percentile: 20}]}", "policy.overrides[1].cpu_percentile"},
        {"{overrides: [{match: {namespaces: [a]}, business_hours: {schedule: x}}]}", "policy.overrides[0].business_hours"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        char text[300];
        struct err err = {0};
        (void)snprintf(text, sizeof text, "version: 1\npolicy: %s\n", cases[i].policy);
        struct config *config = config_of(text);
        int failed = knobs_check(config, &err);
        if ((failed != 0) != (cases[i].wrong != NULL) || (failed && !strstr(err.message, cases[i].wrong))) {
            fail_msg("%s: %s", cases[i].policy, err.message);
        }
        assert_true(!failed || err.class == ERR_CONFIG);
        config_free(config);
    }
}

/* A record with these annotations, given as JSON. */
static json_t *record_of(const char *own, const char *of_namespace)
{
    json_t *workload = json_pack("{s:s,s:s,s:o}", "kind", "Deployment", "name", "x", "annotations", json_loads(own, 0, NULL));
    json_object_set_new(workload, "namespace_annotations", json_loads(of_namespace, 0, NULL));
    return json_pack("{s:o,s:[]}", "workload", workload, "problems");
}

static void annotate(const char *own, const char *of_namespace, struct policy *policy, size_t problems)
{
    static struct arena arena;
    struct config *config = config_of("version: 1\n");
    json_t *record = record_of(own, of_namespace);
    arena_init(&arena);
    policy_for(config, json_object_get(record, "workload"), NULL, NULL, policy);
    knobs_annotate(record, config, &arena, policy);
    if (json_array_size(json_object_get(record, "problems")) != problems) {
        fail_msg("%s: %zu problems", own, json_array_size(json_object_get(record, "problems")));
    }
    assert_true(problems == 0 || record_has_problem(record, "odd-annotation"));
    json_decref(record);
    config_free(config);
    arena_release(&arena);
}

static void annotations_are_followed(void **state)
{
    (void)state;
    struct policy policy;
    annotate("{\"tare.dev/aggressiveness\":\"safe\",\"tare.dev/cpu-percentile\":\"97.5\",\"tare.dev/headroom-memory\":\"25%\","
             "\"tare.dev/limits-cpu\":\"none\",\"tare.dev/replica-aggregation\":\"max\",\"tare.dev/minimum-history\":\"3d\"}",
             "{}", &policy, 0);
    assert_int_equal(policy.aggressiveness, AGGRESSIVENESS_SAFE);
    assert_true(policy.percentile[GUARDRAIL_CPU] > 97.4 && policy.percentile[GUARDRAIL_CPU] < 97.6);
    assert_true(policy.headroom[GUARDRAIL_MEMORY] > 1.249 && policy.headroom[GUARDRAIL_MEMORY] < 1.251);
    assert_int_equal(policy.limits[GUARDRAIL_CPU], LIMITS_REMOVE);
    assert_int_equal(policy.replicas, REPLICAS_MAX);
    assert_int_equal(policy.minimum_history_seconds, 3 * 86400);
}

static void the_workload_wins_over_its_namespace(void **state)
{
    (void)state;
    struct policy policy;
    annotate("{\"tare.dev/aggressiveness\":\"lean\"}", "{\"tare.dev/aggressiveness\":\"safe\",\"tare.dev/limits-memory\":\"keep\"}", &policy, 0);
    assert_int_equal(policy.aggressiveness, AGGRESSIVENESS_LEAN);
    assert_int_equal(policy.limits[GUARDRAIL_MEMORY], LIMITS_KEEP);
}

/* Whether two policies have the same knobs. */
static bool same(const struct policy *a, const struct policy *b)
{
    return a->aggressiveness == b->aggressiveness && memcmp(a->limits, b->limits, sizeof a->limits) == 0 &&
           memcmp(a->percentile, b->percentile, sizeof a->percentile) == 0 &&
           memcmp(a->headroom, b->headroom, sizeof a->headroom) == 0 && a->replicas == b->replicas &&
           a->minimum_history_seconds == b->minimum_history_seconds && a->qos_change == b->qos_change &&
           str_equal(a->hours.schedule, b->hours.schedule) &&
           memcmp(a->guardrails.floor, b->guardrails.floor, sizeof a->guardrails.floor) == 0;
}

/* What is not understood changes nothing and is a problem. */
static void odd_ones_are_told(void **state)
{
    (void)state;
    static const char *const odd[] = {
        "{\"tare.dev/aggressiveness\":\"SAFE\"}",        "{\"tare.dev/cpu-percentile\":\"49\"}",
        "{\"tare.dev/cpu-percentile\":\"1e2\"}",         "{\"tare.dev/cpu-percentile\":\"\"}",
        "{\"tare.dev/cpu-percentile\":\"-95\"}",         "{\"tare.dev/cpu-percentile\":\"nan\"}",
        "{\"tare.dev/headroom-cpu\":\"15 %\"}",          "{\"tare.dev/headroom-cpu\":\"401\"}",
        "{\"tare.dev/limits-cpu\":\"off\"}",             "{\"tare.dev/minimum-history\":\"12h\"}",
        "{\"tare.dev/minimum-history\":\"soon\"}",       "{\"tare.dev/business-hours\":\"9 to 5\"}",
        "{\"tare.dev/cpu-percentle\":\"95\"}",           "{\"tare.dev/max-decrease-percent\":\"90\"}",
        "{\"tare.dev/\":\"x\"}",                         "{\"tare.dev/headroom-cpu\":\"\\u001b[2J\"}",
    };
    struct policy plain;
    annotate("{}", "{}", &plain, 0);
    for (size_t i = 0; i < ARRAY_COUNT(odd); i++) {
        struct policy policy;
        annotate(odd[i], "{}", &policy, 1);
        assert_true(same(&policy, &plain));
    }
    struct policy policy;
    annotate("{\"tare.dev/skip\":\"false\",\"other.dev/aggressiveness\":\"safe\"}", "{}", &policy, 0);
    assert_true(same(&policy, &plain));
}

static void the_problem_names_what_is_near(void **state)
{
    (void)state;
    struct arena arena;
    struct policy policy = {.minimum_history_seconds = 1};
    struct config *config = config_of("version: 1\n");
    json_t *record = record_of("{\"tare.dev/cpu-percentle\":\"95\"}", "{}");
    arena_init(&arena);
    knobs_annotate(record, config, &arena, &policy);
    const char *message = json_string_or_null(json_array_get(json_object_get(record, "problems"), 0), "message");
    assert_non_null(strstr(message, "did you mean tare.dev/cpu-percentile"));
    json_decref(record);
    config_free(config);
    arena_release(&arena);
}

static void business_hours(void **state)
{
    (void)state;
    struct arena arena;
    struct policy policy = {.minimum_history_seconds = 1};
    struct config *config = config_of("version: 1\n");
    json_t *record = record_of("{\"tare.dev/business-hours\":\"Mon-Fri 08:00-18:00 Europe/Berlin\"}", "{}");
    arena_init(&arena);
    knobs_annotate(record, config, &arena, &policy);
    assert_string_equal(policy.hours.schedule, "Mon-Fri 08:00-18:00");
    assert_string_equal(policy.hours.timezone, "Europe/Berlin");
    json_decref(record);
    record = record_of("{\"tare.dev/business-hours\":\"always\"}", "{}");
    knobs_annotate(record, config, &arena, &policy);
    assert_null(policy.hours.schedule);
    json_decref(record);
    config_free(config);
    arena_release(&arena);
}

int main(void)
{
    json_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_configuration),   cmocka_unit_test(annotations_are_followed), cmocka_unit_test(the_workload_wins_over_its_namespace),
        cmocka_unit_test(odd_ones_are_told),   cmocka_unit_test(the_problem_names_what_is_near), cmocka_unit_test(business_hours),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
