#ifndef TARE_ANALYZE_FINDINGS_FACTS_H
#define TARE_ANALYZE_FINDINGS_FACTS_H

/* Findings that state what the figures and settings say, without a look at the course of time. Codes and
 * cuts: README.md. */

#include "stages/analyze/findings/sheet.h"

/* Of the workload as a whole: brand-new, hpa-conflict. */
void find_workload_facts(const struct sheet *sheet);

/* Of settings that do not fit: no-requests, over-provisioned, idle, drift from the manifest. `live` is the
 * container as the cluster has it, NULL unknown. */
void find_settings(const struct sheet *sheet, const json_t *live);

/* Of what presses or breaks: throttling, oom-kills, oom-loop, memory-leak, heap-capped, hot-replica,
 * limits-below-use, saturation, cold-start. */
void find_pressure(const struct sheet *sheet);

#endif
