#ifndef TARE_STAGES_APPLY_CREATED_H
#define TARE_STAGES_APPLY_CREATED_H

/*
 * New objects of a plan on the target cluster (`change.objects`, see stages/common/objects): what the machine makes of each, and
 * whether the cluster would have them, before anything is written.
 */

#include "pipeline/base/arena.h"
#include "stages/common/ends/cluster.h"
#include "stages/common/machine/machine.h"

/* Fills *out to make the new object at `index` of a record. `workload` (its strings outlive *out) is whose approval covers it;
 * `namespace` the workload's effective one. Strings live in `arena`, the manifest is borrowed from the record. ERR_DATA for a
 * kind that tare does not make. Risk and rows are the caller's. */
int created_object(const json_t *record, size_t index, const char *namespace, const struct ledger_workload *workload,
                   struct arena *arena, struct machine_object *out, struct err *err);

/* What was asked of a cluster so far: lists of its autoscalers by namespace. */
struct created_check;

/* New; `cluster` is borrowed while it lives. Free with created_check_free. */
struct created_check *created_check_new(const struct cluster *cluster);

/* Frees; NULL is allowed. */
void created_check_free(struct created_check *check);

/* Whether the cluster would have the new objects of a record: their kinds are served, no other autoscaler holds the workload by now,
 * no delivery tool does, and each name is free or stands for just such an object. `workload` is whose they are; names that are keys
 * of `begun` (NULL: none) are of an interrupted apply and left aside. ERR_REFUSED, ERR_STALE; errors of kube_get. */
int created_check_record(struct created_check *check, const json_t *record, const struct ledger_workload *workload,
                         const json_t *begun, struct err *err);

#endif
