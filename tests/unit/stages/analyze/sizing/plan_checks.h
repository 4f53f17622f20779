#ifndef TARE_TESTS_PLAN_CHECKS_H
#define TARE_TESTS_PLAN_CHECKS_H

/* What holds of every settled plan, whoever proposed its numbers: bounds, guardrails, rounding, request ≤ limit, memory never lowered after
 * an OOM kill, QoS class kept, LimitRanges and quotas satisfied. Include cmocka first. */

#include <math.h>
#include <stdio.h>

#include "pipeline/base/str.h"
#include "stages/analyze/sizing/sizing.h"
#include "stages/analyze/subject/allowance.h"
#include "stages/analyze/subject/scalers.h"

#define HOLDS(condition, ...) \
    do { \
        if (!(condition)) { \
            fail_msg("case %d: %s does not hold: %s", number, #condition, \
                     describe(plan, container, __VA_ARGS__)); \
        } \
    } while (0)

static inline const char *describe(const struct plan *plan, const struct container_plan *container, enum field f)
{
    static char text[600];
    const struct field_plan *field = &container->fields[f];
    (void)snprintf(text, sizeof text,
                   "%s %s old %lld effective %lld value %lld min %lld max %lld rule %s moved by %s lock %d "
                   "limit after %lld",
                   container->container->name, field_name(f), (long long)field->old,
                   (long long)field->effective, (long long)field->value, (long long)field->min,
                   (long long)field->max, field->rule, field->moved_by ? field->moved_by : "-", plan->lock,
                   (long long)field_after(&container->fields[FIELD_OF(FIELD_RESOURCE(f), true)]));
    return text;
}

static inline void check_field(int number, const struct plan *plan, const struct container_plan *container,
                        enum field f)
{
    static const int64_t round_to[RESOURCES] = {5, 4 * 1048576};
    const struct field_plan *field = &container->fields[f];
    enum resource resource = FIELD_RESOURCE(f);
    struct guardrail_reason reasons[GUARDRAIL_REASONS_MAX];
    if (field->value < 0) {
        return;
    }
    HOLDS(field->value >= field->min && field->value <= field->max, f);
    HOLDS(field->value != field->old, f);
    bool written_out = str_equal(field->moved_by, "limit") && field->value == field->effective;
    size_t count = guardrail_check(&plan->policy->guardrails, (enum guardrail_resource)resource, field->old,
                                   field->value, reasons);
    for (size_t i = 0; i < count; i++) {
        HOLDS(reasons[i].passed || written_out, f);
    }
    /* Rounded, or exactly on an edge of the range or on the other amount. */
    bool edge = field->value == field->min || field->value == field->max || field->moved_by;
    HOLDS(field->value % round_to[resource] == 0 || edge || field->max - field->min < round_to[resource], f);
    if (container->container->role == ROLE_INIT && !container->signals.oom) {
        HOLDS(field->value < field->effective, f);
    }
    if (resource == MEMORY && container->signals.oom) {
        HOLDS(field->value >= field->effective, f);
    }
    if (f == CPU_REQUEST && container->signals.throttled) {
        HOLDS(field->value >= field->effective, f);
    }
}

/* Amounts of one container after the plan, as the API server makes them: an absent request is the limit that is written,
 * else the defaults count. */
static inline void then(const struct plan *plan, size_t index, int64_t request[RESOURCES], int64_t limit[RESOURCES])
{
    for (int r = 0; r < RESOURCES; r++) {
        const struct field_plan *asks = &plan->containers[index].fields[FIELD_OF(r, false)];
        const struct field_plan *may = &plan->containers[index].fields[FIELD_OF(r, true)];
        request[r] = asks->value >= 0 ? asks->value : asks->old;
        limit[r] = may->remove ? AMOUNT_ABSENT : may->value >= 0 ? may->value : may->old;
        request[r] = request[r] < 0 ? limit[r] : request[r];
    }
    allowance_fill(plan->subject->allowance, request, limit);
    for (int r = 0; r < RESOURCES; r++) {
        request[r] = request[r] < 0 ? limit[r] : request[r];
    }
}

/* The pod's class after the plan. */
static inline enum qos qos_then(const struct plan *plan)
{
    int64_t request[8][RESOURCES];
    int64_t limit[8][RESOURCES];
    for (size_t i = 0; i < plan->subject->container_count; i++) {
        then(plan, i, request[i], limit[i]);
    }
    return qos_of((const int64_t(*)[RESOURCES])request, (const int64_t(*)[RESOURCES])limit, plan->subject->container_count);
}

/* Whether a LimitRange takes these amounts, -1: not set. */
static inline bool taken(const struct limit_range *range, int r, double request, double limit)
{
    bool least = range->min[r] <= 0 || (request >= (double)range->min[r] && (limit < 0 || limit >= (double)range->min[r]));
    bool most = range->max[r] < 0 || (limit >= 0 && limit <= (double)range->max[r] && request <= (double)range->max[r]);
    bool ratio = range->ratio[r] < 0 || (limit >= 0 && request > 0 && limit * 1000 <= request * (double)range->ratio[r]);
    return least && most && ratio;
}

/* A plan that changes anything is one that the API server admits, and that the quotas have room for. */
static inline void check_allowance(int number, const struct plan *plan)
{
    const struct allowance *allowance = plan->subject->allowance;
    double sum[2][RESOURCES] = {{0}};
    double init[2][RESOURCES] = {{0}};
    if (!plan_changes(plan)) {
        return;
    }
    for (size_t i = 0; i < plan->subject->container_count; i++) {
        int64_t amounts[2][RESOURCES];
        bool starts = plan->subject->containers[i].role == ROLE_INIT;
        then(plan, i, amounts[0], amounts[1]);
        for (int r = 0; r < RESOURCES; r++) {
            for (size_t k = 0; k < allowance->range_count; k++) {
                if (!allowance->ranges[k].pod && !taken(&allowance->ranges[k], r, (double)amounts[0][r], (double)amounts[1][r])) {
                    fail_msg("case %d: %s refuses %s: %lld, %lld", number, allowance->ranges[k].by, plan->subject->containers[i].name,
                             (long long)amounts[0][r], (long long)amounts[1][r]);
                }
            }
            for (int limit = 0; limit < 2; limit++) {
                double amount = fmax(0, (double)amounts[limit][r]);
                if (starts) {
                    init[limit][r] = fmax(init[limit][r], amount);
                } else {
                    sum[limit][r] += amount;
                }
            }
        }
    }
    for (int r = 0; r < RESOURCES; r++) {
        double request = fmax(sum[0][r], init[0][r]);
        double limit = fmax(sum[1][r], init[1][r]);
        for (size_t k = 0; k < allowance->range_count; k++) {
            if (allowance->ranges[k].pod && !taken(&allowance->ranges[k], r, request > 0 ? request : -1, limit > 0 ? limit : -1)) {
                fail_msg("case %d: %s refuses the pod: %.0f, %.0f", number, allowance->ranges[k].by, request, limit);
            }
        }
        for (size_t k = 0; k < allowance->quota_count; k++) {
            const struct quota *quota = &allowance->quotas[k];
            for (int l = 0; l < 2; l++) {
                double more = (l ? limit : request) - fmax(0, (double)plan->pod_today[FIELD_OF(r, l)]);
                double room = (double)quota->hard[l][r] - (double)quota->used[l][r];
                if (quota->used[l][r] >= 0 && more > 0 && more * ceil(subject_replicas(plan->subject)) > room) {
                    fail_msg("case %d: the quota has %.0f left and %.0f a pod are wanted", number, room, more);
                }
            }
        }
    }
}

/* Who owns a pod's size is left alone. */
static inline void check_owner(int number, const struct plan *plan)
{
    if (scalers_resizer(plan->subject->scalers) && plan_changes(plan)) {
        fail_msg("case %d: a VerticalPodAutoscaler is fought", number);
    }
    for (size_t i = 0; i < plan->move_count; i++) {
        const struct hpa_move *move = &plan->moves[i];
        double load = (double)move->request * (double)move->new_target / 100;
        if (!move->why_not && (fabs(load - move->load) > 0.0201 * move->load || move->new_target < 1 || move->new_target > 1000)) {
            fail_msg("case %d: a move of %g to %g", number, move->load, load);
        }
    }
}

static inline void check_plan(int number, const struct plan *plan)
{
    check_allowance(number, plan);
    check_owner(number, plan);
    for (size_t i = 0; i < plan->subject->container_count; i++) {
        const struct container_plan *container = &plan->containers[i];
        for (int f = 0; f < FIELDS; f++) {
            check_field(number, plan, container, (enum field)f);
        }
        for (int r = 0; r < RESOURCES; r++) {
            const struct field_plan *asks = &container->fields[FIELD_OF(r, false)];
            int64_t request[RESOURCES];
            int64_t limit[RESOURCES];
            then(plan, i, request, limit);
            int64_t may = limit[r];
            int64_t after = request[r];
            HOLDS(may < 0 || after <= may, FIELD_OF(r, false));
            /* Taking a limit away must not take the request that it stood for. */
            HOLDS(asks->effective <= 0 || asks->old >= 0 || asks->value >= 0 || may >= 0, FIELD_OF(r, false));
            if (container->signals.autoscaled[r] && container->container->role != ROLE_INIT) {
                HOLDS(after == asks->effective, FIELD_OF(r, false));
            }
        }
    }
    if (!plan->policy->qos_change && plan->subject->qos != QOS_BEST_EFFORT &&
        qos_then(plan) != plan->subject->qos) {
        fail_msg("case %d: QoS class %s becomes %s", number, qos_name(plan->subject->qos),
                 qos_name(qos_then(plan)));
    }
}

#endif
