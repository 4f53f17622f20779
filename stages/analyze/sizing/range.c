#include "stages/analyze/sizing/parts.h"

#include <math.h>

#include "stages/analyze/subject/allowance.h"

/* How far down one run may go. */
static const double sure = 0.8;
static const double step_down_sure = 0.50;
static const double step_down_unsure = 0.30;
/* A CPU limit stays above what starting takes, and any limit above the use at which an autoscaler adds pods. */
static const double above_startup = 1.1;
static const double above_scale_load = 1.1;

/* What is allowed whatever the statistics say, and who says so. */
struct bound {
    int64_t min, max;
    const char *min_by, *max_by;
};

static int64_t to_amount(double value)
{
    if (!(value > 0)) {
        return 0;
    }
    return value >= 9e18 ? INT64_MAX : (int64_t)ceil(value - 1e-6);
}

static void raise_min(struct bound *bound, int64_t value, const char *by)
{
    if (value > bound->min) {
        bound->min = value;
        bound->min_by = by;
    }
}

static void lower_max(struct bound *bound, int64_t value, const char *by)
{
    if (value < bound->max) {
        bound->max = value < 0 ? 0 : value;
        bound->max_by = by;
    }
}

static int64_t at_least_zero(int64_t value)
{
    return value > 0 ? value : 0;
}

/* A LimitRange for pods leaves to one container what the others do not take today. */
static void bound_by_range(const struct plan *plan, const struct limit_range *range, enum field field, int64_t today,
                           struct bound *bound)
{
    enum resource resource = FIELD_RESOURCE(field);
    int64_t others = range->pod ? at_least_zero(plan->pod_today[field]) - at_least_zero(today) : 0;
    if (range->min[resource] > 0) {
        raise_min(bound, range->min[resource] - others, range->by);
    }
    if (range->max[resource] >= 0) {
        lower_max(bound, range->max[resource] - others, range->by);
    }
}

/* A quota caps an increase to what is left, shared by all replicas; it never asks for less than today. */
static void bound_by_quota(const struct plan *plan, const struct quota *quota, enum field field, int64_t today,
                           struct bound *bound)
{
    int64_t hard = quota->hard[FIELD_IS_LIMIT(field)][FIELD_RESOURCE(field)];
    int64_t used = quota->used[FIELD_IS_LIMIT(field)][FIELD_RESOURCE(field)];
    if (!quota->counts || hard < 0 || used < 0) {
        return;
    }
    int64_t room = at_least_zero(hard - used) / pods_counted(plan->subject);
    int64_t base = at_least_zero(today);
    lower_max(bound, base > INT64_MAX - room ? INT64_MAX : base + room, quota->by);
}

/* Guardrails, LimitRanges and quotas together. Init containers are bounded one by one: the pod's sums are not theirs. */
static struct bound bound_of(const struct plan *plan, const struct container_plan *container, enum field field,
                             const struct guardrail_bounds *rails)
{
    const struct allowance *allowance = plan->subject->allowance;
    const struct field_plan *of = &container->fields[field];
    enum guardrail_resource resource = (enum guardrail_resource)FIELD_RESOURCE(field);
    bool init = container->container->role == ROLE_INIT;
    struct bound bound = {rails->min, rails->max, guardrail_rule_name(rails->min_rule, resource),
                          guardrail_rule_name(rails->max_rule, resource)};
    for (size_t i = 0; i < allowance->range_count; i++) {
        if (!init || !allowance->ranges[i].pod) {
            bound_by_range(plan, &allowance->ranges[i], field, of->effective, &bound);
        }
    }
    for (size_t i = 0; i < allowance->quota_count && !init; i++) {
        bound_by_quota(plan, &allowance->quotas[i], field, of->effective, &bound);
    }
    return bound;
}

/* Pulls the statistical range into what is allowed, and notes what took part. */
static void apply_bound(const struct bound *bound, struct field_plan *field)
{
    if (field->min < bound->min) {
        field->min = bound->min;
        field->min_by = bound->min_by;
    } else if (field->min > bound->max) {
        field->min = bound->max;
        field->min_by = bound->max_by;
    }
    if (field->max > bound->max) {
        field->max = bound->max;
        field->max_by = bound->max_by;
    } else if (field->max < bound->min) {
        field->max = bound->min;
        field->max_by = bound->min_by;
    }
}

/* Raises the lower end to `to` (NaN: to nothing), but not above today's value. */
static void keep_above(const struct field_plan *field, double to, const char *why, double *low, const char **min_by)
{
    double today = (double)field->effective;
    double end = fmin(to, today);
    if (isfinite(to) && today > 0 && end > *low) {
        *low = end;
        *min_by = why;
    }
}

/* The lower end by statistics: the rule's own, or what one run may take away, or what a limit must leave room for. */
static double lower_end(const struct plan *plan, const struct container_plan *container, enum field field, double low, const char *hold,
                        const char **min_by)
{
    const struct field_plan *of = &container->fields[field];
    enum resource resource = FIELD_RESOURCE(field);
    double step = container->confidence < sure ? step_down_unsure : step_down_sure;
    *min_by = "lower-bound";
    keep_above(of, (double)of->effective * (1 - step), "step-cap", &low, min_by);
    if (FIELD_IS_LIMIT(field) && resource == CPU) {
        keep_above(of, above_startup * container->container->use[CPU].startup_p99, "start-up", &low, min_by);
    }
    if (field == CPU_REQUEST || (plan->lock && field == CPU_LIMIT)) {
        keep_above(of, container->signals.rare_peak, "rare-peak", &low, min_by);
        keep_above(of, container->signals.cpu_in_a_week, "growth", &low, min_by);
    }
    if (FIELD_IS_LIMIT(field)) {
        keep_above(of, above_scale_load * container->signals.scale_load[resource], "scale-load", &low, min_by);
    }
    if (hold) {
        keep_above(of, (double)of->effective, hold, &low, min_by);
    }
    return low;
}

/* Today's value as the manifest has it; in a pod whose requests are its limits either stands for both. */
static int64_t written(const struct plan *plan, const struct container_plan *container, enum field field)
{
    int64_t old = container->fields[field].old;
    if (old >= 0 || !plan->lock) {
        return old;
    }
    return container->fields[FIELD_OF(FIELD_RESOURCE(field), !FIELD_IS_LIMIT(field))].old;
}

void field_range(const struct plan *plan, struct container_plan *container, enum field field, double low, double high,
                 const char *hold)
{
    struct field_plan *out = &container->fields[field];
    enum resource resource = FIELD_RESOURCE(field);
    low = lower_end(plan, container, field, low, hold, &out->min_by);
    out->max_by = "upper-bound";
    out->min = to_amount(low);
    out->max = to_amount(fmax(high, low));
    struct guardrail_bounds rails =
        guardrail_range(&plan->policy->guardrails, (enum guardrail_resource)resource, written(plan, container, field));
    struct bound bound = bound_of(plan, container, field, &rails);
    /* A ceiling below the need must not push a value down that works today: then it stays. */
    if (bound.min > bound.max || (bound.max < out->min && bound.max < out->effective)) {
        out->movable = false;
        out->rule = bound.max_by;
        return;
    }
    out->percent = rails.percent;
    apply_bound(&bound, out);
    /* A range without an amount that people would write is stretched up to the next, where that is allowed. */
    int64_t round = rounded_up(resource, out->min);
    if (out->max < round && round <= bound.max) {
        out->max = round;
    }
}

/* Who asks for a limit of this resource, NULL for nobody: then it may go. Where there is a default, it would come back. */
static const char *limit_needed_by(const struct allowance *allowance, enum resource resource)
{
    for (size_t i = 0; i < allowance->range_count; i++) {
        const struct limit_range *range = &allowance->ranges[i];
        if (range->limit[resource] >= 0 || range->max[resource] >= 0 || range->ratio[resource] >= 0) {
            return range->by;
        }
    }
    for (size_t i = 0; i < allowance->quota_count; i++) {
        if (allowance->quotas[i].hard[1][resource] >= 0) {
            return allowance->quotas[i].by;
        }
    }
    return NULL;
}

enum limits_policy limits_in_force(const struct plan *plan, const struct container_plan *container, enum resource resource,
                                   const char **rule)
{
    enum limits_policy policy = plan->policy->limits[resource];
    bool set = container->fields[FIELD_OF(resource, true)].effective >= 0;
    const char *by = limit_needed_by(plan->subject->allowance, resource);
    *rule = by && (policy == LIMITS_REMOVE || (policy == LIMITS_KEEP && !set)) ? by : NULL;
    if (!*rule) {
        return policy;
    }
    return set ? LIMITS_KEEP : LIMITS_HEADROOM;
}
