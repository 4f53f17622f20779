#include "stages/common/edit/edit_share.h"

#include <stdlib.h>
#include <string.h>

#include "pipeline/base/str.h"
#include "stages/common/edit/edit_anchor.h"
#include "stages/common/edit/edit_copy.h"
#include "stages/common/edit/edit_emit.h"

enum { STEPS_MAX = 256, STEP = 2 };

/* One step down: from a collection to a value in it. */
struct step {
    struct yaml_node *parent;
    struct yaml_node *key;   /* of a mapping's pair; NULL in a list */
    struct yaml_node *child; /* as it stands: may be an alias */
    bool merged;             /* the pair comes through a merge key of the parent */
};

/* The way from the root of a document to a container. */
struct route {
    struct yaml_stream *stream;
    struct step steps[STEPS_MAX];
    size_t count;
};

static struct yaml_node *add_step(struct route *route, struct yaml_node *parent, struct yaml_node *key,
                                  struct yaml_node *child, bool merged)
{
    if (route->count < STEPS_MAX) {
        route->steps[route->count++] =
            (struct step){.parent = parent, .key = key, .child = child, .merged = merged};
    }
    return yaml_resolve(child);
}

/* Goes on to the value of a key. NULL when there is none. */
static struct yaml_node *step_key(struct route *route, struct yaml_node *node, const char *key)
{
    struct yaml_pair pair = {0};
    return node != NULL && yaml_find(route->stream, node, key, &pair)
               ? add_step(route, node, pair.key, pair.value, pair.merged)
               : NULL;
}

static struct yaml_node *step_index(struct route *route, struct yaml_node *node, size_t index)
{
    struct yaml_node *item = node == NULL || node->kind != YAML_KIND_SEQUENCE ? NULL : node->first;
    for (; item != NULL && index > 0; index--) {
        item = item->next;
    }
    return item == NULL ? NULL : add_step(route, node, NULL, item, false);
}

static bool is_list(struct route *route, struct yaml_node *node)
{
    const struct yaml_node *kind = yaml_get(route->stream, node, "kind");
    const struct yaml_node *items = yaml_get(route->stream, node, "items");
    return kind != NULL && kind->kind == YAML_KIND_SCALAR && kind->length >= 4 &&
           memcmp(kind->text + kind->length - 4, "List", 4) == 0 && items != NULL &&
           items->kind == YAML_KIND_SEQUENCE;
}

/* Goes on to the item of a List that `left` objects come before, counted as manifest_each counts them. */
static struct yaml_node *step_item(struct route *route, struct yaml_node *node, long *left)
{
    if (node == NULL || node->kind != YAML_KIND_MAPPING || route->count + 2 > STEPS_MAX) {
        return NULL;
    }
    if (!is_list(route, node)) {
        return --*left == 0 ? node : NULL;
    }
    size_t before = route->count;
    struct yaml_node *items = step_key(route, node, "items");
    for (struct yaml_node *item = items->first; item != NULL; item = item->next) {
        struct yaml_node *found = step_item(route, add_step(route, items, NULL, item, false), left);
        if (found != NULL) {
            return found;
        }
        route->count = before + 1;
    }
    route->count = before;
    return NULL;
}

/* Finds the way to a container, or to the mapping around the last key. */
static void find_route(struct route *route, const struct edit_text *text, const struct edit_target *target,
                       size_t container)
{
    struct yaml_node *node = yaml_resolve(text->document.root);
    const struct manifest_container *wanted = &target->workload.containers[container];
    route->stream = text->stream;
    if (target->keys != NULL) {
        for (const char *const *key = target->keys; key[0] != NULL && key[1] != NULL && node != NULL; key++) {
            node = node->kind == YAML_KIND_SEQUENCE ? step_index(route, node, strtoul(*key, NULL, 10))
                                                    : step_key(route, node, *key);
        }
        return;
    }
    long left = target->item;
    node = left > 0 ? step_item(route, node, &left) : node;
    for (const char *const *key = target->object.type->pod_path; *key != NULL; key++) {
        node = step_key(route, node, *key);
    }
    step_index(route, step_key(route, node, wanted->list), wanted->index);
}

static int too_long(const struct layout *layout, const struct yaml_node *node, struct err *err)
{
    size_t line;
    size_t column;
    yaml_position(layout->stream, node->start, &line, &column);
    return err_set(
        err, ERR_DATA,
        "line %zu is shared by an anchor or a merge key and cannot be repeated for this workload alone: "
        "give the workload a copy of its own there",
        line);
}

/* Puts a node's flow form behind `lead` in place of [start, end); `at` is the node that errors are about. */
static int put_flow(struct layout *layout, const struct yaml_node *at, size_t start, size_t end,
                    const char *lead, struct yaml_node *node, struct err *err)
{
    const char *text = emit_flow(layout->arena, layout->bytes, node, layout->json);
    if (text == NULL) {
        return too_long(layout, at, err);
    }
    layout_splice(layout, start, end,
                  arena_printf(layout->arena, "%s%s%s", lead, *lead == '\0' ? "" : " ", text));
    return 1;
}

/* Puts a node's lines, or else its flow form, behind "key:" and `lead` ("&name" or nothing) in a block
 * mapping in place of [start, end), which is on one line with the key. */
static int put_value(struct layout *layout, const struct yaml_node *key, size_t start, size_t end,
                     const char *lead, struct yaml_node *node, struct err *err)
{
    struct buf lines;
    buf_init(&lines, 2 * EMIT_TEXT_MAX);
    const char *eol = layout_line_end(layout, end);
    const char *indent = arena_printf(layout->arena, "%s%*s", layout_indent(layout, key), STEP, "");
    bool one_line = memchr(layout->bytes + key->end, '\n', end - key->end) == NULL;
    bool kept = *lead != '\0';
    if (one_line && edit_copy_block(layout, node, indent, eol, kept, &lines)) {
        size_t from = start;
        while (!kept && layout->bytes[from - 1] == ' ') {
            from--;
        }
        layout_splice(layout, from, end, lead);
        layout_insert_lines(layout, end, &lines, eol);
        buf_release(&lines);
        return 1;
    }
    buf_release(&lines);
    return put_flow(layout, key, start, end, lead, node, err);
}

/* Puts a node in place of an alias that is an item of a list. */
static int put_item(struct layout *layout, const struct yaml_node *alias, bool block, const char *lead,
                    struct yaml_node *node, struct err *err)
{
    struct buf lines;
    buf_init(&lines, 2 * EMIT_TEXT_MAX);
    const char *eol = layout_line_end(layout, alias->end);
    const char *indent =
        arena_printf(layout->arena, "%*s", (int)(alias->start - layout_line_start(layout, alias->start)), "");
    bool kept = *lead != '\0';
    if (block && edit_copy_block(layout, node, indent, eol, kept, &lines)) {
        size_t skipped = kept ? 0 : strlen(indent);
        layout_splice(layout, alias->start, alias->end,
                      arena_printf(layout->arena, "%s%s%.*s", lead, kept ? eol : "",
                                   (int)(lines.length - skipped - strlen(eol)), buf_str(&lines) + skipped));
        buf_release(&lines);
        return 1;
    }
    buf_release(&lines);
    return put_flow(layout, alias, alias->start, alias->end, lead, node, err);
}

/* An alias becomes a copy of what it names. */
static int write_out(struct layout *layout, const struct step *step, struct err *err)
{
    struct yaml_node *node = yaml_resolve(step->child);
    bool block = step->parent->style == YAML_STYLE_BLOCK;
    return step->key != NULL && block
               ? put_value(layout, step->key, step->child->start, step->child->end, "", node, err)
               : put_item(layout, step->child, block, "", node, err);
}

/* What is merged in becomes an entry of its own, behind the others. */
static int write_own(struct layout *layout, const struct step *step, struct err *err)
{
    struct layout_pair last;
    struct yaml_node *node = yaml_resolve(step->child);
    const char *key = emit_flow(layout->arena, layout->bytes, step->key, layout->json);
    if (key == NULL || !layout_last(step->parent, &last)) {
        return too_long(layout, step->parent, err);
    }
    if (step->parent->style == YAML_STYLE_BLOCK) {
        struct buf lines;
        const char *eol = layout_line_end(layout, last.value->end);
        const char *indent = layout_indent(layout, last.key);
        buf_init(&lines, 2 * EMIT_TEXT_MAX);
        buf_printf(&lines, "%s%s:%s", indent, key, eol);
        bool copied = edit_copy_block(layout, node, arena_printf(layout->arena, "%s%*s", indent, STEP, ""),
                                      eol, false, &lines);
        if (copied) {
            layout_insert_lines(layout, last.value->end, &lines, eol);
        }
        buf_release(&lines);
        if (copied) {
            return 1;
        }
    }
    struct layout_entry entry = {.key = key,
                                 .value = emit_flow(layout->arena, layout->bytes, node, layout->json)};
    if (entry.value == NULL) {
        return too_long(layout, step->parent, err);
    }
    layout_insert_after(layout, step->parent, &last, &entry, STEP);
    return 1;
}

/* What others name stays with the first of them; here it loses its anchor. */
static int give_away(struct layout *layout, struct yaml_node *root, struct yaml_node *node, struct err *err)
{
    struct edit_alias alias;
    if (!edit_first_alias(layout, root, node, &alias)) {
        return 0;
    }
    const char *lead = arena_printf(layout->arena, "&%s", node->anchor);
    bool block = alias.parent->style == YAML_STYLE_BLOCK;
    int done = alias.key != NULL && block
                   ? put_value(layout, alias.key, alias.node->start, alias.node->end, lead, node, err)
                   : put_item(layout, alias.node, block, lead, node, err);
    edit_drop_anchor(layout, node);
    return done;
}

/* The first node at or below `node` that an alias names. */
static struct yaml_node *named_below(struct yaml_node *node)
{
    if (node->kind == YAML_KIND_ALIAS || node->aliases > 0) {
        return node->aliases > 0 ? node : NULL;
    }
    for (struct yaml_node *child = node->first; child != NULL; child = child->next) {
        struct yaml_node *found = named_below(child);
        if (found != NULL) {
            return found;
        }
    }
    return NULL;
}

int edit_unshare(struct layout *layout, const struct edit_text *text, const struct edit_target *target,
                 size_t container, struct err *err)
{
    struct route *route = arena_alloc(layout->arena, sizeof *route);
    find_route(route, text, target, container);
    for (size_t i = 0; i < route->count; i++) {
        const struct step *step = &route->steps[i];
        if (step->merged) {
            return write_own(layout, step, err);
        }
        if (step->child->kind == YAML_KIND_ALIAS) {
            return write_out(layout, step, err);
        }
    }
    for (size_t i = 0; i < route->count; i++) {
        struct yaml_node *node = yaml_resolve(route->steps[i].child);
        int done = node->aliases == 0 ? 0 : give_away(layout, text->document.root, node, err);
        if (done != 0) {
            return done;
        }
    }
    struct yaml_pair pair = {0};
    bool own = yaml_find(text->stream, target->workload.containers[container].node, edit_target_key(target), &pair) &&
               !pair.merged;
    struct yaml_node *named = own ? named_below(pair.value) : NULL;
    return named == NULL ? 0 : give_away(layout, text->document.root, named, err);
}
