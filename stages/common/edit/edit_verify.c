#include "stages/common/edit/edit_verify.h"

#include <stdlib.h>
#include <string.h>

#include "stages/common/edit/edit_check.h"
#include "stages/common/edit/edit_draft.h"

enum { UNIT_CAP = INT32_MAX - 1 };

/* The smallest piece of text around a workload that can be read by itself. */
struct unit {
    size_t start;
    size_t end;
    struct yaml_node *root; /* of the piece, as it was */
    bool listed;            /* read alone it is a list of one */
    bool alone;             /* it is the one target, not a document around it */
};

bool edit_has_alias(const struct yaml_node *node)
{
    if (node->kind == YAML_KIND_ALIAS) {
        return true;
    }
    for (const struct yaml_node *child = node->first; child != NULL; child = child->next) {
        if (edit_has_alias(child)) {
            return true;
        }
    }
    return false;
}

/* Widens the place of a List's item to whole lines: "- apiVersion: v1 …" can be read alone. False when the
 * item does not stand so. */
static bool widen_to_lines(const struct edit_text *text, const struct yaml_node *node, struct unit *unit)
{
    size_t start = node->start;
    size_t dashes = 0;
    while (start > 0 && (text->bytes[start - 1] == ' ' || text->bytes[start - 1] == '-')) {
        start--;
        dashes += text->bytes[start] == '-';
    }
    if (dashes != 1 || (start > 0 && text->bytes[start - 1] != '\n')) {
        return false;
    }
    const char *feed = memchr(text->bytes + node->end, '\n', text->length - node->end);
    unit->start = start;
    unit->end = feed == NULL ? text->length : (size_t)(feed - text->bytes) + 1;
    unit->listed = true;
    return true;
}

/* The document, or in a List without aliases the one item: so that a long List is not read again for each of
 * its items. */
static struct unit unit_of(const struct edit_text *text, const struct edit_target *targets, size_t count)
{
    const struct yaml_document *document = &text->document;
    struct unit unit = {.start = edit_document_start(text), .end = document->end, .root = document->root};
    struct yaml_node *node = targets[0].object.node;
    if (count != 1 || targets[0].item == 0 || document->root->kind != YAML_KIND_MAPPING ||
        edit_has_alias(document->root)) {
        return unit;
    }
    if (node->style == YAML_STYLE_FLOW) {
        unit.start = node->start;
        unit.end = node->end;
        unit.alone = true;
    } else {
        unit.alone = widen_to_lines(text, node, &unit);
    }
    if (unit.alone) {
        unit.root = node;
    }
    return unit;
}

/* The bytes of a unit with the planned splices. */
static int edited_unit(const struct edit_text *text, const struct unit *unit,
                       const struct edit_splices *splices, struct buf *out, struct err *err)
{
    struct edit_splices moved = {0};
    int failed = 0;
    for (size_t i = 0; i < splices->count && !failed; i++) {
        const struct edit_splice *splice = &splices->items[i];
        if (splice->start < unit->start || splice->end > unit->end) {
            failed = err_set(err, ERR_DATA, "the change reaches beyond its place in the manifest");
        } else {
            edit_splices_add(&moved, splice->start - unit->start, splice->end - unit->start, splice->text,
                             splice->length);
        }
    }
    failed =
        failed || edit_splices_apply(text->bytes + unit->start, unit->end - unit->start, &moved, out, err);
    free(moved.items);
    return failed ? -1 : 0;
}

/* Reads the edited unit: one document, of which the workload is told to be found at *root. */
static int read_unit(struct yaml_stream *stream, struct arena *arena, const struct unit *unit,
                     struct yaml_node **root, struct err *err)
{
    struct yaml_document document;
    struct yaml_document more;
    struct yaml_fault fault;
    struct err broken = {0};
    if (yaml_next(stream, arena, &document, &fault, &broken) != 1 ||
        yaml_next(stream, arena, &more, &fault, &broken) != 0) {
        return err_set(err, ERR_DATA, "the changed manifest would not be valid YAML: %s",
                       broken.message[0] == '\0' ? "it would have another number of documents"
                                                 : broken.message);
    }
    *root = document.root;
    if (unit->listed) {
        bool one = *root != NULL && (*root)->kind == YAML_KIND_SEQUENCE && (*root)->count == 1;
        *root = one ? (*root)->first : NULL;
    }
    return 0;
}

int edit_verify(const struct edit_text *text, const struct edit_target *targets, size_t count,
                const struct edit_splices *splices, struct err *err)
{
    struct unit unit = unit_of(text, targets, count);
    struct yaml_limits limits = edit_limits();
    struct yaml_stream *after = NULL;
    struct yaml_node *root = NULL;
    struct yaml_fault fault;
    struct arena arena;
    struct buf edited;
    buf_init(&edited, UNIT_CAP);
    arena_init(&arena);
    int failed = edited_unit(text, &unit, splices, &edited, err) ||
                 yaml_open(buf_str(&edited), edited.length, &limits, &after, &fault, err) ||
                 read_unit(after, &arena, &unit, &root, err);
    if (!failed) {
        struct edit_check check = {.before = text->stream,
                                   .after = after,
                                   .arena = &arena,
                                   .targets = targets,
                                   .count = count,
                                   .alone = unit.alone};
        failed = edit_check_documents(&check, unit.root, root, err);
    }
    yaml_close(after);
    arena_release(&arena);
    buf_release(&edited);
    return failed ? -1 : 0;
}
