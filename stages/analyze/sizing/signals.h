#ifndef TARE_ANALYZE_SIZING_SIGNALS_H
#define TARE_ANALYZE_SIZING_SIGNALS_H

/* What the figures of one container say beside how much it uses: throttled, killed, leaking, capped, hot,
 * idle. The sizing rules and the findings read the same signals, so a number and its explanation cannot
 * disagree. */

#include "stages/analyze/statistics/climb.h"
#include "stages/analyze/statistics/trend.h"
#include "stages/analyze/subject/model.h"

struct signals {
    bool throttled;   /* a CPU limit is set and bites: usage above it cannot be seen */
    bool oom;         /* OOM kills in the window */
    bool oom_recent;  /* … in its last 7 days, or nobody knows when: memory is sized for them and not lowered */
    bool leak;        /* hourly minima of memory rise by more than 5 % a day as long as a process lives, p < 0.01 */
    bool heap_capped; /* memory flat at the limit while CPU varies: a heap that fills what it is given */
    bool hot;         /* one replica is far above the others */
    bool idle;
    bool cold_start; /* starting takes far more CPU than running */
    bool autoscaled[RESOURCES]; /* an autoscaler follows this resource's utilization, or sets the request itself */
    bool resized;               /* a VerticalPodAutoscaler sets requests and limits itself */
    double rare_peak;           /* CPU that steps pass for 1.5 % of the time: a weekly run's hours, too; NaN unknown */
    double cpu_in_a_week;       /* where the days' p95 climbs steadily: what it will be; NaN: it does not */
    double scale_load[RESOURCES]; /* use of this container at which an autoscaler on utilization adds a pod, NaN: none */
    struct trend memory_trend; /* of the hourly minima, a step is an hour */
    struct climb memory_climb; /* the same within the lives of a process that starts anew now and then */
};

/* Reads all signals of one container. Uses `arena` for scratch. */
void signals_read(const struct subject *subject, const struct container *container, struct arena *arena,
                  struct signals *out);

#endif
