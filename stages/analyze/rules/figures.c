#include "stages/analyze/rules/figures.h"

#include <math.h>
#include <string.h>

#include "pipeline/base/mem.h"
#include "stages/analyze/statistics/order.h"

enum { HOURS_OF_DAY = 24, DAY_SECONDS = 86400, HOUR_STEPS_MAX = 60, DIGIT_BITS = 11, DIGITS = 3, DIGIT_VALUES = 1 << DIGIT_BITS };

static const double half_life_seconds = 3 * 86400.0;
static const double rounding = 1e-12; /* sums of weights are made in more than one order */
static const double scale_min = 0.1;  /* what a step's mean may miss of its samples, either way */
static const double scale_max = 20;

static const struct figures unknown = {.mean = NAN, .p50 = NAN, .p90 = NAN, .p95 = NAN, .p99 = NAN, .p995 = NAN, .max = NAN,
                                       .weighted_p50 = NAN, .weighted_p95 = NAN, .weighted_p99 = NAN, .busy_hour_p90 = NAN,
                                       .pod_p95_max = NAN, .pod_p95_median = NAN, .pod_p95_p95 = NAN, .p95_recent = NAN,
                                       .p95_before = NAN, .weighted_p98 = NAN, .day_p99_second = NAN, .recent_p50 = NAN,
                                       .recent_p90 = NAN};

/* One step that counts: its value, how much it counts, when it was. */
struct entry {
    double value;
    double weight;
    uint32_t at;  /* which step */
    uint32_t key; /* the value's bits as a float, which are in the order of values ≥ 0 */
    uint8_t hour; /* of the day */
    bool recent;  /* of the last 2/7 of the part */
};

/* One pass of a counting sort by a digit of the key. */
static void sort_by_digit(const struct entry *from, struct entry *to, size_t count, unsigned shift)
{
    size_t starts[DIGIT_VALUES + 1] = {0};
    for (size_t i = 0; i < count; i++) {
        starts[(from[i].key >> shift & (DIGIT_VALUES - 1)) + 1]++;
    }
    for (size_t i = 1; i < DIGIT_VALUES; i++) {
        starts[i] += starts[i - 1];
    }
    for (size_t i = 0; i < count; i++) {
        to[starts[from[i].key >> shift & (DIGIT_VALUES - 1)]++] = from[i];
    }
}

/* Sorts by value: by the floats' bits in three passes, then what a float cannot tell apart by insertion. Returns the one of
 * the two arrays that holds the result. */
static struct entry *sort_entries(struct entry *entries, struct entry *scratch, size_t count)
{
    for (unsigned pass = 0; pass < DIGITS; pass++) {
        sort_by_digit(entries, scratch, count, pass * DIGIT_BITS);
        struct entry *swap = entries;
        entries = scratch;
        scratch = swap;
    }
    for (size_t i = 1; i < count; i++) {
        struct entry moved = entries[i];
        size_t at = i;
        for (; at > 0 && entries[at - 1].value > moved.value; at--) {
            entries[at] = entries[at - 1];
        }
        entries[at] = moved;
    }
    return entries;
}

/* The steps that count and hold a value, the newest first. */
static size_t collect(const struct steps *steps, size_t from, size_t to, const bool *only, struct entry *entries)
{
    double fade = exp2(-(double)steps->step_seconds / half_life_seconds);
    double weight = 1;
    size_t count = 0;
    size_t recent_from = to - (to - from) * 2 / 7;
    for (size_t i = to; i-- > from; weight *= fade) {
        double value = steps->mean[i];
        if (!(value >= 0) || (only != NULL && !only[i])) {
            continue;
        }
        int64_t hour = (steps->start + (int64_t)i * steps->step_seconds) / 3600 % HOURS_OF_DAY;
        float rough = (float)value;
        struct entry *entry = &entries[count++];
        *entry = (struct entry){.value = value, .weight = weight, .at = (uint32_t)i, .hour = (uint8_t)hour, .recent = i >= recent_from};
        memcpy(&entry->key, &rough, sizeof entry->key);
    }
    return count;
}

/* The first in order with at least the share q at or below it. */
static double plain(const struct entry *sorted, size_t count, double q)
{
    double rank = ceil(q * (double)count - 1e-9);
    size_t at = rank < 1 ? 0 : (size_t)rank - 1;
    return sorted[at < count ? at : count - 1].value;
}

/* p95 of the recent or of the earlier ones; NaN of none. */
static double plain_of(const struct entry *sorted, size_t count, bool recent)
{
    size_t total = 0;
    for (size_t i = 0; i < count; i++) {
        total += sorted[i].recent == recent;
    }
    double beyond = (double)total - ceil(0.95 * (double)total - 1e-9);
    for (size_t i = count; i-- > 0;) {
        beyond -= sorted[i].recent == recent;
        if (beyond < 0) {
            return sorted[i].value;
        }
    }
    return NAN;
}

/* The same by weight, from above: few lie there. */
static double weighted(const struct entry *sorted, size_t count, double total, double q)
{
    double beyond = total * (1 - q * (1 - rounding));
    for (size_t i = count; i-- > 0;) {
        beyond -= sorted[i].weight;
        if (beyond < 0) {
            return sorted[i].value;
        }
    }
    return sorted[0].value;
}

/* The highest p90 of an hour of the day: from above, the first hour that has more than a tenth of its weight there. */
static double busiest(const struct entry *sorted, size_t count)
{
    double beyond[HOURS_OF_DAY] = {0};
    for (size_t i = 0; i < count; i++) {
        beyond[sorted[i].hour] += sorted[i].weight * (1 - 0.9 * (1 - rounding));
    }
    for (size_t i = count; i-- > 0;) {
        beyond[sorted[i].hour] -= sorted[i].weight;
        if (beyond[sorted[i].hour] < 0) {
            return sorted[i].value;
        }
    }
    return sorted[0].value;
}

/* Second highest p99 of the days back from step `end`, which may lie after the part; of one day its own. NaN where no
 * day has steps for a quarter of it. */
static double second_of_days(const struct entry *newest, size_t count, size_t end, size_t day_steps, double *values)
{
    double highest = NAN;
    double second = NAN;
    for (size_t i = 0; i < count;) {
        size_t day = (end - 1 - newest[i].at) / day_steps;
        size_t held = 0;
        for (; i < count && (end - 1 - newest[i].at) / day_steps == day; i++) {
            values[held++] = newest[i].value;
        }
        if (held * 4 >= day_steps) {
            double p99 = order_quantile(values, held, 0.99);
            second = isnan(highest) ? NAN : fmax(second, fmin(highest, p99));
            highest = fmax(highest, p99);
        }
    }
    return isnan(second) ? highest : second;
}

/* An event across midnight is of two days by one parting, and of one by days that begin twelve hours later. A day and a half or
 * less has only the one. */
static double second_day(const struct entry *newest, size_t count, size_t to, size_t day_steps, double *values)
{
    if (day_steps == 0) {
        return NAN;
    }
    double second = second_of_days(newest, count, to, day_steps, values);
    bool longer = to - newest[count - 1].at > day_steps + day_steps / 2;
    return longer ? fmin(second, second_of_days(newest, count, to + day_steps / 2, day_steps, values)) : second;
}

/* A percentile of the last hour of what counts. */
static double of_last_hour(const struct entry *newest, size_t count, size_t hour_steps, double q)
{
    double values[HOUR_STEPS_MAX];
    size_t held = 0;
    for (; held < count && held < hour_steps && held < HOUR_STEPS_MAX; held++) {
        values[held] = newest[held].value;
    }
    return order_quantile(values, held, q);
}

/* Highest of any sample in the part, at least `value`. */
static double highest(const struct steps *steps, size_t from, size_t to, const bool *only, double value)
{
    for (size_t i = from; i < to && steps->high != NULL; i++) {
        if (steps->high[i] > value && (only == NULL || only[i])) {
            value = steps->high[i];
        }
    }
    return value;
}

static void fill(const struct entry *sorted, size_t count, struct figures *out)
{
    double total = 0;
    double sum = 0;
    for (size_t i = 0; i < count; i++) {
        sum += sorted[i].value;
        total += sorted[i].weight;
    }
    out->known = true;
    out->samples = (double)count;
    out->mean = sum / (double)count;
    out->p50 = plain(sorted, count, 0.50);
    out->p90 = plain(sorted, count, 0.90);
    out->p95 = plain(sorted, count, 0.95);
    out->p99 = plain(sorted, count, 0.99);
    out->p995 = plain(sorted, count, 0.995);
    out->weighted_p50 = weighted(sorted, count, total, 0.50);
    out->weighted_p95 = weighted(sorted, count, total, 0.95);
    out->weighted_p98 = weighted(sorted, count, total, 0.98);
    out->weighted_p99 = weighted(sorted, count, total, 0.99);
    out->busy_hour_p90 = busiest(sorted, count);
    out->p95_recent = plain_of(sorted, count, true);
    out->p95_before = plain_of(sorted, count, false);
    out->pod_p95_max = out->pod_p95_median = out->pod_p95_p95 = out->weighted_p95;
    out->pods = 1;
}

void figures_of_steps(const struct steps *steps, size_t from, size_t to, const bool *only, struct arena *arena,
                      struct figures *out)
{
    *out = unknown;
    to = to < steps->count ? to : steps->count;
    from = from < to ? from : to;
    out->steps = (struct steps){.start = steps->start + (int64_t)from * steps->step_seconds,
                                .step_seconds = steps->step_seconds,
                                .count = to - from,
                                .mean = steps->mean ? steps->mean + from : NULL,
                                .high = steps->high ? steps->high + from : NULL};
    struct entry *entries = arena_alloc_array(arena, to - from + 1, sizeof *entries);
    struct entry *scratch = arena_alloc_array(arena, to - from + 1, sizeof *scratch);
    size_t count = collect(steps, from, to, only, entries);
    if (count == 0) {
        return;
    }
    size_t hour_steps = (size_t)(3600 / steps->step_seconds);
    double *values = arena_alloc_array(arena, to - from + 1, sizeof *values);
    out->day_p99_second = second_day(entries, count, to, (size_t)(DAY_SECONDS / steps->step_seconds), values);
    out->recent_p50 = of_last_hour(entries, count, hour_steps, 0.50);
    out->recent_p90 = of_last_hour(entries, count, hour_steps, 0.90);
    const struct entry *sorted = sort_entries(entries, scratch, count);
    fill(sorted, count, out);
    out->max = highest(steps, from, to, only, sorted[count - 1].value);
}

/* What a figure of samples is by the figure of steps, within bounds; 1 where that cannot be told. */
static double factor_of(double native, double whole)
{
    double factor = native / whole;
    return isfinite(factor) && whole > 0 ? fmax(scale_min, fmin(factor, scale_max)) : 1;
}

/* Percentiles do not fall, whatever they were multiplied by. */
static void keep_order(struct figures *part)
{
    double highest = fmax(part->max, part->p95);
    part->p90 = fmax(part->p90, part->p50);
    part->p95 = fmax(part->p95, part->p90);
    part->p99 = fmin(fmax(part->p99, part->p95), fmax(highest, part->p95));
    part->p995 = fmax(part->p995, part->p99);
    part->weighted_p95 = fmax(part->weighted_p95, part->weighted_p50);
    part->weighted_p98 = fmax(part->weighted_p98, part->weighted_p95);
    part->weighted_p99 = fmax(part->weighted_p99, part->weighted_p98);
    part->recent_p90 = fmax(part->recent_p90, part->recent_p50);
}

static double middle(double a, double b, double c)
{
    return fmax(fmin(a, b), fmin(fmax(a, b), c));
}

/* No figure lies above the highest sample, which the steps know. */
static void keep_below(struct figures *part)
{
    double *const figures[] = {&part->p50,          &part->p90,          &part->p95,          &part->p99,
                               &part->p995,         &part->weighted_p50, &part->weighted_p95, &part->weighted_p98,
                               &part->weighted_p99, &part->recent_p50,   &part->recent_p90,   &part->day_p99_second,
                               &part->busy_hour_p90, &part->pod_p95_max, &part->pod_p95_median, &part->pod_p95_p95};
    for (size_t i = 0; i < ARRAY_COUNT(figures); i++) {
        if (*figures[i] > part->max) {
            *figures[i] = part->max;
        }
    }
}

/* Where use jumps between two levels, a percentile near the jump may lie below it by steps and above it by samples: its
 * factor is then that of the jump, and not of the scale. So it goes no further than those of its neighbours. */
void figures_calibrate(const struct figures *native, const struct figures *whole, struct figures *part)
{
    double p50 = factor_of(native->p50, whole->p50);
    double p90 = factor_of(native->p90, whole->p90);
    double p95 = factor_of(native->p95, whole->p95);
    double p99 = factor_of(native->p99, whole->p99);
    double p995 = factor_of(native->p995, whole->p995);
    double weighted_p50 = factor_of(native->weighted_p50, whole->weighted_p50);
    double weighted_p95 = factor_of(native->weighted_p95, whole->weighted_p95);
    double weighted_p99 = factor_of(native->weighted_p99, whole->weighted_p99);
    double at_95 = middle(p90, weighted_p95, weighted_p99);
    double at_99 = middle(weighted_p95, weighted_p99, p995);
    part->mean *= factor_of(native->mean, whole->mean);
    part->p50 *= p50;
    part->p90 *= middle(p50, p90, p95);
    part->p95 *= middle(p90, p95, p99);
    part->p99 *= middle(p95, p99, p995);
    part->p995 *= p995;
    part->weighted_p50 *= weighted_p50;
    part->weighted_p95 *= at_95;
    part->weighted_p98 *= (at_95 + 3 * at_99) / 4;
    part->weighted_p99 *= at_99;
    part->day_p99_second *= at_99;
    part->recent_p50 *= weighted_p50;
    part->recent_p90 *= at_95;
    part->busy_hour_p90 *= middle(at_95, factor_of(native->busy_hour_p90, whole->busy_hour_p90), at_99);
    part->pod_p95_max *= factor_of(native->pod_p95_max, whole->pod_p95_max);
    part->pod_p95_median *= factor_of(native->pod_p95_median, whole->pod_p95_median);
    part->pod_p95_p95 *= factor_of(native->pod_p95_p95, whole->pod_p95_p95);
    part->p95_recent *= middle(p90, p95, p99);
    part->p95_before *= middle(p90, p95, p99);
    keep_order(part);
    keep_below(part);
    part->pods = native->pods;
    part->hot_pod = native->hot_pod;
}

void figures_complete(struct figures *native, struct arena *arena)
{
    struct figures *whole = arena_alloc(arena, sizeof *whole);
    figures_of_steps(&native->steps, 0, native->steps.count, NULL, arena, whole);
    if (!native->known || !whole->known) {
        return;
    }
    struct figures part = *whole;
    figures_calibrate(native, whole, &part);
    native->weighted_p98 = part.weighted_p98;
    native->day_p99_second = part.day_p99_second;
    native->recent_p50 = part.recent_p50;
    native->recent_p90 = part.recent_p90;
    native->by_steps = whole;
}

void figures_complete_all(struct subject *subject, struct arena *arena)
{
    for (size_t i = 0; i < subject->container_count; i++) {
        for (int r = 0; r < RESOURCES; r++) {
            figures_complete(&subject->containers[i].use[r], arena);
        }
    }
}
