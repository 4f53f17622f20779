#include "stages/analyze/sizing/parts.h"

#include <math.h>

#include "stages/analyze/subject/allowance.h"

/* Whether a LimitRange would take these amounts; the API server asks for both where they are bounded. */
static bool range_takes(const struct limit_range *range, enum resource resource, struct granted amounts)
{
    int64_t min = range->min[resource];
    int64_t max = range->max[resource];
    int64_t ratio = range->ratio[resource];
    if (min > 0 && (amounts.request < min || (amounts.limit >= 0 && amounts.limit < min))) {
        return false;
    }
    if (max >= 0 && (amounts.limit < 0 || amounts.limit > max || amounts.request > max)) {
        return false;
    }
    return ratio < 0 || (amounts.request > 0 && amounts.limit >= 0 &&
                         (double)amounts.limit * 1000 <= (double)ratio * (double)amounts.request);
}

static bool range_takes_pod(const struct plan *plan, const struct limit_range *range, enum resource resource, bool after)
{
    if (range->pod) {
        struct granted total = {pod_total(plan, FIELD_OF(resource, false), after), pod_total(plan, FIELD_OF(resource, true), after)};
        return range_takes(range, resource, total);
    }
    for (size_t i = 0; i < plan->subject->container_count; i++) {
        if (!range_takes(range, resource, container_granted(&plan->containers[i], resource, after))) {
            return false;
        }
    }
    return true;
}

/* Whether what the plan adds, over all replicas, is left in a quota. */
static bool quota_takes(const struct plan *plan, const struct quota *quota, enum field field)
{
    int64_t hard = quota->hard[FIELD_IS_LIMIT(field)][FIELD_RESOURCE(field)];
    int64_t used = quota->used[FIELD_IS_LIMIT(field)][FIELD_RESOURCE(field)];
    double before = fmax(0, (double)plan->pod_today[field]);
    double after = fmax(0, (double)pod_total(plan, field, true));
    if (!quota->counts || hard < 0 || used < 0 || after <= before) {
        return true;
    }
    return (after - before) * (double)pods_counted(plan->subject) <= (double)hard - (double)used;
}

const char *plan_refused_by(const struct plan *plan, enum resource resource)
{
    const struct allowance *allowance = plan->subject->allowance;
    for (size_t i = 0; i < allowance->range_count; i++) {
        if (!range_takes_pod(plan, &allowance->ranges[i], resource, true)) {
            return allowance->ranges[i].by;
        }
    }
    for (size_t i = 0; i < allowance->quota_count; i++) {
        const struct quota *quota = &allowance->quotas[i];
        if (!quota_takes(plan, quota, FIELD_OF(resource, false)) || !quota_takes(plan, quota, FIELD_OF(resource, true))) {
            return quota->by;
        }
    }
    return NULL;
}

void plan_restore(struct plan *plan, enum resource resource, const char *why)
{
    for (size_t i = 0; i < plan->subject->container_count; i++) {
        for (int limit = 0; limit < 2; limit++) {
            struct field_plan *field = &plan->containers[i].fields[FIELD_OF(resource, limit)];
            if (field->value >= 0 || field->remove) {
                field->moved_by = why;
            }
            field->value = AMOUNT_ABSENT;
            field->remove = false;
        }
    }
}

bool plan_admit(struct plan *plan)
{
    const char *still = NULL;
    bool any = false;
    for (int r = 0; r < RESOURCES && plan_changes(plan); r++) {
        const char *by = plan_refused_by(plan, (enum resource)r);
        if (by) {
            plan_restore(plan, (enum resource)r, by);
            any = true;
            /* Today's amounts are refused as well: no change at all could be rolled out. */
            still = plan_refused_by(plan, (enum resource)r) ? by : still;
        }
    }
    for (int r = 0; r < RESOURCES && still; r++) {
        plan_restore(plan, (enum resource)r, still);
    }
    return any;
}
