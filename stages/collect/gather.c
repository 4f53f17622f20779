#include "stages/collect/gather.h"

#include <stdlib.h>

#include "stages/collect/figures/clean.h"
#include "stages/collect/figures/merge.h"
#include "stages/collect/figures/rates.h"

void gather_release(struct gather *gather)
{
    for (size_t i = 0; i < gather->capacity; i++) {
        points_release(&gather->points[i]);
    }
    free(gather->points);
    free(gather->told);
    *gather = (struct gather){0};
}

/* Makes room for one series more; the arrays of points stay where they are for those that follow. */
static struct points *next_points(struct gather *gather)
{
    if (gather->count == gather->capacity) {
        size_t capacity = gather->capacity == 0 ? 4 : gather->capacity * 2;
        gather->points = xrealloc_array(gather->points, capacity, sizeof *gather->points);
        gather->told = xrealloc_array(gather->told, capacity, sizeof *gather->told);
        for (size_t i = gather->capacity; i < capacity; i++) {
            gather->points[i] = (struct points){0};
        }
        gather->capacity = capacity;
    }
    struct points *points = &gather->points[gather->count++];
    points->count = 0;
    return points;
}

void gather_series(struct gather *gather, const struct series *series, size_t count, enum metric metric, struct use *use)
{
    gather->count = 0;
    for (size_t i = 0; i < count; i++) {
        if (series[i].metric != metric) {
            continue;
        }
        struct points *points = next_points(gather);
        use->bad_chunks += (int64_t)store_points(&series[i], points);
        points_clean(points, &use->odd);
        gather->told[gather->count - 1] = (struct told){.instance = series[i].instance, .form = series[i].form};
    }
    for (size_t i = 0; i < gather->count; i++) {
        gather->told[i].points = &gather->points[i];
    }
}

/* Whether two series of one run of a container tell of the same time. */
static bool overlap(const struct told *a, const struct told *b, int64_t interval_ms)
{
    const struct points *x = a->points;
    const struct points *y = b->points;
    return a->instance == b->instance && x->count > 0 && y->count > 0 &&
           x->items[0].time_ms + interval_ms < y->items[y->count - 1].time_ms &&
           y->items[0].time_ms + interval_ms < x->items[x->count - 1].time_ms;
}

static size_t duplicates(const struct gather *gather, int64_t interval_ms)
{
    size_t found = 0;
    for (size_t i = 1; i < gather->count; i++) {
        for (size_t j = 0; j < i; j++) {
            if (overlap(&gather->told[i], &gather->told[j], interval_ms)) {
                found++;
                break;
            }
        }
    }
    return found;
}

static int compare_fullness(const void *a, const void *b)
{
    const struct points *x = ((const struct told *)a)->points;
    const struct points *y = ((const struct told *)b)->points;
    if (x->count != y->count) {
        return x->count > y->count ? -1 : 1;
    }
    return (x > y) - (x < y);
}

const struct points *gather_samples(struct gather *gather, const struct series *series, size_t count, enum metric metric,
                                    int64_t interval_ms, struct use *use)
{
    gather_series(gather, series, count, metric, use);
    if (gather->count == 0) {
        return NULL;
    }
    use->duplicates += (int64_t)duplicates(gather, interval_ms);
    for (size_t i = 0; i < gather->count; i++) {
        if (metric == METRIC_CPU && gather->told[i].form == SERIES_RAW) {
            rates_make(&gather->points[i], rates_range(interval_ms), &use->odd);
        }
    }
    if (gather->count > 1) {
        qsort(gather->told, gather->count, sizeof *gather->told, compare_fullness);
    }
    size_t fullest = (size_t)(gather->told[0].points - gather->points);
    for (size_t i = 1; i < gather->count; i++) {
        points_merge(&gather->points[fullest], gather->told[i].points, interval_ms);
    }
    return gather->points[fullest].count == 0 ? NULL : &gather->points[fullest];
}
