#include "stages/analyze/sizing/parts.h"

#include <math.h>

/* An init container asks for a fifth more than it was ever seen to use, for it is seen only for moments. */
static const double above_peak = 1.2;

/* A request may fall to its own need; how far it pays is known only when the other containers are settled. */
static void size_request(const struct plan *plan, struct container_plan *container, enum field field)
{
    struct field_plan *request = &container->fields[field];
    const struct figures *use = &container->container->use[FIELD_RESOURCE(field)];
    const struct signals *signals = &container->signals;
    bool held = FIELD_RESOURCE(field) == CPU ? signals->throttled : signals->oom_recent;
    request->rule = "init";
    if (!use->known || request->effective <= 0 || held || plan->lock) {
        return;
    }
    request->target = fmin(above_peak * use->max, (double)request->effective);
    request->movable = request->fixed = true;
    field_range(plan, container, field, request->target, (double)request->effective, NULL);
    if (request->max > request->effective) {
        request->movable = false; /* something asks for more than today; not for what only starts a pod */
    }
}

/* A memory limit that killed is raised as everywhere. */
static void size_memory_limit(const struct plan *plan, struct container_plan *container)
{
    struct field_plan *limit = &container->fields[MEMORY_LIMIT];
    limit->rule = "init";
    if (!container->signals.oom_recent || limit->effective < 0 || !container->container->use[MEMORY].known) {
        return;
    }
    limit->rule = "memory-oom";
    limit->target = fmax(oom_limit(container->container), (double)limit->effective);
    limit->movable = limit->fixed = limit->urgent = true;
    limit->base = limit->target;
    field_range(plan, container, MEMORY_LIMIT, limit->target, 1.25 * limit->target, "oom-kills");
}

void size_init(const struct plan *plan, struct container_plan *container)
{
    size_request(plan, container, CPU_REQUEST);
    size_request(plan, container, MEMORY_REQUEST);
    size_memory_limit(plan, container);
    container->fields[CPU_LIMIT].rule = "init";
}

/* What the containers that run ask for together, less the sidecars that run already when container `index` starts: up to
 * there its own request costs nothing. */
static double free_of_charge(const struct plan *plan, size_t index, enum resource resource)
{
    double sum = 0;
    for (size_t i = 0; i < plan->subject->container_count; i++) {
        const struct container_plan *container = &plan->containers[i];
        bool before = container->container->role == ROLE_SIDECAR && i < index;
        if (container->container->role != ROLE_INIT && !before) {
            sum += fmax(0, (double)container_granted(container, resource, true).request);
        }
    }
    return sum;
}

void init_settle(struct plan *plan)
{
    for (size_t i = 0; i < plan->subject->container_count; i++) {
        struct container_plan *container = &plan->containers[i];
        for (int r = 0; r < RESOURCES && container->container->role == ROLE_INIT; r++) {
            struct field_plan *request = &container->fields[FIELD_OF(r, false)];
            double wanted = fmax(request->target, free_of_charge(plan, i, (enum resource)r));
            if (request->movable && !plan->lock && wanted < (double)request->effective) {
                field_settle(request, (enum resource)r, wanted);
            }
        }
    }
}
