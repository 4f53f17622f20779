#ifndef TARE_ANALYZE_ADVICE_RISK_H
#define TARE_ANALYZE_ADVICE_RISK_H

/* How much can go wrong with a plan, and why. The gate's approval rules read it. */

#include "stages/analyze/subject/class.h"
#include "stages/analyze/sizing/sizing.h"

enum risk { RISK_LOW = 0, RISK_MEDIUM, RISK_HIGH };

/* Risk of a settled plan; `reasons` (a JSON array, borrowed) receives one clause for each thing that raised
 * it, at most RISK_REASONS_MAX of them. */
enum { RISK_REASONS_MAX = 12 };
enum risk risk_of(const struct plan *plan, const struct class *class, json_t *reasons);

/* "low", "medium", "high". Borrowed, static. */
const char *risk_name(enum risk risk);

#endif
