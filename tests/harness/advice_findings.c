/*
 * Findings against windows that people labelled: a window is found when a score inside of it reaches the
 * threshold; a false alarm is a bin of six hours (UTC) that holds a score at or above the threshold outside
 * of all windows. As in the Numenta Anomaly Benchmark, the first 15 % of a series are not judged. The
 * detector of record has one fixed threshold; each textbook one is given the threshold that suits it best on
 * these very series, which no detector has in life.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/mem.h"
#include "stages/analyze/detect/alarms.h"
#include "stages/analyze/statistics/order.h"
#include "tests/harness/advice_bench.h"
#include "tests/harness/advice_findings_record.h"

enum { BIN = 6 * 3600, WEEK = 7 * ADVICE_DAY, DAYS_MAX = 64, GRID = 240 };

static const double probation = 0.15;
static const double wanted_f1 = 0.65;
static const double wanted_precision = 0.75;

struct tally {
    double hit, missed, wrong, days;
};

typedef void detector(const struct advice_series *series, struct arena *arena, double *scores);

/* ---- The detector of record and its parts ---- */

static void of_record(const struct advice_series *series, struct arena *arena, double *scores)
{
    struct alarms alarms;
    struct profile profile;
    profile_make(series->values, series->count, series->start, ADVICE_STEP, arena, &profile);
    alarms_find(series->values, series->count, series->start, ADVICE_STEP, &profile, NULL, arena, &alarms,
                scores);
}

/* Range excess alone, with the same suppression. */
static void excess_only(const struct advice_series *series, struct arena *arena, double *scores)
{
    struct profile profile;
    double *raw = arena_alloc_array(arena, series->count + 1, sizeof *raw);
    struct range *ranges = arena_alloc_array(arena, series->count + 1, sizeof *ranges);
    profile_make(series->values, series->count, series->start, ADVICE_STEP, arena, &profile);
    range_excess(series->values, series->count, series->start, ADVICE_STEP, &profile, NULL, arena, raw,
                 ranges);
    for (size_t i = 0; i < series->count; i++) {
        double highest = 0;
        for (size_t k = i > ADVICE_DAY ? i - ADVICE_DAY : 0; k < i; k++) {
            highest = fmax(highest, raw[k]);
        }
        scores[i] = raw[i] > highest ? raw[i] : highest > 0 ? 0.2 * raw[i] / highest : 0;
    }
}

/* Lowest and highest value of each day before `end`, as the ledger keeps them. */
static void stored_days(const struct advice_series *series, size_t end, struct arena *arena,
                        struct past_days *out)
{
    float *low = arena_alloc_array(arena, DAYS_MAX, sizeof *low);
    float *high = arena_alloc_array(arena, DAYS_MAX, sizeof *high);
    *out = (struct past_days){.low = low, .high = high};
    for (size_t day = 0; (day + 1) * ADVICE_DAY <= end && out->count < DAYS_MAX; day++) {
        double least = INFINITY;
        double most = -INFINITY;
        for (size_t i = day * ADVICE_DAY; i < (day + 1) * ADVICE_DAY; i++) {
            if (isfinite(series->values[i])) {
                least = fmin(least, series->values[i]);
                most = fmax(most, series->values[i]);
            }
        }
        if (isfinite(least)) {
            low[out->count] = (float)least;
            high[out->count++] = (float)most;
        }
    }
}

/* What a run a day with a window of seven days would have said of its last day; `stored`: with what earlier
 * runs left. */
static void run_a_day(const struct advice_series *series, bool stored, struct arena *arena, double *scores)
{
    double *window_scores = arena_alloc_array(arena, WEEK + 1, sizeof *window_scores);
    for (size_t i = 0; i < series->count; i++) {
        scores[i] = 0;
    }
    for (size_t day = 3 * ADVICE_DAY; day < series->count + ADVICE_DAY; day += ADVICE_DAY) {
        struct alarms alarms;
        struct past_days past;
        size_t end = day < series->count ? day : series->count;
        size_t from = end > WEEK ? end - WEEK : 0;
        int64_t start = series->start + (int64_t)from * ADVICE_STEP;
        struct profile profile;
        stored_days(series, from, arena, &past);
        profile_make(series->values + from, end - from, start, ADVICE_STEP, arena, &profile);
        alarms_find(series->values + from, end - from, start, ADVICE_STEP, &profile, stored ? &past : NULL,
                    arena, &alarms, window_scores);
        for (size_t i = end - ADVICE_DAY; i < end; i++) {
            scores[i] = fmax(scores[i], window_scores[i - from]);
        }
    }
}

static void seven_days(const struct advice_series *series, struct arena *arena, double *scores)
{
    run_a_day(series, false, arena, scores);
}

static void seven_days_stored(const struct advice_series *series, struct arena *arena, double *scores)
{
    run_a_day(series, true, arena, scores);
}

/* ---- Textbook detectors ---- */

/* The known values of a series. */
static double *known_values(const struct advice_series *series, struct arena *arena, size_t *count)
{
    double *out = arena_alloc_array(arena, series->count + 1, sizeof *out);
    *count = 0;
    for (size_t i = 0; i < series->count; i++) {
        if (isfinite(series->values[i])) {
            out[(*count)++] = series->values[i];
        }
    }
    return out;
}

static double or_zero(double value)
{
    return isfinite(value) ? value : 0;
}

static void z_score(const struct advice_series *series, struct arena *arena, double *scores)
{
    size_t count;
    double *known = known_values(series, arena, &count);
    double mean = 0;
    double square = 0;
    for (size_t i = 0; i < count; i++) {
        mean += known[i] / (double)count;
    }
    for (size_t i = 0; i < count; i++) {
        square += (known[i] - mean) * (known[i] - mean) / (double)count;
    }
    for (size_t i = 0; i < series->count; i++) {
        scores[i] = or_zero(fabs(series->values[i] - mean) / fmax(sqrt(square), 1e-9));
    }
}

static void iqr_fences(const struct advice_series *series, struct arena *arena, double *scores)
{
    size_t count;
    double *known = known_values(series, arena, &count);
    double low = order_quantile(known, count, 0.25);
    double high = order_quantile(known, count, 0.75);
    for (size_t i = 0; i < series->count; i++) {
        scores[i] = or_zero(fmax(0, fmax(low - series->values[i], series->values[i] - high)) /
                            fmax(high - low, 1e-9));
    }
}

static void mad_score(const struct advice_series *series, struct arena *arena, double *scores)
{
    size_t count;
    double *known = known_values(series, arena, &count);
    double median = order_median(known, count);
    for (size_t i = 0; i < count; i++) {
        known[i] = fabs(known[i] - median);
    }
    double mad = 1.4826 * order_median(known, count);
    for (size_t i = 0; i < series->count; i++) {
        scores[i] = or_zero(fabs(series->values[i] - median) / fmax(mad, 1e-9));
    }
}

/* Value ÷ mean of the six hours before, or the inverse. */
static void rolling_average(const struct advice_series *series, struct arena *arena, double *scores)
{
    (void)arena;
    for (size_t i = 0; i < series->count; i++) {
        double sum = 0;
        double seen = 0;
        for (size_t k = i > ADVICE_DAY / 4 ? i - ADVICE_DAY / 4 : 0; k < i; k++) {
            sum += or_zero(series->values[k]);
            seen += isfinite(series->values[k]) ? 1 : 0;
        }
        double ratio = series->values[i] / fmax(sum / fmax(seen, 1), 1e-9);
        scores[i] = seen < 12 ? 0 : or_zero(fmax(ratio, 1 / fmax(ratio, 1e-9)));
    }
}

static const struct row {
    const char *name;
    detector *detect;
    double threshold; /* 0: the best one on these series */
} rows[] = {
    {"detector of record", of_record, ALARM_THRESHOLD},
    {"  as findings of a record", findings_of_record, 1},
    {"  range excess alone", excess_only, 0.16},
    {"  a run a day, window of 7 days", seven_days, ALARM_THRESHOLD},
    {"  the same, and stored extremes", seven_days_stored, ALARM_THRESHOLD},
    {"z-score", z_score, 0},
    {"IQR fences", iqr_fences, 0},
    {"rolling average, 6 h", rolling_average, 0},
    {"MAD", mad_score, 0},
};

/* ---- Scoring ---- */

static bool inside(const struct advice_series *series, int64_t at)
{
    for (size_t w = 0; w < series->window_count; w++) {
        if (at >= series->windows[w].start - ADVICE_STEP / 2 &&
            at <= series->windows[w].end + ADVICE_STEP / 2) {
            return true;
        }
    }
    return false;
}

static void judge(const struct advice_series *series, const double *scores, double threshold,
                  struct tally *tally)
{
    size_t from = (size_t)(probation * (double)series->count);
    int64_t last_bin = -1;
    for (size_t w = 0; w < series->window_count; w++) {
        bool hit = false;
        for (size_t i = from; i < series->count; i++) {
            int64_t at = series->start + (int64_t)i * ADVICE_STEP;
            bool within = at >= series->windows[w].start - ADVICE_STEP / 2 &&
                          at <= series->windows[w].end + ADVICE_STEP / 2;
            hit = hit || (within && scores[i] >= threshold);
        }
        bool judged = series->windows[w].end >= series->start + (int64_t)from * ADVICE_STEP;
        tally->hit += judged && hit;
        tally->missed += judged && !hit;
    }
    for (size_t i = from; i < series->count; i++) {
        int64_t at = series->start + (int64_t)i * ADVICE_STEP;
        if (scores[i] >= threshold && at / BIN != last_bin && !inside(series, at)) {
            tally->wrong++;
            last_bin = at / BIN;
        }
    }
    tally->days += (double)(series->count - from) / ADVICE_DAY;
}

static double f1_of(const struct tally *tally)
{
    return tally->hit > 0 ? 2 * tally->hit / (2 * tally->hit + tally->wrong + tally->missed) : 0;
}

/* All series that are labelled, but for the one at `left_out`. */
static struct tally judge_all(const struct advice_set *set, double *const *scores, double threshold,
                              size_t left_out)
{
    struct tally tally = {0};
    for (size_t i = 0; i < set->count; i++) {
        if (set->items[i].labelled && i != left_out) {
            judge(&set->items[i], scores[i], threshold, &tally);
        }
    }
    return tally;
}

/* The threshold, of a grid, that gives the best F1. */
static double best_threshold(const struct advice_set *set, double *const *scores, size_t left_out)
{
    double best = 0;
    double best_f1 = -1;
    for (size_t k = 0; k < GRID; k++) {
        double threshold = 0.05 * pow(1000, (double)k / GRID);
        struct tally tally = judge_all(set, scores, threshold, left_out);
        if (f1_of(&tally) > best_f1) {
            best_f1 = f1_of(&tally);
            best = threshold;
        }
    }
    return best;
}

/* Scores of every series by one detector; free each and the array. */
static double **detect_all(const struct advice_set *set, detector *detect)
{
    struct arena arena;
    arena_init(&arena);
    double **scores = xcalloc_array(set->count + 1, sizeof *scores);
    for (size_t i = 0; i < set->count; i++) {
        scores[i] = xcalloc_array(set->items[i].count + 1, sizeof **scores);
        detect(&set->items[i], &arena, scores[i]);
        arena_clear(&arena);
    }
    arena_release(&arena);
    return scores;
}

/* Each series judged at the threshold that suits the others best. */
static struct tally leave_one_out(const struct advice_set *set, double *const *scores)
{
    struct tally sum = {0};
    for (size_t i = 0; i < set->count; i++) {
        if (set->items[i].labelled) {
            judge(&set->items[i], scores[i], best_threshold(set, scores, i), &sum);
        }
    }
    return sum;
}

static void print_row(const char *name, double threshold, const struct tally *tally)
{
    (void)printf("  %-34s %7.2f %4.0f %6.0f %6.0f %9.2f %6.2f %6.2f %7.3f\n", name, threshold, tally->hit,
                 tally->missed, tally->wrong, tally->hit / fmax(tally->hit + tally->wrong, 1),
                 tally->hit / fmax(tally->hit + tally->missed, 1), f1_of(tally), tally->wrong / tally->days);
}

/* Prints one detector's rows; returns how it did. */
static struct tally bench_row(const struct advice_set *set, const struct row *row)
{
    double **scores = detect_all(set, row->detect);
    double threshold = row->threshold > 0 ? row->threshold : best_threshold(set, scores, SIZE_MAX);
    struct tally tally = judge_all(set, scores, threshold, SIZE_MAX);
    print_row(row->name, threshold, &tally);
    if (row->detect == of_record) {
        struct tally other = leave_one_out(set, scores);
        print_row("  threshold from the other series", NAN, &other);
    }
    for (size_t i = 0; i < set->count; i++) {
        free(scores[i]);
    }
    free(scores);
    return tally;
}

int advice_findings(const struct advice_set *real, const struct advice_set *made)
{
    (void)made;
    struct tally ours = {0};
    (void)printf(
        "Findings on labelled series (a hit is a window, a false alarm a bin of six hours outside of all)\n");
    (void)printf("  %-34s %7s %4s %6s %6s %9s %6s %6s %7s\n", "detector", "at", "hit", "missed", "false",
                 "precision", "recall", "F1", "false/d");
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct tally tally = bench_row(real, &rows[i]);
        if (i == 0) {
            ours = tally;
        }
    }
    double precision = ours.hit / fmax(ours.hit + ours.wrong, 1);
    bool reached = f1_of(&ours) >= wanted_f1 && precision >= wanted_precision;
    (void)printf("  limit: F1 >= %.2f and precision >= %.2f with one threshold: %s\n", wanted_f1,
                 wanted_precision, reached ? "ok" : "not reached");
    return reached ? 0 : 1;
}
