#ifndef TARE_ANALYZE_FORECAST_FORECAST_H
#define TARE_ANALYZE_FORECAST_FORECAST_H

/*
 * The next six hours, step by step, with a band that is to hold 95 % of what comes, and how good both were on the days that
 * are known. Methods, choice and band: README.md.
 */

#include "stages/analyze/subject/model.h"

enum { FORECAST_STEPS = 72 };

struct forecast {
    bool known;
    int64_t start; /* of the first step, epoch seconds */
    int64_t step_seconds;
    size_t count; /* steps in six hours: 72 of five minutes, fewer of longer ones */
    double values[FORECAST_STEPS], lower[FORECAST_STEPS], upper[FORECAST_STEPS];
    const char *method; /* what weighs most in it: "level", "daily", "slots", "weekdays"; static */
    double mase;        /* backtest: mean absolute error ÷ that of the seasonal naive (yesterday's) in the sample; NaN unknown */
    double rmae;        /* the same ÷ the seasonal naive's at the same origins; NaN unknown */
    double coverage;    /* share of backtested steps inside the band that the other origins give */
    double origins;     /* how many backtests */
};

/* Scratch room for one forecast at a time. New in `arena`. */
struct forecaster;
struct forecaster *forecaster_new(struct arena *arena);

/* Forecast of a row of `count` means at equal distances (NaN = gap) that ends at `end`, epoch seconds. Unknown where there are
 * less than 33 hours, mostly gaps, nothing in the last six hours, or steps that do not part an hour into 1 to 12. */
void forecast_make(struct forecaster *forecaster, const double *values, size_t count, int64_t step_seconds, int64_t end,
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
