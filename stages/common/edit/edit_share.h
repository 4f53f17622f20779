#ifndef TARE_STAGES_COMMON_EDIT_EDIT_SHARE_H
#define TARE_STAGES_COMMON_EDIT_EDIT_SHARE_H

/*
 * Sharing above a container: its list, its pod's spec or more is reached through an alias or a merge key, or
 * is what others reach so. Here such a place gets a copy of its own. The meaning stays as it is; what the
 * copy is for comes after.
 */

#include "stages/common/edit/edit_layout.h"
#include "stages/common/edit/edit_target.h"

/* Adds the splices that end the outermost sharing on the way from the document's root to a container and its
 * amounts. Returns 1, 0 when nothing is shared any more, -1 with ERR_DATA when it cannot be said again. */
int edit_unshare(struct layout *layout, const struct edit_text *text, const struct edit_target *target,
                 size_t container, struct err *err);

#endif
