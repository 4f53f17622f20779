#ifndef TARE_ANALYZE_SCALING_EXISTING_H
#define TARE_ANALYZE_SCALING_EXISTING_H

/* An autoscaler that is there: whether its range fits, and whether request and target can move together. A second one is never
 * advised; where KEDA's ScaledObject stands, changes are to that. */

#include "stages/analyze/scaling/situation.h"

/* New member `autoscaler` for situation->horizontal. */
json_t *existing_new(struct situation *situation);

#endif
