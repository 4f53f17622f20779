#include "stages/analyze/sizing/parts.h"

#include "pipeline/base/str.h"
#include "stages/analyze/subject/scalers.h"

enum { CONFLICTS_MAX = 32 };

struct found {
    struct plan *plan;
    struct conflict *list;
};

const char *conflict_name(enum conflict_kind kind)
{
    static const char *const names[] = {"hpa-and-vpa", "no-request", "min-above-max", "two-autoscalers", "out-of-reach"};
    return names[kind];
}

/* Adds one, unless the same of the same autoscaler, resource and container is there. */
static void add(struct found *found, const struct conflict *conflict)
{
    for (size_t i = 0; i < found->plan->conflict_count; i++) {
        const struct conflict *had = &found->list[i];
        if (had->kind == conflict->kind && had->scaler == conflict->scaler && had->resource == conflict->resource &&
            str_equal(had->container, conflict->container)) {
            return;
        }
    }
    if (found->plan->conflict_count < CONFLICTS_MAX) {
        found->list[found->plan->conflict_count++] = *conflict;
    }
}

/* A utilization needs a request in each container that it counts, and a limit that the target does not pass. */
static void check_container(struct found *found, const struct scaler *scaler, const struct scaler_metric *metric,
                            const struct container *container)
{
    int64_t request = container_request(container, metric->resource);
    double load = (double)request * (double)metric->target / 100;
    double limit = (double)container->limit[metric->resource];
    struct conflict conflict = {.scaler = scaler, .of_resource = true, .resource = metric->resource, .container = container->name};
    if (request <= 0) {
        conflict.kind = CONFLICT_NO_REQUEST;
        add(found, &conflict);
    } else if (metric->container && metric->target > 0 && limit > 0 && load > limit) {
        conflict.kind = CONFLICT_OUT_OF_REACH;
        add(found, &conflict);
    }
}

/* Whether use, summed over the pod, can never reach a metric's target. */
static bool pod_out_of_reach(const struct plan *plan, const struct scaler_metric *metric)
{
    double request = 0;
    double limit = 0;
    for (size_t i = 0; i < plan->subject->container_count; i++) {
        const struct container *container = &plan->subject->containers[i];
        if (container->role == ROLE_INIT) {
            continue;
        }
        if (container->limit[metric->resource] <= 0 || container_request(container, metric->resource) <= 0) {
            return false;
        }
        request += (double)container_request(container, metric->resource);
        limit += (double)container->limit[metric->resource];
    }
    return !metric->container && metric->target > 0 && request * (double)metric->target / 100 > limit;
}

static void check_metric(struct found *found, const struct scaler *scaler, const struct scaler_metric *metric)
{
    const struct subject *subject = found->plan->subject;
    const struct scaler *resizer = scalers_resizer(subject->scalers);
    struct conflict conflict = {.scaler = scaler, .of_resource = true, .resource = metric->resource};
    if (!metric->of_resource) {
        return;
    }
    if (resizer) {
        conflict.kind = CONFLICT_HPA_AND_VPA;
        conflict.other = resizer;
        add(found, &conflict);
    }
    if (!metric->utilization) {
        return;
    }
    for (size_t i = 0; i < subject->container_count; i++) {
        const struct container *container = &subject->containers[i];
        if (metric->container ? str_equal(metric->container, container->name) : container->role != ROLE_INIT) {
            check_container(found, scaler, metric, container);
        }
    }
    if (pod_out_of_reach(found->plan, metric)) {
        conflict.kind = CONFLICT_OUT_OF_REACH;
        conflict.other = NULL;
        add(found, &conflict);
    }
}

/* One autoscaler by itself, and beside those before it. */
static void check_scaler(struct found *found, const struct scalers *scalers, size_t index)
{
    const struct scaler *scaler = &scalers->items[index];
    if (scaler->kind == SCALER_VPA) {
        return;
    }
    if (scaler->max >= 0 && scaler->min > scaler->max) {
        add(found, &(struct conflict){.kind = CONFLICT_MIN_ABOVE_MAX, .scaler = scaler});
    }
    for (size_t i = 0; i < index; i++) {
        if (scalers->items[i].kind != SCALER_VPA) {
            add(found, &(struct conflict){.kind = CONFLICT_TWO_SCALERS, .scaler = scaler, .other = &scalers->items[i]});
        }
    }
    for (size_t k = 0; k < scaler->metric_count; k++) {
        check_metric(found, scaler, &scaler->metrics[k]);
    }
}

void plan_conflicts(struct plan *plan, struct arena *arena)
{
    const struct scalers *scalers = plan->subject->scalers;
    if (scalers->count == 0) {
        return;
    }
    struct found found = {plan, arena_alloc_array(arena, CONFLICTS_MAX, sizeof *found.list)};
    for (size_t i = 0; i < scalers->count; i++) {
        check_scaler(&found, scalers, i);
    }
    plan->conflicts = found.list;
}
