#include "tests/harness/advice_series.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/rng.h"

enum { EACH = 4, MONDAY = 1700438400 }; /* 2023-11-20T00:00:00Z */

static const double two_pi = 6.283185307179586;

static double normal(void)
{
    double u = fmax(rng_unit(), 1e-300);
    return sqrt(-2 * log(u)) * cos(two_pi * rng_unit());
}

/* What one made series is like; amounts in percent of the machine. */
struct shape {
    const char *name;
    double base, noise;       /* level; standard deviation of its logarithm, step by step */
    double slow;              /* the same of a level that wanders from hour to hour */
    double daily, weekend;    /* height of the day's hump; factor on Saturdays and Sundays */
    double per_day;           /* growth a day, a share of the base */
    double spikes, spike;     /* a day; how high */
    double job, job_minutes;  /* a job at one time of the day */
    bool job_weekly;
    double shift_days, shift; /* level times `shift` each so many days, and back again */
    double flash;             /* flash sales: one in ten days, so many times the load for two hours */
};

static const struct shape shapes[] = {
    {"steady", 20, 0.06, 0.02, 0, 1, 0, 0, 0, 0, 0, false, 0, 1, 0},
    {"daily", 12, 0.10, 0.03, 30, 0.9, 0, 0, 0, 0, 0, false, 0, 1, 0},
    {"weekly", 14, 0.10, 0.03, 30, 0.5, 0, 0, 0, 0, 0, false, 0, 1, 0},
    {"spiky", 14, 0.20, 0.04, 4, 1, 0, 12, 16, 0, 0, false, 0, 1, 0},
    {"batch", 16, 0.10, 0.02, 0, 1, 0, 0, 0, 24, 43, false, 0, 1, 0},
    {"batch-weekly", 16, 0.10, 0.02, 4, 1, 0, 0, 0, 24, 120, true, 0, 1, 0},
    {"drift", 12, 0.10, 0.03, 8, 1, 0.05, 0, 0, 0, 0, false, 0, 1, 0},
    {"shift", 15, 0.12, 0.03, 6, 1, 0, 2, 10, 0, 0, false, 4.5, 1.5, 0},
    {"flash", 14, 0.12, 0.03, 16, 0.8, 0, 0, 0, 0, 0, false, 0, 1, 3},
    {"bursty", 8, 0.40, 0.12, 6, 1, 0, 1, 25, 0, 0, false, 0, 1, 0},
};

/* The same for a whole series: where its hump and its job lie, how it starts. */
struct state {
    double scale, peak_hour, job_at, wander, spike_left, spike_height;
};

/* A hump of the day: a cosine whose valleys are cut off. */
static double hump(double hour, double peak_hour)
{
    double value = cos((hour - peak_hour) / 24 * two_pi);
    return value > -0.3 ? (value + 0.3) / 1.3 : 0;
}

/* Spikes come at random and last five to thirty minutes. */
static double spike_now(const struct shape *shape, struct state *state)
{
    if (state->spike_left < 1 && rng_unit() < shape->spikes / ADVICE_DAY) {
        state->spike_left = 1 + floor(6 * rng_unit());
        state->spike_height = shape->spike * exp(0.4 * normal());
    }
    if (state->spike_left < 1) {
        return 0;
    }
    state->spike_left--;
    return state->spike_height;
}

static double job_now(const struct shape *shape, const struct state *state, size_t day, double hour)
{
    double minutes = (hour - state->job_at) * 60;
    bool today = !shape->job_weekly || day % 7 == 2;
    return today && minutes >= 0 && minutes < shape->job_minutes ? shape->job * (0.9 + 0.2 * rng_unit()) : 0;
}

static double value_at(const struct shape *shape, struct state *state, size_t step, bool sale)
{
    size_t day = step / ADVICE_DAY;
    double hour = (double)(step % ADVICE_DAY) / 12;
    double now = (double)step / ADVICE_DAY;
    double level = shape->base * (1 + shape->per_day * now) + shape->daily * hump(hour, state->peak_hour);
    state->wander = 0.98 * state->wander + shape->slow * normal();
    if (day % 7 >= 5) {
        level *= shape->weekend;
    }
    if (shape->shift_days > 0 && (size_t)(now / shape->shift_days) % 2 == 1) {
        level *= shape->shift;
    }
    if (sale && fabs(hour - 19) < 1) {
        level *= shape->flash;
    }
    level *= exp(state->wander + shape->noise * normal());
    level += spike_now(shape, state) + job_now(shape, state, day, hour);
    return fmin(state->scale * level, 100);
}

static void make_one(const struct shape *shape, size_t number, size_t days, struct advice_series *out)
{
    char name[40];
    (void)snprintf(name, sizeof name, "%s-%zu", shape->name, number + 1);
    struct state state = {.scale = 0.5 + rng_unit(), .peak_hour = 24 * rng_unit(), .job_at = 23 * rng_unit()};
    *out = (struct advice_series){.name = xstrdup(name), .share = true, .start = MONDAY, .count = days * ADVICE_DAY};
    out->values = xcalloc_array(out->count + 1, sizeof *out->values);
    out->windows = xcalloc_array(1, sizeof *out->windows);
    bool sale = false;
    for (size_t i = 0; i < out->count; i++) {
        if (i % ADVICE_DAY == 0) {
            sale = shape->flash > 0 && rng_unit() < 0.1;
        }
        out->values[i] = value_at(shape, &state, i, sale);
    }
}

void advice_set_make(uint64_t seed, size_t days, struct advice_set *out)
{
    rng_seed(seed);
    *out = (struct advice_set){.items = xcalloc_array(ARRAY_COUNT(shapes) * EACH, sizeof *out->items)};
    for (size_t s = 0; s < ARRAY_COUNT(shapes); s++) {
        for (size_t i = 0; i < EACH; i++) {
            make_one(&shapes[s], i, days, &out->items[out->count++]);
        }
    }
}
