#ifndef TARE_STAGES_POLICY_POLICY_H
#define TARE_STAGES_POLICY_POLICY_H

#include "pipeline/cli/stage.h"

/* tare-policy: checks a policy file, and runs the cases that stand beside it; see README.md. */
extern const struct stage_spec policy_stage;

#endif
