#ifndef TARE_COLLECT_FIGURES_MERGE_H
#define TARE_COLLECT_FIGURES_MERGE_H

/* Several series of one container and metric: runs of the container one after the other, two scrape jobs, two
 * Prometheus replicas. */

#include "stages/collect/points.h"

/* Adds those samples of `from` to `into` that have none of `into`'s own samples nearer than 0.9 × interval, before or
 * after. Both are clean and stay in order of time. The fuller series should be `into`. Linear in both. */
void points_merge(struct points *into, const struct points *from, int64_t interval_ms);

#endif
