#include "stages/analyze/sizing/parts.h"

#include <math.h>

/* The larger, where NaN counts as nothing. */
static double larger(double a, double b)
{
    return fmax(a, b);
}

/* What a throttled container should be allowed: its usage above the limit cannot be seen. */
static double throttled_limit(const struct container *container)
{
    return rule_cpu_throttled_limit(&container->use[CPU], (double)container->limit[CPU]);
}

static void size_request(const struct plan *plan, struct container_plan *container)
{
    const struct figures *use = &container->container->use[CPU];
    struct field_plan *field = &container->fields[CPU_REQUEST];
    field->target = rule_cpu_request(use, &plan->scene, &field->rule);
    const char *hold = NULL;
    if (container->signals.throttled) {
        hold = "throttled";
        field->rule = "cpu-throttled";
        field->target = larger(field->target, (double)field->effective);
    }
    field->movable = true;
    double high = larger(1.5 * field->target, 1.2 * use->max);
    field_range(plan, container, CPU_REQUEST, fmin(use->p90, field->target), high, hold);
}

/* A Guaranteed pod's request and limit are one number, which must leave room for bursts. */
static void size_locked(const struct plan *plan, struct container_plan *container)
{
    const struct figures *use = &container->container->use[CPU];
    struct field_plan *request = &container->fields[CPU_REQUEST];
    struct field_plan *limit = &container->fields[CPU_LIMIT];
    limit->movable = true;
    limit->rule = "cpu-guaranteed";
    limit->target = rule_cpu_guaranteed(use, request->target);
    if (container->signals.throttled) {
        limit->rule = "cpu-throttled";
        limit->urgent = true;
        limit->target = throttled_limit(container->container);
    }
    field_range(plan, container, CPU_LIMIT, fmin(use->p99, limit->target),
                larger(1.5 * limit->target, 1.2 * use->max),
                container->signals.throttled ? "throttled" : NULL);
}

/* Limits that follow the policy: held in ratio, or given headroom. */
static void size_limit_by_policy(const struct plan *plan, struct container_plan *container, bool ratio)
{
    const struct figures *use = &container->container->use[CPU];
    struct field_plan *limit = &container->fields[CPU_LIMIT];
    const struct field_plan *request = &container->fields[CPU_REQUEST];
    if (ratio && (request->old <= 0 || limit->old <= 0)) {
        return;
    }
    limit->movable = true;
    limit->fixed = ratio;
    limit->rule = ratio ? "limit-ratio" : "limit-headroom";
    limit->factor = ratio ? (double)limit->old / (double)request->old : rule_cpu_limit_factor();
    limit->base = rule_cpu_limit_base(use, ratio);
    const char *hold = container->signals.throttled ? "throttled" : NULL;
    if (hold) {
        limit->rule = "cpu-throttled";
        limit->urgent = true;
        limit->base = larger(limit->base, throttled_limit(container->container));
    }
    limit->target = larger(limit->base, limit->factor * request->target);
    field_range(plan, container, CPU_LIMIT, limit->base, larger(2 * limit->target, 2 * use->max), hold);
}

static void size_limit(const struct plan *plan, struct container_plan *container)
{
    struct field_plan *limit = &container->fields[CPU_LIMIT];
    const char *asked;
    enum limits_policy policy = limits_in_force(plan, container, CPU, &asked);
    switch (policy) {
    case LIMITS_REMOVE:
        limit->rule = "limit-remove";
        limit->remove = limit->old >= 0;
        return;
    case LIMITS_RATIO:
    case LIMITS_HEADROOM:
        size_limit_by_policy(plan, container, policy == LIMITS_RATIO);
        limit->rule = asked ? asked : limit->rule;
        return;
    case LIMITS_KEEP:
        break;
    }
    limit->rule = asked ? asked : "limit-keep";
    if (!container->signals.throttled) {
        return;
    }
    limit->rule = "cpu-throttled";
    limit->movable = limit->urgent = true;
    limit->target = throttled_limit(container->container);
    field_range(plan, container, CPU_LIMIT, (double)limit->effective, 1.5 * limit->target, "throttled");
}

void size_cpu(const struct plan *plan, struct container_plan *container)
{
    struct field_plan *request = &container->fields[CPU_REQUEST];
    if (!container->container->use[CPU].known) {
        return;
    }
    size_request(plan, container);
    bool autoscaled = container->signals.autoscaled[CPU];
    if (plan->lock && !autoscaled) {
        size_locked(plan, container);
    } else if (!plan->lock) {
        size_limit(plan, container);
    }
    if (autoscaled) {
        request->movable = false;
        request->rule = "autoscaled";
        if (plan->lock) {
            container->fields[CPU_LIMIT].rule = "autoscaled";
        }
    }
}
