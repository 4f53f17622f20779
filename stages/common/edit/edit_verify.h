#ifndef TARE_STAGES_COMMON_EDIT_EDIT_VERIFY_H
#define TARE_STAGES_COMMON_EDIT_EDIT_VERIFY_H

/* Edited bytes are read again and compared with the original: no edit is made without. */

#include "stages/common/edit/edit_target.h"

/* Reads the open document with splices (sorted) applied. ERR_DATA when it is no YAML any more, or means
 * something else than what the targets want. */
int edit_verify(const struct edit_text *text, const struct edit_target *targets, size_t count,
                const struct edit_splices *splices, struct err *err);

/* Whether there is an alias in a tree. */
bool edit_has_alias(const struct yaml_node *node);

#endif
