#ifndef TARE_COLLECT_SAMPLES_H
#define TARE_COLLECT_SAMPLES_H

/*
 * The samples of one resource of one container over all pods of a workload. Up to SAMPLES_EXACT of them are
 * kept as they are; past that they are merged: samples of one pod and hour whose values lie in one bucket of
 * a logarithmic histogram of ratio 1.02 become one with a count, and `approximate` is set.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "stages/collect/grid.h"

enum { SAMPLES_EXACT = 2000000, SAMPLE_POINT_BITS = 20, SAMPLE_COUNT_MAX = (1 << 12) - 1 };

/* A value ≥ 0, the point of the grid (low 20 bits) and the count (high 12 bits), and the pod's place in
 * `pods`. */
struct sample {
    double value;
    uint32_t point_count;
    uint32_t pod;
};

/* What is known of one pod. */
struct sample_pod {
    uint32_t id;    /* the caller's number of the pod */
    uint32_t first; /* points */
    uint32_t last;
    int64_t count;
};

struct samples {
    struct sample *items;
    size_t count;
    size_t capacity;
    struct sample_pod *pods;
    size_t pod_count;
    size_t pod_capacity;
    size_t limit; /* SAMPLES_EXACT; tests lower it */
    bool approximate;
    /* Exact over all samples, also once they are merged. */
    int64_t total;
    double sum;
    double
        running_mean; /* with `spread`: Welford's recurrence, which keeps its digits where values are large */
    double spread;
    double min;
    double max;
    uint32_t max_point; /* the earliest of them */
};

/* Prepares an empty set. */
void samples_init(struct samples *samples);

/* Frees. */
void samples_release(struct samples *samples);

/* Finds or makes the place of a pod; `id` is the caller's number. */
uint32_t samples_pod(struct samples *samples, uint32_t id);

/* Adds a sample of a pod. Those of one pod come in order of time: one that is not later than the last is a
 * repetition and is dropped. Values that are not finite or negative are dropped too. Returns whether it was
 * added. */
bool samples_add(struct samples *samples, const struct grid *grid, uint32_t pod, uint32_t point,
                 double value);

/* Sorts by value. */
void samples_sort(struct samples *samples);

static inline uint32_t sample_point(const struct sample *sample)
{
    return sample->point_count & ((UINT32_C(1) << SAMPLE_POINT_BITS) - 1);
}

static inline uint32_t sample_count(const struct sample *sample)
{
    return sample->point_count >> SAMPLE_POINT_BITS;
}

#endif
