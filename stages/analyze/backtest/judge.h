#ifndef TARE_ANALYZE_BACKTEST_JUDGE_H
#define TARE_ANALYZE_BACKTEST_JUDGE_H

/* What a request and a limit would have done over steps of use that nobody had seen. Definitions: README.md. */

#include "stages/analyze/backtest/backtest.h"

/* Fills the shares of a verdict whose request and limit are set (NaN: none) over the judged steps. A share is 0..1 or
 * NaN where it cannot be said. */
void judge(const struct steps *judged, enum resource resource, struct verdict *verdict);

/* Share of steps in which some sample comes to within 2 % of a CPU limit: as good as throttled. NaN without a limit or
 * without data. */
double share_at_limit(const struct steps *steps, double limit);

#endif
