#ifndef TARE_STAGES_DIFF_DIFF_H
#define TARE_STAGES_DIFF_DIFF_H

/* tare-diff: adds `change` to each workload: edits of the manifest, a unified diff, a patch for the
 * Kubernetes API. */

#include "pipeline/cli/stage.h"

/* The stage's descriptor. */
extern const struct stage_spec diff_stage;

#endif
