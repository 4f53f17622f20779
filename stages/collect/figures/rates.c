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

/* How samples lie in a range, and what an increase is to be multiplied with there. Scrapes are regular mostly, so it is the
 * same from one sample to the next. */
struct layout {
    int64_t to_start; /* from the range's start to its first sample; the last lies at its end */
    int64_t sampled;  /* between the first and the last */
    size_t gaps;
    double factor;
};

static double factor_of(double to_start, double sampled, double gaps, double range_ms)
{
    double covered = sampled + (starts_near(to_start, sampled, gaps) ? to_start : sampled / gaps / 2);
    return covered / (sampled * range_ms) * 1000;
}

/* The rate a second from an increase. `first_value`: of the counter at the first sample. */
static double rate_of(struct layout *last, const struct layout *now, double increase, double first_value, double range_ms)
{
    double to_start = (double)now->to_start;
    double sampled = (double)now->sampled;
    if (increase * to_start > sampled * first_value) {
        double to_zero = sampled * (first_value / increase); /* there the counter was 0 */
        return increase * factor_of(fmin(to_start, to_zero), sampled, (double)now->gaps, range_ms);
    }
    if (now->to_start != last->to_start || now->sampled != last->sampled || now->gaps != last->gaps) {
        *last = *now;
        last->factor = factor_of(to_start, sampled, (double)now->gaps, range_ms);
    }
    return increase * last->factor;
}

void rates_make(struct points *counter, int64_t range_ms, struct oddities *oddities)
{
    struct point *items = counter->items;
    int64_t resets = count_resets(counter);
    double *lost = resets > 0 ? lost_until(counter) : NULL;
    /* From the end, so that the samples a rate needs are still there; rates gather at the end of the array. */
    size_t left = counter->count;
    size_t made = counter->count;
    struct layout layout = {0};
    for (size_t i = counter->count; i-- > 1;) {
        int64_t start = items[i].time_ms - range_ms;
        left = left < i ? left : i;
        while (left > 0 && items[left - 1].time_ms > start) {
            left--;
        }
        if (left == i) {
            continue;
        }
        double increase = items[i].value - items[left].value;
        if (lost != NULL) {
            increase = fmax(0, increase + (lost[i] - lost[left]));
        }
        struct layout now = {.to_start = items[left].time_ms - start,
                             .sampled = items[i].time_ms - items[left].time_ms,
                             .gaps = i - left};
        double rate = rate_of(&layout, &now, increase, items[left].value, (double)range_ms);
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
