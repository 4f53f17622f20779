#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "stages/common/policy.h"

static struct config *config_of(const char *text)
{
    struct config *config;
    struct err err = {0};
    if (config_parse(text, strlen(text), "test", &config, &err)) {
        fail_msg("%s", err.message);
    }
    return config;
}

static json_t *workload_of(const char *text)
{
    json_t *workload = json_loads(text, 0, NULL);
    assert_non_null(workload);
    return workload;
}

static void defaults(void **state)
{
    (void)state;
    struct policy policy;
    struct config *config = config_of("version: 1\n");
    policy_for(config, NULL, NULL, NULL, &policy);
    assert_int_equal(policy.aggressiveness, AGGRESSIVENESS_BALANCED);
    assert_int_equal(policy.limits[GUARDRAIL_CPU], LIMITS_KEEP);
    assert_int_equal(policy.limits[GUARDRAIL_MEMORY], LIMITS_HEADROOM);
    assert_false(policy.qos_change);
    assert_int_equal(policy.minimum_history_seconds, 86400);
    assert_int_equal(policy.guardrails.floor[GUARDRAIL_CPU], 10);
    assert_int_equal(policy.guardrails.floor[GUARDRAIL_MEMORY], 32 * 1024 * 1024);
    assert_true(policy.guardrails.ceiling[GUARDRAIL_CPU] == INT64_MAX);
    config_free(config);
}

static void overrides_apply_in_order(void **state)
{
    (void)state;
    struct policy policy;
    struct config *config =
        config_of("version: 1\n"
                  "policy:\n"
                  "  guardrails: {max_decrease_percent: 40, min_cpu: 20m}\n"
                  "  overrides:\n"
                  "    - {match: {namespaces: [prod-*]}, aggressiveness: safe, guardrails: "
                  "{max_decrease_percent: 20}}\n"
                  "    - {match: {kinds: [StatefulSet]}, guardrails: {max_memory: 2Gi}}\n");
    json_t *prod = workload_of("{\"namespace\":\"prod-eu\",\"kind\":\"StatefulSet\",\"name\":\"db\"}");
    json_t *other = workload_of("{\"namespace\":null,\"kind\":\"Deployment\",\"name\":\"web\"}");
    policy_for(config, prod, NULL, NULL, &policy);
    assert_int_equal(policy.aggressiveness, AGGRESSIVENESS_SAFE);
    assert_true(policy.guardrails.max_decrease_percent < 20.5 &&
                policy.guardrails.max_decrease_percent > 19.5);
    assert_int_equal(policy.guardrails.floor[GUARDRAIL_CPU], 20);
    assert_true(policy.guardrails.ceiling[GUARDRAIL_MEMORY] == (int64_t)2 << 30);
    policy_for(config, other, "prod-us", NULL, &policy);
    assert_int_equal(policy.aggressiveness, AGGRESSIVENESS_SAFE);
    assert_true(policy.guardrails.ceiling[GUARDRAIL_MEMORY] == INT64_MAX);
    policy_for(config, other, NULL, NULL, &policy);
    assert_int_equal(policy.aggressiveness, AGGRESSIVENESS_BALANCED);
    json_decref(prod);
    json_decref(other);
    config_free(config);
}

static void knobs(void **state)
{
    (void)state;
    struct policy policy;
    struct config *config = config_of("version: 1\n"
                                      "policy:\n"
                                      "  limits: {cpu: none}\n"
                                      "  cpu_percentile: 90\n"
                                      "  headroom: {memory: 25}\n"
                                      "  replica_aggregation: pooled\n"
                                      "  business_hours: {schedule: \"08:00-18:00\", timezone: Europe/Berlin}\n"
                                      "  overrides:\n"
                                      "    - {match: {namespaces: [prod-*]}, replica_aggregation: max, headroom: {cpu: 0}}\n"
                                      "    - {match: {labels: {team: a}}, business_hours: {schedule: always}}\n");
    json_t *plain = workload_of("{\"namespace\":\"dev\",\"kind\":\"Deployment\"}");
    json_t *prod = workload_of("{\"namespace\":\"prod-eu\",\"kind\":\"Deployment\",\"labels\":{\"team\":\"a\"}}");
    policy_for(config, plain, NULL, NULL, &policy);
    assert_int_equal(policy.limits[GUARDRAIL_CPU], LIMITS_REMOVE);
    assert_true(policy.percentile[GUARDRAIL_CPU] > 89.9 && policy.percentile[GUARDRAIL_MEMORY] < 0.1);
    assert_true(policy.headroom[GUARDRAIL_MEMORY] > 1.249 && policy.headroom[GUARDRAIL_CPU] < 0.1);
    assert_int_equal(policy.replicas, REPLICAS_POOLED);
    assert_string_equal(policy.hours.timezone, "Europe/Berlin");
    policy_for(config, prod, NULL, NULL, &policy);
    assert_int_equal(policy.replicas, REPLICAS_MAX);
    /* no headroom at all is not the same as not asked for */
    assert_true(policy.headroom[GUARDRAIL_CPU] > 0.99 && policy.headroom[GUARDRAIL_CPU] < 1.01);
    assert_null(policy.hours.schedule);
    json_decref(plain);
    json_decref(prod);
    config_free(config);
}

static void words(void **state)
{
    (void)state;
    struct policy policy = {.aggressiveness = AGGRESSIVENESS_LEAN, .limits = {LIMITS_RATIO, LIMITS_RATIO}, .replicas = REPLICAS_MAX};
    assert_false(policy_set_aggressiveness(&policy, "brave"));
    assert_false(policy_set_limits(&policy, GUARDRAIL_CPU, NULL));
    assert_false(policy_set_replicas(&policy, ""));
    assert_int_equal(policy.aggressiveness, AGGRESSIVENESS_LEAN);
    assert_int_equal(policy.limits[GUARDRAIL_CPU], LIMITS_RATIO);
    assert_int_equal(policy.replicas, REPLICAS_MAX);
    assert_true(policy_set_limits(&policy, GUARDRAIL_MEMORY, "none"));
    assert_int_equal(policy.limits[GUARDRAIL_MEMORY], LIMITS_REMOVE);
    assert_int_equal(policy.limits[GUARDRAIL_CPU], LIMITS_RATIO);
}

static void exclusions(void **state)
{
    (void)state;
    char reason[POLICY_REASON_MAX];
    struct config *config = config_of("version: 1\n");
    static const struct {
        const char *workload;
        bool excluded;
    } cases[] = {
        {"{\"namespace\":\"shop\",\"annotations\":{}}", false},
        {"{\"namespace\":\"kube-system\"}", true},
        {"{\"namespace\":\"shop\",\"annotations\":{\"tare.dev/skip\":\"true\"}}", true},
        {"{\"namespace\":\"shop\",\"annotations\":{\"tare.dev/skip\":\"false\"}}", false},
        {"{\"namespace\":\"shop\",\"annotations\":{\"tare.dev/skip\":true}}", false},
        {"{\"namespace\":\"shop\",\"namespace_annotations\":{\"tare.dev/skip\":\"true\"}}", true},
        {"{\"namespace\":null}", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        json_t *workload = workload_of(cases[i].workload);
        if (policy_excluded(config, workload, NULL, false, reason) != cases[i].excluded) {
            fail_msg("%s", cases[i].workload);
        }
        json_decref(workload);
    }
    config_free(config);
}

int main(void)
{
    json_init();
    const struct CMUnitTest tests[] = {cmocka_unit_test(defaults), cmocka_unit_test(overrides_apply_in_order),
                                       cmocka_unit_test(exclusions), cmocka_unit_test(knobs), cmocka_unit_test(words)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
