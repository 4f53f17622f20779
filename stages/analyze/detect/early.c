#include "stages/analyze/detect/early.h"

#include <math.h>

#include "stages/analyze/statistics/order.h"

enum { HOUR = 3600, LONGEST = 6 * HOUR, PAUSE = 1800, MOST = 4 };

/* The tail of range excess; the excess from which it is a critical one; the score it has
 * at least. */
static const double tail = 0.0005;
static const double least_excess = 1;
static const double full_score = 4;

/* What the later days were like, without the profile. */
struct later {
    double low, high, median;
};

static bool read_later(const double *residuals, size_t count, size_t learned, struct arena *arena,
                       struct later *out)
{
    double *known = arena_alloc_array(arena, count + 1, sizeof *known);
    size_t n = 0;
    for (size_t i = learned; i < count; i++) {
        if (isfinite(residuals[i])) {
            known[n++] = residuals[i];
        }
    }
    if (n < learned) {
        return false;
    }
    out->high = order_quantile(known, n, 1 - tail);
    out->low = order_quantile(known, n, tail);
    out->median = order_median(known, n);
    return out->high > out->low;
}

/* The last step above the range, from `first` on, short returns aside; SIZE_MAX where it lasts too long. */
static size_t last_above(const double *residuals, size_t count, size_t first, double high, int64_t step)
{
    size_t last = first;
    for (size_t i = first; i < count && (int64_t)(i - last) * step <= PAUSE; i++) {
        last = residuals[i] > high ? i : last;
        if ((int64_t)(last - first) * step > LONGEST) {
            return SIZE_MAX;
        }
    }
    return last;
}

/* Whether the hour before a step is known for the most part, and within the range. */
static bool is_ordinary_before(const double *residuals, size_t first, double high, int64_t step)
{
    size_t hour = (size_t)(HOUR / step);
    size_t known = 0;
    for (size_t i = first > hour ? first - hour : 0; i < first; i++) {
        known += isfinite(residuals[i]) && residuals[i] <= high;
    }
    return 4 * known >= 3 * hour;
}

static void describe(const double *values, const double *residuals, const struct later *later,
                     struct alarm *out)
{
    double then = values[out->first] - residuals[out->first];
    out->up = true;
    out->score = full_score;
    out->low = later->low + then;
    out->high = later->high + then;
    out->usual = later->median + then;
    out->after = out->usual;
    out->extreme = values[out->first];
    for (size_t i = out->first; i <= out->last; i++) {
        out->extreme = values[i] > out->extreme ? values[i] : out->extreme;
        out->excess =
            fmax(out->excess,
                 isfinite(residuals[i]) ? (residuals[i] - later->high) / (later->high - later->low) : 0);
    }
}

void early_find(const double *values, size_t count, size_t learned, int64_t start, int64_t step_seconds,
                const struct profile *profile, struct arena *arena, struct alarms *out, double *scores)
{
    double *residuals = arena_alloc_array(arena, count + 1, sizeof *residuals);
    struct later later;
    for (size_t i = 0; i < count; i++) {
        residuals[i] = values[i] - profile_at(profile, start + (int64_t)i * step_seconds);
    }
    if (learned >= count || !read_later(residuals, count, learned, arena, &later)) {
        return;
    }
    for (size_t i = 0; i < learned && out->count < MOST; i++) {
        if (!(residuals[i] > later.high)) {
            continue;
        }
        struct alarm alarm = {.first = i, .last = last_above(residuals, count, i, later.high, step_seconds)};
        bool ordinary = is_ordinary_before(residuals, i, later.high, step_seconds);
        if (alarm.last == SIZE_MAX) {
            return;
        }
        i = alarm.last;
        describe(values, residuals, &later, &alarm);
        if (ordinary && alarm.excess >= least_excess) {
            alarm.start = start + (int64_t)alarm.first * step_seconds;
            alarm.end = start + (int64_t)(alarm.last + 1) * step_seconds;
            out->items[out->count++] = alarm;
            if (scores != NULL) {
                scores[alarm.first] = alarm.score;
            }
        }
    }
}
