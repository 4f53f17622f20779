#ifndef TARE_STAGES_APPLY_OUTCOME_H
#define TARE_STAGES_APPLY_OUTCOME_H

/* Writing the outcome artifact from the fates of a plan. */

#include "pipeline/cli/stage.h"
#include "stages/apply/plan.h"

/* Writes every record of the plan in order, each workload with `outcome`. */
int outcome_write(struct stage *stage, struct apply_plan *plan, struct err *err);

#endif
