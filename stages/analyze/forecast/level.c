#include "stages/analyze/forecast/level.h"

#include <math.h>

#include "stages/analyze/statistics/order.h"

enum { WEEK = 24 * 7, BINS = 32, STALE_HOURS = 3 };

/* An hour counts as much as this one when it was off by a third as much, or more, to the same side. */
static const double alike = 0.3;

/* What was never seen before stays as it is: so many hours like this one are taken to have stayed. */
static const double prior_hours = 0.5;

/* What the hours of a span were off the season. */
struct offsets {
    size_t count;
    double value[WEEK];
    double base; /* the usual one: halfway between that of the last day and that of the week */
    double now;  /* the last one, less the base */
};

/* The middle of the last `count` known offsets, 0 of none. */
static double usual(const struct offsets *offsets, size_t count)
{
    double known[WEEK];
    size_t n = 0;
    for (size_t i = offsets->count - (count < offsets->count ? count : offsets->count); i < offsets->count; i++) {
        if (!isnan(offsets->value[i])) {
            known[n++] = offsets->value[i];
        }
    }
    return n > 0 ? order_quantile(known, n, 0.5) : NAN;
}

static void offsets_read(const struct span *span, const struct season *season, struct offsets *out)
{
    size_t length = span->to - span->from;
    out->count = length < WEEK ? length : WEEK;
    for (size_t i = 0; i < out->count; i++) {
        size_t hour = span->to - out->count + i;
        size_t of_day = 23 - (out->count - 1 - i) % 24; /* the season's day starts where the span ends */
        size_t class = season->by_class && span->grid->weekend[hour];
        out->value[i] = span->grid->median[hour] - season->hour[class][of_day];
    }
    double week = usual(out, WEEK);
    double day = usual(out, 24);
    out->base = isnan(week) ? 0 : isnan(day) ? week : (day + week) / 2;
    out->now = 0;
    for (size_t i = 0; i < out->count; i++) {
        out->value[i] -= out->base;
        if (i + STALE_HOURS >= out->count && !isnan(out->value[i])) {
            out->now = out->value[i];
        }
    }
}

/* The hours that were off to the same side as the last one, and at least `alike` as much. */
struct alikes {
    size_t count;
    size_t hour[WEEK];
    double off[WEEK];
    double bins[WEEK]; /* BINS ÷ off */
};

static void alikes_find(const struct offsets *offsets, struct alikes *out)
{
    double sign = offsets->now > 0 ? 1 : -1;
    out->count = 0;
    for (size_t t = 0; t + 1 < offsets->count; t++) {
        if (sign * offsets->value[t] >= alike * sign * offsets->now) {
            out->hour[out->count] = t;
            out->off[out->count] = sign * offsets->value[t];
            out->bins[out->count] = BINS / out->off[out->count];
            out->count++;
        }
    }
}

/* The middle of the shares, 0 to 1, that were left `ahead` hours after hours like this one; each weighs as much as it was off. */
static double share_left(const struct offsets *offsets, const struct alikes *alikes, size_t ahead)
{
    double bins[BINS + 1] = {0};
    double sign = offsets->now > 0 ? 1 : -1;
    double total = prior_hours * fabs(offsets->now);
    bins[BINS] = total;
    for (size_t i = 0; i < alikes->count && alikes->hour[i] + ahead < offsets->count; i++) {
        double later = sign * offsets->value[alikes->hour[i] + ahead];
        if (!isnan(later)) {
            double share = later * alikes->bins[i] + 0.5;
            bins[share >= BINS ? BINS : share > 0 ? (size_t)share : 0] += alikes->off[i];
            total += alikes->off[i];
        }
    }
    size_t bin = 0;
    for (double sum = bins[0]; bin < BINS && 2 * sum < total; sum += bins[bin]) {
        bin++;
    }
    return (double)bin / BINS;
}

void level_extend(const struct span *span, const struct season *season, double *out)
{
    struct offsets offsets;
    struct alikes alikes;
    double left[LEVEL_HOURS + 1] = {1};
    size_t per_hour = span->grid->per_hour;
    offsets_read(span, season, &offsets);
    alikes_find(&offsets, &alikes);
    for (size_t h = 1; h <= LEVEL_HOURS; h++) {
        left[h] = fabs(offsets.now) > 0 ? share_left(&offsets, &alikes, h) : 0;
    }
    for (size_t i = 0; i < LEVEL_HOURS * per_hour; i++) {
        size_t hour = (i + 1) / per_hour;
        double within = (double)((i + 1) % per_hour) / (double)per_hour;
        double share = left[hour] + (hour < LEVEL_HOURS ? within * (left[hour + 1] - left[hour]) : 0);
        size_t class = season->by_class && span->grid->weekend[span->to + i / per_hour];
        out[i] = season->step[class][i] + offsets.base + offsets.now * share;
    }
}
