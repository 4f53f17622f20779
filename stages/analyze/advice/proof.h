#ifndef TARE_ANALYZE_ADVICE_PROOF_H
#define TARE_ANALYZE_ADVICE_PROOF_H

/* The backtests of a plan as the member `backtest` of its recommendation. Shape and definitions: README.md of backtest/. */

#include "pipeline/base/buf.h"
#include "stages/analyze/sizing/sizing.h"

/* New object over all containers, null where none could be judged: then *reason (may be NULL) says why, else it is
 * NULL. The reason is static. */
json_t *backtests_new(const struct plan *plan, const char **reason);

/* Adds one sentence a resource: how our rule and the others did on the held-out days. Nothing where nothing was judged. */
void proof_write(const struct container_plan *container, struct buf *out);

/* What the settled numbers of a plan would have done on the judged days, which they have seen. NaN where nothing was judged. */
struct verdict plan_verdict(const struct container_plan *container, enum resource resource);

#endif
