#ifndef TARE_ANALYZE_OPINION_EVIDENCE_FIT_H
#define TARE_ANALYZE_OPINION_EVIDENCE_FIT_H

/* Making evidence fit: what helps least goes first, always in the same order. Identity, amounts, bounds and the main figures stay. */

#include "pipeline/io/json.h"

/* Leaves parts out until the sealed text has at most `most` bytes. */
void evidence_fit(json_t *evidence, size_t most);

#endif
