#ifndef TARE_STAGES_COMMON_EDIT_ANCHOR_H
#define TARE_STAGES_COMMON_EDIT_ANCHOR_H

/* Anchors that have to go elsewhere before what they name may change. */

#include "stages/common/edit_layout.h"

/* Gives the anchor of a node, with what it was, to its first alias below `root`, so that the node itself may
 * change alone. Nothing when it has no alias. */
void edit_move_anchor(struct layout *layout, struct yaml_node *root, struct yaml_node *node);

#endif
