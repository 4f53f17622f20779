#ifndef TARE_ANALYZE_DETECT_RANGE_EXCESS_H
#define TARE_ANALYZE_DETECT_RANGE_EXCESS_H

/*
 * The detector of record: how far a value lies outside of the range that everything before it stayed in, in
 * units of that range (README.md). Values are first freed of the daily profile. The range is that
 * between the quantiles .0005 and .9995 of the past, looked at anew every hour; what earlier runs stored of
 * days before the window counts as past too.
 */

#include "stages/analyze/detect/profile.h"
#include "stages/analyze/history/past.h"

/* The range that held before a step, in the values' unit without the profile; NaN before anything can be
 * said. */
struct range {
    double low, high, width;
    double seen_low, seen_high; /* of the window alone, without the stored days */
};

/* Scores of `count` values (NaN = gap, score 0), one each `step_seconds` from `start`, into scores[count];
 * ranges[count] receives the range each was judged by. The first fortieth, and at least 50 values, are only
 * learned from. */
void range_excess(const double *values, size_t count, int64_t start, int64_t step_seconds,
                  const struct profile *profile, const struct past_days *past, struct arena *arena,
                  double *scores, struct range *ranges);

#endif
