#ifndef TARE_STAGES_PRICE_PRICE_H
#define TARE_STAGES_PRICE_PRICE_H

/* tare-price: adds `cost` to each workload: monthly money before and after, and the prices that were used. */

#include "pipeline/cli/stage.h"

/* The stage's descriptor. */
extern const struct stage_spec price_stage;

#endif
