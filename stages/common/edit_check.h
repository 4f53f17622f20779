#ifndef TARE_STAGES_COMMON_EDIT_CHECK_H
#define TARE_STAGES_COMMON_EDIT_CHECK_H

/* Whether an edited document means the wanted change and nothing else: both trees are walked side by side,
 * aliases and merge keys resolved. */

#include "stages/common/edit_plan.h"
#include "stages/common/manifest.h"

struct edit_check {
    struct yaml_stream *before;
    struct yaml_stream *after;
    struct arena *arena;
    const struct manifest_workload *workload;     /* as it was before */
    const struct edit_want (*wants)[FIELD_COUNT]; /* one row a container of the workload */
};

/* Compares documents: `item` is the workload's place in a List, 0 when the document is the workload itself.
 * ERR_DATA naming the first difference that was not wanted. */
int edit_check_documents(const struct edit_check *check, struct yaml_node *before, struct yaml_node *after,
                         long item, struct err *err);

#endif
