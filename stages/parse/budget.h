#ifndef TARE_STAGES_PARSE_BUDGET_H
#define TARE_STAGES_PARSE_BUDGET_H

/* PodDisruptionBudget: how many pods may be missing at once. */

#include "pipeline/io/json.h"
#include "stages/common/manifest/manifest.h"

/* Whether an object is a PodDisruptionBudget. */
bool budget_is(const struct manifest_object *object);

/* Reads one: new {"budget": {"name", "min_available", "max_unavailable"}, "selector": [see labels.h]}; the two are as
 * written, integer or percentage. NULL when it selects nothing, or after a fatal fault for what the API refuses. */
json_t *budget_read(struct manifest_reader *reader, const struct manifest_object *object);

#endif
