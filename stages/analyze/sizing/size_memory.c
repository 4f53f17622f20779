#include "stages/analyze/sizing/parts.h"

#include <math.h>

static const double mebibyte = 1048576;

/* What the container needed when it was killed: its peak, or the limit that stopped it. */
static double oom_base(const struct container *container)
{
    double limit = container->oom_limit > 0 ? container->oom_limit : (double)container->limit[MEMORY];
    return fmax(container->use[MEMORY].max, limit);
}

/* A fifth or 100 MiB above, a tenth more for each further kill, at most twice in one run. */
double oom_limit(const struct container *container)
{
    double base = oom_base(container);
    double limit = fmax(base * 1.2, base + 100 * mebibyte);
    double further = container->oom_kills > 1 ? container->oom_kills - 1 : 0;
    return fmin(limit * (1 + 0.1 * further), fmax(2 * base, base + 100 * mebibyte));
}

/* Why memory must not be lowered now, NULL when it may. */
static const char *hold_reason(const struct signals *signals)
{
    if (signals->oom_recent) {
        return "oom-kills";
    }
    if (signals->leak) {
        return "memory-leak";
    }
    return signals->heap_capped ? "heap-capped" : NULL;
}

/* Why the limit must not be lowered: the same, or our own rule's limit would have killed on days that it had not seen. */
static const char *hold_limit(const struct container_plan *container)
{
    const struct backtest *backtest = &container->backtest;
    const char *hold = hold_reason(&container->signals);
    bool kills = backtest->known && backtest->judged[MEMORY] && backtest->verdicts[MEMORY][CONTENDER_OURS].over_limit >= 1;
    return !hold && kills ? "backtest-kills" : hold;
}

/* Which formula asks for the request. */
static const char *request_rule(const struct plan *plan, const struct container_plan *container)
{
    if (container->signals.oom_recent) {
        return "memory-oom";
    }
    return plan->scene.percentile[MEMORY] > 0 ? "memory-percentile" : plan->scene.batch ? "memory-run" : "memory-peak";
}

static void size_request(const struct plan *plan, struct container_plan *container)
{
    const struct container *of = container->container;
    const struct figures *use = &of->use[MEMORY];
    struct field_plan *field = &container->fields[MEMORY_REQUEST];
    const char *hold = hold_reason(&container->signals);
    double peak = container->signals.oom_recent ? oom_base(of) : use->max;
    field->movable = true;
    field->rule = request_rule(plan, container);
    field->urgent = container->signals.oom_recent;
    field->target = rule_memory_request(use, &plan->scene, peak);
    if (container->signals.heap_capped && of->limit[MEMORY] > 0) {
        field->target = fmin(field->target, (double)of->limit[MEMORY]);
    }
    if (hold) {
        field->target = fmax(field->target, (double)field->effective);
    }
    double low = fmin(fmax(use->p99, 0.8 * use->max), field->target);
    field_range(plan, container, MEMORY_REQUEST, low, fmax(1.5 * field->target, 1.5 * peak), hold);
}

/* Base of the limit by the signals; `usual` is the factor on the peak when there are none. */
static double limit_base(const struct container_plan *container, double usual)
{
    return container->signals.oom_recent ? oom_limit(container->container)
                                  : usual * container->container->use[MEMORY].max;
}

/* Range and urgency of a limit whose target stands. */
static void range_limit(const struct plan *plan, struct container_plan *container)
{
    struct field_plan *limit = &container->fields[MEMORY_LIMIT];
    double peak = container->container->use[MEMORY].max;
    limit->movable = true;
    limit->urgent = container->signals.oom_recent;
    if (container->signals.oom_recent) {
        limit->rule = "memory-oom";
    }
    if (hold_limit(container)) {
        limit->target = fmax(limit->target, (double)limit->effective);
    }
    field_range(plan, container, MEMORY_LIMIT, fmin(rule_memory_limit_least() * peak, limit->target),
                fmax(2 * peak, 1.25 * limit->target), hold_limit(container));
}

static void size_locked(const struct plan *plan, struct container_plan *container)
{
    struct field_plan *limit = &container->fields[MEMORY_LIMIT];
    limit->rule = "memory-guaranteed";
    limit->target = fmax(limit_base(container, rule_memory_limit_factor(&plan->scene, true)),
                         container->fields[MEMORY_REQUEST].target);
    range_limit(plan, container);
}

static void size_limit_in_ratio(const struct plan *plan, struct container_plan *container)
{
    struct field_plan *limit = &container->fields[MEMORY_LIMIT];
    const struct field_plan *request = &container->fields[MEMORY_REQUEST];
    if (request->old <= 0 || limit->old <= 0) {
        return;
    }
    limit->rule = "limit-ratio";
    limit->fixed = true;
    limit->factor = (double)limit->old / (double)request->old;
    limit->base = limit_base(container, rule_memory_limit_least());
    limit->target = fmax(limit->base, limit->factor * request->target);
    range_limit(plan, container);
    double cap = fmax((double)limit->max, limit->factor * (double)request->max);
    field_range(plan, container, MEMORY_LIMIT, (double)limit->min, cap, hold_limit(container));
}

/* `keep`: the limit stays, and rises only where it killed. */
static void size_limit_kept(const struct plan *plan, struct container_plan *container)
{
    struct field_plan *limit = &container->fields[MEMORY_LIMIT];
    if (limit->effective < 0 || !container->signals.oom_recent) {
        return;
    }
    limit->target = limit_base(container, 1);
    range_limit(plan, container);
}

static void size_limit(const struct plan *plan, struct container_plan *container)
{
    struct field_plan *limit = &container->fields[MEMORY_LIMIT];
    const char *asked;
    enum limits_policy policy = limits_in_force(plan, container, MEMORY, &asked);
    switch (policy) {
    case LIMITS_REMOVE:
        limit->rule = "limit-remove";
        limit->remove = limit->old >= 0;
        return;
    case LIMITS_RATIO:
        size_limit_in_ratio(plan, container);
        return;
    case LIMITS_KEEP:
        limit->rule = asked ? asked : "limit-keep";
        size_limit_kept(plan, container);
        return;
    case LIMITS_HEADROOM:
        break;
    }
    /* The first limit of what leaks would be the date of its first kill; where one must be there, it is. */
    if (container->signals.leak && limit->effective < 0 && !asked) {
        limit->rule = "memory-leak";
        return;
    }
    limit->rule = asked ? asked : "limit-headroom";
    limit->target = limit_base(container, rule_memory_limit_factor(&plan->scene, false));
    range_limit(plan, container);
}

void size_memory(const struct plan *plan, struct container_plan *container)
{
    struct field_plan *request = &container->fields[MEMORY_REQUEST];
    struct field_plan *limit = &container->fields[MEMORY_LIMIT];
    if (!container->container->use[MEMORY].known) {
        return;
    }
    size_request(plan, container);
    bool autoscaled = container->signals.autoscaled[MEMORY];
    /* A heap that fills what it is given would only fill more: its limit stays unless it was killed. */
    bool keep_limit = container->signals.heap_capped && !container->signals.oom_recent;
    if (keep_limit) {
        limit->rule = "heap-capped";
        request->movable = request->movable && !plan->lock;
    } else if (plan->lock && !autoscaled) {
        size_locked(plan, container);
    } else if (!plan->lock) {
        size_limit(plan, container);
    }
    if (autoscaled) {
        request->movable = false;
        request->rule = "autoscaled";
        if (plan->lock) {
            limit->rule = "autoscaled";
        }
    }
}
