#ifndef TARE_COLLECT_USAGE_H
#define TARE_COLLECT_USAGE_H

/* The member `usage` of a record: README.md holds its fields. */

#include "pipeline/io/json.h"
#include "stages/collect/grid.h"
#include "stages/collect/target.h"

/* What is known of a workload as the member `usage`; null when no pod reported. `reported` as in struct
 * batch. Takes the figures out of the target's containers. Returns new. */
json_t *usage_json(struct target *target, const struct grid *grid, uint64_t *const *reported,
                   const char *source);

#endif
