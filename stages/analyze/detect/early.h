#ifndef TARE_ANALYZE_DETECT_EARLY_H
#define TARE_ANALYZE_DETECT_EARLY_H

/*
 * Peaks of the first days, for which there is no past yet: judged by what came after them instead. Only what
 * stands out by more than the whole range of the later days, begins after an ordinary hour and is over within
 * six hours.
 */

#include "stages/analyze/detect/alarms.h"

/* Adds alarms of the first `learned` of `count` values to `out`, and their scores to scores[] (may be NULL).
 * Arguments as for alarms_find. */
void early_find(const double *values, size_t count, size_t learned, int64_t start, int64_t step_seconds,
                const struct profile *profile, struct arena *arena, struct alarms *out, double *scores);

#endif
