#ifndef TARE_REPORTS_EXPLAIN_SECTIONS_H
#define TARE_REPORTS_EXPLAIN_SECTIONS_H

/* The sections of the text, in their order. Each adds its lines to `out`, or nothing where the record has
 * none of its members.
 */

#include "reports/explain/explain.h"

/* Window, source, pods, coverage, weights. */
void explain_samples(const struct explain *explain, struct buf *out);

/* Of each container what was measured, and how each of its numbers came about; confidence and risk. */
void explain_sizing(const struct explain *explain, struct buf *out);

/* Adds the figures that a rule took in to `out`, which is empty: "samples 60480, wp95 200m". Text is not escaped yet. */
void explain_inputs(const json_t *inputs, enum report_field field, struct buf *out);

/* What would have happened on days that were not learned from. */
void explain_proof(const struct explain *explain, struct buf *out);

/* Findings with their evidence. */
void explain_findings(const struct explain *explain, struct buf *out);

/* The next hours, and when use meets request, limit and quota. */
void explain_outlook(const struct explain *explain, struct buf *out);

/* Replicas, autoscalers, schedules, with their manifests. */
void explain_scaling(const struct explain *explain, struct buf *out);

/* How the cost came about: amount × unit price × hours × replicas of each container and resource, before and after, and the
 * way to the unit prices; or why there is none. */
void explain_price(const struct explain *explain, struct buf *out);

/* Change, gate, outcome and problems, where those stages have run. */
void explain_after(const struct explain *explain, struct buf *out);

#endif
