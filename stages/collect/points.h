#ifndef TARE_COLLECT_POINTS_H
#define TARE_COLLECT_POINTS_H

/* Samples of one series, in order of time. */

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "pipeline/base/mem.h"

struct point {
    int64_t time_ms; /* since the epoch */
    double value;
};

struct points {
    struct point *items;
    size_t count;
    size_t capacity;
};

/* Adds one. */
static inline void points_add(struct points *points, int64_t time_ms, double value)
{
    GROW(points->items, points->capacity, points->count + 1);
    points->items[points->count++] = (struct point){time_ms, value};
}

/* Index of the first sample later than an instant; the count where none is. The samples are in order of time. */
size_t points_after(const struct points *points, int64_t time_ms);

/* Frees; what is left is empty and can be used again. */
static inline void points_release(struct points *points)
{
    free(points->items);
    *points = (struct points){0};
}

#endif
