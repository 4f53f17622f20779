#include "stages/collect/figures/clean.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* Bits of 2^400. Bits of numbers ≥ 0 are in the order of the numbers; those of negative ones, infinities and NaN are
 * above these. */
static const uint64_t too_large = (UINT64_C(1023) + 400) << 52;
static const uint64_t minus_zero = UINT64_C(1) << 63;
static const uint64_t stale_marker = 0x7ff0000000000002;

static const int64_t time_max = INT64_C(1) << 52;

static uint64_t bits_of(double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static bool time_can_be(int64_t time_ms)
{
    return time_ms >= -time_max && time_ms <= time_max;
}

/* Whether nothing is to be done: the usual case, one look at each sample. */
static bool is_clean(const struct points *points)
{
    const struct point *items = points->items;
    if (points->count == 0) {
        return true;
    }
    bool odd = bits_of(items[0].value) >= too_large || !time_can_be(items[0].time_ms) ||
               !time_can_be(items[points->count - 1].time_ms);
    for (size_t i = 1; i < points->count; i++) {
        odd |= bits_of(items[i].value) >= too_large;
        odd |= items[i].time_ms <= items[i - 1].time_ms;
    }
    return !odd;
}

/* Leaves out odd values. Returns whether the rest is in order of time. */
static bool drop_odd(struct points *points, struct oddities *oddities)
{
    size_t kept = 0;
    bool ordered = true;
    for (size_t i = 0; i < points->count; i++) {
        struct point point = points->items[i];
        uint64_t bits = bits_of(point.value);
        point.value = bits == minus_zero ? 0 : point.value;
        if ((bits >= too_large && bits != minus_zero) || !time_can_be(point.time_ms)) {
            oddities->dropped += bits != stale_marker;
            continue;
        }
        ordered = ordered && (kept == 0 || point.time_ms >= points->items[kept - 1].time_ms);
        points->items[kept++] = point;
    }
    points->count = kept;
    return ordered;
}

/* Merges the neighbours [from, middle) and [middle, to) into `out`; of equal times the earlier half comes first. */
static void merge_halves(const struct point *in, struct point *out, size_t from, size_t middle, size_t to)
{
    size_t left = from;
    size_t right = middle;
    for (size_t i = from; i < to; i++) {
        bool take_left = left < middle && (right == to || in[left].time_ms <= in[right].time_ms);
        out[i] = in[take_left ? left++ : right++];
    }
}

/* Merge sort from the bottom up: stable, so that the first of those of one time stays the first. */
static void sort_by_time(struct points *points)
{
    size_t count = points->count;
    struct point *from = points->items;
    struct point *to = xcalloc_array(count, sizeof *to);
    for (size_t width = 1; width < count; width *= 2) {
        for (size_t at = 0; at < count; at += 2 * width) {
            size_t middle = at + width < count ? at + width : count;
            merge_halves(from, to, at, middle, middle + width < count ? middle + width : count);
        }
        struct point *swapped = from;
        from = to;
        to = swapped;
    }
    if (from != points->items) {
        memcpy(points->items, from, count * sizeof *from);
        to = from;
    }
    free(to);
}

static void drop_repeated(struct points *points, struct oddities *oddities)
{
    size_t kept = 0;
    for (size_t i = 0; i < points->count; i++) {
        if (kept > 0 && points->items[i].time_ms == points->items[kept - 1].time_ms) {
            oddities->repeated++;
        } else {
            points->items[kept++] = points->items[i];
        }
    }
    points->count = kept;
}

void points_clean(struct points *points, struct oddities *oddities)
{
    if (is_clean(points)) {
        return;
    }
    if (!drop_odd(points, oddities)) {
        sort_by_time(points);
    }
    drop_repeated(points, oddities);
}
