/* Whatever the load, the workload, its autoscalers and the policies are: ranges are ranges, what holds state is not scaled, and no
 * second autoscaler is advised. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pipeline/base/clock.h"
#include "tests/harness/rounds.h"
#include "tests/unit/stages/analyze/scaling/load_builder.h"

enum { CASES = 700 };

/* The load of the present case. */
static struct {
    double base, wave, peak_hour, weekend, growth, spike, hourly, step;
    int spike_day;
} shape;

static bool chance(double share)
{
    return rng_unit() < share;
}

static double some_load(int day, double hour)
{
    double value = shape.base * (1 + shape.wave * (1 + cos((hour - shape.peak_hour) / 24 * 6.2832)) / 2) * (1 + shape.growth * (day + hour / 24));
    value *= day % 7 >= 5 ? shape.weekend : 1;
    value *= shape.spike > 0 && day == shape.spike_day && hour >= 20 && hour < 20.5 ? shape.spike : 1;
    value *= fmod(hour, 1) < 0.1 ? 1 + shape.hourly : 1;
    return value * (shape.step > 0 && day >= 4 ? shape.step : 1);
}

static double some_replicas(int day, double hour)
{
    return 1 + (day * 3 + (int)hour / 6) % 5;
}

static const char *one_of(const char *const *list, size_t count)
{
    return list[(size_t)(rng_unit() * (double)count) % count];
}

#define ONE_OF(list) one_of(list, sizeof list / sizeof *list)

static const char *const kinds[] = {"Deployment", "Deployment", "Deployment", "Rollout", "ReplicaSet", "StatefulSet", "DaemonSet", "Job"};
static const char *const images[] = {"shop/app:1", "shop/app:1", "redis:7", "postgres:16", "nginx:1"};
static const char *const scalers[] = {
    NULL, NULL, NULL,
    "{\"kind\":\"HorizontalPodAutoscaler\",\"name\":\"h\",\"min\":2,\"max\":5,\"metrics\":[{\"type\":\"Resource\",\"resource\":\"cpu\",\"container\":null,\"target_type\":\"Utilization\",\"target\":70}]}",
    "{\"kind\":\"HorizontalPodAutoscaler\",\"name\":\"h\",\"min\":9,\"max\":5,\"metrics\":[{\"type\":\"External\",\"resource\":null,\"container\":null,\"target_type\":null,\"target\":null}]}",
    "{\"kind\":\"ScaledObject\",\"name\":\"k\",\"min\":null,\"max\":null,\"metrics\":[{\"type\":\"External\",\"resource\":null,\"container\":null,\"target_type\":null,\"target\":null}]}",
    "{\"kind\":\"VerticalPodAutoscaler\",\"name\":\"v\",\"min\":null,\"max\":null,\"metrics\":[],\"update_mode\":\"Auto\"}"};
static const char *const budgets[] = {NULL, NULL, "[{\"name\":\"b\",\"min_available\":3,\"max_unavailable\":null}]", "[{\"name\":\"b\",\"min_available\":\"100%\",\"max_unavailable\":null}]"};
static const char *const configs[] = {
    NULL, NULL, "version: 1\nscaling: {timezone: Asia/Kolkata}\n",
    "version: 1\nscaling:\n  policies:\n  - {name: p, type: proportional, query: q, target: 1, min: 2, max: 7, max_increment: 2, max_decrement: 1}\n",
    "version: 1\npolicy: {guardrails: {max_replicas: 3}}\n",
    "version: 1\npolicy: {guardrails: {max_replicas: 3}}\nscaling: {policies: [{name: p, type: proportional, query: q, target: 1}]}\n",
    "version: 1\nscaling:\n  policies:\n  - {name: p, type: slo, query: q, target: 1, max: 3, cooldown: 30m}\n"
    "  - {name: c, type: cost, max_monthly_cost_usd: 40, prefer: cost}\n"};
static const char *const values[] = {NULL, "{\"p\":{\"value\":0.2,\"query\":\"q\",\"reason\":null}}", "{\"p\":{\"value\":9000,\"query\":\"q\",\"reason\":null}}",
                                     "{\"p\":{\"value\":null,\"query\":\"q\",\"reason\":\"none\"}}", "{\"p\":7}", "[]"};
static const char *const names[] = {"web", "true", "Web", "a.b", "x\ny"};

static void random_case(struct made_scaled *out)
{
    memset(&shape, 0, sizeof shape);
    shape.base = pow(10, 4 * rng_unit());
    shape.wave = chance(0.6) ? 6 * rng_unit() : 0;
    shape.peak_hour = 24 * rng_unit();
    shape.weekend = chance(0.3) ? 2 * rng_unit() : 1;
    shape.growth = chance(0.2) ? 0.3 * rng_unit() : 0;
    shape.spike = chance(0.2) ? 12 * rng_unit() : 0;
    shape.spike_day = (int)(7 * rng_unit());
    shape.hourly = chance(0.15) ? 4 * rng_unit() : 0;
    shape.step = chance(0.15) ? 3 * rng_unit() : 0;
    *out = (struct made_scaled){.load = some_load, .noise = 0.5 * rng_unit() * rng_unit(), .days = chance(0.2) ? 1 + (int)(13 * rng_unit()) : 7};
    out->replicas = chance(0.2) ? some_replicas : NULL;
    out->budgets = ONE_OF(budgets);
    out->config = ONE_OF(configs);
    out->policies = ONE_OF(values);
    out->namespace = chance(0.1) ? "" : NULL;
    out->workload = (struct made_workload){.kind = ONE_OF(kinds), .name = ONE_OF(names), .replicas = 1 + (int)(12 * rng_unit()), .autoscaler = ONE_OF(scalers), .count = 1 + chance(0.2)};
    for (size_t i = 0; i < out->workload.count; i++) {
        out->workload.containers[i] = (struct made_container){.name = i ? "proxy" : "app",
                                                              .image = ONE_OF(images),
                                                              .cpu_request = chance(0.15) ? UNSET : (int64_t)(10 + 2000 * rng_unit()),
                                                              .cpu_limit = UNSET,
                                                              .memory_request = 256 << 20,
                                                              .memory_limit = 512 << 20,
                                                              .cpu = {.p50 = 5, .p90 = 6, .p95 = 7, .p99 = 8, .max = 9},
                                                              .memory = {.p50 = 100 * MIB, .p90 = 110 * MIB, .p95 = 112 * MIB, .p99 = 115 * MIB, .max = 120 * MIB}};
    }
}

static size_t count_kind(const json_t *scaling, const char *kind, const char *option)
{
    size_t count = 0, index;
    json_t *entry;
    json_array_foreach(json_object_get(scaling, "manifests"), index, entry)
    {
        count += str_equal(json_string_or_null(entry, "kind"), kind) && (!option || str_equal(json_string_or_null(entry, "option"), option));
    }
    return count;
}

static void check_autoscaler(const struct made_scaled *from, const json_t *out)
{
    const json_t *entry = json_object_get(out, "autoscaler");
    bool create = str_equal(json_string_or_null(entry, "action"), "create");
    bool stateful = str_equal(from->workload.kind, "StatefulSet") || str_equal(from->workload.kind, "DaemonSet") || str_equal(from->workload.kind, "Job") ||
                    str_starts(from->workload.containers[0].image, "redis") || str_starts(from->workload.containers[0].image, "postgres");
    bool there = from->workload.autoscaler && !strstr(from->workload.autoscaler, "Vertical");
    assert_false(create && (stateful || there));
    assert_true(count_kind(out, "HorizontalPodAutoscaler", NULL) <= 1);
    if (from->workload.autoscaler && strstr(from->workload.autoscaler, "ScaledObject")) {
        assert_int_equal(count_kind(out, "HorizontalPodAutoscaler", NULL) + count_kind(out, "ScaledObject", NULL), 0);
    }
    if (there || stateful) {
        assert_int_equal(count_kind(out, "ScaledObject", NULL) + count_kind(out, "CronJob", NULL), 0);
    }
    if (stateful) {
        assert_int_equal(count_kind(out, "HorizontalPodAutoscaler", "hpa"), there && made_yaml(out, "HorizontalPodAutoscaler") ? 1 : 0);
    }
    if (create) {
        int64_t min = json_int_or(entry, "min", 0), max = json_int_or(entry, "max", 0);
        assert_true(min >= 1 && min < max);
        assert_in_range(json_int_or(entry, "target", 0), 1, 100);
        /* A VerticalPodAutoscaler beside it leaves the CPU alone. */
        assert_null(made_yaml(out, "VerticalPodAutoscaler"));
        assert_false(from->workload.autoscaler && strstr(from->workload.autoscaler, "Auto\""));
    }
}

/* Whether what keeps the workload available, which comes after the steps, asked for more. */
static bool raised_after_step(const json_t *entry)
{
    const json_t *bounds = json_object_get(entry, "bounds");
    const json_t *last = json_array_get(bounds, json_array_size(bounds) - 1);
    return !str_equal(json_string_or_null(last, "by"), "max_increment") && json_int_or(last, "to", 0) > json_int_or(last, "from", 0);
}

static void check_policies(const struct made_scaled *from, const json_t *out)
{
    size_t index;
    json_t *entry;
    json_array_foreach(json_object_get(out, "policies"), index, entry)
    {
        int64_t advised = json_int_or(entry, "advised", -1), now = json_int_or(entry, "now", -1);
        if (advised < 0) {
            continue;
        }
        assert_true(advised >= 1);
        if (strstr(from->config, "max_increment")) {
            assert_in_range(advised, 2, 7);
            assert_true(advised <= now + 2 || now + 2 < 2 || raised_after_step(entry));
        }
    }
}

/* The largest number after a key of the manifests that come with the advice, 0 for none. */
static int64_t most_written(const json_t *scaling, const char *key)
{
    int64_t most = 0;
    size_t index;
    json_t *entry;
    json_array_foreach(json_object_get(scaling, "manifests"), index, entry)
    {
        const char *text = json_string_or_null(entry, "yaml");
        assert_non_null(text);
        for (const char *at = strstr(text, key); at != NULL; at = strstr(at + 1, key)) {
            int64_t found = strtoll(at + strlen(key) + strspn(at + strlen(key), "\"'"), NULL, 10);
            most = found > most ? found : most;
        }
    }
    return most;
}

/* Nothing asks for more than max_replicas, or than there is. */
static void check_most(const struct made_scaled *from, const json_t *out)
{
    const json_t *replicas = json_object_get(out, "replicas");
    const json_t *autoscaler = json_object_get(out, "autoscaler");
    if (!from->config || !strstr(from->config, "max_replicas") || !json_is_object(replicas)) {
        return;
    }
    int64_t now = json_int_or(replicas, "now", 0);
    int64_t most = now > 3 ? now : 3;
    size_t index;
    json_t *entry;
    assert_true(json_int_or(replicas, "advised", 0) <= most);
    json_array_foreach(json_object_get(out, "policies"), index, entry)
    {
        assert_true(json_int_or(entry, "advised", 0) <= most);
    }
    json_array_foreach(json_at(out, "schedule.entries"), index, entry)
    {
        assert_true(json_int_or(entry, "replicas", 0) <= most);
    }
    int64_t there = json_int_or(autoscaler, "max_before", 0);
    int64_t limit = most > there ? most : there;
    if (!str_equal(json_string_or_null(autoscaler, "action"), "none")) {
        assert_true(json_int_or(autoscaler, "max", 0) <= limit);
    }
    assert_true(most_written(out, "maxReplicas: ") <= limit);
    assert_true(most_written(out, "maxReplicaCount: ") <= limit);
    assert_true(most_written(out, "desiredReplicas: ") <= limit);
    assert_true(most_written(out, "--replicas=") <= limit);
}

static void test_anything(void **state)
{
    (void)state;
    size_t created = 0, scheduled = 0, vertical = 0;
    rng_seed(20261122);
    for (int i = 0; i < rounds_of(CASES); i++) {
        struct made_scaled from;
        random_case(&from);
        json_t *out = made_scaling(&from);
        const json_t *replicas = json_object_get(out, "replicas");
        if (json_is_object(out)) {
            check_autoscaler(&from, out);
            check_policies(&from, out);
            check_most(&from, out);
        }
        if (json_is_object(replicas)) {
            assert_true(json_int_or(replicas, "floor", 0) >= 1);
            assert_true(json_int_or(replicas, "advised", 0) >= 1);
            if (json_int_or(replicas, "advised", 0) < json_int_or(replicas, "now", 0)) {
                assert_true(json_int_or(replicas, "advised", 0) >= json_int_or(replicas, "floor", 0));
            }
        }
        created += str_equal(made_text(out, "autoscaler.action"), "create");
        scheduled += json_is_object(json_object_get(out, "schedule"));
        vertical += json_is_object(json_object_get(out, "vertical"));
        json_decref(out);
    }
    assert_true(rounds_of(CASES) < CASES || (created > 10 && scheduled > 10 && vertical > 10));
}

/* Records that no stage of ours would write. */
static void test_broken(void **state)
{
    (void)state;
    static const char *const broken[] = {"{\"kind\":7,\"metrics\":{},\"min\":\"x\"}", "[]", "7", "{\"metrics\":[7,null,{\"type\":[]}],\"also\":7}",
                                         "{\"kind\":\"HorizontalPodAutoscaler\",\"min\":-5,\"max\":-9,\"metrics\":[{\"type\":\"Resource\",\"resource\":\"cpu\",\"target\":-3}]}"};
    for (size_t i = 0; i < sizeof broken / sizeof *broken; i++) {
        struct made_scaled from;
        rng_seed(i);
        random_case(&from);
        from.workload.autoscaler = broken[i];
        from.budgets = broken[i];
        from.policies = broken[i];
        json_t *out = made_scaling(&from);
        json_decref(out);
        from.workload.no_usage = true;
        out = made_scaling(&from);
        json_decref(out);
    }
}

int main(void)
{
    json_init();
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_anything), cmocka_unit_test(test_broken)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
