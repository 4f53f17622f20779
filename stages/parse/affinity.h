#ifndef TARE_STAGES_PARSE_AFFINITY_H
#define TARE_STAGES_PARSE_AFFINITY_H

/* Required affinity and anti-affinity between pods, as a template says it: who they are is found out in peers.h. */

#include "pipeline/io/json.h"
#include "stages/common/manifest/manifest.h"

enum { AFFINITY_TERMS_MAX = 32 }; /* of a sort and workload */

/* Reads the required terms of `podAffinity` and `podAntiAffinity` (`affinity` may be NULL): a new array of {"list":
 * "affinity" or "anti_affinity", "topology_key", "selector", "namespaces", "namespace_selector", "match_keys",
 * "mismatch_keys"}, of which the last five may be absent; selectors as of selector_read. NULL when there is none. What is
 * odd is left out, with a fault. */
json_t *affinity_read(struct manifest_reader *reader, struct yaml_node *affinity);

#endif
