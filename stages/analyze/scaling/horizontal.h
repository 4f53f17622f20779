#ifndef TARE_ANALYZE_SCALING_HORIZONTAL_H
#define TARE_ANALYZE_SCALING_HORIZONTAL_H

/* Replicas that follow the load: a HorizontalPodAutoscaler where none is, changes of one that is there. */

#include "stages/analyze/scaling/situation.h"

/* What became of it: the range of an autoscaler that is advised. */
struct horizontal {
    bool create; /* a new one is advised */
    struct scale_range range;
};

/* New member `autoscaler`, null where nothing can be said. */
json_t *horizontal_new(struct situation *situation, struct horizontal *out);

#endif
