#include "stages/analyze/sizing/sizing.h"

#include <math.h>
#include <stdio.h>

#include "pipeline/base/clock.h"

/* Constants of README.md: what a recommendation needs, and how far down one run may go. */
static const double coverage_needed = 0.5;
static const double sure = 0.8;
static const double step_down_sure = 0.50;
static const double step_down_unsure = 0.30;

const char *field_name(enum field field)
{
    static const char *const names[FIELDS] = {"requests.cpu", "requests.memory", "limits.cpu",
                                              "limits.memory"};
    return names[field];
}

static int64_t to_amount(double value)
{
    if (!(value > 0))
        return 0;
    return value >= 9e18 ? INT64_MAX : (int64_t)ceil(value - 1e-6);
}

/* Pulls the statistical range into the guardrails, which win, and notes which of them took part. */
static void apply_guardrails(const struct guardrail_bounds *rails, enum resource resource,
                             struct field_plan *field)
{
    enum guardrail_rule min_moved;
    enum guardrail_rule max_moved;
    enum guardrail_resource of = (enum guardrail_resource)resource;
    field->min = guardrail_clamp(rails, field->min, &min_moved);
    field->max = guardrail_clamp(rails, field->max, &max_moved);
    if (min_moved != GUARDRAIL_NONE)
        field->min_by = guardrail_rule_name(min_moved, of);
    if (max_moved != GUARDRAIL_NONE)
        field->max_by = guardrail_rule_name(max_moved, of);
    field->percent = rails->percent;
}

void field_range(const struct plan *plan, struct container_plan *container, enum field field, double low,
                 double high, const char *hold)
{
    struct field_plan *out = &container->fields[field];
    double today = (double)out->effective;
    double floor_step = today * (1 - (container->confidence < sure ? step_down_unsure : step_down_sure));
    out->min_by = "lower-bound";
    out->max_by = "upper-bound";
    if (out->effective > 0 && floor_step > low) {
        low = floor_step;
        out->min_by = "step-cap";
    }
    if (hold && out->effective > 0 && today > low) {
        low = today;
        out->min_by = hold;
    }
    out->min = to_amount(low);
    out->max = to_amount(fmax(high, low));
    struct guardrail_bounds rails =
        guardrail_range(&plan->policy->guardrails, (enum guardrail_resource)FIELD_RESOURCE(field), out->old);
    /* A ceiling below the need must not push a value down that works today: then it stays. */
    if (rails.max < out->min && rails.max < out->effective) {
        out->movable = false;
        out->rule = guardrail_rule_name(rails.max_rule, (enum guardrail_resource)FIELD_RESOURCE(field));
        return;
    }
    apply_guardrails(&rails, FIELD_RESOURCE(field), out);
    /* A range without an amount that people would write is stretched up to the next, where the guardrails
     * allow it. */
    int64_t round = rounded_up(FIELD_RESOURCE(field), out->min);
    if (out->max < round && round <= rails.max)
        out->max = round;
}

/* Says why nothing can be recommended, if so. */
static void refuse_without_data(const struct subject *subject, const struct policy *policy, struct plan *out)
{
    char have[RFC3339_MAX];
    char need[RFC3339_MAX];
    double history = subject_history_seconds(subject);
    bool any = false;
    for (size_t i = 0; i < subject->container_count; i++)
        any = any || subject->containers[i].use[CPU].known || subject->containers[i].use[MEMORY].known;
    if (!subject->has_usage || !any) {
        out->refusal = "no-usage";
        (void)snprintf(out->refusal_reason, sizeof out->refusal_reason,
                       "no usage to learn from in the window");
    } else if (history < (double)policy->minimum_history_seconds) {
        out->refusal = "insufficient-data";
        int64_t hours = (int64_t)(history / 3600);
        (void)snprintf(out->refusal_reason, sizeof out->refusal_reason, "%s of history, %s are needed",
                       duration_format(hours * 3600, have),
                       duration_format(policy->minimum_history_seconds, need));
    } else if (subject_coverage(subject) < coverage_needed) {
        out->refusal = "insufficient-data";
        (void)snprintf(out->refusal_reason, sizeof out->refusal_reason,
                       "usage is known for %.0f %% of the time since the first sample, %.0f %% are needed",
                       subject_coverage(subject) * 100, coverage_needed * 100);
    }
}

/* Today's amounts of one container, nothing movable yet. */
static void container_begin(const struct container *from, struct container_plan *out)
{
    out->container = from;
    for (int f = 0; f < FIELDS; f++) {
        enum resource resource = FIELD_RESOURCE(f);
        struct field_plan *field = &out->fields[f];
        *field =
            (struct field_plan){.target = NAN, .proposal = NAN, .value = AMOUNT_ABSENT, .rule = "unknown"};
        field->old = FIELD_IS_LIMIT(f) ? from->written_limit[resource] : from->written_request[resource];
        field->effective = FIELD_IS_LIMIT(f) ? from->limit[resource] : container_request(from, resource);
    }
}

void plan_make(const struct subject *subject, const struct policy *policy, struct arena *arena,
               struct plan *out)
{
    *out = (struct plan){.subject = subject,
                         .policy = policy,
                         .scene = {.aggressiveness = policy->aggressiveness, .per_pod = subject_replicas(subject) >= 2.5}};
    out->containers = arena_alloc_array(arena, subject->container_count + 1, sizeof *out->containers);
    out->lock = subject->qos == QOS_GUARANTEED && !policy->qos_change;
    refuse_without_data(subject, policy, out);
    bool judged = false;
    for (size_t i = 0; i < subject->container_count; i++) {
        const struct container *from = &subject->containers[i];
        struct container_plan *container = &out->containers[i];
        container_begin(from, container);
        signals_read(subject, from, arena, &container->signals);
        backtest_make(subject, from, &out->scene, policy, arena, &container->backtest);
        bool known = from->use[CPU].known || from->use[MEMORY].known;
        container->judged = !out->refusal && known && from->role != ROLE_INIT && !from->duplicate;
        confidence_of(subject, from, &container->signals, &container->backtest, &container->confidence_parts);
        container->confidence = known ? confidence_value(&container->confidence_parts) : 0;
        if (known && (!judged || container->confidence < out->confidence))
            out->confidence = container->confidence;
        judged = judged || known;
        if (container->judged) {
            size_cpu(out, container);
            size_memory(out, container);
        }
    }
}
