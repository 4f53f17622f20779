#ifndef TARE_COLLECT_SPACING_H
#define TARE_COLLECT_SPACING_H

/*
 * How far apart the samples of each pod are, seen at instants that lie one interval apart: most namespaces are scraped
 * alike, but where a pod is scraped more rarely than the others its rates need a longer range. Pods fall in classes:
 * 0: every instant or so, 1: every 2nd or 3rd, 2: every 4th to 7th …
 */

#include <stdbool.h>
#include <stdint.h>

#include "stages/collect/namespace.h"

enum { SPACING_CLASSES = 8 };

struct spacing {
    const struct namespace *namespace;
    int64_t step_ms;
    uint32_t (*counts)[SPACING_CLASSES]; /* of distances, for each pod of the namespace */
    uint32_t *now;                       /* of the pod in work, NULL for none */
    int64_t last_ms;
};

/* Prepares for a namespace (borrowed) that is looked at every `step_ms`. */
void spacing_init(struct spacing *spacing, const struct namespace *namespace, int64_t step_ms);

/* Frees. */
void spacing_release(struct spacing *spacing);

/* A series of a pod begins. */
void spacing_series(struct spacing *spacing, const char *pod);

/* Its next sample, in order of time. */
void spacing_point(struct spacing *spacing, int64_t time_ms);

/* The class of a pod: that of most of its distances. */
unsigned spacing_class(const struct spacing *spacing, uint32_t pod);

#endif
