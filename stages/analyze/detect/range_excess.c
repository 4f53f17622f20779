#include "stages/analyze/detect/range_excess.h"

#include <math.h>

#include "stages/analyze/statistics/order.h"

/* Constants; the range is looked at once an hour, the scale whenever the past has
 * doubled, over at most SCALE_VALUES of it. */
static const double tail = 0.0005;
static const double median_share = 1e-3;
static const double scale_growth = 2;
/* Of stored days one in fifty may have been out of order itself. */
static const double odd_days = 0.02;

enum { LEAST_PAST = 50, PARTS = 40, REFRESH_SECONDS = 3600, EXTREMES = 16, SCALE_VALUES = 200 };

/* The largest of what was added (negated: the smallest), in falling order. */
struct extremes {
    size_t count;
    double values[EXTREMES];
};

static void extremes_add(struct extremes *extremes, double value)
{
    if (extremes->count == EXTREMES && value <= extremes->values[EXTREMES - 1]) {
        return;
    }
    size_t i = extremes->count < EXTREMES ? extremes->count++ : EXTREMES - 1;
    for (; i > 0 && extremes->values[i - 1] < value; i--) {
        extremes->values[i] = extremes->values[i - 1];
    }
    extremes->values[i] = value;
}

/* The quantile 1 − tail of `count` values, interpolated between its neighbours. */
static double extremes_quantile(const struct extremes *extremes, size_t count)
{
    double place = tail * (double)(count - 1);
    size_t k = (size_t)place;
    if (k + 1 >= extremes->count) {
        return extremes->values[extremes->count - 1];
    }
    return extremes->values[k] + (place - (double)k) * (extremes->values[k + 1] - extremes->values[k]);
}

struct state {
    struct extremes top, bottom; /* of the residuals so far, the latter negated */
    double *past;                /* the residuals so far */
    double *scratch;
    size_t count;
    double old_low, old_high; /* of the stored days; +inf and -inf where there are none */
    double scale;
    size_t scaled_at;
};

/* Robust scale: 1.4826 MAD, a thousandth of the median. (Half the range from 10 % to 90 % as a deviation,
 * a usual third bound, is never more than half of the range itself, so it cannot matter for the
 * width.) */
static double scale_of(const struct state *state)
{
    double *values = state->scratch;
    size_t stride = state->count / SCALE_VALUES + 1;
    size_t count = 0;
    for (size_t i = 0; i < state->count; i += stride) {
        values[count++] = state->past[i];
    }
    double median = order_median(values, count);
    for (size_t i = 0; i < count; i++) {
        values[i] = fabs(values[i] - median);
    }
    return fmax(1.4826 * order_median(values, count), median_share * fabs(median));
}

static void refresh(struct state *state, struct range *range)
{
    if ((double)state->count >= scale_growth * (double)state->scaled_at) {
        state->scale = scale_of(state);
        state->scaled_at = state->count;
    }
    range->seen_high = extremes_quantile(&state->top, state->count);
    range->seen_low = -extremes_quantile(&state->bottom, state->count);
    range->high = fmax(state->old_high, range->seen_high);
    range->low = fmin(state->old_low, range->seen_low);
    range->width = fmax(fmax(range->high - range->low, 2 * state->scale), 1e-9);
}

/* Bounds of the stored days without the oddest ones. Which time of day an extreme was of is not stored: it is
 * taken for the profile's own highest and lowest one. */
static void read_past(struct state *state, const struct past_days *past, const struct profile *profile)
{
    state->old_low = INFINITY;
    state->old_high = -INFINITY;
    if (past == NULL || past->count == 0) {
        return;
    }
    for (size_t i = 0; i < past->count; i++) {
        state->scratch[i] = (double)past->high[i];
    }
    state->old_high = order_quantile(state->scratch, past->count, 1 - odd_days) - profile->highest;
    for (size_t i = 0; i < past->count; i++) {
        state->scratch[i] = -(double)past->low[i];
    }
    state->old_low = -order_quantile(state->scratch, past->count, 1 - odd_days) - profile->lowest;
}

void range_excess(const double *values, size_t count, int64_t start, int64_t step_seconds,
                  const struct profile *profile, const struct past_days *past, struct arena *arena,
                  double *scores, struct range *ranges)
{
    size_t room = count + (past != NULL ? past->count : 0) + 1;
    struct state state = {.past = arena_alloc_array(arena, room, sizeof(double)),
                          .scratch = arena_alloc_array(arena, room, sizeof(double))};
    size_t every = REFRESH_SECONDS / step_seconds > 1 ? (size_t)(REFRESH_SECONDS / step_seconds) : 1;
    size_t due = count / PARTS > LEAST_PAST ? count / PARTS : LEAST_PAST;
    struct range range = {NAN, NAN, NAN, NAN, NAN};
    read_past(&state, past, profile);
    for (size_t i = 0; i < count; i++) {
        scores[i] = 0;
        if (state.count >= due) {
            refresh(&state, &range);
            due = state.count + every;
        }
        ranges[i] = range;
        if (!isfinite(values[i])) {
            continue;
        }
        double residual = values[i] - profile_at(profile, start + (int64_t)i * step_seconds);
        if (residual > range.high || residual < range.low) {
            scores[i] = (residual > range.high ? residual - range.high : range.low - residual) / range.width;
        }
        state.past[state.count++] = residual;
        extremes_add(&state.top, residual);
        extremes_add(&state.bottom, -residual);
    }
}
