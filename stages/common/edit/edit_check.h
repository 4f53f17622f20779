#ifndef TARE_STAGES_COMMON_EDIT_EDIT_CHECK_H
#define TARE_STAGES_COMMON_EDIT_EDIT_CHECK_H

/* Whether an edited document means the wanted changes and nothing else: both trees are walked side by side,
 * aliases and merge keys resolved. */

#include "stages/common/edit/edit_target.h"

struct edit_check {
    struct yaml_stream *before;
    struct yaml_stream *after;
    struct arena *arena;
    const struct edit_target *targets; /* as they were before; of keys only one */
    size_t count;
    bool alone; /* the one target is the whole of what is compared, not an item of it */
};

/* Compares documents. ERR_DATA naming the first difference that was not wanted. */
int edit_check_documents(const struct edit_check *check, struct yaml_node *before, struct yaml_node *after,
                         struct err *err);

#endif
