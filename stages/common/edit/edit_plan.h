#ifndef TARE_STAGES_COMMON_EDIT_EDIT_PLAN_H
#define TARE_STAGES_COMMON_EDIT_EDIT_PLAN_H

/* From the wanted values of one container to splices. Whether they mean what is wanted is for edit_check to
 * say. */

#include "stages/common/edit/edit_layout.h"
#include "stages/common/manifest/manifest.h"

/* What is wanted of one field of a container; nothing when both flags are false. */
struct edit_want {
    bool set;
    bool remove;
    int64_t value;
    const char *text; /* how to write it, without quotes; chosen by edit_plan_container when NULL */
    bool local;       /* out: a shared value was overridden here */
};

/* What to do where a value is shared by an anchor or a merge key. */
enum edit_sharing {
    EDIT_FOLLOW,   /* where it is used: nothing, its definition changes as wanted anyway */
    EDIT_OVERRIDE, /* where it is used: write it out for this container */
    EDIT_MOVE      /* besides, where it is defined: its anchor, with what it was, goes to its first alias */
};

/* Adds the splices for one container. `root` is the document's, `resources_key` the key that requests and
 * limits stand below. ERR_DATA when there is no way to write it. */
int edit_plan_container(struct layout *layout, struct yaml_node *root,
                        const struct manifest_container *container, const char *resources_key,
                        struct edit_want wants[FIELD_COUNT], enum edit_sharing sharing, struct err *err);

#endif
