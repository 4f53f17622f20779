#include "stages/collect/figures/rates.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* Prometheus extrapolates to the range's start where it is nearer than this many mean distances of samples. */
static const double near_start = 1.1;

int64_t rates_range(int64_t interval_ms)
{
    return interval_ms > 30000 ? 4 * interval_ms : 120000;
}

static int64_t count_resets(const struct points *counter)
{
    int64_t resets = 0;
    for (size_t i = 1; i < counter->count; i++) {
        resets += counter->items[i].value < counter->items[i - 1].value;
    }
    return resets;
}

/* What the counter had lost by each sample: the sum of its values before its resets. New. */
static double *lost_until(const struct points *counter)
{
    const struct point *items = counter->items;
    double *lost = xcalloc_array(counter->count, sizeof *lost);
    for (size_t i = 1; i < counter->count; i++) {
        lost[i] = lost[i - 1] + (items[i].value < items[i - 1].value ? items[i - 1].value : 0);
    }
    return lost;
}

/* Whether the range's start is near the first of `gaps` + 1 samples. Too close to call is called as Prometheus does, which
 * divides where a product is quicker. Times in milliseconds. */
static bool starts_near(double to_start, double sampled, double gaps)
{
    double left = to_start * gaps;
    double right = sampled * near_start;
    if (fabs(left - right) > right * 1e-9) {
        return left < right;
    }
    return to_start / 1000 < sampled / 1000 / gaps * near_start;
}

/* The rate over a range from an increase between the first and the last of `gaps` + 1 samples in it, the last at its end.
 * Times in milliseconds; `scale` is 1 over the range in seconds. */
static inline double rate_of(double increase, double first_value, double to_start, double sampled, double gaps, double scale)
{
    if (increase * to_start > sampled * first_value) {
        double to_zero = sampled * (first_value / increase); /* there the counter was 0 */
        to_start = to_zero < to_start ? to_zero : to_start;
    }
    double covered = sampled + (starts_near(to_start, sampled, gaps) ? to_start : sampled / gaps / 2);
    return increase * covered * scale / sampled;
}

/* The first sample of each range, for samples that are asked about from the last to the first. */
struct ranges {
    const struct point *items;
    int64_t range_ms;
    size_t left; /* what was found for the sample before */
    size_t gaps; /* how many samples back it was found when it was last searched for */
};

/* The first sample later than its time − range. */
static size_t range_from(struct ranges *ranges, size_t i)
{
    const struct point *items = ranges->items;
    int64_t start = items[i].time_ms - ranges->range_ms;
    size_t guess = i - ranges->gaps - 1;
    /* Scrapes are regular, but for one that is a little late or early: it is as far back as before, or one more or less. Which
     * is decided without a branch, which the processor would guess wrong each time. */
    if (i > ranges->gaps + 2 && ranges->gaps > 1 && items[guess - 1].time_ms <= start && items[guess + 2].time_ms > start) {
        ranges->left = guess + (items[guess].time_ms <= start) + (items[guess + 1].time_ms <= start);
        return ranges->left;
    }
    size_t left = ranges->left < i ? ranges->left : i;
    while (left > 0 && items[left - 1].time_ms > start) {
        left--;
    }
    ranges->left = left;
    ranges->gaps = i - left;
    return left;
}

void rates_make(struct points *counter, int64_t range_ms, struct oddities *oddities)
{
    struct point *items = counter->items;
    int64_t resets = count_resets(counter);
    double *lost = resets > 0 ? lost_until(counter) : NULL;
    struct ranges ranges = {.items = items, .range_ms = range_ms, .left = counter->count};
    /* From the end, so that the samples a rate needs are still there; rates gather at the end of the array. */
    size_t made = counter->count;
    double scale = 1000 / (double)range_ms;
    for (size_t i = counter->count; i-- > 1;) {
        size_t left = range_from(&ranges, i);
        if (left == i) {
            continue;
        }
        double increase = items[i].value - items[left].value;
        if (lost != NULL) {
            increase += lost[i] - lost[left];
            increase = increase > 0 ? increase : 0; /* rounding */
        }
        double rate = rate_of(increase, items[left].value, (double)(items[left].time_ms - items[i].time_ms + range_ms),
                              (double)(items[i].time_ms - items[left].time_ms), (double)(int64_t)(i - left), scale);
        items[--made] = (struct point){items[i].time_ms, rate};
    }
    oddities->increments += counter->count > 1 ? (int64_t)counter->count - 1 : 0;
    oddities->resets += resets;
    if (counter->count > 0) {
        counter->count -= made;
        memmove(items, items + made, counter->count * sizeof *items);
    }
    free(lost);
}
