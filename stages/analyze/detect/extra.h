#ifndef TARE_ANALYZE_DETECT_EXTRA_H
#define TARE_ANALYZE_DETECT_EXTRA_H

/* What textbook detectors say of a value, as evidence beside the detector of record: they decide nothing
 * (README.md tells why). */

#include <stddef.h>

#include "pipeline/base/arena.h"
#include "pipeline/io/json.h"

/* Figures of a whole series that they need. */
struct textbook {
    double mean, deviation;
    double quarter, three_quarters;
};

/* Figures of `count` values (NaN = gap). Scratch in `arena`. */
void textbook_make(const double *values, size_t count, struct arena *arena, struct textbook *out);

/* New {z_score, iqr_fences, rolling_average_ratio} of `value`, which stood at place `place`: deviations from
 * the mean; interquartile ranges beyond the nearer quartile, 1.5 and more lie outside of the fences; times
 * the mean of the `before` values before it. */
json_t *textbook_json(const struct textbook *textbook, const double *values, size_t place, size_t before,
                      double value);

#endif
