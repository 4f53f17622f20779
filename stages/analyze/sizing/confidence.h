#ifndef TARE_ANALYZE_SIZING_CONFIDENCE_H
#define TARE_ANALYZE_SIZING_CONFIDENCE_H

/*
 * How far the figures of one container can be trusted: the product of four parts, each 0..1, and a ceiling where use
 * cannot be seen. Every part is in the record. Definitions: README.md of backtest/.
 */

#include "stages/analyze/backtest/backtest.h"
#include "stages/analyze/sizing/signals.h"
#include "stages/analyze/subject/model.h"

struct confidence {
    double coverage;  /* share of the time since the first sample that holds data; of batch kinds: by runs */
    double age;       /* history ÷ 7 days, at most 1 */
    double stability; /* how like the last two days are to those before */
    double backtest;  /* what the held-out days said of the rule */
    double ceiling;   /* the product is cut here; NaN for none */
};

/* Reads all parts. `backtest` may be one that is not known: then its part is 1. */
void confidence_of(const struct subject *subject, const struct container *container, const struct signals *signals,
                   const struct backtest *backtest, struct confidence *out);

/* The product of the parts, at most the ceiling. */
double confidence_value(const struct confidence *parts);

#endif
