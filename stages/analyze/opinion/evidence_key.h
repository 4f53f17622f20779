#ifndef TARE_ANALYZE_OPINION_EVIDENCE_KEY_H
#define TARE_ANALYZE_OPINION_EVIDENCE_KEY_H

/*
 * Evidence that is alike: an answer to the one serves for the other, since what it proposes is settled within today's bounds whatever it
 * was asked about. In the key figures are rounded to steps of a geometric scale, 25 % for CPU and 5 % for memory; what moves without
 * meaning is left out; text counts as it is. What counts how: the table in evidence_key.c.
 */

#include "pipeline/io/hash.h"
#include "pipeline/io/json.h"

/* The key under which an answer of this model to this evidence is kept; another where rules or schema of the question changed.
 * Returns `out`. */
char *evidence_key(const json_t *evidence, const char *provider, const char *model, char out[DIGEST_HEX]);

#endif
