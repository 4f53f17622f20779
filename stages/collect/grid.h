#ifndef TARE_COLLECT_GRID_H
#define TARE_COLLECT_GRID_H

/*
 * The instants at which a window is looked at. The window is (start, end]. Points lie `step` apart and end at
 * `end`; a point stands for what was scraped in the `step` before it. Hour i of the window is (start + i h,
 * start + (i + 1) h].
 */

#include <stddef.h>
#include <stdint.h>

enum { HOUR = 3600, DAY = 24 * HOUR, WEIGHT_HALF_LIFE = 3 * DAY, STARTUP = 180, GRID_POINTS_MAX = 1 << 20 };

struct grid {
    int64_t start;
    int64_t end;
    int64_t step;   /* the scrape interval */
    int64_t range;  /* window of rates: max(4 × interval, 2 min) */
    int64_t first;  /* the first point */
    uint32_t count; /* of points */
    size_t hours;
    double *weights; /* of each point: 2^(-age / half-life), age counted from the end of the window */
};

/* Prepares the grid of a window of at least one step, at most GRID_POINTS_MAX of them (a longer one gets a
 * coarser step). */
void grid_init(struct grid *grid, int64_t start, int64_t end, int64_t step);

/* Frees. */
void grid_release(struct grid *grid);

/* The instant of point `index`. */
int64_t grid_time(const struct grid *grid, uint32_t index);

/* Index of the point at an instant in milliseconds, -1 when there is none. */
int64_t grid_index(const struct grid *grid, int64_t time_ms);

/* Index of the hour of the window that an instant in (start, end] lies in. */
size_t grid_hour(const struct grid *grid, int64_t time);

#endif
