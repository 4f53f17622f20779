#ifndef TARE_TESTS_STEPS_BUILDER_H
#define TARE_TESTS_STEPS_BUILDER_H

/* Rows of five-minute steps for tests of the backtest, and a container that has used them. */

#include <math.h>
#include <stdlib.h>

#include "pipeline/base/arena.h"
#include "stages/analyze/backtest/backtest.h"

enum { DAY_STEPS = 288, HOUR_STEPS = 12, WEEK_STEPS = 7 * DAY_STEPS };

/* Monday, 2026-11-16 00:00 UTC. */
static const int64_t made_start = 1794787200;

struct made_row {
    double mean[28 * DAY_STEPS], high[28 * DAY_STEPS];
    size_t count;
};

/* [from, to) of a row at one value, of which high is the highest; NaN: a gap. */
static inline void made_fill(struct made_row *row, size_t from, size_t to, double mean, double high)
{
    for (size_t i = from; i < to; i++) {
        row->mean[i] = mean;
        row->high[i] = high;
    }
    row->count = to > row->count ? to : row->count;
}

static inline struct steps made_steps(const struct made_row *row)
{
    return (struct steps){
        .start = made_start, .step_seconds = 300, .count = row->count, .mean = row->mean, .high = row->high};
}

/* Figures as tare-collect would give them, had each step been one sample. */
static inline void made_figures_of(const struct made_row *row, struct arena *arena, struct figures *out)
{
    struct steps steps = made_steps(row);
    figures_of_steps(&steps, 0, steps.count, NULL, arena, out);
    out->steps = steps;
}

#endif
