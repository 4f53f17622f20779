#ifndef TARE_STAGES_GATE_GATE_H
#define TARE_STAGES_GATE_GATE_H

#include "pipeline/cli/stage.h"

/* tare-gate: `changes` in, `gated` out; see README.md for what it decides. */
extern const struct stage_spec gate_stage;

#endif
