#include "stages/analyze/sizing/parts.h"

#include <math.h>

#include "stages/analyze/subject/allowance.h"

/* The dead-band below which a change is not worth a rollout. */
static const double dead_band_share = 0.10;
static const int64_t dead_band[RESOURCES] = {10, 16 * 1048576};

int64_t field_after(const struct field_plan *field)
{
    if (field->remove) {
        return AMOUNT_ABSENT;
    }
    return field->value >= 0 ? field->value : field->effective;
}

/* Whether the difference to today's value is too small to act on. Where nothing is set today, nothing is too
 * small. */
static bool in_dead_band(const struct field_plan *field, enum resource resource, int64_t value)
{
    if (field->effective <= 0) {
        return false;
    }
    double difference = fabs((double)value - (double)field->effective);
    return difference < fmax(dead_band_share * (double)field->effective, (double)dead_band[resource]);
}

void field_settle(struct field_plan *field, enum resource resource, double proposal)
{
    field->value = AMOUNT_ABSENT;
    field->moved_by = NULL;
    field->proposal = proposal;
    if (!field->movable || !isfinite(proposal)) {
        return;
    }
    int64_t wanted = proposal >= 9e18 ? INT64_MAX : proposal <= 0 ? 0 : (int64_t)ceil(proposal - 1e-6);
    if (wanted < field->min) {
        field->moved_by = field->min_by;
        wanted = field->min;
    } else if (wanted > field->max) {
        field->moved_by = field->max_by;
        wanted = field->max;
    }
    int64_t value = field->exact && !field->moved_by ? wanted : rounded_within(resource, wanted, field->min, field->max);
    bool tiny = !field->exact && in_dead_band(field, resource, value) && !(field->urgent && value > field->effective);
    if (value != field->effective && !tiny) {
        field->value = value;
    }
}

/* Settles a limit, whose proposal may follow the request that was settled before. */
static void limit_settle(struct container_plan *container, enum field field, double proposal)
{
    struct field_plan *limit = &container->fields[field];
    const struct field_plan *request = &container->fields[FIELD_OF(FIELD_RESOURCE(field), false)];
    if (limit->fixed || (limit->factor > 0 && proposal >= limit->target && proposal <= limit->target)) {
        proposal = fmax(limit->base, limit->factor * (double)field_after(request));
    }
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
    if (field->value < 0) {
        return;
    }
    if (value < field->min) {
        field->min = value;
    }
    if (value > field->max) {
        field->max = value;
    }
}

/* A request that the manifest leaves out is its limit. Where that limit changes or goes, the request is
 * written out, so that it stays what it was unless somebody asked for another. */
static void write_out_request(struct field_plan *request, const struct field_plan *limit)
{
    if (request->old >= 0 || request->value >= 0 || request->effective < 0 ||
        (limit->value < 0 && !limit->remove)) {
        return;
    }
    request->value = request->effective;
    request->moved_by = "limit";
    if (!request->movable || request->value < request->min) {
        request->min = request->value;
    }
    if (!request->movable || request->value > request->max) {
        request->max = request->value;
    }
}

/* Raises the request where a LimitRange lets the limit be only so many times as much. What it cannot mend, plan_admit takes
 * back. */
static void hold_ratio(const struct plan *plan, struct container_plan *container, enum resource resource)
{
    struct field_plan *request = &container->fields[FIELD_OF(resource, false)];
    const struct allowance *allowance = plan->subject->allowance;
    for (size_t i = 0; i < allowance->range_count; i++) {
        const struct limit_range *range = &allowance->ranges[i];
        struct granted amounts = container_granted(container, resource, true);
        double ratio = (double)range->ratio[resource] / 1000;
        if (ratio < 1 || amounts.limit < 0 || (double)amounts.limit <= ratio * (double)amounts.request || !request->movable) {
            continue;
        }
        double least = fmax(ceil((double)amounts.limit / ratio), (double)request->min);
        int64_t most = request->max < amounts.limit ? request->max : amounts.limit;
        if (least < 9e18 && least <= (double)most) { /* below what an amount can be */
            int64_t round = rounded_up(resource, (int64_t)least);
            couple_to(request, round <= most ? round : (int64_t)least, range->by);
        }
    }
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
    if (asks < 0 && limit->value >= 0) {
        couple_to(limit, AMOUNT_ABSENT, "request");
    }
    if (may < 0 || asks <= may) {
        return;
    }
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
    if (asks <= may || request->value < 0) {
        return;
    }
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
        /* What an init container may save is known only when all others are settled. */
        bool init = container->container->role == ROLE_INIT;
        field_settle(&container->fields[request], (enum resource)r, init ? NAN : proposals[request]);
        limit_settle(container, limit, proposals[limit]);
        if (plan->lock) {
            limit_plan->remove = false;
            lock_request(container, (enum resource)r);
        } else {
            couple(container, (enum resource)r, plan->policy->guardrails.floor[r]);
            hold_ratio(plan, container, (enum resource)r);
        }
    }
}

void plan_settle(struct plan *plan)
{
    for (size_t i = 0; i < plan->subject->container_count; i++) {
        struct container_plan *container = &plan->containers[i];
        double proposals[FIELDS];
        for (int f = 0; f < FIELDS; f++) {
            proposals[f] = container->judged ? container->fields[f].target : NAN;
        }
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
            struct granted amounts = container_granted(&plan->containers[i], (enum resource)r, true);
            request[i][r] = amounts.request;
            limit[i][r] = amounts.limit;
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
    struct granted amounts = container_granted(container, resource, true);
    bool equal_before = limit->effective >= 0 && request->effective == limit->effective;
    if (amounts.limit < 0 || amounts.request != amounts.limit || equal_before) {
        return false;
    }
    int64_t unit = rounding_unit(resource, amounts.limit);
    request->moved_by = "qos-class";
    if (limit->value >= 0 && limit->value <= limit->max - unit) {
        limit->value = unless_today(limit, limit->value + unit);
    } else if (request->value > unit && request->value - unit >= request->min) {
        request->value = unless_today(request, request->value - unit);
    } else {
        request->value = AMOUNT_ABSENT;
        limit->value = AMOUNT_ABSENT;
    }
    return true;
}

/* Whether the pod would become Guaranteed without leave. */
static bool changes_class(const struct plan *plan)
{
    return !plan->policy->qos_change && plan->subject->qos == QOS_BURSTABLE && qos_after(plan) == QOS_GUARANTEED;
}

static void keep_class(struct plan *plan)
{
    for (size_t i = 0; changes_class(plan) && i < plan->subject->container_count; i++) {
        if (part(&plan->containers[i], CPU) || part(&plan->containers[i], MEMORY)) {
            return;
        }
    }
}

void plan_finish(struct plan *plan)
{
    init_settle(plan);
    keep_class(plan);
    /* What was taken back may have been what kept the class. */
    if (plan_admit(plan) && changes_class(plan)) {
        plan_restore(plan, CPU, "qos-class");
        plan_restore(plan, MEMORY, "qos-class");
    }
}

bool container_changes(const struct container_plan *container)
{
    for (int f = 0; f < FIELDS; f++) {
        if (container->fields[f].value >= 0 || container->fields[f].remove) {
            return true;
        }
    }
    return false;
}

bool plan_changes(const struct plan *plan)
{
    for (size_t i = 0; i < plan->subject->container_count; i++) {
        if (container_changes(&plan->containers[i])) {
            return true;
        }
    }
    return false;
}
