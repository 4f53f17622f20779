#ifndef TARE_ANALYZE_DETECT_ALARMS_H
#define TARE_ANALYZE_DETECT_ALARMS_H

/*
 * When a series did what it had not done before: range excess and novelty together, at most one alarm for one
 * event. The sum of the two, each in units of the threshold that is best for it alone and each capped at four, is
 * an alarm from 1.5 on, where it is above everything of the last 24 hours. How this and other detectors fare
 * on labelled series: tests/harness, `advice findings`.
 */

#include <stdbool.h>

#include "stages/analyze/detect/range_excess.h"

enum { ALARMS_MAX = 32 };

/* The threshold, one for all series. */
#define ALARM_THRESHOLD 1.5

struct alarm {
    int64_t start, end; /* of what is out of order, epoch seconds; at most six hours */
    size_t first, last; /* its steps */
    double excess;      /* score of range excess, highest over the alarm */
    double novelty;     /* score of novelty at its start */
    double score;       /* both, as above */
    bool up;            /* above what was usual, not below */
    double extreme;     /* farthest five-minute mean */
    double usual;       /* median of the day before */
    double after;       /* median of the six hours that follow, NaN where less than an hour does */
    double low, high;   /* the range it left, with the profile of its time of day */
};

struct alarms {
    size_t count;
    struct alarm items[ALARMS_MAX]; /* in order of time; the first ones where there are more */
};

/* Alarms of a row of means at equal distances (NaN = gap) with their profile. `past`: as for range_excess;
 * without earlier days the first two days are judged by what came after (early.h). `scores` (may be NULL)
 * receives for every step the score that is compared to the threshold. */
void alarms_find(const double *values, size_t count, int64_t start, int64_t step_seconds,
                 const struct profile *profile, const struct past_days *past, struct arena *arena,
                 struct alarms *out, double *scores);

#endif
