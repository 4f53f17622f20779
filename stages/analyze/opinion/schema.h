#ifndef TARE_ANALYZE_OPINION_SCHEMA_H
#define TARE_ANALYZE_OPINION_SCHEMA_H

/* The shape of a reply, as a JSON schema that all servers take: every object closed, every member required, no ranges. */

#include "stages/analyze/sizing/sizing.h"

/* New schema of {"answers":[…]} about workloads of any name: the same for all questions. */
json_t *schema_new(void);

/* The same with the names of `count` workloads and of the containers of their plans as the only ones, and as many answers: a small model on
 * a server that enforces it cannot mistake them. */
json_t *schema_narrow(const char *const *names, const struct plan *const *plans, size_t count);

/* Names of the four amounts in an answer, in the order of enum field. Borrowed, static. */
const char *schema_field(enum field field);

#endif
