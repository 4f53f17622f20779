#ifndef TARE_TESTS_FORECAST_ROWS_H
#define TARE_TESTS_FORECAST_ROWS_H

/* Made rows of five-minute means for the tests of forecasts; the same for the same seed. */

#include <math.h>
#include <stddef.h>

#include "pipeline/base/rng.h"

enum { ROW_DAY = 288, ROW_HOUR = 12, ROW_WEEK = 7 * ROW_DAY, ROW_MAX = 28 * ROW_DAY };

#define ROW_END 1795305600 /* 2026-11-22T00:00:00Z, a Sunday */

static inline double row_noise(void)
{
    double sum = 0;
    for (int i = 0; i < 12; i++) {
        sum += rng_unit();
    }
    return sum - 6;
}

/* level × (1 + swing × sine of the day) + noise, the last step at ROW_END. */
static inline void row_daily(double *row, size_t count, double level, double swing, double noise)
{
    for (size_t i = 0; i < count; i++) {
        double turn = 6.283185307179586 * (double)((i + ROW_MAX - count) % ROW_DAY) / ROW_DAY;
        row[i] = level * (1 + swing * sin(turn)) + noise * row_noise();
    }
}

#endif
