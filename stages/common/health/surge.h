#ifndef TARE_STAGES_COMMON_HEALTH_SURGE_H
#define TARE_STAGES_COMMON_HEALTH_SURGE_H

/* How a workload replaces its pods: how many it has, how many more there may be meanwhile, how many may be missing; pure. */

#include <stdbool.h>
#include <stdint.h>

#include "pipeline/io/json.h"

struct surge {
    int64_t replicas;    /* that are to be placed; 1 of a CronJob: its next job's first pod */
    int64_t surge;       /* how many more there may be meanwhile */
    int64_t unavailable; /* how many may be missing meanwhile */
    bool per_node;       /* DaemonSet: each pod stays on its node */
};

/* Reads the strategy of a workload; percentages of the replicas round up for the surge and down for what may be missing, and where
 * both are none one may be missing (Deployments, as the API's documentation has them). */
void surge_read(const json_t *object, struct surge *out);

#endif
