#ifndef TARE_REPORTS_TEXT_OPINION_H
#define TARE_REPORTS_TEXT_OPINION_H

/* Who recommended the numbers of a workload, and what became of what was asked: the same words in every format. Text is plain and not
 * escaped yet; text from outside may be in it. */

#include "pipeline/base/buf.h"
#include "reports/model/model.h"

enum { OPINION_WHO_MAX = 256, OPINION_REASON_MAX = 300 };

/* "the rules", "NAME (PROVIDER)" of a model, "LOGIN's proposal", "nobody: not part of the proposal"; "" where nothing is recommended.
 * Returns `out`. */
char *opinion_who(const json_t *record, char out[OPINION_WHO_MAX]);

/* Whether there is more to say than that the rules decided: a model or a person did, or a provider was not used. */
bool opinion_differs(const json_t *record);

/* "PROVIDER was not used: REASON" where one was tried and not used, else "". Returns `out`. */
char *opinion_fallback(const json_t *record, char out[OPINION_REASON_MAX]);

/* How far the numbers are from the rules', as a share; NaN where the rules decided, or it is not known. */
double opinion_disagreement(const json_t *record);

/* How many amounts that a model or a person asked for did not come through. */
size_t opinion_moved(const json_t *record);

/* All of it, a line each: who was not used and why, how far from the rules, each amount that was moved. Nothing where the rules decided
 * and nobody else was asked. */
void opinion_lines(const json_t *record, struct buf *out);

#endif
