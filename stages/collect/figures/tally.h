#ifndef TARE_COLLECT_FIGURES_TALLY_H
#define TARE_COLLECT_FIGURES_TALLY_H

/* Percentiles and weighted sums of samples: one pass puts them into classes of value (order.h) and adds up over
 * classes; a second looks at those few that lie in the classes where percentiles were found. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "stages/collect/figures/samples.h"
#include "stages/collect/window.h"

enum { TALLY_PLAIN = 5, TALLY_WEIGHTED = 4 };

struct tally {
    double plain[TALLY_PLAIN];       /* of all samples: p50, p90, p95, p99, p99.5 */
    double weighted[TALLY_WEIGHTED]; /* of steady ones, by weight: p50, p90, p95, p99 */
    double weight;                   /* of all steady samples; 0: there are none */
    double weighted_sum;             /* of weight × value */
    int busiest;                     /* hour of day (UTC) whose weighted p90 is the largest, the first of such; −1: none */
    double busiest_p90;
    int64_t recent_count; /* samples of the last two sevenths of the window */
    int64_t earlier_count;
    double recent_p95;
    double earlier_p95;
    int64_t startup_count; /* samples that are not steady */
    double startup_p99;
    double startup_max;
    double *pod_wp95;   /* of the pods that say something: with enough steady samples, else the one with most */
    size_t pods;        /* how many those are */
    double pod_max;     /* the largest of them */
    uint32_t pod_max_id;
};

/* Makes it of one sample at least. `start_range_ms`: a pod whose first sample is later than this after the window's start
 * has started inside it; what it does in its first STARTUP seconds is not steady, when it lives an hour. Negative: all
 * is steady. */
void tally_make(struct tally *tally, struct samples *samples, const struct window *window, int64_t start_range_ms);

/* Frees. */
void tally_release(struct tally *tally);

/* The rank, from 1, of the first of `count` things with at least `thousandths` of them at or before it. */
int64_t tally_rank(int64_t count, int64_t thousandths);

#endif
