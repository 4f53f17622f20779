#ifndef TARE_ANALYZE_ADVICE_CLAMPS_H
#define TARE_ANALYZE_ADVICE_CLAMPS_H

/* What moved a proposal, whoever made it, as the member `clamps` of a recommendation. */

#include "stages/analyze/sizing/sizing.h"

/* New array over all fields of a settled plan, in the order of the containers: {after,bound,by,container,field,kind,proposed,value}.
 * `proposed`: the rules' target, or what a model or a person asked for; `value`: what the change writes, null for nothing; `after`: what
 * the field is then, null for nothing; `by`: the code (pipeline/run/reasons.def), `kind` what sort of thing it is: statistics,
 * guardrail, limit-range, quota, policy, autoscaler, pod (what request and limit ask of each other); `bound`: the end of the range that
 * it was moved to, null where it was none. */
json_t *clamps_new(const struct plan *plan);

#endif
