#ifndef TARE_COLLECT_USAGE_H
#define TARE_COLLECT_USAGE_H

/* The member `usage` of a record: README.md holds its fields. */

#include <stdint.h>

#include "pipeline/io/json.h"
#include "stages/collect/figures/runs.h"
#include "stages/collect/target.h"
#include "stages/collect/window.h"

/* What is known of a workload as the member `usage`; null when no pod ran in the window. Takes the figures out of the
 * target's containers. `source` as in struct source; the interval is that of `runs`. Returns new. */
json_t *usage_json(struct target *target, const struct window *window, struct runs *runs, const char *source);

#endif
