#include "stages/collect/samples.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/mem.h"

enum { INSERTION_MAX = 24, RADIX = 256 };

void samples_init(struct samples *samples)
{
    memset(samples, 0, sizeof *samples);
    samples->limit = SAMPLES_EXACT;
}

void samples_release(struct samples *samples)
{
    free(samples->items);
    free(samples->pods);
    memset(samples, 0, sizeof *samples);
}

uint32_t samples_pod(struct samples *samples, uint32_t id)
{
    for (size_t i = samples->pod_count; i-- > 0;) {
        if (samples->pods[i].id == id) {
            return (uint32_t)i;
        }
    }
    GROW(samples->pods, samples->pod_capacity, samples->pod_count + 1);
    samples->pods[samples->pod_count] = (struct sample_pod){.id = id};
    return (uint32_t)samples->pod_count++;
}

/* Order of values that are not negative is the order of their bits. */
static uint64_t key_of(const struct sample *sample)
{
    uint64_t bits;
    memcpy(&bits, &sample->value, sizeof bits);
    return bits;
}

static void insertion_sort(struct sample *items, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        struct sample moved = items[i];
        size_t at = i;
        for (; at > 0 && key_of(&items[at - 1]) > key_of(&moved); at--) {
            items[at] = items[at - 1];
        }
        items[at] = moved;
    }
}

/* In-place radix sort from the highest byte down ("American flag sort", McIlroy, Bostic, McIlroy 1993). */
static void radix_sort(struct sample *items, size_t count, int shift)
{
    size_t next[RADIX] = {0};
    size_t end[RADIX];
    for (size_t i = 0; i < count; i++) {
        next[key_of(&items[i]) >> shift & 255]++;
    }
    size_t at = 0;
    for (size_t b = 0; b < RADIX; b++) {
        size_t size = next[b];
        next[b] = at;
        at += size;
        end[b] = at;
    }
    for (size_t b = 0; b < RADIX; b++) {
        while (next[b] < end[b]) {
            size_t home = key_of(&items[next[b]]) >> shift & 255;
            struct sample other = items[next[home]];
            items[next[home]++] = items[next[b]];
            if (home != b) {
                items[next[b]] = other;
            }
        }
    }
    for (size_t b = 0, from = 0; shift > 0 && b < RADIX; from = end[b], b++) {
        if (end[b] - from > INSERTION_MAX) {
            radix_sort(items + from, end[b] - from, shift - 8);
        } else {
            insertion_sort(items + from, end[b] - from);
        }
    }
}

void samples_sort(struct samples *samples)
{
    if (samples->count > INSERTION_MAX) {
        radix_sort(samples->items, samples->count, 56);
    } else {
        insertion_sort(samples->items, samples->count);
    }
}

/* The representative of a value's bucket: its geometric middle, so that no value is off by more than 1 %. */
static double bucket_value(double value)
{
    static const double log_ratio = 0.019802627296179712; /* ln 1.02 */
    return value > 0 ? exp((floor(log(value) / log_ratio) + 0.5) * log_ratio) : 0;
}

/* What makes two samples one: pod, hour, value. */
struct cell {
    struct sample sample;
    uint32_t hour;
};

static int compare_cells(const void *a, const void *b)
{
    const struct cell *x = a;
    const struct cell *y = b;
    if (x->sample.pod != y->sample.pod) {
        return x->sample.pod < y->sample.pod ? -1 : 1;
    }
    if (x->hour != y->hour) {
        return x->hour < y->hour ? -1 : 1;
    }
    return (x->sample.value > y->sample.value) - (x->sample.value < y->sample.value);
}

/* A bucket within an hour keeps the point of its latest sample; parts of one hour before and after a merge
 * may keep two. */
static void merge(struct samples *samples, const struct grid *grid)
{
    struct cell *cells = xcalloc_array(samples->count, sizeof *cells);
    for (size_t i = 0; i < samples->count; i++) {
        cells[i].sample = samples->items[i];
        cells[i].sample.value = bucket_value(samples->items[i].value);
        cells[i].hour = (uint32_t)grid_hour(grid, grid_time(grid, sample_point(&samples->items[i])));
    }
    qsort(cells, samples->count, sizeof *cells, compare_cells);
    size_t kept = 0;
    for (size_t i = 0; i < samples->count; i++) {
        struct sample *last = kept > 0 ? &cells[kept - 1].sample : NULL;
        uint32_t more = sample_count(&cells[i].sample);
        if (last != NULL && compare_cells(&cells[kept - 1], &cells[i]) == 0 &&
            sample_count(last) + more <= SAMPLE_COUNT_MAX) {
            uint32_t point = sample_point(&cells[i].sample);
            point = point > sample_point(last) ? point : sample_point(last);
            last->point_count = (sample_count(last) + more) << SAMPLE_POINT_BITS | point;
        } else {
            cells[kept++] = cells[i];
        }
    }
    for (size_t i = 0; i < kept; i++) {
        samples->items[i] = cells[i].sample;
    }
    samples->count = kept;
    samples->approximate = true;
    /* Where merging does not help much, wait longer before the next time. */
    samples->limit = kept * 2 > samples->limit ? kept * 2 : samples->limit;
    free(cells);
}

static void note(struct samples *samples, uint32_t point, double value)
{
    bool first = samples->total == 0;
    if (first || value > samples->max || (value >= samples->max && point < samples->max_point)) {
        samples->max = value;
        samples->max_point = point;
    }
    samples->min = first || value < samples->min ? value : samples->min;
    samples->total++;
    samples->sum += value;
    double delta = value - samples->running_mean;
    samples->running_mean += delta / (double)samples->total;
    samples->spread += delta * (value - samples->running_mean);
}

bool samples_add(struct samples *samples, const struct grid *grid, uint32_t pod, uint32_t point, double value)
{
    struct sample_pod *known = &samples->pods[pod];
    if (!isfinite(value) || value < 0 || (known->count > 0 && point <= known->last)) {
        return false;
    }
    if (samples->count == samples->limit) {
        merge(samples, grid);
    }
    known->first = known->count == 0 ? point : known->first;
    known->last = point;
    known->count++;
    note(samples, point, value);
    GROW(samples->items, samples->capacity, samples->count + 1);
    /* -0 has the bits of a huge key. */
    samples->items[samples->count++] =
        (struct sample){value > 0 ? value : 0, UINT32_C(1) << SAMPLE_POINT_BITS | point, pod};
    return true;
}
