#ifndef TARE_STAGES_PARSE_ALLOWANCE_H
#define TARE_STAGES_PARSE_ALLOWANCE_H

/* What a namespace allows its pods: LimitRange and ResourceQuota. CPU in millicores, memory in bytes. */

#include "pipeline/io/json.h"
#include "stages/common/manifest/manifest.h"

/* Whether an object is a LimitRange, or a ResourceQuota. */
bool limit_range_is(const struct manifest_object *object);
bool quota_is(const struct manifest_object *object);

/* Reads a LimitRange: a new array with one {"name", "type", "min", "max", "default", "default_request",
 * "max_limit_request_ratio"} for each entry of type Container or Pod; the amounts are {"cpu_millicores",
 * "memory_bytes"}, ratios {"cpu_thousandths", "memory_thousandths"}, and what is absent is left out. Defaults are filled
 * in as the API server does, so that a manifest says what the object in the cluster says. NULL when there is none, or
 * after a fatal fault. */
json_t *limit_range_read(struct manifest_reader *reader, const struct manifest_object *object);

/* Reads a ResourceQuota: new {"name", "hard": {"requests.cpu", "requests.memory", "limits.cpu", "limits.memory",
 * "pods"}}, with "used" where the object has a status, and "scopes", "scope_selector" where it has some. NULL when it
 * limits none of these, or after a fatal fault. */
json_t *quota_read(struct manifest_reader *reader, const struct manifest_object *object);

#endif
