#ifndef TARE_ANALYZE_SCALING_SCHEDULE_H
#define TARE_ANALYZE_SCALING_SCHEDULE_H

/* Replicas by the clock, where the load goes by it: as a KEDA ScaledObject with cron triggers, or as CronJobs. */

#include "stages/analyze/scaling/horizontal.h"

/* New member `schedule`, null where the load follows no clock or a HorizontalPodAutoscaler stands there already (to a
 * ScaledObject the times are to be added by hand). `horizontal`: the
 * autoscaler that is advised beside it; a ScaledObject then holds its metric too, and is another way to the same. */
json_t *schedule_new(struct situation *situation, const struct horizontal *horizontal);

#endif
