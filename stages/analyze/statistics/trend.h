#ifndef TARE_ANALYZE_STATISTICS_TREND_H
#define TARE_ANALYZE_STATISTICS_TREND_H

/* A robust straight line through numbers at equal distances. Slope: Theil and Sen (median of pairwise slopes); p: Mann
 * and Kendall's two-sided test with the normal approximation and the correction for ties. */

#include <stdbool.h>
#include <stddef.h>

#include "pipeline/base/arena.h"

/* Fewest numbers that a trend is told from, and most that are looked at: the last ones. */
enum { TREND_MIN = 48, TREND_MAX = 24 * 31 };

struct trend {
    bool known;      /* there were TREND_MIN numbers or more */
    double per_step; /* from one place to the next */
    double p;
    double median;
};

/* Trend of `values` (NaN = gap). O(n²) in time and, for the slopes, in `arena`. */
void trend_fit(const double *values, size_t count, struct arena *arena, struct trend *out);

/* The same from `least` numbers on, for rows that are short but of numbers that do not depend on each other (one a day). */
void trend_fit_few(const double *values, size_t count, size_t least, struct arena *arena, struct trend *out);

#endif
