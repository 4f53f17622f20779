#include "stages/collect/figures/samples.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/mem.h"

enum { POD_PLACES = 1 << SAMPLE_POD_BITS, BUCKET_OF_ONE = 35000, BUCKETS = BUCKET_OF_ONE + 17600 };

static const double log_ratio = 0.019802627296179712; /* ln 1.02 */

void samples_init(struct samples *samples)
{
    *samples = (struct samples){.limit = SAMPLES_EXACT};
}

void samples_clear(struct samples *samples)
{
    struct samples empty = {.items = samples->items,
                            .capacity = samples->capacity,
                            .pods = samples->pods,
                            .pod_capacity = samples->pod_capacity,
                            .limit = SAMPLES_EXACT,
                            .profile = samples->profile,
                            .classes = samples->classes,
                            .class_capacity = samples->class_capacity};
    *samples = empty;
}

void samples_release(struct samples *samples)
{
    free(samples->items);
    free(samples->pods);
    free(samples->classes);
    profile_release(&samples->profile);
    *samples = (struct samples){0};
}

/* Finds or makes the place of a pod. Pods mostly come one after the other; past what the bits can tell apart, all share
 * the last place. */
static uint32_t place_of(struct samples *samples, uint32_t id)
{
    size_t count = samples->pod_count;
    bool is_new = count == 0 || id > samples->greatest_id;
    for (size_t i = count; !is_new && i-- > 0;) {
        if (samples->pods[i].id == id) {
            return (uint32_t)i;
        }
    }
    if (count == POD_PLACES) {
        return POD_PLACES - 1;
    }
    samples->greatest_id = is_new ? id : samples->greatest_id;
    GROW(samples->pods, samples->pod_capacity, count + 1);
    samples->pods[count] = (struct sample_pod){.id = id, .first = UINT32_MAX};
    samples->pod_count++;
    return (uint32_t)count;
}

/* Buckets of values: 0 of those that are as good as 0, the others of ratio 1.02 up to 2^500. */
static size_t bucket_of(double value)
{
    return value > 1e-300 ? (size_t)fmin(log(value) / log_ratio + BUCKET_OF_ONE, BUCKETS - 1) : 0;
}

/* The geometric middle, so that no value is off by more than 1 %. */
static double bucket_value(size_t bucket)
{
    return bucket > 0 ? exp(((double)bucket - BUCKET_OF_ONE + 0.5) * log_ratio) : 0;
}

/* Merges samples of one pod and hour into the places from `out` on, which may be those they are in. A bucket keeps the
 * offset of its latest sample. `places` of all buckets are 0 before and after. Returns how many samples are left. */
static size_t merge_hour(const struct sample *items, size_t count, struct sample *out, uint32_t *places)
{
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        struct sample sample = items[i];
        size_t bucket = bucket_of(sample.value);
        struct sample *same = places[bucket] > 0 ? &out[places[bucket] - 1] : NULL;
        if (same != NULL && sample_count(same) + sample_count(&sample) <= SAMPLE_COUNT_MAX) {
            same->offset = sample.offset > same->offset ? sample.offset : same->offset;
            same->pod_count += sample_count(&sample) << SAMPLE_POD_BITS;
        } else {
            sample.value = same != NULL ? same->value : bucket_value(bucket);
            out[kept++] = sample;
            places[bucket] = (uint32_t)kept;
        }
    }
    for (size_t i = 0; i < kept; i++) {
        places[bucket_of(out[i].value)] = 0;
    }
    return kept;
}

/* Parts of one hour that come apart from each other stay apart. */
static void merge_all(struct samples *samples)
{
    struct sample *items = samples->items;
    uint32_t *places = xcalloc_array(BUCKETS, sizeof *places);
    size_t kept = 0;
    for (size_t i = 0, to; i < samples->count; i = to) {
        uint32_t place = sample_place(&items[i]);
        size_t hour = window_hour(items[i].offset);
        for (to = i + 1; to < samples->count; to++) {
            if (sample_place(&items[to]) != place || window_hour(items[to].offset) != hour) {
                break;
            }
        }
        kept += merge_hour(items + i, to - i, items + kept, places);
    }
    free(places);
    samples->count = kept;
    samples->approximate = true;
    samples->ordered = false;
    /* Where merging does not help much, wait longer before the next time. */
    samples->limit = kept * 2 > samples->limit ? kept * 2 : samples->limit;
}

/* What is added at once: points of one pod inside the window. */
struct piece {
    const struct point *points;
    size_t count;
    int64_t start_ms; /* of the window */
    double scale;
    uint32_t pod_count;
    double sum;
};

static void note_extremes(struct samples *samples, const struct sample *run, size_t count, double min, double max)
{
    samples->min = min < samples->min ? min : samples->min;
    if (max < samples->max) {
        return;
    }
    for (size_t i = 0; i < count; i++) {
        if (run[i].value > samples->max || (run[i].value >= samples->max && run[i].offset < samples->max_offset)) {
            samples->max = run[i].value;
            samples->max_offset = run[i].offset;
        }
    }
}

/* Adds the points of one step from `from` on, `room` at most. Returns the first that was not added. */
static size_t add_run(struct samples *samples, struct piece *piece, size_t from, size_t room)
{
    const struct point *points = piece->points;
    struct sample *run = samples->items + samples->count;
    size_t step = window_step((uint32_t)(points[from].time_ms - piece->start_ms));
    int64_t step_end = piece->start_ms + ((int64_t)step + 1) * STEP * 1000;
    size_t to = piece->count - from < room ? piece->count : from + room;
    double min = points[from].value * piece->scale;
    double max = min;
    double sum = 0;
    size_t i = from;
    for (; i < to && points[i].time_ms <= step_end; i++, run++) {
        double value = points[i].value * piece->scale;
        *run = (struct sample){value, (uint32_t)(points[i].time_ms - piece->start_ms), piece->pod_count};
        min = value < min ? value : min;
        max = value > max ? value : max;
        sum += value;
    }
    profile_add(&samples->profile.steps[step], (int64_t)(i - from), sum, min, max);
    note_extremes(samples, run - (i - from), i - from, min, max);
    samples->count += i - from;
    piece->sum += sum;
    return i;
}

/* Sum of squared distances from the mean. Two sums, since an addition waits for the one before. */
static double spread_of(const struct piece *piece, double mean)
{
    const struct point *points = piece->points;
    double even = 0;
    double odd = 0;
    for (size_t i = 0; i + 1 < piece->count; i += 2) {
        double first = points[i].value * piece->scale - mean;
        double second = points[i + 1].value * piece->scale - mean;
        even += first * first;
        odd += second * second;
    }
    double last = piece->count % 2 == 1 ? points[piece->count - 1].value * piece->scale - mean : 0;
    return even + odd + last * last;
}

/* Takes the mean and spread of a piece into those of all (Chan, Golub, LeVeque 1983). */
static void add_spread(struct samples *samples, const struct piece *piece)
{
    double count = (double)piece->count;
    double all = (double)samples->total + count;
    double mean = piece->sum / count;
    double delta = mean - samples->mean;
    samples->spread += spread_of(piece, mean) + delta * delta * ((double)samples->total * count / all);
    samples->mean += delta * (count / all);
    samples->total += (int64_t)piece->count;
    samples->sum += piece->sum;
}

static void note_pod(struct samples *samples, const struct piece *piece, uint32_t place)
{
    struct sample_pod *pod = &samples->pods[place];
    uint32_t first = (uint32_t)(piece->points[0].time_ms - piece->start_ms);
    uint32_t last = (uint32_t)(piece->points[piece->count - 1].time_ms - piece->start_ms);
    samples->ordered &= place + 1 == samples->pod_count && (pod->count == 0 || first > pod->last);
    pod->first = first < pod->first ? first : pod->first;
    pod->last = last > pod->last ? last : pod->last;
    pod->count += (int64_t)piece->count;
}

void samples_add(struct samples *samples, const struct window *window, uint32_t pod_id, const struct points *points,
                 double scale)
{
    size_t from = points_after(points, window->start * 1000);
    size_t to = points_after(points, window->end * 1000);
    if (from == to) {
        return;
    }
    if (samples->total == 0) {
        profile_start(&samples->profile, window);
        samples->min = INFINITY;
        samples->max = -1;
        samples->ordered = true;
    }
    uint32_t place = place_of(samples, pod_id);
    struct piece piece = {.points = points->items + from,
                          .count = to - from,
                          .start_ms = window->start * 1000,
                          .scale = scale,
                          .pod_count = UINT32_C(1) << SAMPLE_POD_BITS | place};
    note_pod(samples, &piece, place);
    for (size_t i = 0; i < piece.count;) {
        if (samples->count >= samples->limit) {
            merge_all(samples);
        }
        size_t room = samples->limit - samples->count;
        room = piece.count - i < room ? piece.count - i : room;
        GROW(samples->items, samples->capacity, samples->count + room);
        i = add_run(samples, &piece, i, room);
    }
    add_spread(samples, &piece);
}
