#ifndef TARE_STAGES_PRICES_PRICES_H
#define TARE_STAGES_PRICES_PRICES_H

/* tare-prices: the prices that there are, and how one came about. It reads no artifact and needs no ledger. */

#include "pipeline/cli/stage.h"

/* The stage's descriptor. */
extern const struct stage_spec prices_stage;

#endif
