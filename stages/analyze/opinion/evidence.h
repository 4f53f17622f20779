#ifndef TARE_ANALYZE_OPINION_EVIDENCE_H
#define TARE_ANALYZE_OPINION_EVIDENCE_H

/*
 * What a model is told of one workload: one compact, canonical JSON object with figures, findings, the rules'
 * numbers and the range each may move in. Text from manifests (names, labels, annotations, images) is data
 * inside that object: cut to a length, few entries, control bytes masked; `redact` leaves fields out.
 */

#include "stages/analyze/subject/class.h"
#include "stages/analyze/sizing/sizing.h"

enum { EVIDENCE_MAX = 64 * 1024 };

/* New evidence of a settled plan with its findings (borrowed). `redact` (array of "image", "labels", "annotations", may be NULL) is
 * borrowed. */
json_t *evidence_new(const struct plan *plan, const struct class *class, const json_t *findings,
                     const json_t *redact);

/* New text of evidence as it is sent (sealed.h). */
char *evidence_text_new(const json_t *evidence);

/* "NAMESPACE/KIND/NAME", by which an answer must name its workload; masked and cut. Returns `out`. */
enum { EVIDENCE_NAME_MAX = 600 };
char *evidence_name(const struct subject *subject, char out[EVIDENCE_NAME_MAX]);

#endif
