#ifndef TARE_ANALYZE_SIZING_SIGNALS_H
#define TARE_ANALYZE_SIZING_SIGNALS_H

/* What the figures of one container say beside how much it uses: throttled, killed, leaking, capped, hot,
 * idle. The sizing rules and the findings read the same signals, so a number and its explanation cannot
 * disagree. */

#include "stages/analyze/statistics/trend.h"
#include "stages/analyze/subject/model.h"

struct signals {
    bool throttled;   /* a CPU limit is set and bites: usage above it cannot be seen */
    bool oom;         /* OOM kills in the window */
    bool leak;        /* hourly minima of memory rise by more than 5 % a day, p < 0.01 */
    bool heap_capped; /* memory flat at the limit while CPU varies: a heap that fills what it is given */
    bool hot;         /* one replica is far above the others */
    bool idle;
    bool autoscaled[RESOURCES]; /* an autoscaler follows this resource's utilization */
    struct trend memory_trend; /* of the hourly minima, a step is an hour */
};

/* Reads all signals of one container. Uses `arena` for scratch. */
void signals_read(const struct subject *subject, const struct container *container, struct arena *arena,
                  struct signals *out);

/* Whether an autoscaler follows the utilization (use divided by request) of this resource of this container:
 * then a new request would move its replica count. Absolute targets (AverageValue) do not count. */
bool autoscaler_follows(const struct subject *subject, const struct container *container,
                        enum resource resource);

#endif
