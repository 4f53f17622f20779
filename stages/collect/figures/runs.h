#ifndef TARE_COLLECT_FIGURES_RUNS_H
#define TARE_COLLECT_FIGURES_RUNS_H

/*
 * When the pods of a workload ran, told by their samples: each stands for one interval before it, and a pod
 * runs on until no sample came for more than 2.5 intervals. A pod runs while any of its containers does.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pipeline/io/json.h"
#include "stages/collect/points.h"
#include "stages/collect/window.h"

struct run {
    uint32_t pod;
    int64_t start_ms;
    int64_t end_ms;
};

struct runs {
    const struct window *window;
    int64_t interval_ms;
    struct run *items;
    size_t count;
    size_t capacity;
    int64_t step_ms;       /* of coverage */
    size_t steps;
    unsigned char *covered; /* of each step */
    int64_t first_ms;      /* first and last sample inside the window, 0 while there is none */
    int64_t last_ms;
};

/* Prepares for the pods of one workload, scraped every `interval_ms` (≥ 1000). `window` stays borrowed. */
void runs_init(struct runs *runs, const struct window *window, int64_t interval_ms);

/* Frees. */
void runs_release(struct runs *runs);

/* Takes in the times of the samples of one container of a pod (its number is the caller's), clean and in order of
 * time; those outside the window are seen but not counted. A container may come several times. */
void runs_add(struct runs *runs, uint32_t pod, const struct points *points);

/* Sets pods, replicas, replicas_mean, replicas_max, hourly_replicas, coverage, first_seen, last_seen and history_seconds.
 * false, with nothing set, when no pod ran inside the window. */
bool runs_json(struct runs *runs, json_t *out);

#endif
