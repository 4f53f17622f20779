#ifndef TARE_COLLECT_FIGURES_CLEAN_H
#define TARE_COLLECT_FIGURES_CLEAN_H

/* Brings the samples of a series into the order and shape that the other modules here take for granted. */

#include "stages/collect/points.h"

/* What was odd about the samples of a container or workload; adds up over series. */
struct oddities {
    int64_t dropped;    /* values that were infinite, negative or no numbers, times that cannot be */
    int64_t repeated;   /* samples at a time at which there was one already */
    int64_t increments; /* pairs of neighbouring samples of counters */
    int64_t resets;     /* those of them that fall */
};

/* Puts samples in order of time, keeps the first of those of one time, and leaves out values that are negative, no
 * numbers or infinite (2^400 and more counts as that, so that sums of squares stay finite); −0 becomes 0. Prometheus'
 * stale markers go without being counted. Times end up within 2^52 ms of 1970, so their differences are safe. */
void points_clean(struct points *points, struct oddities *oddities);

#endif
