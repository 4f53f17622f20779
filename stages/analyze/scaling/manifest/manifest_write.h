#ifndef TARE_ANALYZE_SCALING_MANIFEST_WRITE_H
#define TARE_ANALYZE_SCALING_MANIFEST_WRITE_H

/* An object on its way to YAML: what the writers of manifests share. */

#include "stages/analyze/scaling/manifest/document.h"
#include "stages/analyze/scaling/manifest/manifests.h"

struct manifest {
    struct buf text;
    struct document document;
    const char *api_version, *kind, *name;
};

/* Writes kind, name, namespace and labels; the rest of the object follows in `manifest->document`. All borrowed. */
void manifest_begin(struct manifest *manifest, const struct scale_target *target, const char *api_version, const char *kind,
                    const char *name);

/* Adds the object to `out` and frees it. */
void manifest_end(struct manifest *manifest, json_t *out, const char *option);

#endif
