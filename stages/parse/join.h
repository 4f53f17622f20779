#ifndef TARE_STAGES_PARSE_JOIN_H
#define TARE_STAGES_PARSE_JOIN_H

/*
 * What other objects say of a workload, joined when all were read: by its identity (autoscalers, a Rollout that runs
 * its pods), by its namespace (annotations, limit ranges, quotas), by its pods' labels (disruption budgets,
 * affinity between pods).
 */

#include "stages/parse/intake.h"

/* Puts an object that is no workload on the shelf of joins when it concerns any. What the Kubernetes API would refuse
 * is left out, with a fault in the reader. ERR_IO. */
int join_take(struct intake *intake, struct manifest_reader *reader, const struct manifest_object *object,
              struct err *err);

/* Remembers what joins need of the workload whose record was added last, under the name that it is told by. ERR_IO. */
int join_subject(struct intake *intake, struct manifest_reader *reader, const struct manifest_workload *workload,
                 const char *name, const struct scheduling *scheduling, struct err *err);

/* Ends taking: from here on joins can be looked up. */
void join_ready(struct intake *intake);

/* Adds what was joined to the record of a workload with this index; `record` may hold no more than an empty
 * workload, to which it is added then. ERR_IO. */
int join_workload(struct intake *intake, size_t index, json_t *record, struct err *err);

#endif
