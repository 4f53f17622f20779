#ifndef TARE_ANALYZE_ADVICE_REASONING_H
#define TARE_ANALYZE_ADVICE_REASONING_H

/* The plan in plain words: what was seen, which rule decided, what held the number back. */

#include "pipeline/base/buf.h"
#include "stages/analyze/sizing/sizing.h"

enum { REASONING_MAX = 4000 };

/* Adds the reasoning of a settled plan to `out` (cap it at REASONING_MAX); what does not fit is left out
 * whole. */
void reasoning_write(const struct plan *plan, struct buf *out);

#endif
