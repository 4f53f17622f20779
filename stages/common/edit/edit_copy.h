#ifndef TARE_STAGES_COMMON_EDIT_EDIT_COPY_H
#define TARE_STAGES_COMMON_EDIT_EDIT_COPY_H

/* Block text said once more in another place. */

#include "stages/common/edit/edit_layout.h"

/* Adds the lines of a block mapping or sequence, at another indentation and without its comments. What has an
 * anchor loses it and what an alias in it names there is written out, unless `anchors` are to be kept. False
 * when it is in flow style, indented with tabs, or too long to be repeated. */
bool edit_copy_block(const struct layout *layout, struct yaml_node *node, const char *indent, const char *eol,
                     bool anchors, struct buf *out);

#endif
