#ifndef TARE_ANALYZE_STATISTICS_CLIMB_H
#define TARE_ANALYZE_STATISTICS_CLIMB_H

/*
 * Whether something rises as long as it lives: the trend of numbers at equal distances that fall back now and
 * then (memory of a process that is killed or rolled out), taken within the lives between the falls. Slope:
 * Theil's and Sen's over pairs within a life; p: Kendall's S and its variance summed over the lives (the
 * seasonal Kendall test of Hirsch, Slack and Smith, lives for seasons). What rises at first and then levels
 * off (a cache that fills) has a slope in the later halves of the lives that is small.
 */

#include <stdbool.h>
#include <stddef.h>

#include "pipeline/base/arena.h"

struct climb {
    bool known;            /* at least 48 numbers, half of them in lives of 12 and more */
    size_t lives;          /* of 12 numbers and more */
    double per_step;       /* from one number to the next; median over the pairs within lives */
    double late_per_step;  /* the same in the later half of each life */
    double early_per_step; /* … and in the earlier half */
    double p;
    double median; /* of all numbers */
};

/* The climb of `values` (NaN = gap), the last 744 of them where there are more. `ends`: how many lives are
 * known to have ended; where there are more than twice as many falls, the falls are its own (a collector at
 * work) and all is one life. O(n²) in time and, for the slopes, in `arena`. */
void climb_fit(const double *values, size_t count, double ends, struct arena *arena, struct climb *out);

/* Whether it goes on rising by more than `share` of the median in `steps` steps: surely (p < 0.01), without
 * levelling off, and where there are several lives in either half of them: what stays low for long, rises and
 * falls back is at work by day, not leaking. */
bool climb_lasts(const struct climb *climb, double share, double steps);

#endif
