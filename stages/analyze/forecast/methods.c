#include "stages/analyze/forecast/methods.h"

#include <math.h>
#include <string.h>

#include "stages/analyze/forecast/level.h"
#include "stages/analyze/forecast/season.h"
#include "stages/analyze/statistics/order.h"

enum {
    AHEAD = LEVEL_HOURS,
    STRIDE = 5,          /* hours between origins: they come at every hour of the day in turn */
    SEASONAL = 24 * 3,   /* hours that a daily profile is learned from at least */
    SHORT = 12,          /* … and a level */
    WEEK = 24 * 7,
    TREND_HOURS = 24 * 2,
    WEEKLY = 24 * 14     /* hours from which working days and weekends are told apart */
};

/* A method that is worse by a twentieth weighs less than half as much. */
static const double sharpness = 16;

/* Half of what a backtest counts for is lost after so many hours. */
static const double half_life = 36;

static const char *const names[METHODS] = {"level", "daily", "slots", "trend", "weekdays"};

/* By how much an hour the last two days lay above those before them: the middle of the hours. */
static double slope_at(const struct span *span)
{
    double rise[TREND_HOURS];
    size_t n = 0;
    for (size_t back = 1; back <= TREND_HOURS && span->from + 24 + back <= span->to; back++) {
        const double *hour = span->grid->median + span->to - back;
        double difference = *hour - *(hour - 24);
        if (!isnan(difference)) {
            rise[n++] = difference;
        }
    }
    return n > 0 ? order_quantile(rise, n, 0.5) / 24 : 0;
}

/* What every usable method says at hour `to`; one that cannot say anything is not usable any more. */
static void methods_say(const struct grid *grid, size_t to, struct trial *trial, double (*said)[FORECAST_STEPS])
{
    struct season season[METHODS];
    struct span span = {grid, to > WEEK ? to - WEEK : 0, to};
    season_none(&span, &season[METHOD_LEVEL]);
    if (trial->usable[METHOD_DAILY]) {
        season_daily(&span, &season[METHOD_SLOTS], &season[METHOD_DAILY]);
    }
    if (trial->usable[METHOD_WEEKDAYS]) {
        trial->usable[METHOD_WEEKDAYS] = season_weekly(&span, &trial->week, &season[METHOD_WEEKDAYS]);
    }
    for (size_t m = 0; m < METHODS; m++) {
        if (trial->usable[m] && m != METHOD_TREND) {
            level_extend(&span, &season[m], said[m]);
        }
    }
    double slope = trial->usable[METHOD_TREND] ? slope_at(&span) : 0;
    for (size_t i = 0; trial->usable[METHOD_TREND] && i < trial->steps; i++) {
        said[METHOD_TREND][i] = said[METHOD_LEVEL][i] + slope * (double)(i + 1) / (double)grid->per_hour;
    }
}

/* Mean absolute error of one method at one origin, NaN where nothing came. */
static double error_at(const struct trial *trial, const double *said, const double *came)
{
    double sum = 0;
    size_t n = 0;
    for (size_t i = 0; i < trial->steps; i++) {
        if (!isnan(came[i])) {
            sum += fabs(came[i] - said[i]);
            n++;
        }
    }
    return n > 0 ? sum / (double)n : NAN;
}

size_t trial_hour(const struct grid *grid, size_t number)
{
    return grid->hours - AHEAD - STRIDE * number;
}

static const double *came_at(const struct grid *grid, size_t number)
{
    return grid->step + trial_hour(grid, number) * grid->per_hour;
}

/* Weights from the errors at the origins, late ones counting more. */
static void weigh(const struct grid *grid, struct trial *trial)
{
    double error[METHODS] = {0};
    double best = INFINITY;
    double total = 0;
    for (size_t m = 0; m < METHODS; m++) {
        for (size_t o = 0; o < trial->count && trial->usable[m]; o++) {
            double at = error_at(trial, trial->origins[o].said[m], came_at(grid, o));
            error[m] += isnan(at) ? 0 : at * exp2(-(double)(STRIDE * o) / half_life);
        }
        best = trial->usable[m] ? fmin(best, error[m]) : best;
    }
    for (size_t m = 0; m < METHODS; m++) {
        trial->weight[m] = !trial->usable[m] ? 0 : error[m] <= best ? 1 : pow(best / error[m], sharpness);
        total += trial->weight[m];
    }
    for (size_t m = 0; m < METHODS; m++) {
        trial->weight[m] /= total;
    }
}

/* What the mix makes of what the methods say. */
static void mix(const struct trial *trial, double (*said)[FORECAST_STEPS], double *out)
{
    for (size_t i = 0; i < trial->steps; i++) {
        out[i] = 0;
        for (size_t m = 0; m < METHODS; m++) {
            out[i] += trial->usable[m] ? trial->weight[m] * said[m][i] : 0;
        }
    }
}

/* Errors of the mix and of yesterday's values at the origins. */
static void judge(const struct grid *grid, struct trial *trial)
{
    double mixed[FORECAST_STEPS];
    double sum[2] = {0, 0};
    double count[2] = {0, 0};
    size_t day = 24 * grid->per_hour;
    for (size_t o = 0; o < trial->count; o++) {
        const double *came = came_at(grid, o);
        mix(trial, trial->origins[o].said, mixed);
        for (size_t i = 0; i < trial->steps; i++) {
            double error = came[i] - mixed[i];
            double naive = trial_hour(grid, o) >= 24 ? came[i] - *(came + i - day) : NAN;
            trial->origins[o].error[i] = error;
            sum[0] += isnan(error) ? 0 : fabs(error);
            count[0] += !isnan(error);
            sum[1] += isnan(naive) ? 0 : fabs(naive);
            count[1] += !isnan(naive);
        }
    }
    trial->error = count[0] > 0 ? sum[0] / count[0] : NAN;
    trial->naive_error = count[1] > 0 ? sum[1] / count[1] : NAN;
}

/* Mean absolute difference of the steps a day apart. */
static double naive_scale(const struct grid *grid)
{
    size_t day = 24 * grid->per_hour;
    double sum = 0;
    double n = 0;
    for (size_t i = day; i < grid->hours * grid->per_hour; i++) {
        double difference = fabs(grid->step[i] - grid->step[i - day]);
        sum += isnan(difference) ? 0 : difference;
        n += !isnan(difference);
    }
    return n > 0 ? sum / n : NAN;
}

bool trial_run(const struct grid *grid, struct trial *out)
{
    bool seasonal = grid->hours >= SEASONAL + AHEAD + STRIDE * (ORIGINS_MIN + 3);
    size_t learned = seasonal ? SEASONAL : SHORT;
    if (grid->hours < learned + AHEAD + STRIDE * (ORIGINS_MIN - 1)) {
        return false;
    }
    out->count = (grid->hours - learned - AHEAD) / STRIDE + 1;
    out->count = out->count < ORIGINS_MAX ? out->count : ORIGINS_MAX;
    out->steps = AHEAD * grid->per_hour;
    out->week.to = 0;
    out->usable[METHOD_LEVEL] = true;
    out->usable[METHOD_DAILY] = out->usable[METHOD_SLOTS] = out->usable[METHOD_TREND] = seasonal;
    out->usable[METHOD_WEEKDAYS] = grid->hours >= WEEKLY;
    double next[METHODS][FORECAST_STEPS];
    methods_say(grid, grid->hours, out, next);
    for (size_t o = 0; o < out->count; o++) {
        methods_say(grid, trial_hour(grid, o), out, out->origins[o].said);
    }
    weigh(grid, out);
    judge(grid, out);
    mix(out, next, out->next);
    out->scale = naive_scale(grid);
    return true;
}

const char *trial_method(const struct trial *trial)
{
    size_t best = 0;
    for (size_t m = 1; m < METHODS; m++) {
        best = trial->weight[m] > trial->weight[best] ? m : best;
    }
    return names[best];
}
