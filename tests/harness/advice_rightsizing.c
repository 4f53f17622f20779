/*
 * Right-sizing: every rule learns seven days and is judged on the next 24 hours, day after day. Series of percent are of a machine of
 * four cores; others are scaled so that their highest value is four cores. Figures: see struct score.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/mem.h"
#include "stages/analyze/rules/figures.h"
#include "tests/harness/advice_bench.h"
#include "tests/harness/advice_rules.h"

enum { LEARN_DAYS = 7, LEARN = LEARN_DAYS * ADVICE_DAY, RULES_MAX = 64, HOURS_OF_DAY = 24 };

static const double machine = 4000; /* millicores */

/* One day of one series: what every rule asked for, and what was used. */
struct trial {
    size_t series;
    const double *used; /* ADVICE_DAY steps */
    int64_t start;
    double asked[RULES_MAX];
};

struct trials {
    struct trial *items;
    size_t count, capacity;
    double **scaled; /* a row of values for each series */
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

static void trials_make(const struct advice_set *set, bool share, struct trials *out)
{
    struct arena arena;
    arena_init(&arena);
    *out = (struct trials){.scaled = xcalloc_array(set->count + 1, sizeof *out->scaled)};
    for (size_t s = 0; s < set->count; s++) {
        const struct advice_series *series = &set->items[s];
        if (series->share != share) {
            continue;
        }
        double *values = out->scaled[out->series_count] = scale_series(series);
        for (size_t at = LEARN; at + ADVICE_DAY <= series->count; at += ADVICE_DAY) {
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

static void trials_release(struct trials *trials)
{
    for (size_t i = 0; i < trials->series_count; i++) {
        free(trials->scaled[i]);
    }
    free(trials->scaled);
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

/* Score of a rule whose requests are multiplied by `factor`; `skip`: a series left out, or trials->series_count. */
static struct score score_of(const struct trials *trials, size_t rule, double factor, size_t skip)
{
    struct score score = {0};
    double counted = 0;
    for (size_t at = 0; at < trials->count;) {
        struct sums sums = {0};
        size_t series = trials->items[at].series;
        double before = NAN;
        for (; at < trials->count && trials->items[at].series == series; at++) {
            double asked = factor * trials->items[at].asked[rule];
            add_day(&trials->items[at], asked, &sums);
            if (isfinite(before)) {
                sums.moved += fabs(asked - before) / before;
                sums.moves++;
            }
            before = asked;
        }
        if (series != skip) {
            add_series(&sums, &score);
            counted++;
        }
    }
    score.above /= counted;
    score.slack /= counted;
    score.starved /= counted;
    score.worst_hour /= counted;
    score.churn /= counted;
    return score;
}

static void print_table(const struct trials *trials, const char *title)
{
    printf("\n%s: %zu series, %zu days judged\n", title, trials->series_count, trials->count);
    printf("%-28s %8s %8s %9s %12s %8s\n", "rule", "above %", "slack", "starved %", "worst hour %", "churn %");
    for (size_t r = 0; r < advice_rule_count; r++) {
        struct score score = score_of(trials, r, 1, trials->series_count);
        printf("%-28s %8.2f %8.2f %9.2f %12.1f %8.1f\n", advice_rules[r].name, 100 * score.above, score.slack, 100 * score.starved,
               100 * score.worst_hour, 100 * score.churn);
    }
}

/* The factor at which a rule is above for `above` of the time; it falls as the factor grows. */
static double factor_for(const struct trials *trials, size_t rule, double above, size_t skip)
{
    double low = 0;
    double high = 64;
    for (int i = 0; i < 40; i++) {
        double middle = (low + high) / 2;
        if (score_of(trials, rule, middle, skip).above > above) {
            low = middle;
        } else {
            high = middle;
        }
    }
    return high;
}

static void print_plane(const struct trials *trials, size_t ours, const char *title)
{
    size_t all = trials->series_count;
    struct score mine = score_of(trials, ours, 1, all);
    printf("\n%s, on the plane: %s is above %.2f %% of the time at a slack of %.2f\n", title, advice_rules[ours].name, 100 * mine.above,
           mine.slack);
    printf("%-28s %8s %10s %10s   %8s %10s %10s\n", "rule, multiplied", "factor", "above %", "slack", "factor", "slack", "above %");
    for (size_t r = 0; r < advice_rule_count; r++) {
        if (r == ours) {
            continue;
        }
        double same_above = factor_for(trials, r, mine.above, all);
        struct score a = score_of(trials, r, same_above, all);
        double same_slack = mine.slack / score_of(trials, r, 1, all).slack;
        struct score b = score_of(trials, r, same_slack, all);
        printf("%-28s %8.2f %10.2f %10.2f   %8.2f %10.2f %10.2f %s\n", advice_rules[r].name, same_above, 100 * a.above, a.slack, same_slack,
               b.slack, 100 * b.above, a.slack > mine.slack && b.above > mine.above ? "" : "NOT AHEAD");
    }
}

int advice_rightsizing(const struct advice_set *real, const struct advice_set *made)
{
    struct trials cpu, other, synthetic;
    trials_make(real, true, &cpu);
    trials_make(real, false, &other);
    trials_make(made, true, &synthetic);
    print_table(&cpu, "CPU series, of four cores");
    print_table(&other, "other series, highest = four cores");
    print_table(&synthetic, "made series");
    print_plane(&cpu, advice_rule_count - 3, "CPU series");
    print_plane(&synthetic, advice_rule_count - 3, "made series");
    trials_release(&cpu);
    trials_release(&other);
    trials_release(&synthetic);
    return 0;
}
