#ifndef TARE_STAGES_COMMON_ENDS_MEASURE_H
#define TARE_STAGES_COMMON_ENDS_MEASURE_H

/* The queries of a metrics server that must hold after a change (`apply.verify`). */

#include "pipeline/cli/stage.h"
#include "stages/common/ends/ends_api.h"

struct ends_measure;

/* New, of the configuration; *out NULL where it has no queries. ERR_CONFIG where there is no metrics server to ask, or a query without a
 * limit. Free with ends_measure_free. */
int ends_measure_new(const struct stage *stage, struct ends_measure **out, struct err *err);

/* Frees, after the ends_api that it was asked with; NULL is allowed. */
void ends_measure_free(struct ends_measure *measure);

/* How many queries there are; 0 for NULL. */
size_t ends_measure_count(const struct ends_measure *measure);

/* Their upper limits. Borrowed; NULL for NULL. */
const double *ends_measure_limits(const struct ends_measure *measure);

/* Asks a query, as machine_ends.measure: $namespace, $kind and $name in it stand for the object's. The answer's number is the largest
 * of the result's, null where it has none. */
int ends_measure_ask(struct ends_measure *measure, struct ends_api *ends, uint64_t tag, const struct machine_object *object, size_t index,
                     struct err *err);

#endif
