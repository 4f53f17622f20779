#ifndef TARE_TESTS_RANDOM_WORKLOAD_H
#define TARE_TESTS_RANDOM_WORKLOAD_H

/* Workloads and policies at random: figures, amounts near and far, LimitRanges and quotas that nothing satisfies, autoscalers. */

#include <stdio.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/rng.h"
#include "stages/analyze/sizing/sizing.h"
#include "tests/unit/stages/analyze/subject/subject_builder.h"

static inline double unit(void)
{
    return rng_unit();
}

static inline bool chance(double share)
{
    return rng_unit() < share;
}

/* Log-uniform between low and high. */
static inline double spread(double low, double high)
{
    return low * pow(high / low, unit());
}

static inline struct made_use random_use(double low, double high)
{
    struct made_use use = {.p50 = spread(low, high)};
    use.p90 = use.p50 * (1 + unit());
    use.p95 = use.p90 * (1 + unit() * unit());
    use.p99 = use.p95 * (1 + unit() * unit());
    use.max = use.p99 * (1 + 3 * unit() * unit() * unit());
    use.wp95 = use.p95 * (0.5 + unit());
    use.wp99 = fmin(use.max, use.p99 * (0.8 + 0.4 * unit()));
    use.bh90 = use.p90 * (1 + 2 * unit() * unit());
    use.pod_max = use.wp95 * (1 + unit());
    use.pod_median = use.wp95;
    use.pod_p95 = use.wp95 * (1 + unit() / 2);
    use.recent = use.p95 * (0.3 + 1.4 * unit());
    use.earlier = use.p95;
    use.slope_per_hour = chance(0.2) ? use.p50 / 200 : 0;
    return use;
}

/* An amount near what is used, sometimes far off, sometimes not set. */
static inline int64_t random_amount(double use, double unset)
{
    if (chance(unset)) {
        return UNSET;
    }
    return (int64_t)(use * spread(0.2, 8)) + (chance(0.02) ? 0 : 1);
}

static inline void random_container(struct made_container *out, const char *name)
{
    *out = (struct made_container){
        .name = name, .cpu = random_use(0.2, 4000), .memory = random_use(2 * MIB, 20000 * MIB)};
    out->cpu_request = random_amount(out->cpu.p95, 0.2);
    out->memory_request = random_amount(out->memory.max, 0.2);
    out->cpu_limit = random_amount(out->cpu.max, 0.4);
    out->memory_limit = random_amount(out->memory.max, 0.3);
    if (chance(0.25)) {
        out->cpu_limit = out->cpu_request;
        out->memory_limit = out->memory_request;
    }
    if (out->cpu_limit >= 0 && out->cpu_limit < out->cpu_request) {
        out->cpu_limit = out->cpu_request;
    }
    if (out->memory_limit >= 0 && out->memory_limit < out->memory_request) {
        out->memory_limit = out->memory_request;
    }
    out->throttled = chance(0.3) ? unit() : 0;
    out->oom_kills = chance(0.3) ? 1 + 20 * unit() * unit() : 0;
    out->no_usage = chance(0.05);
    out->role = chance(0.1) ? "sidecar" : "container";
}

static inline void random_policy(struct policy *out)
{
    *out = (struct policy){
        .aggressiveness = (enum aggressiveness)(rng_next() % 3),
        .limits = {(enum limits_policy)(rng_next() % 4), (enum limits_policy)(rng_next() % 4)},
        .qos_change = chance(0.2),
        .minimum_history_seconds = 86400};
    guardrails_default(&out->guardrails);
    if (chance(0.3)) {
        out->guardrails.max_decrease_percent = floor(unit() * 100);
        out->guardrails.max_increase_percent = floor(unit() * 300);
    }
    if (chance(0.3)) {
        out->guardrails.step_up[CPU] = (int64_t)spread(5, 2000);
        out->guardrails.step_down[CPU] = (int64_t)spread(5, 2000);
        out->guardrails.step_up[MEMORY] = (int64_t)spread(MIB, 4000 * MIB);
        out->guardrails.step_down[MEMORY] = (int64_t)spread(MIB, 4000 * MIB);
    }
    if (chance(0.2)) {
        out->guardrails.ceiling[CPU] = (int64_t)spread(20, 4000);
        out->guardrails.ceiling[MEMORY] = (int64_t)spread(40 * MIB, 8000 * MIB);
    }
}

/* A number of JSON, or null. */
static inline const char *number_or_null(bool there, double value, char out[32])
{
    (void)snprintf(out, 32, "%s", "null");
    if (there) {
        (void)snprintf(out, 32, "%.0f", value);
    }
    return out;
}

/* {"cpu_millicores":…,"memory_bytes":…} near what is used. */
static inline const char *random_pair(const struct made_container *near, double low, double high, char out[100])
{
    char cpu[32];
    char memory[32];
    (void)snprintf(out, 100, "{\"cpu_millicores\":%s,\"memory_bytes\":%s}",
                   number_or_null(chance(0.6), near->cpu.p95 * spread(low, high) + 1, cpu),
                   number_or_null(chance(0.6), near->memory.max * spread(low, high) + 1, memory));
    return out;
}

/* One or two LimitRanges, for containers and for pods; some that nothing satisfies. */
static inline const char *random_ranges(const struct made_container *near, char out[1200])
{
    size_t used = (size_t)snprintf(out, 1200, "[");
    int count = 1 + (int)(rng_next() % 2);
    for (int i = 0; i < count; i++) {
        char text[3][100];
        bool pod = chance(0.4);
        used += (size_t)snprintf(out + used, 1200 - used,
                                 "%s{\"name\":\"r%d\",\"type\":\"%s\",\"min\":%s,\"max\":%s", i ? "," : "", i,
                                 pod ? "Pod" : "Container", random_pair(near, 0.01, 1.5, text[0]), random_pair(near, 0.9, 20, text[1]));
        if (!pod && chance(0.5)) {
            used += (size_t)snprintf(out + used, 1200 - used, ",\"default\":%s", random_pair(near, 0.5, 10, text[2]));
        }
        if (chance(0.4)) {
            used += (size_t)snprintf(out + used, 1200 - used,
                                     ",\"max_limit_request_ratio\":{\"cpu_thousandths\":%d,\"memory_thousandths\":%d}",
                                     1000 + (int)(rng_next() % 4000), 1000 + (int)(rng_next() % 4000));
        }
        used += (size_t)snprintf(out + used, 1200 - used, "}");
    }
    (void)snprintf(out + used, 1200 - used, "]");
    return out;
}

/* A quota with and without what is used of it. */
static inline const char *random_quotas(const struct made_container *near, char out[600])
{
    double cpu = near->cpu.p95 * spread(1, 50);
    double memory = near->memory.max * spread(1, 50);
    size_t used = (size_t)snprintf(out, 600,
                                   "[{\"name\":\"q\",\"hard\":{\"requests.cpu\":%.0f,\"limits.cpu\":%.0f,\"requests.memory\":%.0f,"
                                   "\"limits.memory\":%.0f}", cpu, 2 * cpu, memory, 2 * memory);
    if (chance(0.7)) {
        used += (size_t)snprintf(out + used, 600 - used,
                                 ",\"used\":{\"requests.cpu\":%.0f,\"limits.cpu\":%.0f,\"requests.memory\":%.0f,\"limits.memory\":%.0f}",
                                 cpu * unit() * 1.2, 2 * cpu * unit() * 1.2, memory * unit() * 1.2, 2 * memory * unit() * 1.2);
    }
    (void)snprintf(out + used, 600 - used, "}]");
    return out;
}

static inline const char *random_autoscaler(void)
{
    static const char *const autoscalers[] = {
        "{\"kind\":\"HorizontalPodAutoscaler\",\"metrics\":[{\"type\":\"Resource\",\"resource\":\"cpu\","
        "\"target_type\":\"Utilization\",\"target\":70}]}",
        "{\"kind\":\"HorizontalPodAutoscaler\",\"metrics\":[{\"type\":\"Resource\",\"resource\":\"memory\","
        "\"target_type\":\"Utilization\",\"target\":85}]}",
        "{\"kind\":\"ScaledObject\",\"metrics\":[{\"type\":\"Resource\",\"resource\":\"cpu\",\"container\":\"side\","
        "\"target_type\":\"Utilization\",\"target\":150}]}",
        "{\"kind\":\"HorizontalPodAutoscaler\",\"metrics\":[{\"type\":\"ContainerResource\",\"resource\":\"cpu\",\"container\":\"app\","
        "\"target_type\":\"Utilization\",\"target\":60},{\"type\":\"External\"}]}",
        "{\"kind\":\"VerticalPodAutoscaler\",\"update_mode\":\"Auto\"}"};
    return chance(0.3) ? autoscalers[rng_next() % ARRAY_COUNT(autoscalers)] : NULL;
}

static inline const char *random_annotations(void)
{
    static const char *const annotations[] = {
        "{\"tare.dev/aggressiveness\":\"lean\",\"tare.dev/headroom-cpu\":\"0\"}",
        "{\"tare.dev/limits-cpu\":\"none\",\"tare.dev/limits-memory\":\"none\"}",
        "{\"tare.dev/cpu-percentile\":\"50\",\"tare.dev/memory-percentile\":\"50\",\"tare.dev/headroom-memory\":\"0\"}",
        "{\"tare.dev/headroom-cpu\":\"400\",\"tare.dev/headroom-memory\":\"400%\",\"tare.dev/replica-aggregation\":\"max\"}",
        "{\"tare.dev/max-decrease-percent\":\"100\",\"tare.dev/minimum-history\":\"1s\",\"tare.dev/min-cpu\":\"0\"}"};
    return chance(0.4) ? annotations[rng_next() % ARRAY_COUNT(annotations)] : NULL;
}

static inline json_t *random_record(void)
{
    static char ranges[1200];
    static char quotas[600];
    struct made_workload workload = {.kind = chance(0.2) ? "StatefulSet" : chance(0.1) ? "CronJob" : "Deployment",
                                     .replicas = 1 + floor(unit() * 5),
                                     .days = chance(0.3) ? 1 + 6 * unit() : 7,
                                     .autoscaler = random_autoscaler(),
                                     .annotations = random_annotations(),
                                     .count = 1 + (size_t)(rng_next() % 3)};
    random_container(&workload.containers[0], "app");
    random_container(&workload.containers[1], "side");
    random_container(&workload.containers[2], "start");
    workload.containers[2].role = "init";
    workload.containers[0].cpu.startup = chance(0.3) ? spread(1, 5000) : 0;
    if (chance(0.3)) {
        workload.limit_ranges = random_ranges(&workload.containers[0], ranges);
    }
    if (chance(0.3)) {
        workload.quotas = random_quotas(&workload.containers[0], quotas);
    }
    return made_record(&workload);
}

#endif
