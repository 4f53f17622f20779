#ifndef TARE_ANALYZE_ANALYZE_H
#define TARE_ANALYZE_ANALYZE_H

/* tare-analyze: adds `recommendation` to each workload. Without options it uses the rules of this folder;
 * with --llm or analysis.providers a model is asked first and can move numbers only inside the ranges that
 * the rules give. */

#include "pipeline/cli/stage.h"

extern const struct stage_spec analyze_stage;

#endif
