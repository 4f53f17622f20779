#include "stages/common/edit/edit_copy.h"

#include <stdlib.h>
#include <string.h>

#include "stages/common/edit/edit_anchor.h"
#include "stages/common/edit/edit_comment.h"
#include "stages/common/edit/edit_emit.h"
#include "stages/common/edit/edit_splice.h"

/* A copy at work: [start, end) of the text, with splices for what it leaves out. */
struct copy {
    const struct layout *layout;
    size_t start;
    size_t end;
    struct edit_splices cuts;
};

static void cut(struct copy *copy, size_t start, size_t end, const char *text)
{
    edit_splices_add(&copy->cuts, start - copy->start, end - copy->start, text, strlen(text));
}

/* Where the first pair or the first "-" stands. */
static size_t first_byte(const struct layout *layout, const struct yaml_node *node)
{
    size_t at = node->value;
    if (node->kind == YAML_KIND_MAPPING) {
        return layout_pair_start(layout, node->first);
    }
    while (at < node->end && layout->bytes[at] != '-') {
        const char *feed = layout->bytes[at] == '#' ? memchr(layout->bytes + at, '\n', node->end - at) : NULL;
        at = feed != NULL ? (size_t)(feed - layout->bytes) : at + 1;
    }
    return at;
}

static void cut_comments(struct copy *copy, const struct yaml_node *node)
{
    const char *bytes = copy->layout->bytes;
    size_t children = node->kind == YAML_KIND_MAPPING ? 2 * (size_t)node->count : node->count;
    struct edit_comments comments =
        edit_comments_in(copy->layout->arena, bytes, copy->start, copy->end, node->first, children);
    for (size_t i = 0; i < comments.count; i++) {
        size_t start = comments.items[i].start;
        size_t end = comments.items[i].end;
        while (start > copy->start && (bytes[start - 1] == ' ' || bytes[start - 1] == '\t')) {
            start--;
        }
        if (start > copy->start && bytes[start - 1] == '\n') { /* alone on its line, which goes */
            const char *feed = memchr(bytes + end, '\n', copy->end - end);
            end = feed == NULL ? end : (size_t)(feed - bytes) + 1;
        }
        cut(copy, start, end, "");
    }
}

/* Anchors and aliases below a node. False when one cannot be written out. */
static bool cut_anchors(struct copy *copy, const struct yaml_node *node)
{
    size_t start;
    size_t end;
    if (node->kind == YAML_KIND_ALIAS) {
        bool inside = node->target->start >= copy->start && node->target->start < copy->end;
        const char *text =
            inside ? emit_flow(copy->layout->arena, copy->layout->bytes, node->target, false) : "";
        if (inside && text != NULL) {
            cut(copy, node->start, node->end, text);
        }
        return text != NULL;
    }
    if (node->anchor != NULL && node->start >= copy->start &&
        edit_anchor_place(copy->layout, node, &start, &end)) {
        cut(copy, start, end, "");
    }
    for (const struct yaml_node *child = node->first; child != NULL; child = child->next) {
        if (!cut_anchors(copy, child)) {
            return false;
        }
    }
    return true;
}

/* Adds lines that stood `column` blanks deep at another indentation. False when tabs are in the way. */
static bool shift_lines(const struct buf *text, size_t column, const char *indent, const char *eol,
                        struct buf *out)
{
    const char *at = buf_str(text);
    const char *stop = at + text->length;
    for (bool first = true; at < stop; first = false) {
        const char *feed = memchr(at, '\n', (size_t)(stop - at));
        const char *end = feed == NULL ? stop : feed;
        for (size_t skipped = 0; !first && skipped < column && at < end && *at == ' '; skipped++) {
            at++;
        }
        if (!first && at < end && *at == '\t') {
            return false;
        }
        size_t length = (size_t)(end - at);
        length -= length > 0 && at[length - 1] == '\r';
        buf_printf(out, "%s%.*s%s", length == 0 ? "" : indent, (int)length, at, eol);
        at = feed == NULL ? stop : feed + 1;
    }
    return true;
}

bool edit_copy_block(const struct layout *layout, struct yaml_node *node, const char *indent, const char *eol,
                     bool anchors, struct buf *out)
{
    struct buf text;
    struct copy copy = {.layout = layout, .end = node->end};
    if (node->style != YAML_STYLE_BLOCK || node->first == NULL) {
        return false;
    }
    copy.start = first_byte(layout, node);
    if (copy.end < copy.start || copy.end - copy.start > EMIT_TEXT_MAX) {
        return false;
    }
    buf_init(&text, 2 * EMIT_TEXT_MAX);
    cut_comments(&copy, node);
    bool done = true;
    for (const struct yaml_node *child = anchors ? NULL : node->first; child != NULL && done; child = child->next) {
        done = cut_anchors(&copy, child);
    }
    edit_splices_sort(&copy.cuts);
    size_t column = copy.start - layout_line_start(layout, copy.start);
    done =
        done && !edit_splices_overlap(&copy.cuts) &&
        edit_splices_apply(layout->bytes + copy.start, copy.end - copy.start, &copy.cuts, &text, NULL) == 0 &&
        shift_lines(&text, column, indent, eol, out);
    buf_release(&text);
    free(copy.cuts.items);
    return done && !out->overflow;
}
