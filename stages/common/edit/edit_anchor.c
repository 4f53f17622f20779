#include "stages/common/edit/edit_anchor.h"

#include <string.h>

#include "stages/common/edit/edit_emit.h"

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

/* The first alias of a node below `at` in the order of the text that no splice covers yet. */
static bool find_alias(const struct layout *layout, struct yaml_node *at, const struct yaml_node *target,
                       struct edit_alias *found)
{
    const struct yaml_node *before = NULL;
    bool mapping = at->kind == YAML_KIND_MAPPING;
    bool is_value = false;
    for (struct yaml_node *child = at->first; child != NULL; child = child->next) {
        if (child->kind == YAML_KIND_ALIAS && child->target == target &&
            !is_covered(layout, child->start, child->end)) {
            *found = (struct edit_alias){.node = child, .parent = at, .key = is_value ? before : NULL};
            return true;
        }
        if (find_alias(layout, child, target, found)) {
            return true;
        }
        before = child;
        is_value = mapping && !is_value;
    }
    return false;
}

bool edit_first_alias(const struct layout *layout, struct yaml_node *root, const struct yaml_node *node,
                      struct edit_alias *found)
{
    return node->aliases > 0 && find_alias(layout, root, node, found);
}

bool edit_anchor_place(const struct layout *layout, const struct yaml_node *node, size_t *start, size_t *end)
{
    size_t length = node->anchor == NULL ? 0 : strlen(node->anchor) + 1;
    for (size_t at = node->start; length > 0 && at + length <= node->value; at++) {
        if (layout->bytes[at] == '&') {
            bool ends_line = strchr("\r\n", layout->bytes[at + length]) != NULL;
            *start = ends_line && at > 0 && layout->bytes[at - 1] == ' ' ? at - 1 : at;
            *end = !ends_line && layout->bytes[at + length] == ' ' ? at + length + 1 : at + length;
            return true;
        }
    }
    return false;
}

void edit_drop_anchor(struct layout *layout, const struct yaml_node *node)
{
    size_t start;
    size_t end;
    if (edit_anchor_place(layout, node, &start, &end) && !is_covered(layout, start, end)) {
        layout_splice(layout, start, end, "");
    }
}

void edit_move_anchor(struct layout *layout, struct yaml_node *root, struct yaml_node *node)
{
    struct edit_alias alias;
    const char *text = edit_first_alias(layout, root, node, &alias)
                           ? emit_flow(layout->arena, layout->bytes, node, layout->json)
                           : NULL;
    if (text != NULL) {
        layout_splice(layout, alias.node->start, alias.node->end,
                      arena_printf(layout->arena, "&%s %s", node->anchor, text));
        edit_drop_anchor(layout, node);
    }
}
