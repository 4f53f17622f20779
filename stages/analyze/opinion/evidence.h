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

/* The fixed rules that go before every question. Borrowed, static. */
const char *evidence_system(void);

/* New JSON schema of an answer: no ranges (servers differ in what they enforce), every member required. NULL:
 * the same for all questions, so that a vendor compiles it once. With a plan, the names of its workload and
 * containers are the only ones allowed: a small model on a server of one's own that enforces schemas then
 * cannot mistake them. */
json_t *evidence_schema(const struct plan *plan);

/* "NAMESPACE/KIND/NAME", by which an answer must name its workload; masked and cut. Returns `out`. */
enum { EVIDENCE_NAME_MAX = 600 };
char *evidence_name(const struct subject *subject, char out[EVIDENCE_NAME_MAX]);

/* Names of the four amounts in an answer, in the order of enum field. Borrowed, static. */
const char *evidence_field(enum field field);

#endif
