#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "pipeline/base/mem.h"
#include "stages/analyze/forecast/forecast.h"
#include "tests/harness/advice_bench.h"
#include "tests/harness/advice_forecast_methods.h"

/*
 * Every method looks ahead six hours from an origin each 54 steps, from the fourth day on, with the last seven days at most, and is
 * judged from the eighth day on. Bands of peers: the errors of their last 19 origins that were over by then;
 * ours is its own. MASE: mean absolute error ÷ that of the seasonal naive inside the seven days. small4: the one of four with the
 * least error at those 19 origins.
 */
enum { STRIDE = 54, FIRST = 3 * PEER_DAY, BLOCK = 24, BLOCKS = PEER_STEPS / BLOCK, BAND_ORIGINS = 19, WAIT = 2, CONTENDERS_MAX = 16 };

static const double tail = 0.025;

/* What a method said at one origin. */
struct said {
    double value[PEER_STEPS], low[PEER_STEPS], high[PEER_STEPS];
    double error; /* mean absolute, NaN unknown */
};

struct score {
    double error, mase, width; /* sums over the judged origins; width: of the mean scaled interval score */
    double inside, steps;
    double origins;
    double backtested; /* coverage that ours promised */
};

/* Contenders: the peers, small4, ours. */
struct run {
    const struct advice_series *series;
    double *filled;
    size_t origins;
    struct said *said; /* origins × contenders */
    struct score score[CONTENDERS_MAX];
    double seconds, forecasts;
};

static size_t small4(void)
{
    return peer_count;
}

static size_t ours(void)
{
    return peer_count + 1;
}

static size_t contenders(void)
{
    return peer_count + 2;
}

static const char *contender_name(size_t c)
{
    return c < peer_count ? peers[c].name : c == small4() ? "small4" : "ours";
}

static struct said *said_at(const struct run *run, size_t origin, size_t contender)
{
    return &run->said[origin * contenders() + contender];
}

static size_t place_of(size_t origin)
{
    return FIRST + STRIDE * origin;
}

/* New copy with gaps of at most an hour filled in a straight line. */
static double *fill(const struct advice_series *series)
{
    double *out = xcalloc_array(series->count + 1, sizeof *out);
    size_t last = SIZE_MAX;
    for (size_t i = 0; i < series->count; i++) {
        out[i] = series->values[i];
        if (isnan(out[i])) {
            continue;
        }
        for (size_t j = last + 1; last != SIZE_MAX && i - last <= 13 && j < i; j++) {
            out[j] = out[last] + (out[i] - out[last]) * (double)(j - last) / (double)(i - last);
        }
        last = i;
    }
    return out;
}

static double mean_error(const double *came, const double *said)
{
    double sum = 0;
    double n = 0;
    for (size_t i = 0; i < PEER_STEPS; i++) {
        double off = fabs(came[i] - said[i]);
        sum += isnan(off) ? 0 : off;
        n += !isnan(off);
    }
    return n > 0 ? sum / n : NAN;
}

static int by_value(const void *a, const void *b)
{
    const double *x = a;
    const double *y = b;
    return (*x > *y) - (*x < *y);
}

/* A peer's band at an origin: ends of its errors at the last origins that were over. */
static void band(const struct run *run, size_t origin, size_t contender)
{
    struct said *now = said_at(run, origin, contender);
    for (size_t b = 0; b < BLOCKS; b++) {
        double errors[BAND_ORIGINS * BLOCK];
        size_t n = 0;
        for (size_t back = WAIT; back < WAIT + BAND_ORIGINS && back <= origin; back++) {
            const double *came = run->filled + place_of(origin - back);
            const struct said *then = said_at(run, origin - back, contender);
            for (size_t i = b * BLOCK; i < (b + 1) * BLOCK; i++) {
                if (!isnan(came[i] - then->value[i])) {
                    errors[n++] = came[i] - then->value[i];
                }
            }
        }
        qsort(errors, n, sizeof *errors, by_value);
        size_t end = (size_t)fmax(tail * (double)(n + 1), 1) - 1;
        for (size_t i = b * BLOCK; i < (b + 1) * BLOCK; i++) {
            now->low[i] = n == 0 ? NAN : fmax(now->value[i] + errors[end], 0);
            now->high[i] = n == 0 ? NAN : fmax(now->value[i] + errors[n - 1 - end], 0);
        }
    }
}

/* The one of small4's four that did best at the last origins. */
static void choose(const struct run *run, size_t origin)
{
    double best = INFINITY;
    for (size_t c = 0; c < peer_count; c++) {
        double sum = 0;
        for (size_t back = WAIT; back < WAIT + BAND_ORIGINS && back <= origin; back++) {
            double error = said_at(run, origin - back, c)->error;
            sum += isnan(error) ? 0 : error;
        }
        if (peers[c].small4 && sum < best) {
            best = sum;
            memcpy(said_at(run, origin, small4())->value, said_at(run, origin, c)->value, sizeof(double) * PEER_STEPS);
        }
    }
}

static double seconds_now(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

/* Ours looks at the raw row. */
static void our_say(struct run *run, struct forecaster *forecaster, size_t origin)
{
    struct forecast forecast;
    struct said *out = said_at(run, origin, ours());
    size_t place = place_of(origin);
    size_t learn = place < PEER_LEARN ? place : PEER_LEARN;
    double start = seconds_now();
    forecast_make(forecaster, run->series->values + place - learn, learn, ADVICE_STEP,
                  run->series->start + (int64_t)place * ADVICE_STEP, &forecast);
    if (learn == PEER_LEARN) {
        run->seconds += seconds_now() - start;
        run->forecasts++;
        run->score[ours()].backtested += forecast.coverage;
    }
    for (size_t i = 0; i < PEER_STEPS; i++) {
        out->value[i] = forecast.known ? forecast.values[i] : NAN;
        out->low[i] = forecast.known ? forecast.lower[i] : NAN;
        out->high[i] = forecast.known ? forecast.upper[i] : NAN;
    }
}

static double scale_at(const struct run *run, size_t place)
{
    double sum = 0;
    double n = 0;
    for (size_t i = place - PEER_LEARN + PEER_DAY; i < place; i++) {
        double off = fabs(run->filled[i] - run->filled[i - PEER_DAY]);
        sum += isnan(off) ? 0 : off;
        n += !isnan(off);
    }
    return sum / n;
}

static void score_add(struct run *run, size_t origin, size_t contender, double scale)
{
    const double *came = run->filled + place_of(origin);
    const struct said *said = said_at(run, origin, contender);
    struct score *score = &run->score[contender];
    if (isnan(said->error)) {
        return;
    }
    double width = 0;
    double steps = 0;
    for (size_t i = 0; i < PEER_STEPS; i++) {
        if (!isnan(came[i])) {
            double beyond = fmax(fmax(said->low[i] - came[i], came[i] - said->high[i]), 0);
            score->inside += !(beyond > 0);
            width += said->high[i] - said->low[i] + beyond / tail;
            steps++;
        }
    }
    score->steps += steps;
    score->width += width / steps / scale;
    score->error += said->error;
    score->mase += said->error / scale;
    score->origins++;
}

static void run_series(const struct advice_series *series, struct forecaster *forecaster, struct run *out)
{
    *out = (struct run){.series = series, .filled = fill(series)};
    out->origins = series->count < FIRST + PEER_STEPS ? 0 : (series->count - FIRST - PEER_STEPS) / STRIDE + 1;
    out->said = xcalloc_array(out->origins * contenders() + 1, sizeof *out->said);
    for (size_t o = 0; o < out->origins; o++) {
        size_t place = place_of(o);
        size_t learn = place < PEER_LEARN ? place : PEER_LEARN;
        for (size_t c = 0; c < peer_count; c++) {
            peers[c].say(out->filled + place - learn, learn, said_at(out, o, c)->value);
        }
        choose(out, o);
        our_say(out, forecaster, o);
        double scale = place < PEER_LEARN ? 0 : scale_at(out, place);
        for (size_t c = 0; c < contenders(); c++) {
            struct said *said = said_at(out, o, c);
            said->error = mean_error(out->filled + place, said->value);
            if (c != ours()) {
                band(out, o, c);
            }
            if (scale > 1e-9) {
                score_add(out, o, c, scale);
            }
        }
    }
    free(out->said);
    free(out->filled);
}

/* Means over the series of one set. */
struct total {
    double mase, rmae, coverage, lowest, width, series, seconds, forecasts;
};

static struct total total_of(const struct run *runs, size_t count, bool share, size_t contender)
{
    struct total out = {.lowest = 1};
    double inside = 0;
    double steps = 0;
    for (size_t i = 0; i < count; i++) {
        const struct score *score = &runs[i].score[contender];
        const struct score *naive = &runs[i].score[PEER_NAIVE];
        if (runs[i].series->share != share || score->origins < 1) {
            continue;
        }
        out.series++;
        out.mase += score->mase / score->origins;
        out.rmae += log((score->error / score->origins) / (naive->error / naive->origins));
        out.width += score->width / score->origins;
        out.lowest = fmin(out.lowest, score->inside / score->steps);
        inside += score->inside;
        steps += score->steps;
        out.seconds += runs[i].seconds;
        out.forecasts += runs[i].forecasts;
    }
    out.mase /= out.series;
    out.width /= out.series;
    out.rmae = exp(out.rmae / out.series);
    out.coverage = inside / steps;
    return out;
}

static struct run *runs_of(const struct advice_set *set, struct forecaster *forecaster)
{
    struct run *runs = xcalloc_array(set->count + 1, sizeof *runs);
    for (size_t i = 0; i < set->count; i++) {
        run_series(&set->items[i], forecaster, &runs[i]);
    }
    return runs;
}

static void series_print(const struct run *runs, size_t count)
{
    printf("\n%-32s %7s %7s %7s %9s %9s %11s\n", "series", "origins", "MASE", "naive's", "last hour", "coverage", "it promised");
    for (size_t i = 0; i < count; i++) {
        const struct score *score = runs[i].score;
        const struct score *our = &score[ours()];
        double last = 0;
        for (size_t c = 0; c < peer_count; c++) {
            last = strncmp(peers[c].name, "last hour", 9) == 0 ? score[c].mase / score[c].origins : last;
        }
        printf("%-32s %7.0f %7.3f %7.3f %9.3f %9.3f %11.3f\n", runs[i].series->name, our->origins, our->mase / our->origins,
               score[PEER_NAIVE].mase / score[PEER_NAIVE].origins, last, our->inside / our->steps,
               our->backtested / runs[i].forecasts);
    }
}

static int limit(const char *what, double value, double least, double most)
{
    bool reached = value >= least && value <= most;
    printf("%-64s %7.3f  %s\n", what, value, reached ? "ok" : "not reached");
    return !reached;
}

/* The table; returns the least mean MASE of a single method on the CPU series. */
static double table_print(const struct run *real, size_t real_count, const struct run *made, size_t made_count)
{
    double best = INFINITY;
    printf("%-20s| %-30s| %-30s| %-30s\n", "MASE rMAE cover MSIS", "CPU", "other", "made");
    for (size_t c = 0; c < contenders(); c++) {
        struct total totals[] = {total_of(real, real_count, true, c), total_of(real, real_count, false, c),
                                 total_of(made, made_count, true, c)};
        printf("%-20s", contender_name(c));
        for (size_t t = 0; t < ARRAY_COUNT(totals); t++) {
            printf("| %6.3f %6.3f %6.3f %8.2f ", totals[t].mase, totals[t].rmae, totals[t].coverage, totals[t].width);
        }
        printf("\n");
        best = c < peer_count ? fmin(best, totals[0].mase) : best;
    }
    return best;
}

int advice_forecast(const struct advice_set *real, const struct advice_set *made)
{
    struct arena arena;
    arena_init(&arena);
    struct forecaster *forecaster = forecaster_new(&arena);
    struct run *real_runs = runs_of(real, forecaster);
    struct run *made_runs = runs_of(made, forecaster);
    printf("forecasts six hours ahead, from %zu real and %zu made series, learned from 7 days\n", real->count, made->count);
    double best = table_print(real_runs, real->count, made_runs, made->count);
    series_print(real_runs, real->count);
    struct total cpu = total_of(real_runs, real->count, true, ours());
    struct total naive = total_of(real_runs, real->count, true, PEER_NAIVE);
    struct total others = total_of(made_runs, made->count, true, ours());
    struct total chosen = total_of(made_runs, made->count, true, small4());
    printf("\n");
    int missed = limit("CPU: mean MASE ÷ that of the best single method, at most 1", cpu.mase / best, 0, 1);
    missed += limit("CPU: mean MASE ÷ the seasonal naive's, at most 0.6", cpu.mase / naive.mase, 0, 0.6);
    missed += limit("CPU: coverage of the 95 % band, 0.93 to 0.97", cpu.coverage, 0.93, 0.97);
    missed += limit("CPU: coverage of the series with the least, 0.88 and more", cpu.lowest, 0.88, 1);
    missed += limit("made: mean MASE ÷ small4's, at most 1.05", others.mase / chosen.mase, 0, 1.05);
    missed += limit("milliseconds a series on seven days, less than 2", cpu.seconds / cpu.forecasts * 1e3, 0, 2);
    free(real_runs);
    free(made_runs);
    arena_release(&arena);
    return missed > 0;
}
