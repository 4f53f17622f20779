#ifndef TARE_ANALYZE_FORECAST_LEVEL_H
#define TARE_ANALYZE_FORECAST_LEVEL_H

/* How a row that is off its usual level goes on: as it did after it was off by as much before. */

#include "stages/analyze/forecast/season.h"

enum { LEVEL_HOURS = 6 };

/* The coming LEVEL_HOURS × per_hour steps into `out`. */
void level_extend(const struct span *span, const struct season *season, double *out);

#endif
