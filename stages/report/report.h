#ifndef TARE_STAGES_REPORT_REPORT_H
#define TARE_STAGES_REPORT_REPORT_H

/* tare-report: shows any artifact to people. */

#include "pipeline/cli/stage.h"

/* The stage's descriptor. */
extern const struct stage_spec report_stage;

#endif
