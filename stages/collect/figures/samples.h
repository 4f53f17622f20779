#ifndef TARE_COLLECT_FIGURES_SAMPLES_H
#define TARE_COLLECT_FIGURES_SAMPLES_H

/*
 * The samples of one resource of one container over all pods of a workload. Up to SAMPLES_EXACT of them are kept as
 * they are; past that they are merged: samples of one pod and hour whose values lie in one bucket of a logarithmic
 * histogram of ratio 1.02 become one with a count, and `approximate` is set. Sums, extremes and the profile over time
 * are of the samples as they came.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "stages/collect/figures/profile.h"
#include "stages/collect/points.h"
#include "stages/collect/window.h"

enum { SAMPLES_EXACT = 2000000, SAMPLE_POD_BITS = 20, SAMPLE_COUNT_MAX = (1 << 12) - 1 };

struct sample {
    double value;       /* finite, ≥ 0 */
    uint32_t offset;    /* milliseconds since the window's start (window_offset) */
    uint32_t pod_count; /* the pod's place in `pods` (low 20 bits), how many samples it stands for (high 12 bits) */
};

/* What is known of one pod. */
struct sample_pod {
    uint32_t id;    /* the caller's number of the pod */
    uint32_t first; /* offsets */
    uint32_t last;
    int64_t count;
};

struct samples {
    struct sample *items;
    size_t count;
    size_t capacity;
    struct sample_pod *pods; /* those with samples */
    size_t pod_count;
    size_t pod_capacity;
    uint32_t greatest_id;
    size_t limit; /* SAMPLES_EXACT; tests lower it */
    bool approximate;
    bool ordered; /* each pod's samples are together and in order of time */
    int64_t total;
    double sum;
    double mean;
    double spread; /* sum of squared distances from the mean */
    double min;
    double max;
    uint32_t max_offset; /* the earliest of them */
    struct profile profile;
    unsigned char *classes; /* of measures.c: one for each sample */
    size_t class_capacity;
};

/* Prepares an empty set. */
void samples_init(struct samples *samples);

/* Empties; the memory is kept for the next container. */
void samples_clear(struct samples *samples);

/* Frees. */
void samples_release(struct samples *samples);

/* Adds the points of a pod that lie inside the window, each value times `scale` (> 0). `points` are clean. `pod_id` is the
 * caller's number of the pod. A pod may come several times, with other times each; it goes fastest when pods come one
 * after the other in order of their numbers. */
void samples_add(struct samples *samples, const struct window *window, uint32_t pod_id, const struct points *points,
                 double scale);

static inline uint32_t sample_place(const struct sample *sample)
{
    return sample->pod_count & ((UINT32_C(1) << SAMPLE_POD_BITS) - 1);
}

static inline uint32_t sample_count(const struct sample *sample)
{
    return sample->pod_count >> SAMPLE_POD_BITS;
}

#endif
