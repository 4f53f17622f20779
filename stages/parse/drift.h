#ifndef TARE_STAGES_PARSE_DRIFT_H
#define TARE_STAGES_PARSE_DRIFT_H

/* Where a manifest and its live object disagree in requests, limits and replicas, and who holds these fields of the object. Pure. */

#include "pipeline/io/json.h"

/* New array of {manager, operation, time, subresource, fields}: who manages requests, limits and replicas of a live object, by its
 * metadata.managedFields. A field is "CONTAINER/requests/cpu", "CONTAINER/requests" (as a whole), or "replicas". */
json_t *drift_owners(const json_t *object);

/* New array of {container, field, manifest, live, owners: [{manager, operation, time, subresource}]}, in the manifest's order; empty
 * where both say the same. `container` is null for replicas, `field` is "requests.cpu_millicores", "limits.nvidia.com/gpu",
 * "replicas", or "container" where the object lacks it. `live` is the live object's workload; `owners` of drift_owners, may be
 * NULL. Replicas of what an autoscaler scales are its own business. */
json_t *drift_find(const json_t *workload, const json_t *live, const json_t *owners);

#endif
