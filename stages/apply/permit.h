#ifndef TARE_STAGES_APPLY_PERMIT_H
#define TARE_STAGES_APPLY_PERMIT_H

/* May this be written now? Asked for the whole plan before the first write and again before every file; of one workload it is
 * stages/common/permit that tells. */

#include "stages/apply/plan.h"
#include "stages/common/permit/permit.h"

/* Asks for all pending workloads of a file; the first objection counts. */
int permit_file(struct permit *permit, const struct apply_plan *plan, const struct apply_file *file,
                struct objection *out, struct err *err);

/* Asks for every pending item: those without approval become refused, those that somebody rejected are skipped. A window's
 * objection to any of the others stands for the whole plan, with the first instant at which all of them may be written. */
int permit_plan(struct permit *permit, struct apply_plan *plan, struct objection *out, struct err *err);

#endif
