#ifndef TARE_STAGES_COMMON_EDIT_EDIT_ANCHOR_H
#define TARE_STAGES_COMMON_EDIT_EDIT_ANCHOR_H

/* Anchors that have to go elsewhere before what they name may change. */

#include "stages/common/edit/edit_layout.h"

/* An alias and where it stands. */
struct edit_alias {
    const struct yaml_node *node;
    struct yaml_node *parent;
    const struct yaml_node *key; /* of the pair whose value it is; NULL in a list, or when it is a key */
};

/* The first alias of a node below `root` in the order of the text that no splice takes the place of. False
 * when there is none. */
bool edit_first_alias(const struct layout *layout, struct yaml_node *root, const struct yaml_node *node,
                      struct edit_alias *found);

/* Where the anchor of a node stands, with a blank beside it. False when it has none. */
bool edit_anchor_place(const struct layout *layout, const struct yaml_node *node, size_t *start, size_t *end);

/* Takes the anchor of a node away. */
void edit_drop_anchor(struct layout *layout, const struct yaml_node *node);

/* Gives the anchor of a node, with what it was, to its first alias below `root`, so that the node itself may
 * change alone. Nothing when it has no alias. */
void edit_move_anchor(struct layout *layout, struct yaml_node *root, struct yaml_node *node);

#endif
