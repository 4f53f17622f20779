#include "stages/analyze/sizing/parts.h"

#include <math.h>

/* Sums of amounts from outside never wrap around. */
static int64_t plus(int64_t a, int64_t b)
{
    if (a < 0 || b < 0) {
        return a < 0 ? b : a;
    }
    return a > INT64_MAX - b ? INT64_MAX : a + b;
}

struct granted container_granted(const struct container_plan *container, enum resource resource, bool after)
{
    const struct field_plan *request = &container->fields[FIELD_OF(resource, false)];
    const struct field_plan *limit = &container->fields[FIELD_OF(resource, true)];
    struct granted out = {request->effective, limit->effective};
    if (!after) {
        return out;
    }
    out.limit = field_after(limit);
    /* A request that is not written is the limit, where that one is. */
    bool limit_written = limit->value >= 0 || (limit->old >= 0 && !limit->remove);
    if (request->value >= 0) {
        out.request = request->value;
    } else if (request->old < 0 && limit_written) {
        out.request = out.limit;
    }
    return out;
}

static int64_t amount_of(const struct container_plan *container, enum field field, bool after)
{
    struct granted granted = container_granted(container, FIELD_RESOURCE(field), after);
    return FIELD_IS_LIMIT(field) ? granted.limit : granted.request;
}

int64_t pod_total(const struct plan *plan, enum field field, bool after)
{
    int64_t running = AMOUNT_ABSENT;
    int64_t sidecars = AMOUNT_ABSENT;
    int64_t starting = AMOUNT_ABSENT;
    for (size_t i = 0; i < plan->subject->container_count; i++) {
        const struct container_plan *container = &plan->containers[i];
        int64_t amount = amount_of(container, field, after);
        if (container->container->role == ROLE_INIT) {
            int64_t with = plus(amount, sidecars);
            starting = with > starting ? with : starting;
            continue;
        }
        running = plus(running, amount);
        if (container->container->role == ROLE_SIDECAR) {
            sidecars = plus(sidecars, amount);
        }
    }
    return running > starting ? running : starting;
}

int64_t pods_counted(const struct subject *subject)
{
    double replicas = ceil(fmax(subject_replicas(subject), (double)subject->replicas) - 0.01);
    return replicas > 1 && replicas < 1e9 ? (int64_t)replicas : 1;
}
