#ifndef TARE_ANALYZE_FORECAST_GROWTH_H
#define TARE_ANALYZE_FORECAST_GROWTH_H

/* By how much the use of one resource by one container grows a day. */

#include "stages/analyze/subject/model.h"

struct growth {
    bool known;     /* six days or more; for memory two */
    bool sure;      /* it rises or falls by more than chance has it (p < 0.01), and by enough to matter */
    double per_day; /* of the days' 95th percentiles (CPU) or peaks (memory) */
    double p;
    double now; /* where the line of the days stands at the end; without a sure one the last day's figure */
};

void growth_read(const struct steps *steps, enum resource resource, struct arena *arena, struct growth *out);

#endif
