#ifndef TARE_COLLECT_BATCH_H
#define TARE_COLLECT_BATCH_H

/*
 * Some workloads of one namespace that are asked about together. One resource is in memory at a time: its
 * samples come in, its figures are made, its samples go.
 */

#include "pipeline/base/buf.h"
#include "pipeline/base/err.h"
#include "stages/collect/grid.h"
#include "stages/collect/namespace.h"
#include "stages/collect/prom.h"
#include "stages/collect/target.h"

struct batch {
    struct prom *prom;
    const struct grid *grid;
    const struct namespace *namespace;
    struct target *targets; /* all of the namespace; those in work are marked in target_of */
    const long *target_of;  /* of each pod: its target's index, -1 for one that is not in this batch */
    uint64_t **reported; /* of each pod: a bit for each point of the grid at which it reported; NULL: none */
    bool whole;          /* all pods of the namespace are in the batch */
};

/* A selector for the pods that `chosen[pod]` marks. */
void batch_selector_of(const struct batch *batch, const bool *chosen, const char *metric, const char *extra,
                       struct buf *out);

/* The container that a series with labels pod and container belongs to, its pod's number in *pod; NULL when
 * it is none of the batch. */
struct use *batch_find(const struct batch *batch, const struct labels *labels, uint32_t *pod);

/* CPU and memory samples and their figures. ERR_UNAVAILABLE. */
int batch_collect_usage(struct batch *batch, struct err *err);

/* CFS periods and throttled periods by the hour. ERR_UNAVAILABLE. */
int batch_collect_throttling(struct batch *batch, struct err *err);

/* Restarts and OOM kills. ERR_UNAVAILABLE. */
int batch_collect_events(struct batch *batch, struct err *err);

#endif
