#ifndef TARE_TESTS_PLAN_BUILDER_H
#define TARE_TESTS_PLAN_BUILDER_H

/* A settled plan of a made workload, for tests of sizing. */

#include "pipeline/base/arena.h"
#include "stages/analyze/sizing/sizing.h"
#include "tests/unit/stages/analyze/subject/subject_builder.h"

/* Usage that is named once: about 150m and 200 MiB. */
#define CPU_150 \
    { \
        .p50 = 80, .p90 = 130, .p95 = 150, .p99 = 200, .max = 300, .wp95 = 155, .bh90 = 160 \
    }
#define MEM_200 \
    { \
        .p50 = 190 * MIB, .p90 = 195 * MIB, .p95 = 196 * MIB, .p99 = 198 * MIB, .max = 200 * MIB \
    }

#define ONE(...) .count = 1, .containers = {{.name = "app", __VA_ARGS__}}
#define MI(n) ((int64_t)(n)*1048576)

struct made_plan {
    struct arena arena;
    json_t *record;
    struct policy policy;
    struct subject subject;
    struct plan plan;
};

static inline struct policy default_policy(void)
{
    struct policy policy = {.aggressiveness = AGGRESSIVENESS_BALANCED,
                            .limits = {LIMITS_KEEP, LIMITS_HEADROOM},
                            .minimum_history_seconds = 86400};
    guardrails_default(&policy.guardrails);
    return policy;
}

/* `policy` NULL: the default one. Free with made_plan_release. */
static inline void made_plan(const struct made_workload *workload, const struct policy *policy, struct made_plan *out)
{
    arena_init(&out->arena);
    out->record = made_record(workload);
    out->policy = policy ? *policy : default_policy();
    subject_read(out->record, &out->arena, &out->subject);
    plan_make(&out->subject, &out->policy, &out->arena, &out->plan);
    plan_settle(&out->plan);
}

static inline void made_plan_release(struct made_plan *made)
{
    json_decref(made->record);
    arena_release(&made->arena);
}

#endif
