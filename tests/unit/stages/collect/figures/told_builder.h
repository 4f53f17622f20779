#ifndef TARE_TESTS_TOLD_BUILDER_H
#define TARE_TESTS_TOLD_BUILDER_H

/* Series made of times in seconds and values, and a window that starts at 2026-11-15T03:00:00Z. */

#include <stddef.h>

#include "stages/collect/figures/counter.h"
#include "stages/collect/window.h"

enum { MADE_START = 1794711600 };

/* Adds a sample `seconds` after the window's start. */
static inline void made_add(struct points *points, double seconds, double value)
{
    points_add(points, MADE_START * INT64_C(1000) + (int64_t)(seconds * 1000), value);
}

/* New points of pairs of seconds and value. */
static inline struct points made_points(const double (*pairs)[2], size_t count)
{
    struct points out = {0};
    for (size_t i = 0; i < count; i++) {
        made_add(&out, pairs[i][0], pairs[i][1]);
    }
    return out;
}

#define MADE(...)                                                                                              \
    made_points((const double[][2]){__VA_ARGS__}, sizeof((const double[][2]){__VA_ARGS__}) / sizeof(double[2]))

#endif
