#include "stages/collect/scrapes.h"

#include <stdbool.h>

/* So many chunks are looked at, about a hundred samples each; and no distance is longer than this. */
enum { LOOKS = 8 };

static const int64_t distance_max = INT64_C(366) * 24 * 3600 * 1000;

static size_t count_chunks(const struct series *const *series, size_t count)
{
    size_t chunks = 0;
    for (size_t i = 0; i < count; i++) {
        for (const struct chunk *chunk = series[i]->first; chunk != NULL; chunk = chunk->next) {
            chunks += chunk->samples > 1;
        }
    }
    return chunks;
}

/* The distances in a chunk, written over `scratch` and then added to `out` as values. */
static void add_distances(const struct chunk *chunk, struct points *scratch, struct points *out)
{
    scratch->count = 0;
    if (!store_chunk_points(chunk, scratch)) {
        return;
    }
    for (size_t i = 1; i < scratch->count; i++) {
        int64_t from = scratch->items[i - 1].time_ms;
        int64_t to = scratch->items[i].time_ms;
        if (to > from && (from >= 0 || to < INT64_MAX + from) && to - from <= distance_max) {
            points_add(out, to - from, 0);
        }
    }
}

/* The lower median, by halving the range it may be in: selection by pivots is quadratic for an order made to harm. */
static int64_t median(const struct point *items, size_t count)
{
    size_t wanted = (count - 1) / 2;
    int64_t low = 1;
    int64_t high = distance_max;
    while (low < high) {
        int64_t middle = low + (high - low) / 2;
        size_t until = 0;
        for (size_t i = 0; i < count; i++) {
            until += items[i].time_ms <= middle;
        }
        if (until > wanted) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return low;
}

int64_t scrapes_interval(const struct series *const *series, size_t count)
{
    struct points scratch = {0};
    struct points distances = {0};
    size_t chunks = count_chunks(series, count);
    size_t number = 0;
    size_t looks = 0;
    for (size_t i = 0; i < count; i++) {
        for (const struct chunk *chunk = series[i]->first; chunk != NULL; chunk = chunk->next) {
            /* The looks are spread over the chunks: look k is at chunk k × chunks / LOOKS. */
            if (chunk->samples > 1 && number++ * LOOKS >= looks * chunks) {
                add_distances(chunk, &scratch, &distances);
                looks++;
            }
        }
    }
    int64_t interval = distances.count == 0 ? 0 : median(distances.items, distances.count);
    points_release(&scratch);
    points_release(&distances);
    return interval;
}
