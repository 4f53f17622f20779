#ifndef TARE_STAGES_PARSE_INVENTORY_H
#define TARE_STAGES_PARSE_INVENTORY_H

/* A workload as a record of the inventory, written as text: building a value of each would cost half as much as reading it. */

#include "pipeline/base/buf.h"
#include "pipeline/io/json.h"
#include "stages/common/manifest/manifest.h"

/* Where a record comes from. */
struct inventory_source {
    const char *file;       /* NULL for a live object */
    const char *rendered;   /* the program that rendered it from the folder `file`, else NULL */
    const char *object;     /* "namespace/Kind/name" of a live object, else NULL */
    const char *cluster_id; /* of a live object, NULL where that may not be read */
    const char *sha256;     /* of the file's bytes, or of the rendered document's */
    long document;
    long line; /* of the object */
};

struct inventory_options {
    const char *cluster;         /* NULL: null in the records */
    const char *skip_annotation; /* besides tare.dev/…, an annotation that is kept */
};

/* Puts the canonical text of a workload's record {"problems":[…],"workload":{…}} into `out`, in the place of what is
 * there; faults that are not fatal become its problems. `scheduling` (borrowed) is that member, NULL: it has none, or gets one
 * later. Past the cap of `out` its overflow is set. */
void inventory_record(struct manifest_reader *reader, const struct manifest_workload *workload,
                      const struct inventory_source *source, const struct inventory_options *options,
                      const json_t *scheduling, struct buf *out);

/* New object of those annotations of an object's metadata that concern tare; NULL when there are none. */
json_t *inventory_annotations(struct manifest_reader *reader, struct yaml_node *metadata,
                              const char *skip_annotation);

#endif
