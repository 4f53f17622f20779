#ifndef TARE_STAGES_DIFF_NEW_OBJECTS_H
#define TARE_STAGES_DIFF_NEW_OBJECTS_H

/* The new objects of a change: those manifests of the scaling advice that the configuration chooses, and the file they would
 * stand in. What cannot be one is left out, with a problem that says why. */

#include "pipeline/cli/config.h"
#include "pipeline/io/json.h"
#include "stages/diff/patch_file.h"

struct new_objects;

/* New. `config` and `root` (absolute, resolved; what paths in patches are relative to) are borrowed while it lives; `namespace`
 * (copied) stands for a null one, NULL: default. */
struct new_objects *new_objects_new(const struct config *config, const char *root, const char *namespace);

/* Frees; NULL is allowed. */
void new_objects_free(struct new_objects *objects);

/* Adds `objects`, `objects_file` and `objects_patch` to a record's `change` where there are any, and the diff of the new file to
 * the combined patch. Call once the edits stand. ERR_IO. */
int new_objects_add(struct new_objects *objects, json_t *record, struct patch_file *patch, struct err *err);

#endif
