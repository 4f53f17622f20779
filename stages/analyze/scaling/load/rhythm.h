#ifndef TARE_ANALYZE_SCALING_RHYTHM_H
#define TARE_ANALYZE_SCALING_RHYTHM_H

/* What repeats: the curve of a day, and the peak within each hour. */

#include "stages/analyze/scaling/load/calendar.h"

/* Share of the whole days (of the working days, where there are three) that follow the middle curve of the others; NaN where
 * there are fewer than three. *shows: most do, and the curve rises and falls by enough. */
double rhythm_of_days(const struct calendar *calendar, double least, bool *shows);

/* Whether the load peaks at the same minutes of most hours; *minute tells from which on, *minutes for how long. */
bool rhythm_of_hours(const struct load *load, double least, struct arena *arena, int *minute, int *minutes);

#endif
