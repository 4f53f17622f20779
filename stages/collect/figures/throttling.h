#ifndef TARE_COLLECT_FIGURES_THROTTLING_H
#define TARE_COLLECT_FIGURES_THROTTLING_H

/* How often the scheduler held a container back: CFS periods and throttled ones by the hour, over all pods. */

#include <stdbool.h>
#include <stddef.h>

#include "pipeline/io/json.h"
#include "stages/collect/figures/counter.h"
#include "stages/collect/window.h"

/* All zero: nothing seen. */
struct throttling {
    double *periods; /* of each hour, NULL while none were seen */
    double *throttled;
};

/* Takes in both counters of one container of one pod; either may have no series. What was seen at a sample counts for the
 * hour of that sample. */
void throttling_add(struct throttling *throttling, const struct window *window, const struct told *periods,
                    size_t period_count, const struct told *throttled, size_t throttled_count);

/* Sets throttled_ratio, throttled_worst_hour and throttled_worst_hour_at: null where there were no periods. */
void throttling_json(const struct throttling *throttling, const struct window *window, json_t *out);

/* Frees. */
void throttling_release(struct throttling *throttling);

#endif
