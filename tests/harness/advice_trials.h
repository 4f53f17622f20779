#ifndef TARE_HARNESS_ADVICE_TRIALS_H
#define TARE_HARNESS_ADVICE_TRIALS_H

/*
 * Trials of right-sizing rules: each learns seven days of a series and is judged on the next 24 hours, day after day. Series of
 * percent are of a machine of four cores; others are scaled so that their highest value is four cores.
 */

#include "tests/harness/advice_rules.h"
#include "tests/harness/advice_series.h"

enum { TRIAL_RULES_MAX = 32 };

/* One day of one series: what every rule asked for, and what was used. */
struct trial {
    size_t series;
    const double *used; /* ADVICE_DAY steps */
    int64_t start;
    double asked[TRIAL_RULES_MAX];
};

struct trials {
    struct trial *items; /* by series, then by time */
    size_t count, capacity;
    double **scaled; /* millicores of each series */
    const char **names;
    size_t series_count;
};

/* How a rule did; shares of 1, means over the series. */
struct score {
    double above;      /* share of the time above the request */
    double slack;      /* request ÷ mean use */
    double starved;    /* share of the use that lies above the request */
    double worst_hour; /* time above in the worst hour of the day */
    double churn;      /* mean change of the request from day to day */
};

/* Which trials count. */
struct choice {
    size_t without; /* a series that is left out; SIZE_MAX: none */
    int every;      /* 0: all days, 1: odd ones, 2: even ones */
};

extern const struct choice choice_all;

/* Trials on the series of a set that are (or are not) of percent; the first day judged begins `offset` steps after the first seven. */
void trials_make(const struct advice_set *set, bool share, size_t offset, struct trials *out);

void trials_release(struct trials *trials);

/* Score of a rule whose requests are multiplied by `factor`. */
struct score trials_score(const struct trials *trials, size_t rule, double factor, struct choice choice);

/* The least factor (up to 64) at which a rule is above for no more than `above` of the time. */
double trials_factor(const struct trials *trials, size_t rule, double above, struct choice choice);

#endif
