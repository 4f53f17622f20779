#ifndef TARE_ANALYZE_OPINION_EVIDENCE_CONTAINER_H
#define TARE_ANALYZE_OPINION_EVIDENCE_CONTAINER_H

/* What a model is told of one container: figures, course of a day and a week, backtest, amounts and bounds. */

#include "stages/analyze/sizing/sizing.h"

/* New entry of `containers`. `with_image`: false where images are withheld. */
json_t *evidence_container(const struct container_plan *container, bool with_image);

#endif
