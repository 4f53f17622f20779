#include "stages/analyze/detect/alarms.h"

#include <math.h>
#include <string.h>

#include "stages/analyze/detect/early.h"
#include "stages/analyze/detect/novelty.h"
#include "stages/analyze/statistics/order.h"

/* Thresholds that are best for either detector alone. */
static const double excess_unit = 0.16;
static const double novelty_unit = 1.5;
static const double cap = 4;

enum {
    QUARTER = 900,
    QUARTERS_OF_HOUR = 4,
    DAY = 86400,
    LEARN_SECONDS = 2 * DAY,
    LONGEST = 6 * 3600,
    PAUSE = 1800,
    APART = 6 * 3600
};

/* A series and what the detectors say of it. */
struct view {
    const double *values;
    size_t count;
    int64_t start, step;
    size_t per_quarter, quarters;
    const struct profile *profile;
    double *excess;
    struct range *ranges;
    double *novel; /* a quarter */
    double *sum;   /* a quarter: both detectors, before suppression */
};

/* Means of quarters of an hour; a gap keeps the last value. */
static double *quarters_new(const struct view *view, struct arena *arena)
{
    double *out = arena_alloc_array(arena, view->quarters + 1, sizeof *out);
    double last = NAN;
    for (size_t q = 0; q < view->quarters; q++) {
        double sum = 0;
        double seen = 0;
        for (size_t i = q * view->per_quarter; i < (q + 1) * view->per_quarter; i++) {
            if (isfinite(view->values[i])) {
                sum += view->values[i];
                seen += 1;
            }
        }
        last = seen > 0 ? sum / seen : last;
        out[q] = last;
    }
    for (size_t q = view->quarters; q-- > 0;) {
        out[q] = isfinite(out[q]) ? out[q] : q + 1 < view->quarters ? out[q + 1] : 0;
    }
    return out;
}

/* The step of a quarter that lies farthest out. */
static size_t farthest(const struct view *view, size_t quarter)
{
    size_t best = quarter * view->per_quarter;
    for (size_t i = best; i < (quarter + 1) * view->per_quarter; i++) {
        best = view->excess[i] > view->excess[best] ? i : best;
    }
    return best;
}

/* Which quarters have a value outside of the range: only there a small novelty counts. */
static bool *outside_new(const struct view *view, struct arena *arena)
{
    bool *out = arena_alloc_array(arena, view->quarters + 1, sizeof *out);
    for (size_t q = 0; q < view->quarters; q++) {
        out[q] = view->excess[farthest(view, q)] > 0;
    }
    return out;
}

/* Whether a quarter holds a value that only the stored days have seen. */
static bool is_of_old(const struct view *view, size_t quarter)
{
    for (size_t i = quarter * view->per_quarter; i < (quarter + 1) * view->per_quarter; i++) {
        double residual = view->values[i] - profile_at(view->profile, view->start + (int64_t)i * view->step);
        const struct range *range = &view->ranges[i];
        bool outside = residual > range->seen_high || residual < range->seen_low;
        if (outside && residual <= range->high && residual >= range->low) {
            return true;
        }
    }
    return false;
}

/* Novelty looks at the hours of the window. What earlier days had, and the window not, is not new: it counts
 * for the hour that holds it no more than excess does. */
static void add_up(struct view *view)
{
    size_t old_until = 0;
    for (size_t q = 0; q < view->quarters; q++) {
        double excess = view->excess[farthest(view, q)];
        old_until = excess <= 0 && is_of_old(view, q) ? q + QUARTERS_OF_HOUR : old_until;
        double novel = q < old_until ? 0 : view->novel[q];
        view->sum[q] = fmin(cap, excess / excess_unit) + fmin(cap, novel / novelty_unit);
    }
}

/* A score counts as it is where it is above the highest of the last 24 hours, else at a fifth at most. */
static double suppressed(const struct view *view, size_t quarter)
{
    double highest = 0;
    size_t day = DAY / (view->per_quarter * (size_t)view->step);
    for (size_t q = quarter > day ? quarter - day : 0; q < quarter; q++) {
        highest = view->sum[q] > highest ? view->sum[q] : highest;
    }
    double score = view->sum[quarter];
    return score > highest ? score : highest > 0 ? 0.2 * score / highest : 0;
}

static double median_between(const struct view *view, size_t from, size_t to, struct arena *arena)
{
    double *known = arena_alloc_array(arena, to > from ? to - from : 1, sizeof *known);
    size_t count = 0;
    for (size_t i = from; i < to && i < view->count; i++) {
        if (isfinite(view->values[i])) {
            known[count++] = view->values[i];
        }
    }
    return order_median(known, count);
}

/* The last step of what began at `first`: while values stay outside of the range of then, short returns
 * aside. */
static size_t end_of(const struct view *view, size_t first, const struct range *range)
{
    size_t longest = (size_t)(LONGEST / view->step);
    size_t pause = (size_t)(PAUSE / view->step);
    size_t last = first;
    for (size_t i = first; i < view->count && i - first < longest && i - last <= pause; i++) {
        double residual = view->values[i] - profile_at(view->profile, view->start + (int64_t)i * view->step);
        if (residual > range->high || residual < range->low) {
            last = i;
        }
    }
    return last;
}

static size_t less(size_t from, int64_t what)
{
    return from > (size_t)what ? from - (size_t)what : 0;
}

/* What an alarm at a quarter is about. */
static void describe(const struct view *view, size_t quarter, double score, struct arena *arena,
                     struct alarm *out)
{
    size_t first = farthest(view, quarter);
    size_t earliest = less(first, 3600 / view->step);
    while (first > earliest && view->excess[first - 1] > 0) {
        first--;
    }
    const struct range *range = &view->ranges[first];
    double usual_then = profile_at(view->profile, view->start + (int64_t)first * view->step);
    *out = (struct alarm){
        .first = first, .last = end_of(view, first, range), .novelty = view->novel[quarter], .score = score};
    out->start = view->start + (int64_t)first * view->step;
    out->end = view->start + (int64_t)(out->last + 1) * view->step;
    out->low = range->low + usual_then;
    out->high = range->high + usual_then;
    out->usual = median_between(view, less(first, DAY / view->step), first, arena);
    size_t next = out->last + 1;
    out->after = next + (size_t)(3600 / view->step) <= view->count
                     ? median_between(view, next, next + (size_t)(LONGEST / view->step), arena)
                     : NAN;
    double middle = (range->low + range->high) / 2 + usual_then;
    out->up = view->excess[first] > 0 ? view->values[first] > middle : view->values[first] >= out->usual;
    out->extreme = view->values[first];
    for (size_t i = first; i <= out->last; i++) {
        if (isfinite(view->values[i]) &&
            (!isfinite(out->extreme) || (view->values[i] > out->extreme) == out->up)) {
            out->extreme = view->values[i];
        }
        out->excess = fmax(out->excess, view->excess[i]);
    }
}

/* Alarms, those less than six hours after the last as one with it. */
static void collect(const struct view *view, size_t learned, struct arena *arena, struct alarms *out,
                    double *scores)
{
    int64_t until = INT64_MIN;
    for (size_t q = 0; q < view->quarters; q++) {
        size_t first = q * view->per_quarter;
        double score =
            first < learned || (scores == NULL && view->sum[q] < ALARM_THRESHOLD) ? 0 : suppressed(view, q);
        if (scores != NULL && first >= learned) {
            scores[farthest(view, q)] = score;
        }
        int64_t at = view->start + (int64_t)first * view->step;
        if (score < ALARM_THRESHOLD || !isfinite(view->ranges[first].width)) {
            continue;
        }
        if (at < until) {
            struct alarm again;
            struct alarm *last = &out->items[out->count - 1];
            describe(view, q, score, arena, &again);
            last->excess = fmax(last->excess, again.excess);
            last->novelty = fmax(last->novelty, again.novelty);
            last->score = fmax(last->score, score);
            last->extreme =
                last->up ? fmax(last->extreme, again.extreme) : fmin(last->extreme, again.extreme);
        } else if (out->count < ALARMS_MAX) {
            describe(view, q, score, arena, &out->items[out->count++]);
            until = at + APART;
        }
    }
}

void alarms_find(const double *values, size_t count, int64_t start, int64_t step_seconds,
                 const struct profile *profile, const struct past_days *past, struct arena *arena,
                 struct alarms *out, double *scores)
{
    struct view view = {
        .values = values, .count = count, .start = start, .step = step_seconds, .profile = profile};
    out->count = 0;
    if (scores != NULL) {
        memset(scores, 0, count * sizeof *scores);
    }
    if (step_seconds <= 0 || step_seconds > QUARTER || count == 0) {
        return;
    }
    view.per_quarter = (size_t)(QUARTER / step_seconds);
    view.quarters = count / view.per_quarter;
    view.excess = arena_alloc_array(arena, count, sizeof *view.excess);
    view.ranges = arena_alloc_array(arena, count, sizeof *view.ranges);
    view.novel = arena_alloc_array(arena, view.quarters + 1, sizeof *view.novel);
    view.sum = arena_alloc_array(arena, view.quarters + 1, sizeof *view.sum);
    range_excess(values, count, start, step_seconds, profile, past, arena, view.excess, view.ranges);
    novelty(quarters_new(&view, arena), view.quarters, outside_new(&view, arena), arena, view.novel);
    add_up(&view);
    size_t learned = past != NULL && past->count >= 2 ? 0 : (size_t)(LEARN_SECONDS / step_seconds);
    if (learned > 0) {
        early_find(values, count, learned, start, step_seconds, profile, arena, out, scores);
    }
    collect(&view, learned, arena, out, scores);
}
