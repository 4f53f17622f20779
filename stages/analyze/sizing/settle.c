#include "stages/analyze/sizing/sizing.h"

#include <math.h>

/* Rounding as people write amounts, and the dead-band below which a change is not worth a rollout. */
static const int64_t round_unit[RESOURCES] = {5, 4 * 1048576};
static const double dead_band_share = 0.10;
static const int64_t dead_band[RESOURCES] = {10, 16 * 1048576};

int64_t field_after(const struct field_plan *field)
{
    if (field->remove)
        return AMOUNT_ABSENT;
    return field->value >= 0 ? field->value : field->effective;
}

int64_t rounded_up(enum resource resource, int64_t amount)
{
    int64_t unit = round_unit[resource];
    return amount > INT64_MAX - unit ? amount : (amount + unit - 1) / unit * unit;
}

/* `value` up to the unit, or down where up would pass the range, or as it is where neither fits. */
static int64_t rounded(enum resource resource, int64_t value, int64_t min, int64_t max)
{
    int64_t up = rounded_up(resource, value);
    if (up <= max)
        return up;
    int64_t down = max / round_unit[resource] * round_unit[resource];
    return down >= min ? down : value;
}

/* Whether the difference to today's value is too small to act on. Where nothing is set today, nothing is too
 * small. */
static bool in_dead_band(const struct field_plan *field, enum resource resource, int64_t value)
{
    if (field->effective <= 0)
        return false;
    double difference = fabs((double)value - (double)field->effective);
    return difference < fmax(dead_band_share * (double)field->effective, (double)dead_band[resource]);
}

/* Clamps and rounds one proposal and notes what moved it; NaN, or a change in the dead-band, leaves the
 * field. */
static void field_settle(struct field_plan *field, enum resource resource, double proposal)
{
    field->value = AMOUNT_ABSENT;
    field->moved_by = NULL;
    field->proposal = proposal;
    if (!field->movable || !isfinite(proposal))
        return;
    int64_t wanted = proposal >= 9e18 ? INT64_MAX : proposal <= 0 ? 0 : (int64_t)ceil(proposal - 1e-6);
    if (wanted < field->min) {
        field->moved_by = field->min_by;
        wanted = field->min;
    } else if (wanted > field->max) {
        field->moved_by = field->max_by;
        wanted = field->max;
    }
    int64_t value = rounded(resource, wanted, field->min, field->max);
    bool tiny = in_dead_band(field, resource, value) && !(field->urgent && value > field->effective);
    if (value != field->effective && !tiny)
        field->value = value;
}

/* Settles a limit, whose proposal may follow the request that was settled before. */
static void limit_settle(struct container_plan *container, enum field field, double proposal)
{
    struct field_plan *limit = &container->fields[field];
    const struct field_plan *request = &container->fields[FIELD_OF(FIELD_RESOURCE(field), false)];
    if (limit->fixed || (limit->factor > 0 && proposal >= limit->target && proposal <= limit->target))
        proposal = fmax(limit->base, limit->factor * (double)field_after(request));
    field_settle(limit, FIELD_RESOURCE(field), proposal);
}

/* A value, or nothing where it is today's. */
static int64_t unless_today(const struct field_plan *field, int64_t value)
{
    return value == field->effective ? AMOUNT_ABSENT : value;
}

/* Sets a value that coupling asks for; the range is widened to hold it, and the reason noted. */
static void couple_to(struct field_plan *field, int64_t value, const char *why)
{
    field->value = unless_today(field, value);
    field->moved_by = why;
    if (field->value < 0)
        return;
    if (value < field->min)
        field->min = value;
    if (value > field->max)
        field->max = value;
}

/* A request that the manifest leaves out is its limit. Where that limit changes or goes, the request is
 * written out, so that it stays what it was unless somebody asked for another. */
static void write_out_request(struct field_plan *request, const struct field_plan *limit)
{
    if (request->old >= 0 || request->value >= 0 || request->effective < 0 ||
        (limit->value < 0 && !limit->remove))
        return;
    request->value = request->effective;
    request->moved_by = "limit";
    if (!request->movable || request->value < request->min)
        request->min = request->value;
    if (!request->movable || request->value > request->max)
        request->max = request->value;
}

/* Keeps request ≤ limit: a limit that was lowered gives way first, else the request stays under the limit. `floor` is the
 * guardrails' smallest amount. */
static void couple(struct container_plan *container, enum resource resource, int64_t floor)
{
    struct field_plan *request = &container->fields[FIELD_OF(resource, false)];
    struct field_plan *limit = &container->fields[FIELD_OF(resource, true)];
    write_out_request(request, limit);
    int64_t asks = field_after(request);
    int64_t may = field_after(limit);
    /* A new limit without any request would become the request. */
    if (asks < 0 && limit->value >= 0)
        couple_to(limit, AMOUNT_ABSENT, "request");
    if (may < 0 || asks <= may)
        return;
    bool lowered = limit->value >= 0 && limit->effective >= 0 && limit->value < limit->effective;
    if (limit->effective < 0) {
        /* A limit that would be new: above the request, or none. */
        couple_to(limit, asks <= limit->max ? asks : AMOUNT_ABSENT, "request");
        return;
    }
    if (lowered) {
        couple_to(limit, asks <= limit->max && asks < limit->effective ? asks : limit->effective, "request");
        may = field_after(limit);
    }
    if (asks <= may || request->value < 0)
        return;
    /* As far up as the limit lets it, even where that is below the range, but not below a floor; never down. */
    if (may >= request->min || (may > request->effective && may >= floor)) {
        couple_to(request, may, "limit");
    } else {
        request->value = AMOUNT_ABSENT;
        request->moved_by = "limit";
    }
}

/* Makes the request of a Guaranteed pod follow its limit; one that the manifest leaves out stays out. */
static void lock_request(struct container_plan *container, enum resource resource)
{
    struct field_plan *request = &container->fields[FIELD_OF(resource, false)];
    const struct field_plan *limit = &container->fields[FIELD_OF(resource, true)];
    int64_t old = request->old;
    int64_t effective = request->effective;
    *request = *limit;
    request->old = old;
    request->effective = effective;
    if (old < 0) {
        request->value = AMOUNT_ABSENT;
        request->movable = false;
    }
}

void container_settle(const struct plan *plan, struct container_plan *container,
                      const double proposals[FIELDS])
{
    for (int r = 0; r < RESOURCES; r++) {
        enum field request = FIELD_OF(r, false);
        enum field limit = FIELD_OF(r, true);
        struct field_plan *limit_plan = &container->fields[limit];
        field_settle(&container->fields[request], (enum resource)r, proposals[request]);
        limit_settle(container, limit, proposals[limit]);
        if (plan->lock) {
            limit_plan->remove = false;
            lock_request(container, (enum resource)r);
        } else {
            couple(container, (enum resource)r, plan->policy->guardrails.floor[r]);
        }
    }
}

void plan_settle(struct plan *plan)
{
    for (size_t i = 0; i < plan->subject->container_count; i++) {
        struct container_plan *container = &plan->containers[i];
        double proposals[FIELDS];
        for (int f = 0; f < FIELDS; f++)
            proposals[f] = container->judged ? container->fields[f].target : NAN;
        container_settle(plan, container, proposals);
    }
    plan_finish(plan);
}

/* QoS class of the pod as it would be after the plan. */
static enum qos qos_after(const struct plan *plan)
{
    int64_t request[CONTAINERS_MAX][RESOURCES];
    int64_t limit[CONTAINERS_MAX][RESOURCES];
    size_t count = plan->subject->container_count;
    for (size_t i = 0; i < count; i++) {
        for (int r = 0; r < RESOURCES; r++) {
            const struct field_plan *asks = &plan->containers[i].fields[FIELD_OF(r, false)];
            request[i][r] = asks->value >= 0 ? asks->value : asks->old;
            limit[i][r] = field_after(&plan->containers[i].fields[FIELD_OF(r, true)]);
        }
    }
    return qos_of((const int64_t(*)[RESOURCES])request, (const int64_t(*)[RESOURCES])limit, count);
}

/* Parts request and limit of one resource that became equal, by one unit where their ranges allow it, else by
 * leaving both as they are. False where they were not equal, or equal before. */
static bool part(struct container_plan *container, enum resource resource)
{
    struct field_plan *request = &container->fields[FIELD_OF(resource, false)];
    struct field_plan *limit = &container->fields[FIELD_OF(resource, true)];
    int64_t unit = round_unit[resource];
    int64_t asks = request->value >= 0 ? request->value : request->old;
    int64_t may = field_after(limit);
    bool equal_before = limit->old >= 0 && (request->old < 0 || request->old == limit->old);
    if (may < 0 || (asks >= 0 && asks != may) || equal_before)
        return false;
    request->moved_by = "qos-class";
    if (limit->value >= 0 && limit->value + unit <= limit->max) {
        limit->value = unless_today(limit, limit->value + unit);
    } else if (request->value > unit && request->value - unit >= request->min) {
        request->value = unless_today(request, request->value - unit);
    } else {
        request->value = AMOUNT_ABSENT;
        limit->value = AMOUNT_ABSENT;
    }
    return true;
}

void plan_finish(struct plan *plan)
{
    if (plan->policy->qos_change || plan->subject->qos != QOS_BURSTABLE || qos_after(plan) != QOS_GUARANTEED)
        return;
    for (size_t i = 0; i < plan->subject->container_count; i++) {
        if (part(&plan->containers[i], CPU) || part(&plan->containers[i], MEMORY))
            return;
    }
}

bool container_changes(const struct container_plan *container)
{
    for (int f = 0; f < FIELDS; f++) {
        if (container->fields[f].value >= 0 || container->fields[f].remove)
            return true;
    }
    return false;
}

bool plan_changes(const struct plan *plan)
{
    for (size_t i = 0; i < plan->subject->container_count; i++) {
        if (container_changes(&plan->containers[i]))
            return true;
    }
    return false;
}
