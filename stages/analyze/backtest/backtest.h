#ifndef TARE_ANALYZE_BACKTEST_BACKTEST_H
#define TARE_ANALYZE_BACKTEST_BACKTEST_H

/*
 * What would have happened: each rule learns on the first days of the window and is judged on the rest, which it has not
 * seen; beside it today's settings and the rules of peers. Everything is made of the steps of five minutes. How the
 * days are parted and what each figure means: README.md.
 */

#include "stages/analyze/rules/rules.h"

/* Whose numbers are judged. */
enum contender { CONTENDER_OURS = 0, CONTENDER_TODAY, CONTENDER_KRR, CONTENDER_VPA, CONTENDERS };

/* One resource of one container under one contender's numbers over the judged days; NaN where it cannot be said. */
struct verdict {
    double request, limit; /* what was judged; NaN where there is none */
    double time_above;     /* share of steps whose mean lies above the request */
    double peak_above;     /* share of steps in which some sample of some pod does */
    double starved;        /* share of all use that lies above the request */
    double slack;          /* request ÷ mean use */
    double over_limit;     /* CPU: share of steps that would be throttled; memory: OOM kills, a number of times */
};

struct backtest {
    bool known;
    int64_t judged_from, judged_to; /* epoch seconds; learned is what lies before, from the window's start */
    int64_t learned_seconds, judged_seconds;
    struct verdict verdicts[RESOURCES][CONTENDERS];
};

/* Backtest of one container. */
void backtest_make(const struct subject *subject, const struct container *container, const struct scene *scene,
                   const struct policy *policy, struct arena *arena, struct backtest *out);

#endif
