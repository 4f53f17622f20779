#ifndef TARE_STAGES_APPLY_APPLY_H
#define TARE_STAGES_APPLY_APPLY_H

#include "pipeline/cli/stage.h"

/* tare-apply: `gated` in, `outcome` out, and the approved changes written; see README.md. */
extern const struct stage_spec apply_stage;

#endif
