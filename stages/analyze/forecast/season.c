#include "stages/analyze/forecast/season.h"

#include <math.h>
#include <string.h>

#include "stages/analyze/statistics/order.h"

enum { DAYS = 7 }; /* daily profiles come of a week */

/* The values of one step of the day, in order, with the day each comes from. */
struct slot {
    size_t count;
    double value[GRID_DAYS];
    unsigned char day[GRID_DAYS];
};

static void slot_add(struct slot *slot, double value, size_t day)
{
    size_t i = slot->count++;
    for (; i > 0 && slot->value[i - 1] > value; i--) {
        slot->value[i] = slot->value[i - 1];
        slot->day[i] = slot->day[i - 1];
    }
    slot->value[i] = value;
    slot->day[i] = (unsigned char)day;
}

static double slot_median(const struct slot *slot)
{
    size_t n = slot->count;
    if (n == 0) {
        return 0;
    }
    return n % 2 ? slot->value[n / 2] : (slot->value[n / 2 - 1] + slot->value[n / 2]) / 2;
}

/* The median without the value at place `rank` of the order. */
static double slot_median_without(const struct slot *slot, size_t rank)
{
    size_t n = slot->count - 1;
    if (n == 0) {
        return 0;
    }
    size_t high = n / 2;
    size_t low = (n - 1) / 2;
    return (slot->value[high + (rank <= high)] + slot->value[low + (rank <= low)]) / 2;
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
    return n >= 12 ? order_median(known, n) : NAN;
}

/* Medians of a profile's hours; empty rows of the arrays stay as they are. */
static void hours_of(double *step, size_t per_hour, double *hour)
{
    double scratch[GRID_PER_HOUR];
    for (size_t h = 0; h < 24; h++) {
        memcpy(scratch, step + h * per_hour, per_hour * sizeof *scratch);
        hour[h] = order_median(scratch, per_hour);
    }
}

/* Moving average of an hour around the clock; then its middle is taken off. */
static void smoothed(const double *from, size_t day, size_t per_hour, double *out)
{
    size_t half = per_hour / 2;
    double sum = 0;
    double middle[24];
    for (size_t i = 0; i < 2 * half + 1; i++) {
        sum += from[(day - half + i) % day];
    }
    for (size_t i = 0; i < day; i++) {
        out[i] = sum / (double)(2 * half + 1);
        sum += from[(i + half + 1) % day] - from[(i + day - half) % day];
    }
    for (size_t h = 0; h < 24; h++) {
        middle[h] = out[h * per_hour + half];
    }
    double centre = order_median(middle, 24);
    for (size_t i = 0; i < day; i++) {
        out[i] -= centre;
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
    slots->by_class = smooth->by_class = false;
    for (size_t i = 0; i < day; i++) {
        struct slot slot = {.count = 0};
        for (size_t d = 0; d < days; d++) {
            if (!isnan(rest[d * day + i])) {
                slot_add(&slot, rest[d * day + i], d);
            }
        }
        slots->step[0][i] = slot_median(&slot);
        for (size_t d = 0; d < days; d++) {
            others[d][i] = slots->step[0][i];
        }
        for (size_t rank = 0; rank < slot.count; rank++) {
            others[slot.day[rank]][i] = slot_median_without(&slot, rank);
        }
    }
    smoothed(slots->step[0], day, grid->per_hour, smooth->step[0]);
    double factor = agreement(rest, others, days, day, grid->per_hour);
    for (size_t i = 0; i < day; i++) {
        smooth->step[0][i] *= factor;
    }
    hours_of(slots->step[0], grid->per_hour, slots->hour[0]);
    hours_of(smooth->step[0], grid->per_hour, smooth->hour[0]);
}

bool season_weekly(const struct span *span, struct season *out)
{
    const struct grid *grid = span->grid;
    size_t day = 24 * grid->per_hour;
    size_t days = (span->to - span->from) / 24;
    size_t first = span->to - 24 * days;
    bool enough = true;
    out->by_class = true;
    for (size_t i = 0; i < day; i++) {
        struct slot slot[2] = {{.count = 0}, {.count = 0}};
        for (size_t d = 0; d < days; d++) {
            size_t hour = first + 24 * d + i / grid->per_hour;
            double value = grid->step[(first + 24 * d) * grid->per_hour + i];
            if (!isnan(value)) {
                slot_add(&slot[grid->weekend[hour]], value, d);
            }
        }
        for (size_t class = 0; class < 2; class++) {
            out->step[class][i] = slot_median(&slot[class]);
            enough = enough && slot[class].count >= 2;
        }
    }
    hours_of(out->step[0], grid->per_hour, out->hour[0]);
    hours_of(out->step[1], grid->per_hour, out->hour[1]);
    return enough;
}
