#include "stages/common/edit_anchor.h"

#include <string.h>

#include "stages/common/edit_emit.h"

/* Whether a splice takes the place of [start, end) already. */
static bool is_covered(const struct layout *layout, size_t start, size_t end)
{
    for (size_t i = 0; i < layout->splices->count; i++) {
        const struct edit_splice *splice = &layout->splices->items[i];
        if (splice->start <= start && end <= splice->end) {
            return true;
        }
    }
    return false;
}

/* The first alias of a node in the order of the text that no splice covers yet. */
static struct yaml_node *first_alias(const struct layout *layout, struct yaml_node *at,
                                     const struct yaml_node *target)
{
    if (at->kind == YAML_KIND_ALIAS && at->target == target) {
        return is_covered(layout, at->start, at->end) ? NULL : at;
    }
    for (struct yaml_node *child = at->first; child != NULL; child = child->next) {
        struct yaml_node *found = first_alias(layout, child, target);
        if (found != NULL) {
            return found;
        }
    }
    return NULL;
}

void edit_move_anchor(struct layout *layout, struct yaml_node *root, struct yaml_node *node)
{
    struct yaml_node *alias = node->aliases == 0 ? NULL : first_alias(layout, root, node);
    const char *text = alias == NULL ? NULL : emit_flow(layout->arena, layout->bytes, node, layout->json);
    if (text == NULL) {
        return;
    }
    layout_splice(layout, alias->start, alias->end,
                  arena_printf(layout->arena, "&%s %s", node->anchor, text));
    size_t length = strlen(node->anchor) + 1;
    for (size_t at = node->start; at + length <= node->value; at++) {
        if (layout->bytes[at] == '&') {
            bool ends_line = strchr("\r\n", layout->bytes[at + length]) != NULL;
            size_t start = ends_line && at > 0 && layout->bytes[at - 1] == ' ' ? at - 1 : at;
            size_t end = !ends_line && layout->bytes[at + length] == ' ' ? at + length + 1 : at + length;
            if (!is_covered(layout, start, end)) {
                layout_splice(layout, start, end, "");
            }
            return;
        }
    }
}
