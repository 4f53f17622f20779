#ifndef TARE_ANALYZE_FINDINGS_FINDINGS_H
#define TARE_ANALYZE_FINDINGS_FINDINGS_H

/* What people should know about a workload beside the numbers:
 * {code,severity,container,resource,start,end,message, evidence}. Codes: the table in findings.c, listed in
 * README.md. */

#include "stages/analyze/history/past.h"
#include "stages/analyze/sizing/sizing.h"

/* New array of findings, in the order of the containers. `past` may be NULL. */
json_t *findings_new(const struct plan *plan, const struct history_past *past, struct arena *arena);

/* Adds what the outlook (member of the record, may be null) says of quotas. */
void findings_add_outlook(json_t *findings, const struct plan *plan, const json_t *outlook);

#endif
