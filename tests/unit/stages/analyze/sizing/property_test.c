/* Whatever the figures, the manifest, the policy and the model's answer are: no number outside its bounds or
 * the guardrails, request ≤ limit, rounding, memory never lowered after an OOM kill, QoS class kept. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "pipeline/base/arena.h"
#include "pipeline/base/mem.h"
#include "pipeline/base/rng.h"
#include "pipeline/base/str.h"
#include "stages/analyze/opinion/answer.h"
#include "stages/analyze/advice/recommend.h"
#include "stages/analyze/findings/findings.h"
#include "stages/analyze/sizing/sizing.h"
#include "tests/unit/stages/analyze/subject/subject_builder.h"

enum { CASES = 6000 };

static double unit(void)
{
    return rng_unit();
}

static bool chance(double share)
{
    return rng_unit() < share;
}

/* Log-uniform between low and high. */
static double spread(double low, double high)
{
    return low * pow(high / low, unit());
}

static struct made_use random_use(double low, double high)
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
static int64_t random_amount(double use, double unset)
{
    if (chance(unset))
        return UNSET;
    return (int64_t)(use * spread(0.2, 8)) + (chance(0.02) ? 0 : 1);
}

static void random_container(struct made_container *out, const char *name)
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
    if (out->cpu_limit >= 0 && out->cpu_limit < out->cpu_request)
        out->cpu_limit = out->cpu_request;
    if (out->memory_limit >= 0 && out->memory_limit < out->memory_request)
        out->memory_limit = out->memory_request;
    out->throttled = chance(0.3) ? unit() : 0;
    out->oom_kills = chance(0.3) ? 1 + 20 * unit() * unit() : 0;
    out->no_usage = chance(0.05);
    out->role = chance(0.1) ? "sidecar" : "container";
}

static void random_policy(struct policy *out)
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
    if (chance(0.2)) {
        out->guardrails.ceiling[CPU] = (int64_t)spread(20, 4000);
        out->guardrails.ceiling[MEMORY] = (int64_t)spread(40 * MIB, 8000 * MIB);
    }
}

static json_t *random_record(void)
{
    static const char *const autoscalers[] = {
        NULL,
        "{\"kind\":\"HorizontalPodAutoscaler\",\"metrics\":[{\"type\":\"Resource\",\"resource\":\"cpu\","
        "\"target_type\":\"Utilization\"}]}",
        "{\"kind\":\"HorizontalPodAutoscaler\",\"metrics\":[{\"type\":\"Resource\",\"resource\":\"memory\","
        "\"target_type\":\"Utilization\"}]}"};
    struct made_workload workload = {.kind = chance(0.2) ? "StatefulSet" : "Deployment",
                                     .replicas = 1 + floor(unit() * 5),
                                     .days = chance(0.3) ? 1 + 6 * unit() : 7,
                                     .autoscaler = autoscalers[chance(0.2) ? 1 + rng_next() % 2 : 0],
                                     .count = 1 + (size_t)(rng_next() % 2)};
    random_container(&workload.containers[0], "app");
    random_container(&workload.containers[1], "side");
    return made_record(&workload);
}

#define HOLDS(condition, ...) \
    do { \
        if (!(condition)) \
            fail_msg("case %d: %s does not hold: %s", number, #condition, \
                     describe(plan, container, __VA_ARGS__)); \
    } while (0)

static const char *describe(const struct plan *plan, const struct container_plan *container, enum field f)
{
    static char text[600];
    const struct field_plan *field = &container->fields[f];
    (void)snprintf(text, sizeof text,
                   "%s %s old %lld effective %lld value %lld min %lld max %lld rule %s moved by %s lock %d "
                   "limit after %lld",
                   container->container->name, field_name(f), (long long)field->old,
                   (long long)field->effective, (long long)field->value, (long long)field->min,
                   (long long)field->max, field->rule, field->moved_by ? field->moved_by : "-", plan->lock,
                   (long long)field_after(&container->fields[FIELD_OF(FIELD_RESOURCE(f), true)]));
    return text;
}

static void check_field(int number, const struct plan *plan, const struct container_plan *container,
                        enum field f)
{
    static const int64_t round_to[RESOURCES] = {5, 4 * 1048576};
    const struct field_plan *field = &container->fields[f];
    enum resource resource = FIELD_RESOURCE(f);
    struct guardrail_reason reasons[GUARDRAIL_REASONS_MAX];
    if (field->value < 0)
        return;
    HOLDS(field->value >= field->min && field->value <= field->max, f);
    HOLDS(field->value != field->old, f);
    bool written_out = str_equal(field->moved_by, "limit") && field->value == field->effective;
    size_t count = guardrail_check(&plan->policy->guardrails, (enum guardrail_resource)resource, field->old,
                                   field->value, reasons);
    for (size_t i = 0; i < count; i++)
        HOLDS(reasons[i].passed || written_out, f);
    /* Rounded, or exactly on an edge of the range or on the other amount. */
    bool edge = field->value == field->min || field->value == field->max || field->moved_by;
    HOLDS(field->value % round_to[resource] == 0 || edge || field->max - field->min < round_to[resource], f);
    if (resource == MEMORY && container->signals.oom)
        HOLDS(field->value >= field->effective, f);
    if (f == CPU_REQUEST && container->signals.throttled)
        HOLDS(field->value >= field->effective, f);
}

/* The amounts that hold after the plan, as the manifest would give them. */
static enum qos qos_then(const struct plan *plan)
{
    int64_t request[8][RESOURCES];
    int64_t limit[8][RESOURCES];
    for (size_t i = 0; i < plan->subject->container_count; i++) {
        for (int r = 0; r < RESOURCES; r++) {
            const struct field_plan *asks = &plan->containers[i].fields[FIELD_OF(r, false)];
            const struct field_plan *may = &plan->containers[i].fields[FIELD_OF(r, true)];
            request[i][r] = asks->value >= 0 ? asks->value : asks->old;
            limit[i][r] = may->remove ? UNSET : may->value >= 0 ? may->value : may->old;
        }
    }
    return qos_of((const int64_t(*)[RESOURCES])request, (const int64_t(*)[RESOURCES])limit,
                  plan->subject->container_count);
}

static void check_plan(int number, const struct plan *plan)
{
    for (size_t i = 0; i < plan->subject->container_count; i++) {
        const struct container_plan *container = &plan->containers[i];
        for (int f = 0; f < FIELDS; f++)
            check_field(number, plan, container, (enum field)f);
        for (int r = 0; r < RESOURCES; r++) {
            const struct field_plan *asks = &container->fields[FIELD_OF(r, false)];
            int64_t may = field_after(&container->fields[FIELD_OF(r, true)]);
            /* A request that is not written is its limit. */
            int64_t after = asks->value >= 0 ? asks->value : asks->old >= 0 ? asks->old : may;
            HOLDS(may < 0 || after <= may, FIELD_OF(r, false));
            /* Taking a limit away must not take the request that it stood for. */
            HOLDS(asks->effective <= 0 || asks->old >= 0 || asks->value >= 0 || may >= 0, FIELD_OF(r, false));
            if (container->signals.autoscaled[r])
                HOLDS(after == asks->effective, FIELD_OF(r, false));
        }
    }
    if (!plan->policy->qos_change && plan->subject->qos != QOS_BEST_EFFORT &&
        qos_then(plan) != plan->subject->qos)
        fail_msg("case %d: QoS class %s becomes %s", number, qos_name(plan->subject->qos),
                 qos_name(qos_then(plan)));
}

/* Proposals of a model that means harm or makes no sense. */
static void hostile_answer(const struct plan *plan, struct arena *arena, struct answer *out)
{
    *out = (struct answer){.confidence = unit()};
    out->proposals = arena_alloc_array(arena, plan->subject->container_count, sizeof *out->proposals);
    for (size_t i = 0; i < plan->subject->container_count; i++) {
        for (int f = 0; f < FIELDS; f++)
            out->proposals[i][f] = chance(0.3) ? NAN : chance(0.2) ? 1 : floor(spread(1, 4e15));
    }
}

static void one_case(int number)
{
    struct arena arena;
    struct subject subject;
    struct policy policy;
    struct plan plan;
    struct class class;
    struct answer answer;
    arena_init(&arena);
    json_t *record = random_record();
    random_policy(&policy);
    subject_read(record, &arena, &subject);
    class_of(&subject, &class);
    plan_make(&subject, &policy, &arena, &plan);
    plan_settle(&plan);
    check_plan(number, &plan);
    hostile_answer(&plan, &arena, &answer);
    (void)answer_apply(&answer, &plan);
    check_plan(number, &plan);
    struct opinion opinion = {.source = "llm", .confidence = answer.confidence};
    const struct parts parts = {.findings = findings_new(&plan, NULL, &arena)};
    json_t *recommendation = recommendation_new(&plan, &class, &opinion, &parts);
    assert_true(json_object_size(json_object_get(recommendation, "containers")) <= subject.container_count);
    json_decref(recommendation);
    json_decref(record);
    arena_release(&arena);
}

static void nothing_escapes(void **state)
{
    (void)state;
    rng_seed(20261122);
    for (int i = 0; i < CASES; i++)
        one_case(i);
}

int main(void)
{
    json_init();
    const struct CMUnitTest tests[] = {cmocka_unit_test(nothing_escapes)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
