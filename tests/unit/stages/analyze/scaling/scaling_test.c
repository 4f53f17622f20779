/* Known loads, and the advice that must come of them. */

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

/* 300m at night, up to 2400m at 14:00. */
static double daily(int day, double hour)
{
    (void)day;
    double wave = (1 + cos((hour - 14) / 24 * 2 * 3.14159265)) / 2;
    return 300 + 2100 * wave * wave;
}

/* From 8 to 18, on working days. */
static double office(int day, double hour)
{
    return day % 7 < 5 && hour >= 8 && hour < 18 ? 2000 : 300;
}

/* One sale on Thursday at 20:00, of 20 minutes. */
static double sale(int day, double hour)
{
    return day == 3 && hour >= 20 && hour < 20.34 ? 6000 : 800;
}

static double growing(int day, double hour)
{
    return 500 + 100 * (day + hour / 24);
}

/* Ten minutes from each full hour. */
static double hourly(int day, double hour)
{
    (void)day;
    return fmod(hour, 1) < 0.15 ? 2400 : 400;
}

static double bursty(int day, double hour)
{
    int slot = (int)(hour * 12);
    return (slot * 7919 + day * 104729) % 41 == 0 ? 2500 : 500;
}

/* Tuesdays of two weeks. */
static double tuesdays(int day, double hour)
{
    return day % 7 == 1 && hour < 22 ? 2500 : 600;
}

static struct made_scaled web(made_load *load, double replicas)
{
    return (struct made_scaled){.workload = {.name = "web",
                                             .replicas = replicas,
                                             .count = 1,
                                             .containers = {{.name = "app",
                                                             .image = "shop/app:1",
                                                             .cpu_request = 1000,
                                                             .cpu_limit = UNSET,
                                                             .memory_request = 256 << 20,
                                                             .memory_limit = 512 << 20,
                                                             .memory = {.p50 = 100 * MIB,
                                                                        .p90 = 110 * MIB,
                                                                        .p95 = 112 * MIB,
                                                                        .p99 = 115 * MIB,
                                                                        .max = 120 * MIB}}}},
                                .load = load,
                                .noise = 0.05};
}

static int64_t number(const json_t *scaling, const char *path)
{
    return json_integer_value(json_at(scaling, path));
}

static void test_steady(void **state)
{
    (void)state;
    struct made_scaled from = web(steady, 3);
    json_t *out = made_scaling(&from);
    assert_string_equal(made_text(out, "kind_of_load"), "steady");
    assert_string_equal(made_text(out, "autoscaler.action"), "none");
    assert_true(json_is_null(json_object_get(out, "schedule")));
    assert_int_equal(json_array_size(json_object_get(out, "manifests")), 0);
    assert_int_equal(number(out, "replicas.advised"), 3);
    assert_int_equal(number(out, "replicas.floor"), 2);
    json_decref(out);
}

static void test_daily(void **state)
{
    (void)state;
    struct made_scaled from = web(daily, 6);
    json_t *out = made_scaling(&from);
    assert_string_equal(made_text(out, "kind_of_load"), "daily");
    assert_string_equal(made_text(out, "autoscaler.action"), "create");
    assert_in_range(number(out, "autoscaler.target"), 40, 80);
    assert_in_range(number(out, "autoscaler.min"), 2, 4);
    assert_in_range(number(out, "autoscaler.max"), 6, 12);
    const char *yaml = made_yaml(out, "HorizontalPodAutoscaler");
    assert_non_null(yaml);
    assert_non_null(strstr(yaml, "apiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nmetadata:\n  name: web\n  namespace: shop\n"));
    assert_non_null(strstr(yaml, "  scaleTargetRef:\n    apiVersion: apps/v1\n    kind: Deployment\n    name: web\n"));
    assert_non_null(strstr(yaml, "  metrics:\n    - type: Resource\n      resource:\n        name: cpu\n        target:\n          type: Utilization\n"));
    assert_non_null(strstr(yaml, "stabilizationWindowSeconds: 300\n"));
    /* The clock is another way to the same. */
    assert_true(json_is_object(json_object_get(out, "schedule")));
    assert_non_null(strstr(made_yaml(out, "ScaledObject"), "    - type: cron\n      metadata:\n        timezone: UTC\n"));
    assert_non_null(strstr(made_yaml(out, "CronJob"), "  timeZone: UTC\n"));
    assert_non_null(strstr(made_yaml(out, "Role"), "resources:\n      - deployments/scale\n    resourceNames:\n      - web\n"));
    assert_string_equal(json_string_or_null(json_array_get(json_object_get(out, "manifests"), 0), "option"), "hpa");
    json_decref(out);
}

static void test_weekend(void **state)
{
    (void)state;
    struct made_scaled from = web(office, 6);
    from.config = "version: 1\nscaling: {timezone: Europe/Berlin}\n";
    json_t *out = made_scaling(&from);
    assert_string_equal(made_text(out, "kind_of_load"), "weekend");
    const json_t *entry = json_array_get(json_at(out, "schedule.entries"), 0);
    assert_string_equal(json_string_or_null(entry, "days"), "1-5");
    /* 8 to 18 UTC is 9 to 19 there. */
    assert_string_equal(json_string_or_null(entry, "start"), "08:45");
    assert_string_equal(json_string_or_null(entry, "end"), "19:00");
    assert_string_equal(made_text(out, "schedule.timezone"), "Europe/Berlin");
    assert_non_null(strstr(made_yaml(out, "ScaledObject"), "start: \"45 8 * * 1-5\"\n        end: \"0 19 * * 1-5\"\n"));
    assert_non_null(strstr(made_yaml(out, "CronJob"), "schedule: \"45 8 * * 1-5\"\n"));
    json_decref(out);
}

static void test_weekly(void **state)
{
    (void)state;
    struct made_scaled from = web(tuesdays, 5);
    from.days = 14;
    json_t *out = made_scaling(&from);
    assert_string_equal(made_text(out, "kind_of_load"), "weekly");
    const json_t *entry = json_array_get(json_at(out, "schedule.entries"), 0);
    assert_string_equal(json_string_or_null(entry, "days"), "2");
    /* Seen once, it is no pattern. */
    from.days = 7;
    json_t *once = made_scaling(&from);
    assert_string_not_equal(made_text(once, "kind_of_load"), "weekly");
    json_decref(out);
    json_decref(once);
}

static void test_sale(void **state)
{
    (void)state;
    struct made_scaled from = web(sale, 3);
    json_t *out = made_scaling(&from);
    assert_string_equal(made_text(out, "kind_of_load"), "spike");
    assert_true(made_advises(out, "spike-headroom"));
    assert_string_equal(made_text(out, "autoscaler.action"), "none");
    assert_true(number(out, "replicas.for_spikes") > 3);
    assert_int_equal(number(out, "replicas.advised"), 3);
    assert_string_equal(json_string_or_null(json_array_get(json_at(out, "load.spikes"), 0), "start"), "2026-11-19T20:00:00Z");
    json_decref(out);
}

static void test_growing(void **state)
{
    (void)state;
    struct made_scaled from = web(growing, 3);
    json_t *out = made_scaling(&from);
    assert_string_equal(made_text(out, "kind_of_load"), "growing");
    assert_true(json_real_value(json_at(out, "load.growth_per_day")) > 0.08);
    json_decref(out);
}

static void test_hourly(void **state)
{
    (void)state;
    struct made_scaled from = web(hourly, 4);
    json_t *out = made_scaling(&from);
    assert_string_equal(made_text(out, "kind_of_load"), "hourly");
    const json_t *entry = json_array_get(json_at(out, "schedule.entries"), 0);
    assert_string_equal(json_string_or_null(entry, "start"), "*:55");
    json_decref(out);
}

static void test_bursty(void **state)
{
    (void)state;
    struct made_scaled from = web(bursty, 3);
    json_t *out = made_scaling(&from);
    assert_string_equal(made_text(out, "kind_of_load"), "bursty");
    assert_string_equal(made_text(out, "autoscaler.action"), "none");
    json_decref(out);
}

/* Noise alone is no pattern, and nothing to scale by. */
static void test_noise(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct made_scaled from = web(steady, 3);
        rng_seed(seed);
        from.noise = 0.4;
        json_t *out = made_scaling(&from);
        assert_string_equal(made_text(out, "kind_of_load"), "steady");
        assert_string_equal(made_text(out, "autoscaler.action"), "none");
        json_decref(out);
    }
}

static void test_stateful(void **state)
{
    (void)state;
    struct made_scaled from = web(daily, 3);
    from.workload.kind = "StatefulSet";
    json_t *set = made_scaling(&from);
    assert_string_equal(made_text(set, "autoscaler.action"), "none");
    assert_null(made_yaml(set, "HorizontalPodAutoscaler"));
    assert_null(made_yaml(set, "VerticalPodAutoscaler"));
    from.load = growing;
    json_t *grows = made_scaling(&from);
    assert_non_null(strstr(made_yaml(grows, "VerticalPodAutoscaler"), "updateMode: InPlaceOrRecreate\n"));
    from = web(daily, 3);
    from.workload.containers[0].image = "redis:7";
    json_t *cache = made_scaling(&from);
    assert_null(made_yaml(cache, "HorizontalPodAutoscaler"));
    from = web(daily, 3);
    from.workload.containers[0].cpu.pod_max = 2000;
    from.workload.containers[0].cpu.pod_median = 50;
    from.workload.containers[0].cpu.pods = 3;
    json_t *leader = made_scaling(&from);
    assert_null(made_yaml(leader, "HorizontalPodAutoscaler"));
    from = web(daily, 3);
    from.workload.kind = "DaemonSet";
    json_t *daemon = made_scaling(&from);
    assert_non_null(made_yaml(daemon, "VerticalPodAutoscaler"));
    assert_null(made_yaml(daemon, "HorizontalPodAutoscaler"));
    json_decref(set), json_decref(grows), json_decref(cache), json_decref(leader), json_decref(daemon);
}

static void test_single(void **state)
{
    (void)state;
    struct made_scaled from = web(steady, 1);
    json_t *calm = made_scaling(&from);
    assert_null(made_yaml(calm, "VerticalPodAutoscaler"));
    assert_false(made_advises(calm, "vertical"));
    json_decref(calm);
    from.load = growing;
    from.workload.kind = "StatefulSet";
    json_t *out = made_scaling(&from);
    assert_true(made_advises(out, "vertical"));
    const char *yaml = made_yaml(out, "VerticalPodAutoscaler");
    assert_non_null(strstr(yaml, "apiVersion: autoscaling.k8s.io/v1\n"));
    assert_non_null(strstr(yaml, "updateMode: Initial\n"));
    assert_non_null(strstr(yaml, "    - containerName: app\n        controlledResources:\n          - cpu\n          - memory\n") ||
                    strstr(yaml, "- containerName: app\n"));
    assert_string_equal(made_text(out, "vertical.mode"), "Initial");
    json_decref(out);
}

static void test_sidecar(void **state)
{
    (void)state;
    struct made_scaled from = web(daily, 6);
    from.workload.count = 2;
    from.workload.containers[1] = from.workload.containers[0];
    from.workload.containers[1].name = "proxy";
    from.workload.containers[1].role = "sidecar";
    json_t *out = made_scaling(&from);
    assert_non_null(strstr(made_yaml(out, "HorizontalPodAutoscaler"), "- type: ContainerResource\n      containerResource:\n        name: cpu\n        container: app\n"));
    json_decref(out);
}

static double at_most_four(int day, double hour)
{
    (void)day;
    return hour >= 10 && hour < 18 ? 4 : 2;
}

static double always_five(int day, double hour)
{
    (void)day, (void)hour;
    return 5;
}

#define HPA(name, min, max, target) \
    "{\"kind\":\"HorizontalPodAutoscaler\",\"name\":\"" name "\",\"min\":" min ",\"max\":" max \
    ",\"metrics\":[{\"type\":\"Resource\",\"resource\":\"cpu\",\"container\":null,\"target_type\":\"Utilization\",\"target\":" target "}]"

static void test_saturated(void **state)
{
    (void)state;
    struct made_scaled from = web(daily, 4);
    from.replicas = at_most_four;
    from.workload.autoscaler = HPA("web-scaler", "2", "4", "50") "}";
    json_t *out = made_scaling(&from);
    assert_string_equal(made_text(out, "autoscaler.action"), "change");
    assert_true(made_advises(out, "autoscaler-saturated"));
    assert_true(number(out, "autoscaler.max") >= 6);
    const char *yaml = made_yaml(out, "HorizontalPodAutoscaler");
    assert_non_null(strstr(yaml, "  name: web-scaler\n"));
    assert_null(strstr(yaml, "behavior"));
    assert_true(json_is_null(json_object_get(out, "schedule")));
    /* KEDA owns its own: advice, never a second one. */
    from.workload.autoscaler = "{\"kind\":\"ScaledObject\",\"name\":\"web\",\"min\":2,\"max\":4,\"metrics\":[{\"type\":\"Resource\",\"resource\":"
                               "\"cpu\",\"container\":null,\"target_type\":\"Utilization\",\"target\":50}]}";
    json_t *keda = made_scaling(&from);
    assert_true(made_advises(keda, "autoscaler-saturated"));
    assert_int_equal(json_array_size(json_object_get(keda, "manifests")), 0);
    assert_true(made_advises(keda, "schedule"));
    json_decref(out);
    json_decref(keda);
}

/* Request and target of an autoscaler move together, so that it adds pods at the same use. */
static void test_move(void **state)
{
    (void)state;
    struct made_scaled from = web(steady, 3);
    from.workload.containers[0].cpu_request = 500;
    from.workload.autoscaler = HPA("web", "2", "6", "60") "}";
    json_t *out = made_scaling(&from);
    const json_t *entry = json_object_get(out, "autoscaler");
    assert_string_equal(json_string_or_null(entry, "action"), "change");
    int64_t request = json_int_or(entry, "request_millicores", 0);
    int64_t target = json_int_or(entry, "target", 0);
    assert_true(request > 0 && request != 500);
    assert_in_range(target, 1, 100);
    /* 60 % of 500m, within 2 %. */
    assert_in_range(request * target / 100, 294, 306);
    assert_true(made_advises(out, "autoscaler-target"));
    char wanted[60];
    (void)snprintf(wanted, sizeof wanted, "averageUtilization: %d\n", (int)target);
    assert_non_null(strstr(made_yaml(out, "HorizontalPodAutoscaler"), wanted));
    assert_non_null(strstr(made_yaml(out, "HorizontalPodAutoscaler"), "  minReplicas: 2\n  maxReplicas: 6\n"));
    json_decref(out);
}

static void test_idle_minimum(void **state)
{
    (void)state;
    struct made_scaled from = web(steady, 5);
    from.load = steady;
    from.replicas = always_five;
    from.workload.autoscaler = HPA("web", "5", "9", "80") "}";
    json_t *out = made_scaling(&from);
    assert_true(made_advises(out, "autoscaler-idle"));
    assert_int_equal(number(out, "autoscaler.min"), 2);
    json_decref(out);
}

static bool conflicts_with(const char *autoscaler, const char *kind, int64_t request, const char *code)
{
    struct made_scaled from = web(steady, 3);
    from.workload.autoscaler = autoscaler;
    from.workload.kind = kind;
    from.workload.containers[0].cpu_request = request;
    json_t *out = made_scaling(&from);
    bool found = false;
    size_t index;
    json_t *entry;
    json_array_foreach(json_object_get(out, "conflicts"), index, entry)
    {
        found = found || str_equal(json_string_or_null(entry, "code"), code);
    }
    assert_true(!found || made_advises(out, "conflict"));
    json_decref(out);
    return found;
}

#define VPA(mode) "{\"kind\":\"VerticalPodAutoscaler\",\"name\":\"v\",\"min\":null,\"max\":null,\"metrics\":[],\"update_mode\":\"" mode "\"}"
#define KEDA "{\"kind\":\"ScaledObject\",\"name\":\"k\",\"min\":1,\"max\":3,\"metrics\":[]}"

static void test_conflicts(void **state)
{
    (void)state;
    assert_true(conflicts_with(HPA("a", "1", "5", "80") ",\"also\":[" VPA("Auto") "]}", NULL, 500, "hpa-and-vpa"));
    assert_false(conflicts_with(HPA("a", "1", "5", "80") ",\"also\":[" VPA("Off") "]}", NULL, 500, "hpa-and-vpa"));
    assert_true(conflicts_with(HPA("a", "1", "5", "80") ",\"also\":[" HPA("b", "1", "5", "70") "}]}", NULL, 500, "two-autoscalers"));
    assert_true(conflicts_with(HPA("a", "1", "5", "80") ",\"also\":[" KEDA "]}", NULL, 500, "two-autoscalers"));
    assert_false(conflicts_with(HPA("keda-hpa-k", "1", "5", "80") ",\"also\":[" KEDA "]}", NULL, 500, "two-autoscalers"));
    assert_true(conflicts_with(HPA("a", "1", "5", "80") "}", NULL, UNSET, "no-request"));
    assert_false(conflicts_with(HPA("a", "1", "5", "80") "}", NULL, 500, "no-request"));
    assert_true(conflicts_with(HPA("a", "7", "5", "80") "}", NULL, 500, "min-above-max"));
    assert_true(conflicts_with(HPA("a", "1", "5", "80") "}", "DaemonSet", 500, "wrong-kind"));
}

static void test_budgets(void **state)
{
    (void)state;
    struct made_scaled from = web(daily, 6);
    from.budgets = "[{\"name\":\"b\",\"min_available\":4,\"max_unavailable\":null}]";
    json_t *out = made_scaling(&from);
    assert_int_equal(number(out, "replicas.floor"), 5);
    assert_string_equal(made_text(out, "replicas.floor_by"), "disruption-budget");
    assert_true(number(out, "autoscaler.min") >= 5);
    json_decref(out);
}

/* Names that Kubernetes would refuse give advice and no manifest; those it takes are quoted where YAML would read something else. */
static void test_names(void **state)
{
    (void)state;
    static const char *const bad[] = {"Web", "web\n  evil: 1", "-web", "web.", "a_b", "", "\xc3\xa4", "$(x)", "web: {}"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct made_scaled from = web(daily, 6);
        from.workload.name = bad[i];
        json_t *out = made_scaling(&from);
        assert_int_equal(json_array_size(json_object_get(out, "manifests")), 0);
        assert_string_equal(made_text(out, "autoscaler.action"), "create");
        json_decref(out);
    }
    static const char *const odd[] = {"true", "1e3", "null", "0x1f", "on", "12"};
    for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) {
        char wanted[64];
        struct made_scaled from = web(daily, 6);
        from.workload.name = odd[i];
        json_t *out = made_scaling(&from);
        (void)snprintf(wanted, sizeof wanted, "  name: \"%s\"\n", odd[i]);
        assert_non_null(strstr(made_yaml(out, "HorizontalPodAutoscaler"), wanted));
        json_decref(out);
    }
}

int main(void)
{
    json_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_steady),    cmocka_unit_test(test_daily),        cmocka_unit_test(test_weekend),
        cmocka_unit_test(test_weekly),    cmocka_unit_test(test_sale),         cmocka_unit_test(test_growing),
        cmocka_unit_test(test_hourly),    cmocka_unit_test(test_bursty),       cmocka_unit_test(test_noise),
        cmocka_unit_test(test_stateful),  cmocka_unit_test(test_single),       cmocka_unit_test(test_sidecar),
        cmocka_unit_test(test_saturated), cmocka_unit_test(test_move), cmocka_unit_test(test_idle_minimum), cmocka_unit_test(test_conflicts),
        cmocka_unit_test(test_budgets),   cmocka_unit_test(test_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
