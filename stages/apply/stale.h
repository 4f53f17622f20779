#ifndef TARE_STAGES_APPLY_STALE_H
#define TARE_STAGES_APPLY_STALE_H

/*
 * Did anything move that the plan was made from? The policy, the prices, every file. What stands in the ledger was compared when
 * the plan was loaded (chain.h, rows.h), objects of a cluster are in live.h. The program's version is said and makes no plan
 * stale: what it would do is in the plan.
 */

#include "stages/apply/permit.h"
#include "stages/apply/plan.h"

/* ERR_STALE naming what moved and both values; but for files in `begun`, an object whose keys are paths. `root` is the folder of
 * the paths. */
int stale_check(const struct permit *permit, const struct apply_plan *plan, const char *root, const json_t *begun,
                struct err *err);

#endif
