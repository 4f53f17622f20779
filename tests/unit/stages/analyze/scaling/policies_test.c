/* Policies for replicas: what a value asks for, and every bound that acts. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pipeline/base/clock.h"
#include "tests/unit/stages/analyze/scaling/load_builder.h"

static double steady(int day, double hour)
{
    (void)day, (void)hour;
    return 1000;
}

static double daily(int day, double hour)
{
    (void)day;
    double wave = (1 + cos((hour - 14) / 24 * 2 * 3.14159265)) / 2;
    return 300 + 2100 * wave * wave;
}

static double grown(int day, double hour)
{
    return day == 6 && hour >= 22 ? 4 : 3;
}

struct told {
    int64_t advised, wanted, monthly;
    char bounds[200];
    char reason[200];
    bool advice;
};

/* What the only policy of a configuration says of a workload with four replicas. `value`: JSON. */
static struct told judged(const char *policy, const char *value, struct made_scaled *changes)
{
    char config[800], answers[300];
    struct told out = {0};
    struct made_scaled from = {.workload = {.name = "web",
                                            .replicas = 4,
                                            .count = 1,
                                            .containers = {{.name = "app",
                                                            .image = "shop/app:1",
                                                            .cpu_request = 300,
                                                            .cpu_limit = UNSET,
                                                            .memory_request = 256 << 20,
                                                            .memory_limit = 512 << 20,
                                                            .memory = {.p50 = 200 * MIB, .p90 = 200 * MIB, .p95 = 200 * MIB, .p99 = 200 * MIB, .max = 200 * MIB}}}},
                               .load = steady};
    if (changes) {
        from.load = changes->load ? changes->load : from.load;
        from.replicas = changes->replicas;
        from.budgets = changes->budgets;
        if (changes->workload.kind) {
            from.workload.kind = changes->workload.kind;
        }
    }
    (void)snprintf(config, sizeof config,
                   "version: 1\npricing: {usd_per_vcpu_hour: 0.04, usd_per_gib_hour: 0.005}\nscaling:\n  policies:\n  - {name: p, %s}\n", policy);
    (void)snprintf(answers, sizeof answers, "{\"p\":{\"value\":%s,\"query\":\"q\",\"reason\":null}}", value);
    from.config = config;
    from.policies = answers;
    json_t *scaling = made_scaling(&from);
    const json_t *entry = json_array_get(json_object_get(scaling, "policies"), 0);
    assert_non_null(entry);
    out.advised = json_int_or(entry, "advised", -1);
    out.wanted = json_int_or(entry, "wanted", -1);
    out.monthly = json_int_or(entry, "monthly_microusd", -1);
    (void)snprintf(out.reason, sizeof out.reason, "%s", made_text(entry, "reason"));
    size_t index;
    json_t *bound;
    json_array_foreach(json_object_get(entry, "bounds"), index, bound)
    {
        size_t length = strlen(out.bounds);
        (void)snprintf(out.bounds + length, sizeof out.bounds - length, "%s%s:%d-%d", index ? " " : "", json_string_or_null(bound, "by"),
                       (int)json_int_or(bound, "from", -1), (int)json_int_or(bound, "to", -1));
    }
    out.advice = made_advises(scaling, "policy");
    json_decref(scaling);
    return out;
}

#define CHECK(policy, value, count, acted)                     \
    do {                                                       \
        struct told told = judged(policy, value, NULL);        \
        assert_int_equal(told.advised, count);                 \
        assert_string_equal(told.bounds, acted);               \
        assert_int_equal(told.advice, (count) != 4);           \
    } while (0)

static void test_proportional(void **state)
{
    (void)state;
    CHECK("type: proportional, query: q, target: 100", "150", 6, "");
    CHECK("type: proportional, query: q, target: 100", "110", 4, "");
    CHECK("type: proportional, query: q, target: 100", "91", 4, "");
    CHECK("type: proportional, query: q, target: 100", "112", 5, "");
    CHECK("type: proportional, query: q, target: 100", "51", 3, "");
    CHECK("type: proportional, query: q, target: 100", "0", 2, "availability:1-2");
    CHECK("type: proportional, query: q, target: 100, direction: higher", "50", 8, "");
    CHECK("type: proportional, query: q, target: 100, direction: higher", "200", 2, "");
    CHECK("type: proportional, query: q, target: 100", "-5", 4, "");
    CHECK("type: proportional, query: q, target: 100", "null", 4, "");
}

static void test_slo(void **state)
{
    (void)state;
    CHECK("type: slo, query: q, target: 0.2", "0.3", 6, "");
    CHECK("type: slo, query: q, target: 0.2", "2", 8, "");
    CHECK("type: slo, query: q, target: 0.2, prefer: cost", "2", 5, "");
    CHECK("type: slo, query: q, target: 0.2", "0.21", 5, "");
    CHECK("type: slo, query: q, target: 0.2", "0.2", 4, "");
    CHECK("type: slo, query: q, target: 0.2", "0.15", 4, "");
    CHECK("type: slo, query: q, target: 99.9, direction: higher", "99.95", 4, "");
    CHECK("type: slo, query: q, target: 99.9, direction: higher", "99", 5, "");
    /* Held with ease, but the load needs its four. */
    CHECK("type: slo, query: q, target: 0.2", "0.01", 4, "");
}

static double tiny(int day, double hour)
{
    (void)day, (void)hour;
    return 100;
}

static void test_down(void **state)
{
    (void)state;
    struct made_scaled idle = {.load = tiny};
    assert_int_equal(judged("type: slo, query: q, target: 0.2", "0.01", &idle).advised, 3);
    assert_int_equal(judged("type: slo, query: q, target: 0.2, prefer: performance", "0.09", &idle).advised, 4);
    assert_int_equal(judged("type: slo, query: q, target: 0.2, prefer: performance", "0.04", &idle).advised, 3);
}

static void test_bounds(void **state)
{
    (void)state;
    CHECK("type: proportional, query: q, target: 1, max: 9", "10", 9, "max:40-9");
    CHECK("type: proportional, query: q, target: 1, max_increment: 3", "10", 7, "max_increment:40-7");
    CHECK("type: proportional, query: q, target: 1, max_increment: 3, max: 6", "10", 6, "max_increment:40-7 max:7-6");
    CHECK("type: proportional, query: q, target: 100, max_decrement: 1", "10", 3, "max_decrement:1-3");
    CHECK("type: proportional, query: q, target: 100, min: 3", "10", 3, "availability:1-2 min:2-3");
    CHECK("type: proportional, query: q, target: 100, max: 1", "100", 1, "max:4-1");
    struct made_scaled budget = {.budgets = "[{\"name\":\"b\",\"min_available\":2,\"max_unavailable\":null}]"};
    struct told told = judged("type: proportional, query: q, target: 100", "10", &budget);
    assert_int_equal(told.advised, 3);
    assert_string_equal(told.bounds, "disruption-budget:1-3");
}

static void test_cooldown(void **state)
{
    (void)state;
    struct made_scaled changed = {.replicas = grown};
    struct told told = judged("type: proportional, query: q, target: 1, cooldown: 3h", "10", &changed);
    assert_int_equal(told.advised, 4);
    assert_string_equal(told.bounds, "cooldown:40-4");
    assert_int_equal(judged("type: proportional, query: q, target: 1, cooldown: 1h", "10", &changed).advised, 40);
    assert_int_equal(judged("type: proportional, query: q, target: 1, cooldown: 3h", "10", NULL).advised, 40);
}

/* A replica costs what its requests cost: the amounts are those of the plan, so the test asks for one replica's price first. */
static void test_cost(void **state)
{
    (void)state;
    char policy[200];
    struct told told = judged("type: cost, max_monthly_cost_usd: 100000", "null", NULL);
    assert_int_equal(told.advised, 4);
    double each = (double)told.monthly / 4e6;
    /* 250 to 400m of 0.04 and 200 to 300 MiB of 0.005 a GiB, 730 hours. */
    assert_true(each > 0.2 * 0.04 * 730 && each < 0.4 * 0.04 * 730 + 0.3 * 0.005 * 730);
    (void)snprintf(policy, sizeof policy, "type: cost, max_monthly_cost_usd: %.4f", each * 3.5);
    told = judged(policy, "null", NULL);
    assert_int_equal(told.advised, 3);
    assert_true(told.monthly <= (int64_t)(each * 3.5e6));
    /* What one wants at least against what one wants to pay. */
    (void)snprintf(policy, sizeof policy, "type: cost, min: 4, max_monthly_cost_usd: %.4f", each * 3.5);
    assert_int_equal(judged(policy, "null", NULL).advised, 4);
    (void)snprintf(policy, sizeof policy, "type: cost, min: 4, prefer: cost, max_monthly_cost_usd: %.4f", each * 3.5);
    told = judged(policy, "null", NULL);
    assert_int_equal(told.advised, 3);
    assert_string_equal(told.bounds, "min:3-4 max_monthly_cost:4-3");
    /* Money bounds other policies, too; one always runs. */
    (void)snprintf(policy, sizeof policy, "type: proportional, query: q, target: 1, max_monthly_cost_usd: %.4f", each * 6.5);
    told = judged(policy, "3", NULL);
    assert_int_equal(told.advised, 6);
    assert_string_equal(told.bounds, "max_monthly_cost:12-6");
    assert_int_equal(judged("type: cost, prefer: cost, max_monthly_cost_usd: 0.01", "null", NULL).advised, 1);
    struct made_scaled idle = {.load = tiny};
    assert_int_equal(judged("type: cost, prefer: down, max_monthly_cost_usd: 1000", "null", &idle).advised, 2);
    assert_int_equal(judged("type: cost, max_monthly_cost_usd: 1000", "null", &idle).advised, 4);
    assert_true(judged("type: cost, prefer: up, max_monthly_cost_usd: 1000", "null", NULL).advised >= 4);
}

static void test_stateful(void **state)
{
    (void)state;
    struct made_scaled set = {.workload = {.kind = "StatefulSet"}};
    struct told told = judged("type: proportional, query: q, target: 1", "10", &set);
    assert_int_equal(told.advised, -1);
    assert_false(told.advice);
    assert_true(strlen(told.reason) > 0);
}

/* The autoscaler that is advised keeps within the same bounds, and the query becomes one of its own. */
static void test_autoscaler(void **state)
{
    (void)state;
    struct made_scaled from = {.workload = {.name = "web",
                                            .replicas = 6,
                                            .count = 1,
                                            .containers = {{.name = "app",
                                                            .image = "shop/app:1",
                                                            .cpu_request = 1000,
                                                            .cpu_limit = UNSET,
                                                            .memory_request = 256 << 20,
                                                            .memory_limit = 512 << 20,
                                                            .memory = {.p50 = 200 * MIB, .p90 = 200 * MIB, .p95 = 200 * MIB, .p99 = 200 * MIB, .max = 200 * MIB}}}},
                               .load = daily,
                               .policies = "{\"p\":{\"value\":0.3,\"query\":\"sum(x{a=\\\"b\\\"})\",\"reason\":null}}",
                               .config = "version: 1\nmetrics: {prometheus: 'http://prom:9090'}\nscaling:\n  policies:\n  - {name: p, type: slo, query: q, "
                                         "target: 0.25, min: 3, max: 5, max_increment: 2, max_decrement: 1, cooldown: 15m}\n"};
    json_t *out = made_scaling(&from);
    const char *yaml = made_yaml(out, "HorizontalPodAutoscaler");
    assert_non_null(strstr(yaml, "  minReplicas: 3\n  maxReplicas: 5\n"));
    assert_non_null(strstr(yaml, "        - type: Pods\n          value: 2\n          periodSeconds: 900\n"));
    assert_non_null(strstr(yaml, "      stabilizationWindowSeconds: 900\n"));
    size_t index;
    json_t *entry;
    bool found = false;
    json_array_foreach(json_object_get(out, "manifests"), index, entry)
    {
        const char *text = json_string_or_null(entry, "yaml");
        if (str_equal(json_string_or_null(entry, "option"), "policy-p")) {
            found = true;
            assert_non_null(strstr(text, "serverAddress: \"http://prom:9090\"\n"));
            assert_non_null(strstr(text, "query: \"sum(x{a=\\\"b\\\"})\"\n"));
            assert_non_null(strstr(text, "threshold: \"0.25\"\n"));
            assert_non_null(strstr(text, "minReplicaCount: 3\n  maxReplicaCount: 5\n"));
        }
    }
    assert_true(found);
    json_decref(out);
}

int main(void)
{
    json_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_proportional), cmocka_unit_test(test_slo),  cmocka_unit_test(test_down),     cmocka_unit_test(test_bounds),
        cmocka_unit_test(test_cooldown),     cmocka_unit_test(test_cost), cmocka_unit_test(test_stateful), cmocka_unit_test(test_autoscaler),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
