#ifndef TARE_ANALYZE_FORECAST_GROWTH_H
#define TARE_ANALYZE_FORECAST_GROWTH_H

/* By how much the use of one resource by one container grows a day. */

#include "stages/analyze/statistics/climb.h"
#include "stages/analyze/subject/model.h"

struct growth {
    bool known;     /* six days or more, or memory that surely climbs */
    bool sure;      /* it rises or falls by more than chance has it (p < 0.01), and by enough to matter */
    double per_day; /* of the days' 95th percentiles (CPU) or peaks (memory) */
    double p;
    double now; /* where the line of the days stands at the end, or the last hour of a climb; else the last day's figure */
};

/* From the steps; `climb` of the hours of memory takes the place of the days where those show nothing, NULL for CPU. */
void growth_read(const struct steps *steps, enum resource resource, const struct climb *climb, struct arena *arena,
                 struct growth *out);

#endif
