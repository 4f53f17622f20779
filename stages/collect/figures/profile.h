#ifndef TARE_COLLECT_FIGURES_PROFILE_H
#define TARE_COLLECT_FIGURES_PROFILE_H

/* How a resource went over the window: sums of each step (window.h), from which those of hours follow. */

#include "pipeline/io/json.h"
#include "stages/collect/window.h"

/* Sums of the samples of all pods in one step; without samples all is 0. */
struct profile_step {
    int64_t count;
    double sum;
    double min;
    double max;
};

struct profile {
    struct profile_step *steps;
    size_t count;
    size_t capacity;
};

/* Makes room for the steps of a window, all of them empty; memory of before is used again. */
void profile_start(struct profile *profile, const struct window *window);

/* Frees. */
void profile_release(struct profile *profile);

/* Adds `count` ≥ 1 samples of one step. */
static inline void profile_add(struct profile_step *step, int64_t count, double sum, double min, double max)
{
    step->min = step->count == 0 || min < step->min ? min : step->min;
    step->max = step->count == 0 || max > step->max ? max : step->max;
    step->sum += sum;
    step->count += count;
}

/* Sets the members `hourly` (mean, min, max of each hour) and `series` (mean, max of each step) of `out`, encoded as
 * pipeline/run/series.h does it. */
void profile_json(const struct profile *profile, const struct window *window, json_t *out);

#endif
