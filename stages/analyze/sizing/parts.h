#ifndef TARE_ANALYZE_SIZING_PARTS_H
#define TARE_ANALYZE_SIZING_PARTS_H

/* Parts of plan_make and plan_finish, for the files of this folder only. */

#include "stages/analyze/sizing/sizing.h"

/* Amounts of one resource of a container as the pod gets them, AMOUNT_ABSENT for none. */
struct granted {
    int64_t request, limit;
};

/* Today's amounts of one container, nothing movable yet (sizing.c). */
void container_begin(const struct container *from, struct container_plan *out);

/* Targets and ranges of one container (size_cpu.c, size_memory.c, size_init.c). */
void size_cpu(const struct plan *plan, struct container_plan *container);
void size_memory(const struct plan *plan, struct container_plan *container);
void size_init(const struct plan *plan, struct container_plan *container);

/* What an OOM kill asks of the memory limit (size_memory.c). */
double oom_limit(const struct container *container);

/* The limits policy in force for a container's resource: where a LimitRange or a quota asks for a limit, it is not taken away,
 * and one that is missing is added. *rule receives what asked, NULL for nothing (range.c). */
enum limits_policy limits_in_force(const struct plan *plan, const struct container_plan *container, enum resource resource,
                                   const char **rule);

/* Sets the range of a movable field from statistics [low, high], then guardrails, LimitRanges and quotas, which win. A cap on
 * the step down is a part of the statistics. `hold` not NULL: never below today's value, and why. Where what wins would push
 * down a value that works today, or leaves no amount, the field is not movable any more (range.c). */
void field_range(const struct plan *plan, struct container_plan *container, enum field field, double low, double high,
                 const char *hold);

/* Clamps, rounds and notes one proposal: NaN leaves the field (settle.c). */
void field_settle(struct field_plan *field, enum resource resource, double proposal);

/* What a container gets after the plan, or today (pod.c). */
struct granted container_granted(const struct container_plan *container, enum resource resource, bool after);

/* What the scheduler counts of the whole pod for one field: the containers and sidecars together, or an init container with
 * the sidecars before it where that is more. AMOUNT_ABSENT where nothing is set (pod.c). */
int64_t pod_total(const struct plan *plan, enum field field, bool after);

/* Pods whose amounts count together against a quota (pod.c). */
int64_t pods_counted(const struct subject *subject);

/* Lowers the requests of init containers that hold the pod's up; call once all others are settled (size_init.c). */
void init_settle(struct plan *plan);

/* What would refuse the pod after the plan because of this resource, "limit-range:NAME" or "quota:NAME"; NULL for nothing
 * (admit.c). */
const char *plan_refused_by(const struct plan *plan, enum resource resource);

/* Takes back what a LimitRange or a quota would refuse in the pod as a whole. Whether anything was (admit.c). */
bool plan_admit(struct plan *plan);

/* Today's amounts again, in all containers, of one resource; notes why (admit.c). */
void plan_restore(struct plan *plan, enum resource resource, const char *why);

/* What the plan wants of quotas; autoscalers' moves and conflicts (quota.c, hpa_move.c, conflicts.c). */
void plan_quotas(struct plan *plan, struct arena *arena);
void plan_moves(struct plan *plan, struct arena *arena);
void plan_conflicts(struct plan *plan, struct arena *arena);

#endif
