/* Autoscalers: which request and target keep the load at which they scale, and where they are at odds. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/rng.h"
#include "pipeline/base/str.h"
#include "stages/analyze/subject/scalers.h"
#include "tests/harness/rounds.h"
#include "tests/unit/stages/analyze/sizing/plan_builder.h"

#define METRIC(type, resource, rest) "{\"type\":\"" type "\",\"resource\":\"" resource "\",\"target_type\":\"Utilization\"" rest "}"
#define HPA(metrics, rest) "{\"kind\":\"HorizontalPodAutoscaler\",\"name\":\"h\",\"min\":2,\"max\":9,\"metrics\":[" metrics "]" rest "}"
#define POD_CPU(target) METRIC("Resource", "cpu", ",\"target\":" target)
#define APP_CPU(target) METRIC("ContainerResource", "cpu", ",\"container\":\"app\",\"target\":" target)
#define VPA(mode) "{\"kind\":\"VerticalPodAutoscaler\",\"name\":\"v\",\"update_mode\":\"" mode "\"}"

#define APP(cr, cl, mr, ml) \
    { \
        .name = "app", .cpu_request = cr, .cpu_limit = cl, .memory_request = mr, .memory_limit = ml, .cpu = CPU_150, .memory = MEM_200 \
    }
#define SIDE(cr) \
    { \
        .name = "proxy", .role = "sidecar", .cpu_request = cr, .cpu_limit = UNSET, .memory_request = MI(32), .memory_limit = UNSET, .no_usage = true \
    }
#define SINGLE(...) .replicas = 2, .count = 1, .containers = {APP(__VA_ARGS__)}

struct truth {
    const char *what;
    struct made_workload workload;
    size_t moves;
    const char *why_not; /* of the first move */
    int64_t request, new_target;
    const char *conflict; /* the first one, NULL: none */
};

/* clang-format off */
static const struct truth truths[] = {
    /* 70 % of 500 = 350; the rules' step is 250: 350 ÷ 250 = 140 % */
    {"of the pod", {.autoscaler = HPA(POD_CPU("70"), ""), SINGLE(500, UNSET, MI(220), MI(240))}, 1, NULL, 250, 140, NULL},
    {"of the container", {.autoscaler = HPA(APP_CPU("70"), ""), SINGLE(500, UNSET, MI(220), MI(240))}, 1, NULL, 250, 140, NULL},
    /* 75 % of 330 = 247.5; 175 asks for 141.4: 141 % of 175 is 246.75 */
    {"rounded to a whole percentage", {.autoscaler = HPA(POD_CPU("75"), ""), SINGLE(330, UNSET, MI(220), MI(240))}, 1, NULL, 175, 141, NULL},
    /* 70 % of 100 = 70 = 40 % of 175 */
    {"a larger request", {.autoscaler = HPA(POD_CPU("70"), ""), SINGLE(100, UNSET, MI(220), MI(240))}, 1, NULL, 175, 40, NULL},
    /* the sum counts: 70 % of 600 = 420 = 120 % of 250 + 100 */
    {"of the pod with a sidecar", {.autoscaler = HPA(POD_CPU("70"), ""), .replicas = 2, .count = 2, .containers = {APP(500, UNSET, MI(220), MI(240)), SIDE(100)}},
     1, NULL, 350, 120, NULL},
    {"of one container beside a sidecar", {.autoscaler = HPA(APP_CPU("70"), ""), .replicas = 2, .count = 2, .containers = {APP(500, UNSET, MI(220), MI(240)), SIDE(100)}},
     1, NULL, 250, 140, NULL},
    /* Guaranteed: 70 % of 400 = 280, and 1.1 × 280 = 308 → 310 stays above it: 90 % of 310 is 279 */
    {"of a Guaranteed pod", {.autoscaler = HPA(POD_CPU("70"), ""), SINGLE(400, 400, MI(232), MI(232))}, 1, NULL, 310, 90, NULL},
    /* 80 % of 512 MiB = 409.6 MiB = 160 % of 256 MiB */
    {"of memory", {.autoscaler = HPA(METRIC("Resource", "memory", ",\"target\":80"), ""), SINGLE(175, UNSET, MI(512), MI(800))}, 1, NULL, MI(256), 160, NULL},
    {"it fits", {.autoscaler = HPA(POD_CPU("70"), ""), SINGLE(180, UNSET, MI(220), MI(240))}, 1, "fits", -1, 0, NULL},
    {"no whole percentage below one", {.autoscaler = HPA(POD_CPU("1"), ""), SINGLE(100, UNSET, MI(220), MI(240))}, 1, "no-integral-target", -1, 0, NULL},
    {"a target above the limit", {.autoscaler = HPA(APP_CPU("110"), ""), SINGLE(300, 310, MI(220), MI(240))}, 1, "no-room", -1, 0, "out-of-reach"},
    {"a target of the pod above its limits", {.autoscaler = HPA(POD_CPU("110"), ""), SINGLE(300, 310, MI(220), MI(240))}, 1, "no-room", -1, 0, "out-of-reach"},
    {"no request", {.autoscaler = HPA(POD_CPU("70"), ""), SINGLE(UNSET, UNSET, MI(220), MI(240))}, 1, "no-request", -1, 0, "no-request"},
    {"a sidecar without a request", {.autoscaler = HPA(POD_CPU("70"), ""), .replicas = 2, .count = 2, .containers = {APP(500, UNSET, MI(220), MI(240)), SIDE(UNSET)}},
     1, "no-request", -1, 0, "no-request"},
    {"a sidecar without a request that does not count", {.autoscaler = HPA(APP_CPU("70"), ""), .replicas = 2, .count = 2, .containers = {APP(500, UNSET, MI(220), MI(240)), SIDE(UNSET)}},
     1, NULL, 250, 140, NULL},
    {"a container that is not there", {.autoscaler = HPA(METRIC("ContainerResource", "cpu", ",\"container\":\"x\",\"target\":70"), ""), SINGLE(500, UNSET, MI(220), MI(240))},
     1, "no-container", -1, 0, NULL},
    {"no target", {.autoscaler = HPA(METRIC("Resource", "cpu", ""), ""), SINGLE(500, UNSET, MI(220), MI(240))}, 1, "no-target", -1, 0, NULL},
    {"two metrics on one request", {.autoscaler = HPA(POD_CPU("70") "," APP_CPU("60"), ""), SINGLE(500, UNSET, MI(220), MI(240))}, 2, "followed-twice", -1, 0, NULL},
    {"CPU and memory are two requests", {.autoscaler = HPA(POD_CPU("70") "," METRIC("Resource", "memory", ",\"target\":80"), ""), SINGLE(500, UNSET, MI(512), MI(800))},
     2, NULL, 250, 140, NULL},
    {"an absolute value does not depend on the request", {.autoscaler = HPA("{\"type\":\"Resource\",\"resource\":\"cpu\",\"target_type\":\"AverageValue\",\"target\":200}", ""),
      SINGLE(500, UNSET, MI(220), MI(240))}, 0, NULL, -1, 0, NULL},
    {"neither does what comes from outside", {.autoscaler = HPA("{\"type\":\"External\"},{\"type\":\"Pods\"},{\"type\":\"Object\"}", ""), SINGLE(500, UNSET, MI(220), MI(240))},
     0, NULL, -1, 0, NULL},
    {"a vertical one that changes pods, too", {.autoscaler = HPA(POD_CPU("70"), ",\"also\":[" VPA("Auto") "]"), SINGLE(500, UNSET, MI(220), MI(240))}, 1, "vpa", -1, 0, "hpa-and-vpa"},
    {"… also beside an absolute value", {.autoscaler = HPA("{\"type\":\"Resource\",\"resource\":\"cpu\",\"target_type\":\"AverageValue\",\"target\":200}", ",\"also\":[" VPA("InPlaceOrRecreate") "]"),
      SINGLE(500, UNSET, MI(220), MI(240))}, 0, NULL, -1, 0, "hpa-and-vpa"},
    {"a vertical one that only recommends is no conflict", {.autoscaler = HPA(POD_CPU("70"), ",\"also\":[" VPA("Off") "]"), SINGLE(500, UNSET, MI(220), MI(240))}, 1, NULL, 250, 140, NULL},
    {"nor is one beside metrics from outside", {.autoscaler = HPA("{\"type\":\"External\"}", ",\"also\":[" VPA("Auto") "]"), SINGLE(500, UNSET, MI(220), MI(240))}, 0, NULL, -1, 0, NULL},
    {"two of replicas", {.autoscaler = HPA(POD_CPU("70"), ",\"also\":[{\"kind\":\"HorizontalPodAutoscaler\",\"name\":\"i\",\"metrics\":[]}]"), SINGLE(500, UNSET, MI(220), MI(240))},
     1, NULL, 250, 140, "two-autoscalers"},
    {"KEDA's own is no second one", {.autoscaler = HPA(POD_CPU("70"), ",\"name\":\"keda-hpa-k\",\"also\":[{\"kind\":\"ScaledObject\",\"name\":\"k\",\"metrics\":[" POD_CPU("70") "]}]"),
      SINGLE(500, UNSET, MI(220), MI(240))}, 1, NULL, 250, 140, NULL},
    {"KEDA's trigger about one container", {.autoscaler = "{\"kind\":\"ScaledObject\",\"name\":\"k\",\"metrics\":[" METRIC("Resource", "cpu", ",\"container\":\"app\",\"target\":70") "]}",
      .replicas = 2, .count = 2, .containers = {APP(500, UNSET, MI(220), MI(240)), SIDE(100)}}, 1, NULL, 250, 140, NULL},
    {"least above most", {.autoscaler = "{\"kind\":\"HorizontalPodAutoscaler\",\"name\":\"h\",\"min\":5,\"max\":3,\"metrics\":[" POD_CPU("70") "]}", SINGLE(500, UNSET, MI(220), MI(240))},
     1, NULL, 250, 140, "min-above-max"},
    {"too little usage", {.days = 0.5, .autoscaler = HPA(POD_CPU("70"), ""), SINGLE(500, UNSET, MI(220), MI(240))}, 1, "no-data", -1, 0, NULL},
};
/* clang-format on */

static void known_truths(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(truths); i++) {
        const struct truth *truth = &truths[i];
        struct made_plan made;
        made_plan(&truth->workload, NULL, &made);
        const struct plan *plan = &made.plan;
        const struct hpa_move *move = &plan->moves[0];
        if (plan->move_count != truth->moves) {
            fail_msg("%s: %zu moves", truth->what, plan->move_count);
        }
        if (truth->moves > 0 && (!str_equal(move->why_not, truth->why_not) || move->request != truth->request || move->new_target != truth->new_target)) {
            fail_msg("%s: %s, request %lld, target %lld", truth->what, move->why_not ? move->why_not : "moves",
                     (long long)move->request, (long long)move->new_target);
        }
        const char *conflict = plan->conflict_count > 0 ? conflict_name(plan->conflicts[0].kind) : NULL;
        if (!str_equal(conflict, truth->conflict)) {
            fail_msg("%s: conflict %s", truth->what, conflict ? conflict : "none");
        }
        /* The plan itself leaves the request that an autoscaler counts. */
        if (truth->moves > 0 && truth->workload.containers[0].cpu_request >= 0 && move->resource == CPU && !str_equal(truth->why_not, "no-container")) {
            assert_int_equal(plan->containers[0].fields[CPU_REQUEST].value, -1);
        }
        made_plan_release(&made);
    }
}

/* Whatever the amounts are: what moves keeps the load within 2 %, within the rules' own bounds. */
static void the_load_is_kept(void **state)
{
    (void)state;
    rng_seed(6);
    size_t moved = 0;
    for (int i = 0; i < rounds_of(3000); i++) {
        char autoscaler[256];
        int target = 5 + (int)(rng_next() % 200);
        (void)snprintf(autoscaler, sizeof autoscaler, HPA(METRIC("Resource", "cpu", ",\"target\":%d"), ""), target);
        struct made_workload workload = {.autoscaler = autoscaler, .replicas = 2, .count = 2, .containers = {APP(500, UNSET, MI(220), MI(240)), SIDE(50)}};
        workload.containers[0].cpu_request = 20 + (int64_t)(rng_next() % 2000);
        workload.containers[1].cpu_request = 1 + (int64_t)(rng_next() % 300);
        struct made_plan made;
        made_plan(&workload, NULL, &made);
        const struct hpa_move *move = &made.plan.moves[0];
        if (!move->why_not) {
            double load = (double)move->request * (double)move->new_target / 100;
            moved++;
            assert_true(fabs(load - move->load) <= 0.0201 * move->load);
            assert_true(move->new_target >= 1 && move->new_target <= 1000);
            assert_true(move->requests[0] * 2 >= workload.containers[0].cpu_request);
            assert_int_equal(move->requests[0] + workload.containers[1].cpu_request, move->request);
        }
        made_plan_release(&made);
    }
    assert_true(3 * moved > 2 * (size_t)rounds_of(3000));
}

int main(void)
{
    json_init();
    const struct CMUnitTest tests[] = {cmocka_unit_test(known_truths), cmocka_unit_test(the_load_is_kept)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
