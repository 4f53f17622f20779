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
    double worst_hour;     /* the highest time_above of an hour of the day */
    double starved;        /* share of all use that lies above the request */
    double slack;          /* request ÷ mean use */
    double over_limit;     /* CPU: share of steps that would be throttled; memory: OOM kills, a number of times */
};

struct backtest {
    bool known;
    const char *reason;             /* why it is not known, a clause, static; NULL where it is */
    bool by_runs;                   /* parted between two runs of a batch kind, not by days */
    int64_t judged_from, judged_to; /* epoch seconds; learned is what lies before, from the window's start */
    int64_t learned_seconds, judged_seconds; /* time that holds data */
    bool judged[RESOURCES];                         /* this resource has data in both parts */
    struct steps rows[RESOURCES];                   /* the judged steps */
    struct verdict verdicts[RESOURCES][CONTENDERS]; /* valid where it is judged */
    double promised[RESOURCES]; /* share of the time for which our rule lets use pass the request */
};

/* Backtest of one container. Never fails: where there is too little data, `known` is false with a reason. Rows and
 * scratch live in `arena`. */
void backtest_make(const struct subject *subject, const struct container *container, const struct scene *scene,
                   const struct policy *policy, struct arena *arena, struct backtest *out);

/* What other amounts than those of the contenders (NaN: none) would have done on the judged days. All NaN where the
 * resource was not judged. */
struct verdict backtest_ask(const struct backtest *backtest, enum resource resource, double request, double limit);

#endif
