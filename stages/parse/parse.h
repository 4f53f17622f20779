#ifndef TARE_STAGES_PARSE_PARSE_H
#define TARE_STAGES_PARSE_PARSE_H

/* tare-parse: reads manifests and writes the inventory: one record a workload. */

#include "pipeline/cli/stage.h"

/* The stage's descriptor. */
extern const struct stage_spec parse_stage;

#endif
