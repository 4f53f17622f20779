#ifndef TARE_ANALYZE_FORECAST_GRID_H
#define TARE_ANALYZE_FORECAST_GRID_H

/* A row of means cut into whole hours that end where the row ends, with short gaps filled: what every method looks at. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    GRID_DAYS = 28,                 /* at most that much is learned from, the last */
    GRID_PER_HOUR = 12,             /* at most so many steps an hour */
    GRID_DAY = 24 * GRID_PER_HOUR,  /* … and a day */
    GRID_HOURS = 24 * GRID_DAYS,
    GRID_STEPS = GRID_HOURS * GRID_PER_HOUR
};

struct grid {
    size_t hours;    /* in all */
    size_t per_hour; /* steps in one */
    double step[GRID_STEPS];   /* hours × per_hour values, NaN in gaps of more than an hour */
    double median[GRID_HOURS]; /* of each hour's steps; NaN where fewer than half are known */
    bool weekend[GRID_HOURS + 24]; /* Saturday or Sunday in UTC; for the day to come as well */
};

/* Fills `out` from `count` means that end at `end` (epoch seconds). False where the step does not part an hour into 1 to
 * GRID_PER_HOUR, or less than half of the row or nothing of its last six hours is known. Gaps of at most an hour are filled in a
 * straight line. */
bool grid_make(const double *values, size_t count, int64_t step_seconds, int64_t end, struct grid *out);

#endif
