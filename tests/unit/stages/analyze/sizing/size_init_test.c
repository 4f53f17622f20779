/* Init containers: lowered only where they hold the pod's request up, and never below what they need. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "pipeline/base/mem.h"
#include "tests/unit/stages/analyze/sizing/plan_builder.h"

enum { KEEP = -1 };

#define APP .name = "app", .cpu_request = 300, .cpu_limit = UNSET, .memory_request = MI(220), .memory_limit = MI(240), .cpu = CPU_150, .memory = MEM_200
#define SMALL_CPU \
    { \
        .p50 = 20, .p90 = 30, .p95 = 30, .p99 = 40, .max = 50 \
    }
#define SMALL_MEM \
    { \
        .p50 = 20 * MIB, .p90 = 30 * MIB, .p95 = 30 * MIB, .p99 = 40 * MIB, .max = 50 * MIB \
    }

/* What is expected of the last container. */
struct truth {
    const char *what;
    struct made_workload workload;
    int64_t cpu_request, memory_request, memory_limit;
};

/* clang-format off */
static const struct truth truths[] = {
    {"it holds the pod up: down by the step",
     {.replicas = 1, .count = 2, .containers = {{APP}, {.name = "migrate", .role = "init", .cpu_request = 2000, .cpu_limit = UNSET,
          .memory_request = MI(2048), .memory_limit = UNSET, .cpu = SMALL_CPU, .memory = SMALL_MEM}}},
     .cpu_request = 1000, .memory_request = MI(1024), .memory_limit = KEEP},
    /* the app asks for 175m and 220 MiB after the plan: below that nothing is won */
    {"it holds the pod up a little: down to what the pod asks for anyway",
     {.replicas = 1, .count = 2, .containers = {{APP}, {.name = "migrate", .role = "init", .cpu_request = 300, .cpu_limit = UNSET,
          .memory_request = MI(300), .memory_limit = UNSET, .cpu = SMALL_CPU, .memory = SMALL_MEM}}},
     .cpu_request = 175, .memory_request = MI(220), .memory_limit = KEEP},
    /* 1.2 × 200m = 240, 1.2 × 250 MiB = 300 */
    {"never below its own need",
     {.replicas = 1, .count = 2, .containers = {{APP}, {.name = "migrate", .role = "init", .cpu_request = 400, .cpu_limit = UNSET,
          .memory_request = MI(500), .memory_limit = UNSET, .cpu = {.p50 = 100, .p90 = 150, .p95 = 150, .p99 = 180, .max = 200},
          .memory = {.p50 = 100 * MIB, .p90 = 150 * MIB, .p95 = 150 * MIB, .p99 = 180 * MIB, .max = 250 * MIB}}}},
     .cpu_request = 240, .memory_request = MI(300), .memory_limit = KEEP},
    {"it asks for less than the app: nothing",
     {.replicas = 1, .count = 2, .containers = {{APP}, {.name = "migrate", .role = "init", .cpu_request = 150, .cpu_limit = UNSET,
          .memory_request = MI(200), .memory_limit = UNSET, .cpu = SMALL_CPU, .memory = SMALL_MEM}}},
     .cpu_request = KEEP, .memory_request = KEEP, .memory_limit = KEEP},
    {"it uses more than it asks for: never raised",
     {.replicas = 1, .count = 2, .containers = {{APP}, {.name = "migrate", .role = "init", .cpu_request = 190, .cpu_limit = UNSET,
          .memory_request = MI(260), .memory_limit = UNSET, .cpu = CPU_150, .memory = {.p50 = 300 * MIB, .p90 = 300 * MIB, .p95 = 300 * MIB, .p99 = 300 * MIB, .max = 300 * MIB}}}},
     .cpu_request = KEEP, .memory_request = KEEP, .memory_limit = KEEP},
    {"a sample or two say nothing",
     {.replicas = 1, .count = 2, .containers = {{APP}, {.name = "migrate", .role = "init", .cpu_request = 2000, .cpu_limit = UNSET,
          .memory_request = MI(2048), .memory_limit = UNSET, .samples = 2, .cpu = SMALL_CPU, .memory = SMALL_MEM}}},
     .cpu_request = KEEP, .memory_request = KEEP, .memory_limit = KEEP},
    {"no usage: nothing",
     {.replicas = 1, .count = 2, .containers = {{APP}, {.name = "migrate", .role = "init", .cpu_request = 2000, .cpu_limit = UNSET,
          .memory_request = MI(2048), .memory_limit = UNSET, .no_usage = true}}},
     .cpu_request = KEEP, .memory_request = KEEP, .memory_limit = KEEP},
    /* max(1.2 × 100, 100 + 100) = 200 */
    {"killed for memory: the limit rises as everywhere, the requests stay",
     {.replicas = 1, .count = 2, .containers = {{APP}, {.name = "migrate", .role = "init", .cpu_request = 100, .cpu_limit = UNSET,
          .memory_request = MI(90), .memory_limit = MI(100), .oom_kills = 1, .cpu = SMALL_CPU, .memory = SMALL_MEM}}},
     .cpu_request = KEEP, .memory_request = KEEP, .memory_limit = MI(200)},
    /* the sidecar runs already when it starts: 175 less 50 is free of charge */
    {"a sidecar before it counts with it",
     {.replicas = 1, .count = 3, .containers = {{APP},
          {.name = "proxy", .role = "sidecar", .cpu_request = 50, .cpu_limit = UNSET, .memory_request = MI(60), .memory_limit = UNSET,
           .no_usage = true},
          {.name = "migrate", .role = "init", .cpu_request = 300, .cpu_limit = UNSET, .memory_request = MI(300), .memory_limit = UNSET,
           .cpu = SMALL_CPU, .memory = SMALL_MEM}}},
     .cpu_request = 175, .memory_request = MI(220), .memory_limit = KEEP},
    {"a Guaranteed pod's init container stays",
     {.replicas = 1, .count = 2, .containers = {
          {.name = "app", .cpu_request = 240, .cpu_limit = 240, .memory_request = MI(232), .memory_limit = MI(232), .cpu = CPU_150, .memory = MEM_200},
          {.name = "migrate", .role = "init", .cpu_request = 2000, .cpu_limit = 2000, .memory_request = MI(2048), .memory_limit = MI(2048),
           .cpu = SMALL_CPU, .memory = SMALL_MEM}}},
     .cpu_request = KEEP, .memory_request = KEEP, .memory_limit = KEEP},
    {"a LimitRange's least holds for it too",
     {.replicas = 1, .limit_ranges = "[{\"name\":\"l\",\"type\":\"Container\",\"min\":{\"cpu_millicores\":200,\"memory_bytes\":null}}]",
      .count = 2, .containers = {{APP}, {.name = "migrate", .role = "init", .cpu_request = 300, .cpu_limit = UNSET,
          .memory_request = MI(300), .memory_limit = UNSET, .cpu = SMALL_CPU, .memory = SMALL_MEM}}},
     .cpu_request = 200, .memory_request = MI(220), .memory_limit = KEEP},
};
/* clang-format on */

static void check(const struct truth *truth, const struct container_plan *container, enum field field, int64_t expected)
{
    int64_t got = container->fields[field].value;
    if (got != expected) {
        fail_msg("%s: %s is %lld, expected %lld", truth->what, field_name(field), (long long)got, (long long)expected);
    }
}

static void known_truths(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(truths); i++) {
        struct made_plan made;
        made_plan(&truths[i].workload, NULL, &made);
        const struct container_plan *last = &made.plan.containers[made.subject.container_count - 1];
        check(&truths[i], last, CPU_REQUEST, truths[i].cpu_request);
        check(&truths[i], last, MEMORY_REQUEST, truths[i].memory_request);
        check(&truths[i], last, MEMORY_LIMIT, truths[i].memory_limit);
        check(&truths[i], last, CPU_LIMIT, KEEP);
        made_plan_release(&made);
    }
}

/* A handful of samples of what starts the pod does not make the whole plan doubtful. */
static void confidence_is_of_what_runs(void **state)
{
    (void)state;
    struct made_plan with;
    struct made_plan without;
    struct made_workload workload = truths[0].workload;
    workload.containers[1].cpu.recent = 500;
    made_plan(&workload, NULL, &with);
    workload.count = 1;
    made_plan(&workload, NULL, &without);
    assert_true(with.plan.confidence >= without.plan.confidence && with.plan.confidence <= without.plan.confidence);
    made_plan_release(&with);
    made_plan_release(&without);
}

int main(void)
{
    json_init();
    const struct CMUnitTest tests[] = {cmocka_unit_test(known_truths), cmocka_unit_test(confidence_is_of_what_runs)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
