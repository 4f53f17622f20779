#ifndef TARE_HARNESS_ADVICE_BENCH_H
#define TARE_HARNESS_ADVICE_BENCH_H

/*
 * The parts of the bench of advice: each prints its tables, with what peers' or textbooks' ways give in the same run, and says
 * of each limit whether it is reached. 0 where all are, else 1.
 */

#include "tests/harness/advice_series.h"

/* Right-sizing: learn seven days, judge the next. */
int advice_rightsizing(const struct advice_set *real, const struct advice_set *made);

/* Part of it: workloads of several pods. Only shown. */
void advice_replicas(const struct advice_set *made);

/* Forecasts six hours ahead, from many origins. */
int advice_forecast(const struct advice_set *real, const struct advice_set *made);

/* Findings against the windows that people labelled. */
int advice_findings(const struct advice_set *real, const struct advice_set *made);

#endif
