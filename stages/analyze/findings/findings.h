#ifndef TARE_ANALYZE_FINDINGS_FINDINGS_H
#define TARE_ANALYZE_FINDINGS_FINDINGS_H

/* What people should know about a workload beside the numbers:
 * {code,severity,container,resource,start,end,message, evidence}. Codes: the table in findings.c, listed in
 * README.md. */

#include "stages/analyze/forecast/forecast.h"
#include "stages/analyze/sizing/sizing.h"

/* New array of findings, in the order of the containers. Forecasts may be NULL. */
json_t *findings_new(const struct plan *plan, const struct forecasts *forecasts, struct arena *arena);

#endif
