#ifndef TARE_COLLECT_WINDOW_H
#define TARE_COLLECT_WINDOW_H

/*
 * The time that is looked at: (start, end]. Hour i of it is (start + i h, start + (i + 1) h], step i (start + i
 * STEP, start + (i + 1) STEP]. An instant inside is kept as milliseconds since the start, 1 to (end − start)
 * in 32 bits, which is what bounds the length.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    HOUR = 3600,
    DAY = 24 * HOUR,
    STEP = 300, /* of the series that are kept for forecasts, and of coverage */
    WEIGHT_HALF_LIFE = 3 * DAY,
    STARTUP = 180, /* what a pod's start-up takes, in seconds */
    LOOKBACK = HOUR, /* what is read before the start, so that the first rates have their whole range */
    WINDOW_MIN = 600,
    WINDOW_MAX = 49 * DAY
};

struct window {
    int64_t start; /* seconds since the epoch */
    int64_t end;
    size_t hours; /* begun ones count */
    size_t steps;
    double *hour_weights;   /* 2^(−h / half-life) of whole hours, seconds and milliseconds of age: their product is the weight */
    double *second_weights;
    double *milli_weights;
};

/* Prepares a window of WINDOW_MIN to WINDOW_MAX seconds. Free with window_release. */
void window_init(struct window *window, int64_t start, int64_t end);

/* Frees. */
void window_release(struct window *window);

/* Whether an instant lies in (start, end]. */
static inline bool window_holds(const struct window *window, int64_t time_ms)
{
    return time_ms > window->start * 1000 && time_ms <= window->end * 1000;
}

/* Milliseconds since the start, of an instant inside. */
static inline uint32_t window_offset(const struct window *window, int64_t time_ms)
{
    return (uint32_t)(time_ms - window->start * 1000);
}

/* The hour and the step that an offset lies in. */
static inline size_t window_hour(uint32_t offset)
{
    return (offset - 1) / (HOUR * 1000u);
}

static inline size_t window_step(uint32_t offset)
{
    return (offset - 1) / (STEP * 1000u);
}

/* 2^(−age / half-life) of an offset, age counted back from the end. */
static inline double window_weight(const struct window *window, uint32_t offset)
{
    uint32_t age = (uint32_t)((window->end - window->start) * 1000 - offset);
    uint32_t seconds = age / 1000;
    return window->hour_weights[seconds / HOUR] * window->second_weights[seconds % HOUR] * window->milli_weights[age % 1000];
}

#endif
