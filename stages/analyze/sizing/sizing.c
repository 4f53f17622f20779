#include "stages/analyze/sizing/sizing.h"

#include <math.h>
#include <stdio.h>

#include "pipeline/base/clock.h"
#include "stages/analyze/rules/figures.h"
#include "stages/analyze/sizing/hours.h"
#include "stages/analyze/sizing/parts.h"

/* Constants of README.md: what a recommendation needs. */
static const double coverage_needed = 0.5;
static const double init_samples_needed = 3;
static const double hours_needed_seconds = 12 * 3600.0;

const char *field_name(enum field field)
{
    static const char *const names[FIELDS] = {"requests.cpu", "requests.memory", "limits.cpu",
                                              "limits.memory"};
    return names[field];
}

/* Says why nothing can be recommended, if so. */
static void refuse_without_data(const struct subject *subject, const struct policy *policy, struct plan *out)
{
    char have[RFC3339_MAX];
    char need[RFC3339_MAX];
    double history = subject_history_seconds(subject);
    bool any = false;
    for (size_t i = 0; i < subject->container_count; i++) {
        any = any || subject->containers[i].use[CPU].known || subject->containers[i].use[MEMORY].known;
    }
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

void container_begin(const struct container *from, struct container_plan *out)
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

/* The figures of business hours in the place of those of all hours; peaks, and so limits, and what is told by the hour stay. */
static void take_figures(const struct figures *hours, struct figures *use)
{
    struct figures all = *use;
    *use = *hours;
    use->samples = all.samples;
    use->max = all.max;
    use->p99 = all.p99;
    use->p995 = all.p995;
    use->hot_pod = all.hot_pod;
    use->p95_recent = all.p95_recent;
    use->p95_before = all.p95_before;
    use->startup_p99 = all.startup_p99;
    use->startup_max = all.startup_max;
    use->low = all.low;
    use->mean_hour = all.mean_hour;
    use->high = all.high;
    use->steps = all.steps;
}

/* The container as it is in business hours, where the policy asks for them and there are enough; itself otherwise. */
static const struct container *in_hours(const struct container *from, const struct policy *policy, struct arena *arena,
                                        size_t *steps)
{
    const struct figures *use = &from->use[CPU];
    struct figures whole;
    struct figures part;
    size_t counted;
    const bool *mask = hours_mask(&policy->hours, &use->steps, arena, &counted);
    if (!mask || !use->known || (double)counted * (double)use->steps.step_seconds < hours_needed_seconds) {
        return from;
    }
    figures_of_steps(&use->steps, 0, use->steps.count, NULL, arena, &whole);
    figures_of_steps(&use->steps, 0, use->steps.count, mask, arena, &part);
    if (!whole.known || !part.known) {
        return from;
    }
    figures_calibrate(use, &whole, &part);
    struct container *out = arena_alloc(arena, sizeof *out);
    *out = *from;
    take_figures(&part, &out->use[CPU]);
    out->use[CPU].only = mask;
    *steps = counted;
    return out;
}

/* Whose figures the CPU rule looks at. */
static bool looks_per_pod(const struct subject *subject, const struct policy *policy)
{
    return policy->replicas == REPLICAS_MAX || (policy->replicas == REPLICAS_AUTO && subject_replicas(subject) >= 2.5);
}

static struct scene scene_of(const struct subject *subject, const struct policy *policy)
{
    return (struct scene){.aggressiveness = policy->aggressiveness,
                          .per_pod = looks_per_pod(subject, policy),
                          .batch = subject->batch,
                          .percentile = {policy->percentile[CPU], policy->percentile[MEMORY]},
                          .headroom = {policy->headroom[CPU], policy->headroom[MEMORY]}};
}

/* Whether numbers can be said of a container. Init containers run for moments: a sample or two say nothing. */
static bool is_judged(const struct container *container)
{
    bool known = false;
    for (int r = 0; r < RESOURCES; r++) {
        const struct figures *use = &container->use[r];
        known = known || (use->known && (container->role != ROLE_INIT || use->samples >= init_samples_needed));
    }
    return known && !container->duplicate;
}

/* Who owns the requests of a pod sizes it, and nobody else. */
static void leave_to_owner(struct container_plan *container)
{
    for (int f = 0; f < FIELDS; f++) {
        container->fields[f].movable = false;
        container->fields[f].remove = false;
        container->fields[f].rule = "vpa";
    }
}

/* Signals, backtest and confidence of one container, and its targets. */
static void container_make(struct plan *plan, size_t index, struct arena *arena)
{
    const struct subject *subject = plan->subject;
    struct container_plan *container = &plan->containers[index];
    const struct container *from = container->container;
    signals_read(subject, from, arena, &container->signals);
    if (plan->hours_steps > 0) {
        container->signals.rare_peak = NAN; /* peaks at other hours are not asked about */
    }
    backtest_make(subject, from, &plan->scene, plan->policy, arena, &container->backtest);
    bool known = from->use[CPU].known || from->use[MEMORY].known;
    container->judged = !plan->refusal && is_judged(from);
    confidence_of(subject, from, &container->signals, &container->backtest, &container->confidence_parts);
    container->confidence = known ? confidence_value(&container->confidence_parts) : 0;
    if (!container->judged) {
        return;
    }
    if (from->role == ROLE_INIT) {
        size_init(plan, container);
    } else {
        size_cpu(plan, container);
        size_memory(plan, container);
    }
    if (container->signals.resized) {
        leave_to_owner(container);
    }
}

/* The lowest of the containers that run; those that only start the pod are seen for moments. */
static double plan_confidence(const struct plan *plan)
{
    double lowest = NAN;
    for (size_t i = 0; i < plan->subject->container_count; i++) {
        const struct container_plan *container = &plan->containers[i];
        bool known = container->container->use[CPU].known || container->container->use[MEMORY].known;
        if (known && container->container->role != ROLE_INIT) {
            lowest = fmin(lowest, container->confidence);
        }
    }
    return isnan(lowest) ? 0 : lowest;
}

void plan_make(const struct subject *subject, const struct policy *policy, struct arena *arena,
               struct plan *out)
{
    *out = (struct plan){.subject = subject, .policy = policy, .scene = scene_of(subject, policy)};
    out->containers = arena_alloc_array(arena, subject->container_count + 1, sizeof *out->containers);
    out->lock = subject->qos == QOS_GUARANTEED && !policy->qos_change;
    refuse_without_data(subject, policy, out);
    for (size_t i = 0; i < subject->container_count; i++) {
        const struct container *from = &subject->containers[i];
        /* A run is judged whenever it was. */
        container_begin(subject->batch ? from : in_hours(from, policy, arena, &out->hours_steps), &out->containers[i]);
    }
    for (int f = 0; f < FIELDS; f++) {
        out->pod_today[f] = pod_total(out, (enum field)f, false);
    }
    for (int r = 0; r < RESOURCES && !out->refused_today; r++) {
        out->refused_today = plan_refused_by(out, (enum resource)r);
    }
    for (size_t i = 0; i < subject->container_count; i++) {
        container_make(out, i, arena);
    }
    out->confidence = plan_confidence(out);
    plan_quotas(out, arena);
    plan_moves(out, arena);
    plan_conflicts(out, arena);
}
