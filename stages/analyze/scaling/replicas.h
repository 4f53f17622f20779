#ifndef TARE_ANALYZE_SCALING_REPLICAS_H
#define TARE_ANALYZE_SCALING_REPLICAS_H

/* How many replicas the load needs while nothing scales them. */

#include "stages/analyze/scaling/situation.h"

/* Percent of all requests: above the first more replicas are advised (requests are made for the present number, so that a peak
 * may well reach them), below the second fewer; spikes are to fit into the third. */
enum { REPLICAS_FULL = 120, REPLICAS_AMPLE = 70, REPLICAS_SPIKE = 100 };

/* New member `replicas`, null where nothing can be said. `autoscaled`: somebody scales them, or will: figures only. */
json_t *replicas_new(struct situation *situation, bool autoscaled);

#endif
