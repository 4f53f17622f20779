#ifndef TARE_ANALYZE_FORECAST_METHODS_H
#define TARE_ANALYZE_FORECAST_METHODS_H

/* Ways to forecast, tried at many origins of the known days, and mixed by how well they did. */

#include "stages/analyze/forecast/forecast.h"
#include "stages/analyze/forecast/season.h"

enum method { METHOD_LEVEL = 0, METHOD_DAILY, METHOD_SLOTS, METHOD_TREND, METHOD_WEEKDAYS, METHODS };

enum { ORIGINS_MAX = 20, ORIGINS_MIN = 4 };

/* One backtest: what each method said, what came. */
struct origin {
    double said[METHODS][FORECAST_STEPS];
    double error[FORECAST_STEPS]; /* of the mix: what came less what was said; NaN unknown */
};

struct trial {
    size_t count;                    /* of origins, the latest first */
    size_t steps;                    /* that each looks ahead */
    bool usable[METHODS];
    struct week week; /* as far as the last call left it */
    double weight[METHODS];          /* sum 1 */
    struct origin origins[ORIGINS_MAX];
    double next[FORECAST_STEPS];     /* what the mix says of the time after the grid */
    double error, naive_error, scale; /* mean absolute errors: of the mix and of yesterday's values at the origins, of the latter in
                                         the sample; NaN unknown */
};

/* Tries all methods. False where the grid holds less than ORIGINS_MIN origins. */
bool trial_run(const struct grid *grid, struct trial *out);

/* The hour of the grid at which an origin looks ahead. */
size_t trial_hour(const struct grid *grid, size_t number);

/* "level" and so on; static. The one that weighs most. */
const char *trial_method(const struct trial *trial);

#endif
