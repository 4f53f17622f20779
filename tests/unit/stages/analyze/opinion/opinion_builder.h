#ifndef TARE_TESTS_OPINION_BUILDER_H
#define TARE_TESTS_OPINION_BUILDER_H

/* Settled plans over made workloads, for the tests of opinion/. */

#include "pipeline/base/mem.h"
#include "stages/analyze/opinion/evidence.h"
#include "stages/analyze/opinion/question.h"
#include "stages/analyze/rules/figures.h"
#include "tests/unit/stages/analyze/subject/subject_builder.h"

#define MI(n) ((int64_t)(n)*1048576)

struct made_plan {
    struct arena arena;
    json_t *record;
    struct subject subject;
    struct policy policy;
    struct class class;
    struct plan plan;
};

/* A plan over `record`, which it takes. */
static inline void made_plan_of(struct made_plan *out, json_t *record)
{
    *out = (struct made_plan){.policy = {.aggressiveness = AGGRESSIVENESS_BALANCED,
                                         .limits = {LIMITS_KEEP, LIMITS_HEADROOM},
                                         .minimum_history_seconds = 86400}};
    guardrails_default(&out->policy.guardrails);
    arena_init(&out->arena);
    out->record = record;
    subject_read(record, &out->arena, &out->subject);
    figures_complete_all(&out->subject, &out->arena);
    class_of(&out->subject, &out->class);
    plan_make(&out->subject, &out->policy, &out->arena, &out->plan);
    plan_settle(&out->plan);
}

/* Usual use of a container: 150m at p95, 200 MiB at the peak. */
static inline void made_usual_use(struct made_container *container)
{
    container->cpu = (struct made_use){.p50 = 80, .p90 = 130, .p95 = 150, .p99 = 200, .max = 300, .wp95 = 155, .bh90 = 160};
    container->memory =
        (struct made_use){.p50 = 190 * MIB, .p90 = 195 * MIB, .p95 = 196 * MIB, .p99 = 198 * MIB, .max = 200 * MIB};
}

/* shop/Deployment/cart with the container app. */
static inline void made_plan_init(struct made_plan *out, struct made_container container)
{
    struct made_workload workload = {.replicas = 2, .count = 1};
    workload.containers[0] = container;
    workload.containers[0].name = "app";
    made_usual_use(&workload.containers[0]);
    made_plan_of(out, made_record(&workload));
}

static inline void made_plan_release(struct made_plan *plan)
{
    json_decref(plan->record);
    arena_release(&plan->arena);
}

static const struct made_container oversized = {
    .cpu_request = 500, .cpu_limit = UNSET, .memory_request = MI(512), .memory_limit = MI(512)};

#endif
