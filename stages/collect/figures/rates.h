#ifndef TARE_COLLECT_FIGURES_RATES_H
#define TARE_COLLECT_FIGURES_RATES_H

/* Counters become rates at their own sample times. */

#include "stages/collect/figures/clean.h"

/* The range over which rates are made, in milliseconds: four scrapes, two minutes at least. */
int64_t rates_range(int64_t interval_ms);

/* Makes the samples of a counter (clean) into rates a second, in place: at each sample time t what Prometheus 2.42's
 * `rate` gives of the samples in (t − range, t] (promql/functions.go, extrapolatedRate), so resets are made good, and
 * where the range begins before the first sample it is extrapolated to, no further than where the counter was 0.
 * A time with one sample in its range has no rate. Counts increments and resets. */
void rates_make(struct points *counter, int64_t range_ms, struct oddities *oddities);

#endif
