#ifndef TARE_ANALYZE_OPINION_EVIDENCE_H
#define TARE_ANALYZE_OPINION_EVIDENCE_H

/*
 * What a model is told of one workload: one compact, canonical JSON object with figures, findings, the rules'
 * numbers and the range each may move in. Text from manifests (names, labels, annotations, images) is data
 * inside that object: cut to a length, few entries, nothing in it but visible characters; `redact` leaves fields out.
 * Members: README.md of this folder.
 */

#include "pipeline/io/hash.h"
#include "stages/analyze/opinion/names.h"
#include "stages/analyze/sizing/sizing.h"
#include "stages/analyze/subject/class.h"

/* Most bytes of evidence_text_new: with one judged container, and for each further one. */
enum { EVIDENCE_ONE_MAX = 3600, EVIDENCE_MORE_MAX = 1600 };

/* New evidence of a settled plan with its findings (borrowed, may be NULL), within those bytes: where there is more to say, the least
 * useful parts are left out, in a fixed order (evidence_fit.h). `redact` (array of "image", "labels", "annotations", may be NULL) is
 * borrowed. */
json_t *evidence_new(const struct plan *plan, const struct class *class, const json_t *findings, const json_t *redact);

/* New text of evidence as it is sent (sealed.h). */
char *evidence_text_new(const json_t *evidence);

/* Digest of exactly what is sent. Returns `out`. */
char *evidence_digest(const char *text, char out[DIGEST_HEX]);

#endif
