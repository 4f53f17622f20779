#ifndef TARE_STAGES_ROLLBACK_ROLLBACK_H
#define TARE_STAGES_ROLLBACK_ROLLBACK_H

#include "pipeline/cli/stage.h"

/* tare-rollback: puts back what a run wrote, from the before-images in the ledger; see README.md. */
extern const struct stage_spec rollback_stage;

#endif
