#ifndef TARE_COLLECT_COLLECT_H
#define TARE_COLLECT_COLLECT_H

#include "pipeline/cli/stage.h"

/* Adds `usage` to each record: what the workload really used, as the metrics server knows it. */
extern const struct stage_spec collect_stage;

#endif
