#ifndef TARE_COLLECT_RANGE_H
#define TARE_COLLECT_RANGE_H

/* Samples from servers without remote read: questions in PromQL, in pieces that the server can answer. */

#include "stages/collect/api/prom.h"
#include "stages/collect/source.h"

/* New source ("query-range") that asks `prom` (borrowed: it must live longer). Freed by its own member `free`. */
struct source *range_new(struct prom *prom);

#endif
