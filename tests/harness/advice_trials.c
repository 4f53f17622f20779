#include "tests/harness/advice_trials.h"

#include <math.h>
#include <stdlib.h>

#include "pipeline/base/mem.h"
#include "stages/analyze/rules/figures.h"

enum { LEARN = 7 * ADVICE_DAY, HOURS_OF_DAY = 24 };

static const double machine = 4000; /* millicores */

const struct choice choice_all = {.without = SIZE_MAX};

/* Millicores of every step. */
static double *scale_series(const struct advice_series *series)
{
    double highest = 0;
    double *values = xcalloc_array(series->count + 1, sizeof *values);
    for (size_t i = 0; i < series->count; i++) {
        highest = fmax(highest, series->values[i]);
    }
    for (size_t i = 0; i < series->count; i++) {
        values[i] = series->values[i] * machine / (series->share ? 100 : highest);
    }
    return values;
}

/* Asks every rule for one day. */
static void ask(const struct advice_series *series, const double *values, size_t day_start, struct arena *arena, struct trial *trial)
{
    struct figures use;
    struct steps steps = {.start = series->start, .step_seconds = ADVICE_STEP, .count = series->count, .mean = values, .high = values};
    figures_of_steps(&steps, day_start - LEARN, day_start, NULL, arena, &use);
    struct lesson lesson = {&use, arena};
    for (size_t r = 0; r < advice_rule_count; r++) {
        trial->asked[r] = use.known ? advice_rules[r].request(&lesson) : NAN;
    }
    trial->used = values + day_start;
    trial->start = series->start + (int64_t)day_start * ADVICE_STEP;
}

/* Days with little to learn from or to judge by are left out. */
static bool worth(const double *values, size_t count)
{
    double known = 0;
    double sum = 0;
    for (size_t i = 0; i < count; i++) {
        known += isfinite(values[i]) ? 1 : 0;
        sum += isfinite(values[i]) ? values[i] : 0;
    }
    return known >= (double)count / 2 && sum > 0;
}

void trials_make(const struct advice_set *set, bool share, size_t offset, struct trials *out)
{
    struct arena arena;
    arena_init(&arena);
    *out = (struct trials){.scaled = xcalloc_array(set->count + 1, sizeof *out->scaled),
                           .names = xcalloc_array(set->count + 1, sizeof *out->names)};
    for (size_t s = 0; s < set->count; s++) {
        const struct advice_series *series = &set->items[s];
        if (series->share != share) {
            continue;
        }
        double *values = out->scaled[out->series_count] = scale_series(series);
        out->names[out->series_count] = series->name;
        for (size_t at = LEARN + offset; at + ADVICE_DAY <= series->count; at += ADVICE_DAY) {
            if (worth(values + at - LEARN, LEARN) && worth(values + at, ADVICE_DAY)) {
                GROW(out->items, out->capacity, out->count + 1);
                out->items[out->count].series = out->series_count;
                ask(series, values, at, &arena, &out->items[out->count++]);
            }
            arena_clear(&arena);
        }
        out->series_count++;
    }
    arena_release(&arena);
}

void trials_release(struct trials *trials)
{
    for (size_t i = 0; i < trials->series_count; i++) {
        free(trials->scaled[i]);
    }
    free(trials->scaled);
    free(trials->names);
    free(trials->items);
}

/* Sums over the days of one series. */
struct sums {
    double steps, above, used, starved, asked, days, moved, moves;
    double hour_steps[HOURS_OF_DAY], hour_above[HOURS_OF_DAY];
};

static void add_day(const struct trial *trial, double asked, struct sums *sums)
{
    for (size_t i = 0; i < ADVICE_DAY; i++) {
        double used = trial->used[i];
        if (!isfinite(used)) {
            continue;
        }
        size_t hour = (size_t)((trial->start + (int64_t)i * ADVICE_STEP) / 3600 % HOURS_OF_DAY);
        double above = used > asked ? 1 : 0;
        sums->steps++;
        sums->above += above;
        sums->hour_steps[hour]++;
        sums->hour_above[hour] += above;
        sums->used += used;
        sums->starved += fmax(0, used - asked);
    }
    sums->asked += asked;
    sums->days++;
}

/* Adds one series' figures to the score. */
static void add_series(const struct sums *sums, struct score *score)
{
    double worst = 0;
    for (size_t i = 0; i < HOURS_OF_DAY; i++) {
        worst = fmax(worst, sums->hour_steps[i] > 0 ? sums->hour_above[i] / sums->hour_steps[i] : 0);
    }
    score->above += sums->above / sums->steps;
    score->slack += sums->asked / sums->days / (sums->used / sums->steps);
    score->starved += sums->starved / sums->used;
    score->worst_hour += worst;
    score->churn += sums->moves > 0 ? sums->moved / sums->moves : 0;
}

/* Whether a day counts; days are told apart by how many they are after the first of their series. */
static bool chosen(const struct trial *trial, size_t day, struct choice choice)
{
    return trial->series != choice.without && (choice.every == 0 || day % 2 == (size_t)choice.every % 2);
}

struct score trials_score(const struct trials *trials, size_t rule, double factor, struct choice choice)
{
    struct score score = {0};
    double counted = 0;
    for (size_t at = 0; at < trials->count;) {
        struct sums sums = {0};
        size_t series = trials->items[at].series;
        double before = NAN;
        for (size_t day = 0; at < trials->count && trials->items[at].series == series; at++, day++) {
            double asked = factor * trials->items[at].asked[rule];
            if (!chosen(&trials->items[at], day, choice)) {
                continue;
            }
            add_day(&trials->items[at], asked, &sums);
            if (before > 0) {
                sums.moved += fabs(asked - before) / before;
                sums.moves++;
            }
            before = asked;
        }
        if (sums.days > 0) {
            add_series(&sums, &score);
            counted++;
        }
    }
    return (struct score){score.above / counted, score.slack / counted, score.starved / counted, score.worst_hour / counted,
                          score.churn / counted};
}

double trials_factor(const struct trials *trials, size_t rule, double above, struct choice choice)
{
    double low = 0;
    double high = 64;
    for (int i = 0; i < 40; i++) {
        double middle = (low + high) / 2;
        if (trials_score(trials, rule, middle, choice).above > above) {
            low = middle;
        } else {
            high = middle;
        }
    }
    return high;
}
