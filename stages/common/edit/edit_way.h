#ifndef TARE_STAGES_COMMON_EDIT_EDIT_WAY_H
#define TARE_STAGES_COMMON_EDIT_EDIT_WAY_H

/* From targets to splices that are checked: of the ways to write a change the one that changes least and
 * means just what is wanted. */

#include "stages/common/edit/edit_splice.h"
#include "stages/common/edit/edit_target.h"

/* Plans what a target (found for these requests in the open document) wants, by itself: in its place; where
 * that is shared, with it where it is defined, or here alone, or with a copy for the others; at last with a
 * copy of its own of what is shared above it. Splices are over the whole text. ERR_DATA when there is no way.
 */
int edit_plan_target(const struct edit_text *text, const struct edit_request *requests, size_t count,
                     struct edit_target *target, struct arena *arena, struct edit_splices *out,
                     struct err *err);

/* Plans what all workloads of a document want where it is defined, once for all who share it. ERR_DATA when
 * that does not mean just what they want. */
int edit_plan_together(const struct edit_text *text, struct edit_target *targets, size_t count,
                       struct arena *arena, struct edit_splices *out, struct err *err);

#endif
