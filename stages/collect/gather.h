#ifndef TARE_COLLECT_GATHER_H
#define TARE_COLLECT_GATHER_H

/* From the series of one container of one pod, as they lie in a store, to samples that figures are made of. */

#include <stddef.h>
#include <stdint.h>

#include "stages/collect/figures/counter.h"
#include "stages/collect/target.h"

/* Memory that is used again for one container after the other. All zero: empty. */
struct gather {
    struct points *points; /* of each series */
    struct told *told;
    size_t count;
    size_t capacity;
};

/* Frees. */
void gather_release(struct gather *gather);

/* Decodes and cleans the series of one metric among `count` (borrowed, of one pod and of container `use`, whose account of
 * odd things is added to): gather->told, their points valid until the next call. */
void gather_series(struct gather *gather, const struct series *series, size_t count, enum metric metric, struct use *use);

/* The samples of METRIC_CPU (cores: rates, where the source did not make them) or
 * METRIC_MEMORY, one for each scrape whatever told it. Borrowed, valid until the next call; NULL for none. */
const struct points *gather_samples(struct gather *gather, const struct series *series, size_t count, enum metric metric,
                                    int64_t interval_ms, struct use *use);

#endif
