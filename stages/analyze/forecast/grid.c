#include "stages/analyze/forecast/grid.h"

#include <math.h>

#include "stages/analyze/statistics/order.h"

enum { HOUR = 3600, SILENT_HOURS = 6 };

/* Straight lines through gaps of at most an hour. Returns how many steps were known before. */
static size_t gaps_fill(double *values, size_t count, size_t longest)
{
    size_t known = 0;
    size_t last = 0;
    for (size_t i = 0; i < count; i++) {
        if (!isfinite(values[i])) {
            values[i] = NAN;
            continue;
        }
        size_t gap = i - last - 1;
        if (known > 0 && i > last + 1 && gap <= longest) {
            double rise = (values[i] - values[last]) / (double)(gap + 1);
            for (size_t j = 1; j <= gap; j++) {
                values[last + j] = values[last] + rise * (double)j;
            }
        }
        last = i;
        known++;
    }
    return known;
}

/* Median of an hour, NaN where fewer than half of its steps are known. */
static double hour_median(const double *steps, size_t count)
{
    double known[GRID_PER_HOUR];
    size_t n = 0;
    for (size_t i = 0; i < count; i++) {
        if (!isnan(steps[i])) {
            known[n++] = steps[i];
        }
    }
    return 2 * n >= count ? order_median(known, n) : NAN;
}

bool grid_make(const double *values, size_t count, int64_t step_seconds, int64_t end, struct grid *out)
{
    if (step_seconds <= 0 || HOUR % step_seconds != 0 || HOUR / step_seconds > GRID_PER_HOUR) {
        return false;
    }
    out->per_hour = (size_t)(HOUR / step_seconds);
    out->hours = count / out->per_hour < GRID_HOURS ? count / out->per_hour : GRID_HOURS;
    size_t steps = out->hours * out->per_hour;
    for (size_t i = 0; i < steps; i++) {
        out->step[i] = values[count - steps + i];
    }
    size_t known = gaps_fill(out->step, steps, out->per_hour);
    bool silent = true;
    for (size_t h = 0; h < out->hours; h++) {
        out->median[h] = hour_median(out->step + h * out->per_hour, out->per_hour);
        silent = silent && (h + SILENT_HOURS < out->hours || isnan(out->median[h]));
    }
    for (size_t h = 0; h < out->hours + 24; h++) {
        int64_t day = (end / HOUR - (int64_t)out->hours + (int64_t)h) / 24; /* 1970-01-01 was a Thursday */
        out->weekend[h] = (day + 3) % 7 >= 5;
    }
    return !silent && 2 * known >= steps;
}
