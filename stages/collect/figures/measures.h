#ifndef TARE_COLLECT_FIGURES_MEASURES_H
#define TARE_COLLECT_FIGURES_MEASURES_H

/*
 * The figures of one resource of one container, as README.md defines them. A percentile is an order statistic: the
 * first sample in order of value with at least the share q of the samples (or of their weight) at or below it. Weights
 * halve every 3 days counted from the end of the window; of CPU, weighted figures leave out the first 3 minutes of
 * pods that started inside it.
 */

#include "pipeline/io/json.h"
#include "stages/collect/figures/samples.h"

/* The figures as the member `cpu_millicores` or `memory_bytes` of a container; null when there is no sample.
 * `interval_ms`: time between scrapes (≥ 1). `drop_startup`: set for CPU. `pod_names[id]` names the pods of
 * `samples`. Returns new. */
json_t *measures_json(struct samples *samples, const struct window *window, int64_t interval_ms, bool drop_startup,
                      const char *const *pod_names);

#endif
