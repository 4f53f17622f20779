#ifndef TARE_STAGES_DIFF_API_PATCH_H
#define TARE_STAGES_DIFF_API_PATCH_H

/* Patches for the Kubernetes API of what was changed. `done` goes with the requests one by one; those that
 * changed nothing are left out. */

#include "stages/common/edit/edit.h"

/* New strategic merge patch: containers by name, nothing but resources, null for what goes away. */
json_t *api_merge_patch(const struct manifest_kind *type, const struct edit_request *requests,
                        const struct edit_done *done, size_t count);

/* New JSON patch (RFC 6902) of what the cluster has, where the record tells it (`workload.live`), else of what the manifest says: each
 * container's name and each old value, as it is written there, are tested first. */
json_t *api_json_patch(const struct manifest_kind *type, const json_t *record,
                       const struct edit_request *requests, const struct edit_done *done, size_t count);

#endif
