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

/* The value of the lower median by selection (Hoare's): what is left of it in order is no matter. */
static int64_t median(struct point *items, size_t count)
{
    size_t wanted = (count - 1) / 2;
    size_t low = 0;
    size_t high = count - 1;
    while (low < high) {
        int64_t pivot = items[low + (high - low) / 2].time_ms;
        size_t i = low;
        size_t j = high;
        for (;;) {
            while (items[i].time_ms < pivot) {
                i++;
            }
            while (items[j].time_ms > pivot) {
                j--;
            }
            if (i >= j) {
                break;
            }
            struct point moved = items[i];
            items[i++] = items[j];
            items[j--] = moved;
        }
        if (wanted <= j) {
            high = j;
        } else {
            low = j + 1;
        }
    }
    return items[wanted].time_ms;
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
