/* Known truths: made workloads whose right answer can be worked out by hand from README.md of the stage. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "pipeline/base/arena.h"
#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "tests/unit/stages/analyze/sizing/plan_builder.h"

#define HPA_CPU \
    "{\"kind\":\"HorizontalPodAutoscaler\",\"metrics\":[{\"type\":\"Resource\",\"resource\":\"cpu\"," \
    "\"target_type\":\"Utilization\",\"target\":70}]}"
#define HPA_VALUE \
    "{\"kind\":\"HorizontalPodAutoscaler\",\"metrics\":[{\"type\":\"Resource\",\"resource\":\"cpu\"," \
    "\"target_type\":\"AverageValue\",\"target\":200}]}"
#define HPA_OTHER \
    "{\"kind\":\"HorizontalPodAutoscaler\",\"metrics\":[{\"type\":\"ContainerResource\",\"resource\":" \
    "\"cpu\",\"container\":\"other\",\"target_type\":\"Utilization\",\"target\":70}]}"
#define HPA_OWN \
    "{\"kind\":\"HorizontalPodAutoscaler\",\"metrics\":[{\"type\":\"ContainerResource\",\"resource\":" \
    "\"cpu\",\"container\":\"app\",\"target_type\":\"Utilization\",\"target\":70}]}"

/* What is expected of the first container; KEEP leaves the field as it is. */
enum { KEEP = -1 };

struct truth {
    const char *what;
    struct made_workload workload;
    struct policy policy; /* zero: the default one */
    bool other_policy;
    int64_t cpu_request, memory_request, cpu_limit, memory_limit;
    const char *refusal;
    int (*also)(const struct plan *plan); /* more to hold; non-zero when it does */
};

static int is_guaranteed(const struct plan *plan)
{
    return plan->lock &&
           plan->containers[0].fields[MEMORY_REQUEST].value == plan->containers[0].fields[MEMORY_LIMIT].value;
}

static int removes_limits(const struct plan *plan)
{
    return plan->containers[0].fields[CPU_LIMIT].remove && plan->containers[0].fields[MEMORY_LIMIT].remove;
}

static int keeps_limits(const struct plan *plan)
{
    return !plan->containers[0].fields[CPU_LIMIT].remove && !plan->containers[0].fields[MEMORY_LIMIT].remove;
}

static int is_doubtful(const struct plan *plan)
{
    return plan->confidence < 0.8 && plan->confidence > 0.3;
}

static int is_censored(const struct plan *plan)
{
    return plan->containers[0].signals.throttled && plan->confidence <= 0.6;
}

static int leaks(const struct plan *plan)
{
    return plan->containers[0].signals.leak;
}

static int moved_by_guardrail(const struct plan *plan)
{
    return str_equal(plan->containers[0].fields[CPU_REQUEST].moved_by, "max_increase_percent");
}

static int starts_warm(const struct plan *plan)
{
    return !plan->containers[0].signals.cold_start;
}

static int starts_cold(const struct plan *plan)
{
    return plan->containers[0].signals.cold_start;
}

#define LIMITS(c, m) \
    .other_policy = true, .policy = {.aggressiveness = AGGRESSIVENESS_BALANCED, .limits = {c, m}}

/* clang-format off */
static const struct truth truths[] = {
    {"over-sized: down by the step cap of one half",
     {.replicas = 2, ONE(.cpu_request = 500, .cpu_limit = UNSET, .memory_request = MI(512), .memory_limit = MI(512), .cpu = CPU_150, .memory = MEM_200)},
     .cpu_request = 250, .memory_request = MI(256), .cpu_limit = KEEP, .memory_limit = MI(256)},
    /* max(1.10 × 155, 1.05 × 160) = 170.5 → 175; max(1.10 × 198, 0.9 × 200) = 217.8 → 220; 1.2 × 200 = 240 */
    {"slightly over-sized: to the rule's own number",
     {.replicas = 2, ONE(.cpu_request = 300, .cpu_limit = UNSET, .memory_request = MI(300), .memory_limit = MI(400), .cpu = CPU_150, .memory = MEM_200)},
     .cpu_request = 175, .memory_request = MI(220), .cpu_limit = KEEP, .memory_limit = MI(240)},
    {"a step down lands on an amount that people write: 70 % of 1Gi up to 4 MiB",
     {.replicas = 1, .days = 3, ONE(.cpu_request = 333, .cpu_limit = UNSET, .memory_request = MI(1024), .memory_limit = MI(1024),
          .cpu = CPU_150, .memory = MEM_200)},
     .cpu_request = 235, .memory_request = MI(720), .cpu_limit = KEEP, .memory_limit = MI(720)},
    {"under-sized: up without a cap below the guardrail",
     {.replicas = 2, ONE(.cpu_request = 100, .cpu_limit = UNSET, .memory_request = MI(128), .memory_limit = MI(204), .cpu = CPU_150, .memory = MEM_200)},
     .cpu_request = 175, .memory_request = MI(220), .cpu_limit = KEEP, .memory_limit = MI(240)},
    {"far under-sized: the guardrail holds at three times",
     {.replicas = 2, ONE(.cpu_request = 20, .cpu_limit = UNSET, .memory_request = MI(220), .memory_limit = MI(240), .cpu = CPU_150, .memory = MEM_200)},
     .cpu_request = 60, .memory_request = KEEP, .cpu_limit = KEEP, .memory_limit = KEEP, .also = moved_by_guardrail},
    {"within the dead-band: nothing",
     {.replicas = 2, ONE(.cpu_request = 180, .cpu_limit = UNSET, .memory_request = MI(230), .memory_limit = MI(250), .cpu = CPU_150, .memory = MEM_200)},
     .cpu_request = KEEP, .memory_request = KEEP, .cpu_limit = KEEP, .memory_limit = KEEP},
    /* A daily job: p95 does not see it, the busy hour does. 1.05 × 400 = 420 */
    {"daily peak: the busy hour decides",
     {.replicas = 1, ONE(.cpu_request = 600, .cpu_limit = UNSET, .memory_request = MI(220), .memory_limit = MI(240),
          .cpu = {.p50 = 20, .p90 = 40, .p95 = 60, .p99 = 410, .max = 450, .wp95 = 60, .bh90 = 400}, .memory = MEM_200)},
     .cpu_request = 420, .memory_request = KEEP, .cpu_limit = KEEP, .memory_limit = KEEP},
    /* Three replicas: the highest pod's p95 without headroom. */
    {"three replicas: the highest pod",
     {.replicas = 3, ONE(.cpu_request = 300, .cpu_limit = UNSET, .memory_request = MI(220), .memory_limit = MI(240),
          .cpu = {.p50 = 80, .p90 = 130, .p95 = 150, .p99 = 200, .max = 300, .wp95 = 155, .bh90 = 160, .pod_max = 190, .pod_median = 150}, .memory = MEM_200)},
     .cpu_request = 190, .memory_request = KEEP, .cpu_limit = KEEP, .memory_limit = KEEP},
    {"three replicas with a real daily peak",
     {.replicas = 3, ONE(.cpu_request = 400, .cpu_limit = UNSET, .memory_request = MI(220), .memory_limit = MI(240),
          .cpu = {.p50 = 80, .p90 = 130, .p95 = 150, .p99 = 260, .max = 300, .wp95 = 155, .bh90 = 250, .pod_max = 190, .pod_median = 150}, .memory = MEM_200)},
     .cpu_request = 250, .memory_request = KEEP, .cpu_limit = KEEP, .memory_limit = KEEP},
    {"thirty pods: p95 over the pods, not the highest",
     {.replicas = 30, ONE(.cpu_request = 300, .cpu_limit = UNSET, .memory_request = MI(220), .memory_limit = MI(240),
          .cpu = {.p50 = 80, .p90 = 130, .p95 = 150, .p99 = 200, .max = 600, .wp95 = 155, .bh90 = 160, .pod_max = 500, .pod_median = 150, .pod_p95 = 210}, .memory = MEM_200)},
     .cpu_request = 210, .memory_request = KEEP, .cpu_limit = KEEP, .memory_limit = KEEP},
    {"many pods of one replica (a rollout) still count as one",
     {.replicas = 1, .pods = 12, ONE(.cpu_request = 300, .cpu_limit = UNSET, .memory_request = MI(220), .memory_limit = MI(240),
          .cpu = {.p50 = 80, .p90 = 130, .p95 = 150, .p99 = 200, .max = 300, .wp95 = 155, .bh90 = 160, .pod_max = 290}, .memory = MEM_200)},
     .cpu_request = 175, .memory_request = KEEP, .cpu_limit = KEEP, .memory_limit = KEEP},
    /* max(1.25 × 200, 1.5 × 198) = 297 → 300; the request is not lowered */
    {"throttled: the limit rises, the request is not lowered",
     {.replicas = 1, ONE(.cpu_request = 200, .cpu_limit = 200, .memory_request = MI(220), .memory_limit = MI(240), .throttled = 0.08,
          .cpu = {.p50 = 60, .p90 = 90, .p95 = 100, .p99 = 198, .max = 200}, .memory = MEM_200)},
     .cpu_request = KEEP, .memory_request = KEEP, .cpu_limit = 300, .memory_limit = KEEP, .also = is_censored},
    {"throttled in one hour only",
     {.replicas = 1, ONE(.cpu_request = 100, .cpu_limit = 200, .memory_request = MI(220), .memory_limit = MI(240), .throttled = 0.01, .throttled_hour = 0.4,
          .cpu = {.p50 = 60, .p90 = 80, .p95 = 85, .p99 = 120, .max = 200}, .memory = MEM_200)},
     .cpu_request = KEEP, .memory_request = KEEP, .cpu_limit = 250, .memory_limit = KEEP, .also = is_censored},
    {"a little throttling is none",
     {.replicas = 1, ONE(.cpu_request = 95, .cpu_limit = 200, .memory_request = MI(220), .memory_limit = MI(240), .throttled = 0.009, .throttled_hour = 0.1,
          .cpu = {.p50 = 60, .p90 = 80, .p95 = 85, .p99 = 120, .max = 150}, .memory = MEM_200)},
     .cpu_request = KEEP, .memory_request = KEEP, .cpu_limit = KEEP, .memory_limit = KEEP},
    /* base = max(M, limit) = 200; limit = max(240, 300) × 1.2 for two more kills = 360; request 1.1 × 198 */
    {"OOM kills: limit a fifth or 100 MiB up, a tenth for each further kill",
     {.replicas = 1, ONE(.cpu_request = 170, .cpu_limit = UNSET, .memory_request = MI(100), .memory_limit = MI(200), .oom_kills = 3, .cpu = CPU_150, .memory = MEM_200)},
     .cpu_request = KEEP, .memory_request = MI(220), .cpu_limit = KEEP, .memory_limit = MI(360)},
    {"OOM kills without end: at most doubled",
     {.replicas = 1, ONE(.cpu_request = 170, .cpu_limit = UNSET, .memory_request = MI(200), .memory_limit = MI(200), .oom_kills = 500, .cpu = CPU_150, .memory = MEM_200)},
     .cpu_request = KEEP, .memory_request = MI(220), .cpu_limit = KEEP, .memory_limit = MI(400)},
    {"an OOM kill of one that asks for far too much: never lowered",
     {.replicas = 1, ONE(.cpu_request = 170, .cpu_limit = UNSET, .memory_request = MI(1024), .memory_limit = MI(1024), .oom_kills = 1, .cpu = CPU_150, .memory = MEM_200)},
     .cpu_request = KEEP, .memory_request = KEEP, .cpu_limit = KEEP, .memory_limit = MI(1232)},
    {"leak: not lowered",
     {.replicas = 1, ONE(.cpu_request = 170, .cpu_limit = UNSET, .memory_request = MI(1024), .memory_limit = MI(2048), .cpu = CPU_150,
          .memory = {.p50 = 200 * MIB, .p90 = 350 * MIB, .p95 = 370 * MIB, .p99 = 380 * MIB, .max = 390 * MIB, .slope_per_hour = 1.2 * MIB})},
     .cpu_request = KEEP, .memory_request = KEEP, .cpu_limit = KEEP, .memory_limit = KEEP, .also = leaks},
    {"leak without a limit: none is added, it would kill",
     {.replicas = 1, ONE(.cpu_request = 170, .cpu_limit = UNSET, .memory_request = MI(420), .memory_limit = UNSET, .cpu = CPU_150,
          .memory = {.p50 = 200 * MIB, .p90 = 350 * MIB, .p95 = 370 * MIB, .p99 = 380 * MIB, .max = 390 * MIB, .slope_per_hour = 1.2 * MIB})},
     .cpu_request = KEEP, .memory_request = KEEP, .cpu_limit = KEEP, .memory_limit = KEEP, .also = leaks},
    {"heap-capped, flat under its limit while CPU varies: stays",
     {.replicas = 1, ONE(.cpu_request = 170, .cpu_limit = UNSET, .memory_request = MI(210), .memory_limit = MI(210), .cpu = CPU_150,
          .memory = {.p50 = 198 * MIB, .p90 = 199 * MIB, .p95 = 199 * MIB, .p99 = 199 * MIB, .max = 200 * MIB})},
     .cpu_request = KEEP, .memory_request = KEEP, .cpu_limit = KEEP, .memory_limit = KEEP},
    /* The step would be to 300, the limit that stays is 240: as far as it lets. */
    {"a request far too low under a limit that is kept: up to the limit",
     {.replicas = 1, ONE(.cpu_request = 100, .cpu_limit = 240, .memory_request = MI(220), .memory_limit = MI(240), .memory = MEM_200,
          .cpu = {.p50 = 900, .p90 = 1000, .p95 = 1100, .p99 = 1200, .max = 1300, .wp95 = 1100, .bh90 = 1000})},
     .cpu_request = 240, .memory_request = KEEP, .cpu_limit = KEEP, .memory_limit = KEEP},
    {"brand-new: not enough history",
     {.replicas = 1, .days = 0.9, ONE(.cpu_request = 500, .cpu_limit = UNSET, .memory_request = MI(512), .memory_limit = MI(512), .cpu = CPU_150, .memory = MEM_200)},
     .cpu_request = KEEP, .memory_request = KEEP, .cpu_limit = KEEP, .memory_limit = KEEP, .refusal = "insufficient-data"},
    {"three days old, complete since: small steps down",
     {.replicas = 1, .days = 3, ONE(.cpu_request = 1000, .cpu_limit = UNSET, .memory_request = MI(220), .memory_limit = MI(240), .cpu = CPU_150, .memory = MEM_200)},
     .cpu_request = 700, .memory_request = KEEP, .cpu_limit = KEEP, .memory_limit = KEEP, .also = is_doubtful},
    {"holes in the data: nothing",
     {.replicas = 1, .coverage = 0.4, ONE(.cpu_request = 500, .cpu_limit = UNSET, .memory_request = MI(512), .memory_limit = MI(512), .cpu = CPU_150, .memory = MEM_200)},
     .cpu_request = KEEP, .memory_request = KEEP, .cpu_limit = KEEP, .memory_limit = KEEP, .refusal = "insufficient-data"},
    /* the highest run's p95 of 150, a tenth more */
    {"a CronJob runs rarely: three runs are enough",
     {.kind = "CronJob", .replicas = 1, .pods = 7, .coverage = 0.02, ONE(.cpu_request = 300, .cpu_limit = UNSET, .memory_request = MI(220), .memory_limit = MI(240), .cpu = CPU_150, .memory = MEM_200)},
     .cpu_request = 165, .memory_request = KEEP, .cpu_limit = KEEP, .memory_limit = KEEP},
    {"no usage",
     {.replicas = 1, .no_usage = true, ONE(.cpu_request = 500, .cpu_limit = UNSET, .memory_request = MI(512), .memory_limit = MI(512), .cpu = CPU_150, .memory = MEM_200)},
     .cpu_request = KEEP, .memory_request = KEEP, .cpu_limit = KEEP, .memory_limit = KEEP, .refusal = "no-usage"},
    {"an HPA on CPU utilization: that request stays",
     {.replicas = 2, .autoscaler = HPA_CPU, ONE(.cpu_request = 500, .cpu_limit = UNSET, .memory_request = MI(512), .memory_limit = MI(512), .cpu = CPU_150, .memory = MEM_200)},
     .cpu_request = KEEP, .memory_request = MI(256), .cpu_limit = KEEP, .memory_limit = MI(256)},
    {"an HPA on this container's CPU",
     {.replicas = 2, .autoscaler = HPA_OWN, ONE(.cpu_request = 500, .cpu_limit = UNSET, .memory_request = MI(220), .memory_limit = MI(240), .cpu = CPU_150, .memory = MEM_200)},
     .cpu_request = KEEP, .memory_request = KEEP, .cpu_limit = KEEP, .memory_limit = KEEP},
    {"an HPA on another container's CPU does not matter",
     {.replicas = 2, .autoscaler = HPA_OTHER, ONE(.cpu_request = 500, .cpu_limit = UNSET, .memory_request = MI(220), .memory_limit = MI(240), .cpu = CPU_150, .memory = MEM_200)},
     .cpu_request = 250, .memory_request = KEEP, .cpu_limit = KEEP, .memory_limit = KEEP},
    {"an HPA on an absolute value does not depend on the request",
     {.replicas = 2, .autoscaler = HPA_VALUE, ONE(.cpu_request = 500, .cpu_limit = UNSET, .memory_request = MI(220), .memory_limit = MI(240), .cpu = CPU_150, .memory = MEM_200)},
     .cpu_request = 250, .memory_request = KEEP, .cpu_limit = KEEP, .memory_limit = KEEP},
    /* CPU max(170.5, 1.2 × 200) = 240; memory 1.15 × 200 = 230 → 232 */
    {"Guaranteed stays Guaranteed",
     {.replicas = 1, ONE(.cpu_request = 400, .cpu_limit = 400, .memory_request = MI(400), .memory_limit = MI(400), .cpu = CPU_150, .memory = MEM_200)},
     .cpu_request = 240, .memory_request = MI(232), .cpu_limit = 240, .memory_limit = MI(232), .also = is_guaranteed},
    {"Guaranteed by limits alone: only the limits are written",
     {.replicas = 1, ONE(.cpu_request = UNSET, .cpu_limit = 400, .memory_request = UNSET, .memory_limit = MI(400), .cpu = CPU_150, .memory = MEM_200)},
     .cpu_request = KEEP, .memory_request = KEEP, .cpu_limit = 240, .memory_limit = MI(232)},
    {"Guaranteed under an HPA on CPU: CPU stays, memory moves",
     {.replicas = 2, .autoscaler = HPA_CPU, ONE(.cpu_request = 400, .cpu_limit = 400, .memory_request = MI(400), .memory_limit = MI(400), .cpu = CPU_150, .memory = MEM_200)},
     .cpu_request = KEEP, .memory_request = MI(232), .cpu_limit = KEEP, .memory_limit = MI(232)},
    {"Guaranteed: limits are not removed",
     {.replicas = 1, ONE(.cpu_request = 240, .cpu_limit = 240, .memory_request = MI(232), .memory_limit = MI(232), .cpu = CPU_150, .memory = MEM_200)},
     LIMITS(LIMITS_REMOVE, LIMITS_REMOVE),
     .cpu_request = KEEP, .memory_request = KEEP, .cpu_limit = KEEP, .memory_limit = KEEP, .also = keeps_limits},
    {"BestEffort: requests are what it lacks",
     {.replicas = 1, ONE(.cpu_request = UNSET, .cpu_limit = UNSET, .memory_request = UNSET, .memory_limit = UNSET, .cpu = CPU_150, .memory = MEM_200)},
     .cpu_request = 175, .memory_request = MI(220), .cpu_limit = KEEP, .memory_limit = MI(240)},
    {"limits removed by policy",
     {.replicas = 1, ONE(.cpu_request = 175, .cpu_limit = 400, .memory_request = MI(220), .memory_limit = MI(400), .cpu = CPU_150, .memory = MEM_200)},
     LIMITS(LIMITS_REMOVE, LIMITS_REMOVE),
     .cpu_request = KEEP, .memory_request = KEEP, .cpu_limit = KEEP, .memory_limit = KEEP, .also = removes_limits},
    {"limits removed where they were the requests: these are written out",
     {.replicas = 1, .count = 2, .containers = {
          {.name = "app", .cpu_request = UNSET, .cpu_limit = 180, .memory_request = UNSET, .memory_limit = MI(225), .cpu = CPU_150, .memory = MEM_200},
          {.name = "burst", .cpu_request = 10, .cpu_limit = UNSET, .memory_request = MI(32), .memory_limit = UNSET, .no_usage = true}}},
     LIMITS(LIMITS_REMOVE, LIMITS_REMOVE),
     .cpu_request = 180, .memory_request = MI(225), .cpu_limit = KEEP, .memory_limit = KEEP, .also = removes_limits},
    /* ratio 2: CPU 175 × 2 = 350; memory 220 × 2 = 440 */
    {"limits in their old ratio",
     {.replicas = 1, ONE(.cpu_request = 300, .cpu_limit = 600, .memory_request = MI(300), .memory_limit = MI(600), .cpu = CPU_150, .memory = MEM_200)},
     LIMITS(LIMITS_RATIO, LIMITS_RATIO),
     .cpu_request = 175, .memory_request = MI(220), .cpu_limit = 350, .memory_limit = MI(440)},
    /* max(2 × 175, 1.2 × 300) = 360 */
    {"CPU limit with headroom",
     {.replicas = 1, ONE(.cpu_request = 300, .cpu_limit = 500, .memory_request = MI(220), .memory_limit = MI(240), .cpu = CPU_150, .memory = MEM_200)},
     LIMITS(LIMITS_HEADROOM, LIMITS_HEADROOM),
     .cpu_request = 175, .memory_request = KEEP, .cpu_limit = 360, .memory_limit = KEEP},
    {"lean: 1.05 × 160 = 168 → max(1.05 × 155, 160) = 162.75 → 165",
     {.replicas = 1, ONE(.cpu_request = 300, .cpu_limit = UNSET, .memory_request = MI(220), .memory_limit = MI(240), .cpu = CPU_150, .memory = MEM_200)},
     .other_policy = true, .policy = {.aggressiveness = AGGRESSIVENESS_LEAN, .limits = {LIMITS_KEEP, LIMITS_KEEP}},
     .cpu_request = 165, .memory_request = KEEP, .cpu_limit = KEEP, .memory_limit = KEEP},
    {"safe: max(1.25 × 155, 1.15 × 160, p99 200) = 200",
     {.replicas = 1, ONE(.cpu_request = 300, .cpu_limit = UNSET, .memory_request = MI(240), .memory_limit = MI(240), .cpu = CPU_150, .memory = MEM_200)},
     .other_policy = true, .policy = {.aggressiveness = AGGRESSIVENESS_SAFE, .limits = {LIMITS_KEEP, LIMITS_KEEP}},
     .cpu_request = 200, .memory_request = KEEP, .cpu_limit = KEEP, .memory_limit = KEEP},
    {"floors: nothing below 10m and 32Mi",
     {.replicas = 1, ONE(.cpu_request = 30, .cpu_limit = UNSET, .memory_request = MI(60), .memory_limit = MI(64),
          .cpu = {.p50 = 1, .p90 = 1, .p95 = 1, .p99 = 2, .max = 3}, .memory = {.p50 = 4 * MIB, .p90 = 4 * MIB, .p95 = 4 * MIB, .p99 = 4 * MIB, .max = 5 * MIB})},
     .cpu_request = 15, .memory_request = MI(32), .cpu_limit = KEEP, .memory_limit = MI(32)},
    {"two containers of one name: nobody can tell them apart",
     {.replicas = 1, .count = 2, .containers = {
          {.name = "app", .cpu_request = 300, .cpu_limit = UNSET, .memory_request = MI(500), .memory_limit = MI(500), .cpu = CPU_150, .memory = MEM_200},
          {.name = "app", .cpu_request = 300, .cpu_limit = UNSET, .memory_request = MI(500), .memory_limit = MI(500), .cpu = CPU_150, .memory = MEM_200}}},
     .cpu_request = KEEP, .memory_request = KEEP, .cpu_limit = KEEP, .memory_limit = KEEP},
    /* ---- kills of long ago, starts, autoscalers that own or free the request, knobs */
    {"an OOM kill of 8 days ago in a long window does not hold memory up any more",
     {.replicas = 2, ONE(.cpu_request = 170, .cpu_limit = UNSET, .memory_request = MI(400), .memory_limit = MI(400), .oom_kills = 1, .oom_last = "2026-11-14T02:00:00Z",
          .cpu = CPU_150, .memory = MEM_200)},
     .cpu_request = KEEP, .memory_request = MI(220), .cpu_limit = KEEP, .memory_limit = MI(240)},
    {"one of 6 days ago does; sized from the limit at the time, not from today's: max(240, 300) = 300",
     {.replicas = 2, ONE(.cpu_request = 170, .cpu_limit = UNSET, .memory_request = MI(400), .memory_limit = MI(400), .oom_kills = 1, .oom_last = "2026-11-16T04:00:00Z",
          .oom_limit = 200 * MIB, .cpu = CPU_150, .memory = MEM_200)},
     .cpu_request = KEEP, .memory_request = KEEP, .cpu_limit = KEEP, .memory_limit = KEEP},
    /* 1.1 × 500 = 550 */
    {"a Guaranteed pod that starts on 500m is not lowered below it",
     {.replicas = 2, ONE(.cpu_request = 1000, .cpu_limit = 1000, .memory_request = MI(232), .memory_limit = MI(232), .memory = MEM_200,
          .cpu = {.p50 = 80, .p90 = 130, .p95 = 150, .p99 = 200, .max = 300, .wp95 = 155, .bh90 = 160, .startup = 500})},
     .cpu_request = 550, .memory_request = KEEP, .cpu_limit = 550, .memory_limit = KEEP, .also = starts_cold},
    {"a start on 500m does not raise a request",
     {.replicas = 2, ONE(.cpu_request = 170, .cpu_limit = UNSET, .memory_request = MI(232), .memory_limit = MI(240), .memory = MEM_200,
          .cpu = {.p50 = 80, .p90 = 130, .p95 = 150, .p99 = 200, .max = 300, .wp95 = 155, .bh90 = 160, .startup = 500})},
     .cpu_request = KEEP, .memory_request = KEEP, .cpu_limit = KEEP, .memory_limit = KEEP, .also = starts_cold},
    /* 1.7 × 155, 1.3 × 200 */
    {"a start that rates flatten stands out of all use",
     {.replicas = 2, ONE(.cpu_request = 170, .cpu_limit = UNSET, .memory_request = MI(232), .memory_limit = MI(240), .memory = MEM_200,
          .cpu = {.p50 = 80, .p90 = 130, .p95 = 150, .p99 = 200, .max = 300, .wp95 = 155, .bh90 = 160, .startup = 265})},
     .cpu_request = KEEP, .memory_request = KEEP, .cpu_limit = KEEP, .memory_limit = KEEP, .also = starts_cold},
    {"one like the peaks is none",
     {.replicas = 2, ONE(.cpu_request = 170, .cpu_limit = UNSET, .memory_request = MI(232), .memory_limit = MI(240), .memory = MEM_200,
          .cpu = {.p50 = 80, .p90 = 130, .p95 = 150, .p99 = 210, .max = 300, .wp95 = 155, .bh90 = 160, .startup = 265})},
     .cpu_request = KEEP, .memory_request = KEEP, .cpu_limit = KEEP, .memory_limit = KEEP, .also = starts_warm},
    {"a VerticalPodAutoscaler that changes pods owns all four numbers",
     {.replicas = 2, .autoscaler = "{\"kind\":\"VerticalPodAutoscaler\",\"name\":\"v\",\"update_mode\":\"Initial\"}",
      ONE(.cpu_request = 500, .cpu_limit = UNSET, .memory_request = MI(512), .memory_limit = MI(512), .cpu = CPU_150, .memory = MEM_200)},
     LIMITS(LIMITS_REMOVE, LIMITS_REMOVE),
     .cpu_request = KEEP, .memory_request = KEEP, .cpu_limit = KEEP, .memory_limit = KEEP, .also = keeps_limits},
    {"one that only recommends owns nothing",
     {.replicas = 2, .autoscaler = "{\"kind\":\"VerticalPodAutoscaler\",\"name\":\"v\",\"update_mode\":\"Off\"}",
      ONE(.cpu_request = 500, .cpu_limit = UNSET, .memory_request = MI(512), .memory_limit = MI(512), .cpu = CPU_150, .memory = MEM_200)},
     .cpu_request = 250, .memory_request = MI(256), .cpu_limit = KEEP, .memory_limit = MI(256)},
    {"a VerticalPodAutoscaler beside an autoscaler of replicas",
     {.replicas = 2, .autoscaler = "{\"kind\":\"HorizontalPodAutoscaler\",\"metrics\":[{\"type\":\"External\"}],\"also\":[{\"kind\":\"VerticalPodAutoscaler\",\"update_mode\":\"Auto\"}]}",
      ONE(.cpu_request = 500, .cpu_limit = UNSET, .memory_request = MI(512), .memory_limit = MI(512), .cpu = CPU_150, .memory = MEM_200)},
     .cpu_request = KEEP, .memory_request = KEEP, .cpu_limit = KEEP, .memory_limit = KEEP},
    {"an HPA on memory: the limit leaves room above the use at which it scales: not to 240 or by half, but to 1.1 × 120 % × 300",
     {.replicas = 2, .autoscaler = "{\"kind\":\"HorizontalPodAutoscaler\",\"metrics\":[{\"type\":\"Resource\",\"resource\":\"memory\",\"target_type\":\"Utilization\",\"target\":120}]}",
      ONE(.cpu_request = 170, .cpu_limit = UNSET, .memory_request = MI(300), .memory_limit = MI(700), .cpu = CPU_150, .memory = MEM_200)},
     .cpu_request = KEEP, .memory_request = KEEP, .cpu_limit = KEEP, .memory_limit = MI(396)},
    /* 1.20 × wp99 of 200 = 240 */
    {"a percentile and a headroom that people ask for",
     {.replicas = 2, ONE(.cpu_request = 300, .cpu_limit = UNSET, .memory_request = MI(220), .memory_limit = MI(240), .cpu = CPU_150, .memory = MEM_200)},
     .other_policy = true, .policy = {.aggressiveness = AGGRESSIVENESS_BALANCED, .limits = {LIMITS_KEEP, LIMITS_KEEP}, .percentile = {99, 0}, .headroom = {1.2, 0}},
     .cpu_request = 240, .memory_request = KEEP, .cpu_limit = KEEP, .memory_limit = KEEP},
    {"two replicas, and the highest pod's figures by policy",
     {.replicas = 2, ONE(.cpu_request = 300, .cpu_limit = UNSET, .memory_request = MI(220), .memory_limit = MI(240),
          .cpu = {.p50 = 80, .p90 = 130, .p95 = 150, .p99 = 200, .max = 300, .wp95 = 155, .bh90 = 160, .pod_max = 190, .pod_median = 150}, .memory = MEM_200)},
     .other_policy = true, .policy = {.aggressiveness = AGGRESSIVENESS_BALANCED, .limits = {LIMITS_KEEP, LIMITS_KEEP}, .replicas = REPLICAS_MAX},
     .cpu_request = 190, .memory_request = KEEP, .cpu_limit = KEEP, .memory_limit = KEEP},
    /* 1070.x → a unit of 10m; 3 GiB and a bit → a unit of 8 MiB */
    {"large amounts are rounded to larger units",
     {.replicas = 1, ONE(.cpu_request = 2000, .cpu_limit = UNSET, .memory_request = MI(4000), .memory_limit = MI(4000),
          .cpu = {.p50 = 800, .p90 = 900, .p95 = 950, .p99 = 1400, .max = 1500, .wp95 = 973, .bh90 = 1000},
          .memory = {.p50 = 2700 * MIB, .p90 = 2800 * MIB, .p95 = 2801 * MIB, .p99 = 2801 * MIB, .max = 2801 * MIB})},
     .cpu_request = 1080, .memory_request = MI(3088), .cpu_limit = KEEP, .memory_limit = MI(3368)},
};
/* clang-format on */

static void check_field(const char *what, enum field field, const struct plan *plan, int64_t expected)
{
    int64_t got = plan->containers[0].fields[field].value;
    if (got != expected) {
        fail_msg("%s: %s is %lld, expected %lld", what, field_name(field), (long long)got,
                 (long long)expected);
    }
}

static void known_truths(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(truths); i++) {
        const struct truth *truth = &truths[i];
        struct made_plan made;
        struct policy policy = default_policy();
        if (truth->other_policy) {
            policy.aggressiveness = truth->policy.aggressiveness;
            policy.limits[CPU] = truth->policy.limits[CPU];
            policy.limits[MEMORY] = truth->policy.limits[MEMORY];
            policy.percentile[CPU] = truth->policy.percentile[CPU];
            policy.headroom[CPU] = truth->policy.headroom[CPU];
            policy.headroom[MEMORY] = truth->policy.headroom[MEMORY];
            policy.replicas = truth->policy.replicas;
        }
        made_plan(&truth->workload, &policy, &made);
        if (!str_equal(made.plan.refusal, truth->refusal)) {
            fail_msg("%s: refusal %s, expected %s", truth->what, made.plan.refusal, truth->refusal);
        }
        check_field(truth->what, CPU_REQUEST, &made.plan, truth->cpu_request);
        check_field(truth->what, MEMORY_REQUEST, &made.plan, truth->memory_request);
        check_field(truth->what, CPU_LIMIT, &made.plan, truth->cpu_limit);
        check_field(truth->what, MEMORY_LIMIT, &made.plan, truth->memory_limit);
        if (truth->also && !truth->also(&made.plan)) {
            fail_msg("%s: what must hold besides does not", truth->what);
        }
        made_plan_release(&made);
    }
}

/* The CPU request of a workload that asks for 500m and whose steps are these; who moved it is `by`. *in_a_week: as the signal has it. */
static int64_t request_of_steps(const double values[2016], const char *by, double *in_a_week)
{
    struct made_plan made;
    struct made_workload workload = {.replicas = 1, ONE(.cpu_request = 500, .cpu_limit = UNSET, .memory_request = MI(220), .memory_limit = MI(240),
        .cpu = {.p50 = 50, .p90 = 60, .p95 = 60, .p99 = 300, .max = 310, .wp95 = 60, .bh90 = 60}, .memory = MEM_200)};
    arena_init(&made.arena);
    made.record = made_record(&workload);
    made.policy = default_policy();
    made.policy.guardrails.max_decrease_percent = 100;
    json_t *series = json_pack("{s:i,s:o,s:o}", "step_seconds", 300, "mean", series_json(values, 2016), "max", series_json(values, 2016));
    json_object_set_new(json_at(made.record, "usage.containers.app.cpu_millicores"), "series", series);
    subject_read(made.record, &made.arena, &made.subject);
    plan_make(&made.subject, &made.policy, &made.arena, &made.plan);
    plan_settle(&made.plan);
    const struct field_plan *request = &made.plan.containers[0].fields[CPU_REQUEST];
    int64_t value = request->value;
    *in_a_week = made.plan.containers[0].signals.cpu_in_a_week;
    assert_true(request->target < 200);
    assert_string_equal(request->moved_by, by);
    made_plan_release(&made);
    return value;
}

/* Five hours a week at six times the rest: one day is no habit for the rule, but what was asked for is not lowered below it. */
static void a_weekly_run_is_not_forgotten(void **state)
{
    (void)state;
    double values[2016];
    double in_a_week;
    for (int i = 0; i < 2016; i++) {
        values[i] = i >= 1000 && i < 1060 ? 300 : 50;
    }
    assert_int_equal(request_of_steps(values, "rare-peak", &in_a_week), 300);
    /* Two hours are 1.2 % of the time. */
    for (int i = 0; i < 2016; i++) {
        values[i] = i >= 1000 && i < 1024 ? 300 : 50;
    }
    assert_int_equal(request_of_steps(values, "step-cap", &in_a_week), 250);
}

/* 100m on the first day, 20m more each day: 220 on the last, 360 in a week. */
static void growth_is_seen_coming(void **state)
{
    (void)state;
    double values[2016];
    double in_a_week;
    for (int i = 0; i < 2016; i++) {
        values[i] = 100 + 20 * (i / 288);
    }
    assert_int_equal(request_of_steps(values, "growth", &in_a_week), 360);
    /* The same days less in order: chance alone may do that (p = 0.035); the backtest makes the step a small one. */
    static const int order[] = {0, 2, 1, 4, 3, 6, 5};
    for (int i = 0; i < 2016; i++) {
        values[i] = 100 + 20 * order[i / 288];
    }
    assert_int_equal(request_of_steps(values, "step-cap", &in_a_week), 350);
    assert_true(isnan(in_a_week));
}

int main(void)
{
    json_init();
    const struct CMUnitTest tests[] = {cmocka_unit_test(known_truths), cmocka_unit_test(a_weekly_run_is_not_forgotten),
                                       cmocka_unit_test(growth_is_seen_coming)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
