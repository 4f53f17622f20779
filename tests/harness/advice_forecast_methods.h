#ifndef TARE_HARNESS_ADVICE_FORECAST_METHODS_H
#define TARE_HARNESS_ADVICE_FORECAST_METHODS_H

/* The single methods that forecasts are compared with: textbooks' and those that small4 chooses from. */

#include <stddef.h>

#include "tests/harness/advice_series.h"

enum { PEER_STEPS = 72, PEER_DAY = ADVICE_DAY, PEER_LEARN = 7 * PEER_DAY };

struct peer {
    const char *name;
    /* Says the PEER_STEPS values after `count` known ones (three to seven days, gaps of at most an hour filled, longer ones NaN). */
    void (*say)(const double *values, size_t count, double *out);
    bool small4; /* one of the four that small4 chooses from */
};

extern const struct peer peers[];
extern const size_t peer_count;

/* The method that scales errors is the first. */
enum { PEER_NAIVE = 0 };

#endif
