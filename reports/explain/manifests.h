#ifndef TARE_REPORTS_EXPLAIN_MANIFESTS_H
#define TARE_REPORTS_EXPLAIN_MANIFESTS_H

/* The manifests that scaling advice comes with. HPA, KEDA and CronJobs that scale are alternatives: of these
 * the first in the record counts; those of a policy are there to be asked for. */

#include <stdbool.h>
#include <stddef.h>

#include "pipeline/io/json.h"

/* Whether the manifest at `index` is among those that may be applied together without choosing. */
bool manifest_is_first_choice(const json_t *manifests, size_t index);

#endif
