#ifndef TARE_ANALYZE_SCALING_POLICIES_H
#define TARE_ANALYZE_SCALING_POLICIES_H

/* People's own policies for replicas: scaling.policies of the configuration and what their queries gave. */

#include "stages/analyze/scaling/situation.h"

/* New member `policies`: one entry for each policy that is about this workload. `autoscaled`: an autoscaler stands there
 * already, so that none is written for a query. */
json_t *policies_new(struct situation *situation, bool autoscaled);

/* Holds the range and the pace of an autoscaler to all policies about this workload. Reasons go to `why`. */
void policies_limit(const struct situation *situation, struct scale_range *range, json_t *why);

#endif
