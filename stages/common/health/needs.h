#ifndef TARE_STAGES_COMMON_HEALTH_NEEDS_H
#define TARE_STAGES_COMMON_HEALTH_NEEDS_H

/* What a pod asks of a node: amounts as the scheduler counts them, and which nodes it may run on; pure. */

#include <stdbool.h>
#include <stdint.h>

#include "pipeline/io/json.h"

/* CPU in millicores, memory in bytes. */
struct needs {
    int64_t cpu;
    int64_t memory;
};

/* The pod's spec inside an object of a workload (a Pod's own), NULL where it has none. Borrowed. */
const json_t *needs_spec(const json_t *object);

/* CPU and memory of a list of resources (`allocatable` of a node, `requests`); 0 for what is absent or no quantity. */
void needs_amounts(const json_t *list, struct needs *out);

/* What a pod of this spec requests: the sum of its containers, or one init container with the sidecars before it where that is more,
 * plus overhead; a pod's own `resources` take their place ("Pod resource requests" in the API's documentation). `status` (may be
 * NULL) holds what is given to it while it is resized: the larger amount counts. */
void needs_read(const json_t *spec, const json_t *status, struct needs *out);

/* Whether a pod of this spec may run on the node as far as taints, nodeSelector, required node affinity, nodeName and `unschedulable`
 * say. */
bool needs_allow(const json_t *spec, const json_t *node);

/* What else limits a pod of this spec that is not looked at here: "affinity between pods, volumes", NULL: nothing. Borrowed, static. */
const char *needs_unseen(const json_t *spec);

#endif
