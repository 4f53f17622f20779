#ifndef TARE_STAGES_PARSE_CLUSTER_OBJECT_H
#define TARE_STAGES_PARSE_CLUSTER_OBJECT_H

/* One object of a live cluster as text for the reader of manifests, so that both have one meaning. */

#include <stdbool.h>

#include "pipeline/base/buf.h"
#include "pipeline/io/json.h"

/* Adds what is read of `object`, who it is and what it asks for, as JSON that is YAML of the same meaning.
 * Its status, who manages which field, and the copy that kubectl leaves in an annotation make up most of its
 * bytes and say nothing here; with `owners`, who manages requests, limits and replicas stands as JSON text in
 * metadata.managedFields (drift_owners). -1 when `out` is full. */
int cluster_object_text(const json_t *object, bool owners, struct buf *out);

#endif
