#ifndef TARE_ANALYZE_SIZING_KNOBS_H
#define TARE_ANALYZE_SIZING_KNOBS_H

/*
 * What people may turn: the keys of `policy` whose values only this stage can judge, and annotations of ours on workloads
 * and namespaces. Annotations stand above the configuration, the workload's above its namespace's; guardrails and
 * exclusions are out of their reach, and so is less history than the policy asks for.
 */

#include "pipeline/base/arena.h"
#include "pipeline/base/err.h"
#include "stages/common/policy.h"

/* Checks percentiles, headroom and business hours of the configuration and of its overrides. ERR_CONFIG naming the key. */
int knobs_check(const struct config *config, struct err *err);

/* Adds what annotations say to the policy of a record's workload. One that is not understood gives a problem
 * `odd-annotation` and changes nothing. Texts of `policy` then live in `arena` or in the record. */
void knobs_annotate(json_t *record, const struct config *config, struct arena *arena, struct policy *policy);

#endif
