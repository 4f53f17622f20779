#ifndef TARE_ANALYZE_FINDINGS_H
#define TARE_ANALYZE_FINDINGS_H

/* What people should know about a workload beside the numbers:
 * {code,severity,container,resource,start,end,message, evidence}. Codes: the table in findings.c, listed in
 * README.md. */

#include "stages/analyze/sizing.h"

/* New array of findings, in the order of the containers; only facts of the plan's figures and signals. */
json_t *findings_new(const struct plan *plan);

#endif
