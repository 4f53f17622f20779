#include "stages/analyze/forecast/season.h"

#include <math.h>
#include <string.h>

#include "stages/analyze/statistics/order.h"

enum { DAYS = 7 }; /* daily profiles come of a week */

/* The values of one step of the day, in order. */
struct slot {
    size_t count;
    double value[GRID_DAYS];
};

/* Puts a value in its place; without a branch that depends on it, for a processor cannot foresee those. */
static inline void slot_add(struct slot *slot, double value)
{
    for (size_t i = 0; i < slot->count; i++) {
        double held = slot->value[i];
        slot->value[i] = held < value ? held : value;
        value = held > value ? held : value;
    }
    slot->value[slot->count++] = value;
}

static double slot_median(const struct slot *slot)
{
    size_t n = slot->count;
    return n == 0 ? 0 : (slot->value[(n - 1) / 2] + slot->value[n / 2]) / 2;
}

/* The median without one of the values; 0 where none is left. */
static double slot_median_without(const struct slot *slot, double value)
{
    const double *v = slot->value;
    size_t n = slot->count;
    if (n < 2) {
        return 0;
    }
    if (n % 2 == 0) {
        return value < v[n / 2] ? v[n / 2] : v[n / 2 - 1];
    }
    return value < v[n / 2] ? (v[n / 2] + v[n / 2 + 1]) / 2
           : value > v[n / 2] ? (v[n / 2 - 1] + v[n / 2]) / 2
                              : (v[n / 2 - 1] + v[n / 2 + 1]) / 2;
}

/* The level of a day: the median of its hours, NaN where fewer than half are known. */
static double day_level(const double *hours)
{
    double known[24];
    size_t n = 0;
    for (size_t h = 0; h < 24; h++) {
        if (!isnan(hours[h])) {
            known[n++] = hours[h];
        }
    }
    return n >= 12 ? order_quantile(known, n, 0.5) : NAN;
}

/* Medians of a profile's hours. */
static void hours_of(const double *step, size_t per_hour, double *hour)
{
    struct slot slot;
    for (size_t h = 0; h < 24; h++) {
        slot.count = 0;
        for (size_t i = 0; i < per_hour; i++) {
            slot_add(&slot, step[h * per_hour + i]);
        }
        hour[h] = slot_median(&slot);
    }
}

/* Moving average of an hour around the clock. */
static void smoothed(const double *from, size_t day, size_t per_hour, double *out)
{
    size_t half = per_hour / 2;
    double sum = 0;
    for (size_t i = 0; i < 2 * half + 1; i++) {
        sum += from[(day - half + i) % day];
    }
    for (size_t i = 0; i < day; i++) {
        size_t next = i + half + 1;
        size_t last = i + day - half;
        out[i] = sum / (double)(2 * half + 1);
        sum += from[next < day ? next : next - day] - from[last < day ? last : last - day];
    }
}

void season_none(const struct span *span, struct season *out)
{
    out->by_class = false;
    memset(out->step[0], 0, 24 * span->grid->per_hour * sizeof out->step[0][0]);
    memset(out->hour[0], 0, sizeof out->hour[0]);
}

/* How much of the profile that the other days give is seen on each day: the factor, 0 to 1, that fits best. Least squares. */
static double agreement(const double *rest, double (*others)[GRID_DAY], size_t days, size_t day, size_t per_hour)
{
    double profile[GRID_DAY];
    double seen = 0;
    double all = 0;
    for (size_t d = 0; d < days; d++) {
        smoothed(others[d], day, per_hour, profile);
        for (size_t i = 0; i < day; i++) {
            double value = rest[d * day + i];
            if (!isnan(value)) {
                seen += profile[i] * value;
                all += profile[i] * profile[i];
            }
        }
    }
    double factor = all > 0 ? seen / all : 0;
    return factor < 0 ? 0 : factor > 1 ? 1 : factor;
}

void season_daily(const struct span *span, struct season *slots, struct season *smooth)
{
    const struct grid *grid = span->grid;
    size_t day = 24 * grid->per_hour;
    size_t days = (span->to - span->from) / 24 < DAYS ? (span->to - span->from) / 24 : DAYS;
    size_t first = span->to - 24 * days;
    double rest[DAYS * GRID_DAY];
    double others[DAYS][GRID_DAY];
    for (size_t d = 0; d < days; d++) {
        double level = day_level(grid->median + first + 24 * d);
        for (size_t i = 0; i < day; i++) {
            rest[d * day + i] = grid->step[(first + 24 * d) * grid->per_hour + i] - level;
        }
    }
    struct slot slot;
    slots->by_class = smooth->by_class = false;
    for (size_t i = 0; i < day; i++) {
        slot.count = 0;
        for (size_t d = 0; d < days; d++) {
            if (!isnan(rest[d * day + i])) {
                slot_add(&slot, rest[d * day + i]);
            }
        }
        slots->step[0][i] = slot_median(&slot);
        for (size_t d = 0; d < days; d++) {
            double value = rest[d * day + i];
            others[d][i] = isnan(value) ? slots->step[0][i] : slot_median_without(&slot, value);
        }
    }
    smoothed(slots->step[0], day, grid->per_hour, smooth->step[0]);
    double factor = agreement(rest, others, days, day, grid->per_hour);
    for (size_t i = 0; i < day; i++) {
        smooth->step[0][i] *= factor;
    }
    hours_of(slots->step[0], grid->per_hour, slots->hour[0]);
    for (size_t h = 0; h < 24; h++) {
        smooth->hour[0][h] = smooth->step[0][h * grid->per_hour + grid->per_hour / 2];
    }
}

/* Median over the days of one kind, before hour `to`, of a step of the day. */
static double day_median(const struct grid *grid, size_t to, size_t class, size_t step, size_t *count)
{
    double known[GRID_DAYS];
    size_t n = 0;
    for (size_t hour = step / grid->per_hour; hour < to; hour += 24) {
        double value = grid->step[hour * grid->per_hour + step % grid->per_hour];
        if (grid->weekend[hour] == (class == 1) && !isnan(value)) {
            known[n++] = value;
        }
    }
    *count = n;
    return n > 0 ? order_quantile(known, n, 0.5) : 0;
}

/* Takes an hour of the day anew. */
static void week_hour(const struct grid *grid, size_t to, size_t hour, struct week *week)
{
    size_t per_hour = grid->per_hour;
    double scratch[GRID_PER_HOUR];
    for (size_t class = 0; class < 2; class++) {
        for (size_t i = 0; i < per_hour; i++) {
            size_t count;
            scratch[i] = day_median(grid, to, class, hour * per_hour + i, &count);
            week->step[class][hour * per_hour + i] = scratch[i];
            week->enough = week->enough && count >= 2;
        }
        week->hour[class][hour] = order_median(scratch, per_hour);
    }
}

bool season_weekly(const struct span *span, struct week *week, struct season *out)
{
    size_t day = 24 * span->grid->per_hour;
    size_t changed = week->to == 0 || week->to > span->to + 24 ? 24 : week->to - span->to;
    week->enough = week->enough || week->to == 0;
    week->to = span->to;
    for (size_t i = 0; i < changed; i++) {
        week_hour(span->grid, span->to, (span->to + i) % 24, week);
    }
    out->by_class = true;
    for (size_t class = 0; class < 2; class++) {
        for (size_t i = 0; i < day; i++) {
            out->step[class][i] = week->step[class][(span->to * span->grid->per_hour + i) % day];
        }
        for (size_t h = 0; h < 24; h++) {
            out->hour[class][h] = week->hour[class][(span->to + h) % 24];
        }
    }
    return week->enough;
}
