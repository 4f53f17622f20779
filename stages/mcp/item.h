#ifndef TARE_STAGES_MCP_ITEM_H
#define TARE_STAGES_MCP_ITEM_H

/* What a tool tells of one workload, out of its record in an artifact. */

#include "pipeline/io/json.h"
#include "pipeline/io/json_skim.h"

/* What the items need not: dropped before a record is read. */
extern const struct json_cut item_cut[];

/* New item of get_current_state from a record of `inventory`: live amounts where the run looked into a cluster, else those of the
 * manifest. */
json_t *item_state(const json_t *record);

/* New item of get_metrics from a record of `usage`. */
json_t *item_metrics(const json_t *record);

/* New item of list_recommendations from a record of `gated`. */
json_t *item_recommendation(const json_t *record);

#endif
