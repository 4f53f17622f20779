#ifndef TARE_ANALYZE_FORECAST_BAND_H
#define TARE_ANALYZE_FORECAST_BAND_H

/* How far the truth may be off: from the errors of the backtests, block by block of two hours, and wider where
 * the last hours were more unsteady than is usual. */

#include "stages/analyze/forecast/methods.h"

/* Sets `lower` and `upper` (as many as the trial's steps, none below 0) around trial->next, and returns the share of backtested
 * steps that lie within the bands that the other origins give; NaN of none. */
double band_make(const struct grid *grid, const struct trial *trial, double *lower, double *upper);

#endif
