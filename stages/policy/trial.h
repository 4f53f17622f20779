#ifndef TARE_STAGES_POLICY_TRIAL_H
#define TARE_STAGES_POLICY_TRIAL_H

/* One case of a policy, judged as the gate judges it. Pure. */

#include "pipeline/cli/inforce.h"
#include "pipeline/io/json.h"

/* Judges a case of cases_load at its time, or at `now` where it gives none. New object {"name","line","ok","got":{verdict,approvals,
 * role,rule,window,next_opening,reasons:[codes that fail]},"differences":[{"key","expected","got"}],"reasons":[as gate.reasons]}. */
json_t *trial_run(const struct inforce *inforce, const json_t *one, int64_t now);

#endif
