#ifndef TARE_ANALYZE_SCALING_VERTICAL_H
#define TARE_ANALYZE_SCALING_VERTICAL_H

/* Where pods should change in size rather than in number: a VerticalPodAutoscaler, or a resize in place. */

#include "stages/analyze/scaling/situation.h"

/* New member `vertical`, null where nothing fits. `scaled`: an autoscaler will set the replicas by CPU. */
json_t *vertical_new(struct situation *situation, bool scaled);

#endif
