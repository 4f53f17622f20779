#ifndef TARE_ANALYZE_FORECAST_FORECAST_H
#define TARE_ANALYZE_FORECAST_FORECAST_H

/*
 * The next six hours in steps of five minutes, with a band that is to hold 95 % of what comes, and how good both were on
 * the days that are known. Methods, choice and band: README.md.
 */

#include "stages/analyze/subject/model.h"

enum { FORECAST_STEPS = 72 };

struct forecast {
    bool known;
    int64_t start; /* of the first step, epoch seconds */
    int64_t step_seconds;
    double values[FORECAST_STEPS], lower[FORECAST_STEPS], upper[FORECAST_STEPS];
    const char *method; /* static */
    double mase;        /* mean absolute error ÷ that of the seasonal naive in the sample; of the backtest */
    double rmae;        /* ÷ that of the seasonal naive at the same origins */
    double coverage;    /* share of backtested steps inside the band, NaN unknown */
    double origins;     /* how many backtests */
};

/* Forecast of a row of `count` means at equal distances (NaN = gap) that ends at `start`. Unknown where there is too little. */
void forecast_make(const double *values, size_t count, int64_t step_seconds, int64_t start, struct arena *arena,
                   struct forecast *out);

/* The forecasts of all containers, made once for everything that looks at them. */
struct forecasts {
    struct forecast *of[RESOURCES]; /* as many as the subject has containers */
    size_t count;
};

/* Forecasts of the means of every container and resource; in `arena`. */
void forecasts_make(const struct subject *subject, struct arena *arena, struct forecasts *out);

/* New member `forecast` {containers:{NAME:{RESOURCE:{…}}}}, null where nothing can be said. */
json_t *forecasts_json(const struct subject *subject, const struct forecasts *forecasts);

#endif
