#ifndef TARE_STAGES_COMMON_MACHINE_PATCH_H
#define TARE_STAGES_COMMON_MACHINE_PATCH_H

/* Bodies of the requests that write. All hold only for the object of the given uid, as it was at the given resourceVersion: the API
 * server answers 409 for any other. Pure. */

#include "pipeline/io/json.h"

#define PATCH_STRATEGIC "application/strategic-merge-patch+json"
#define PATCH_JSON "application/json-patch+json"

/* The patch with its preconditions, which stand in the metadata of `object` (as last read): an object is a merge patch, an array a JSON
 * patch. New. */
json_t *patch_guarded(const json_t *patch, const json_t *object);

/* The patch (without preconditions) that gives the containers of `object` the resources of the map `was`: what is absent there
 * becomes absent, whatever else the object has stays. A merge patch where the kind takes strategic ones, else a JSON patch. New. */
json_t *patch_back(const char *kind, const json_t *object, const json_t *was);

/* Content type of a patch. Borrowed, static. */
const char *patch_type(const json_t *patch);

/* Body of a DELETE of `object`: of its uid, and (unless `any_version`) as it was read. New. */
json_t *patch_removal(const json_t *object, bool any_version);

#endif
