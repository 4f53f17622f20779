#include "stages/diff/origin/embedded.h"

#include <string.h>

#include "stages/common/edit/edit_splice.h"

enum { LINES_MAX = 10000, TEXT_MAX = 1024 * 1024 };

/* Indentation of the first line that is not blank. */
static size_t indentation(const char *at, const char *end)
{
    while (at < end) {
        size_t blanks = strspn(at, " ");
        if (at[blanks] != '\n' && at[blanks] != '\r') {
            return blanks;
        }
        const char *feed = memchr(at, '\n', (size_t)(end - at));
        at = feed == NULL ? end : feed + 1;
    }
    return 0;
}

static size_t count_lines(const char *at, const char *end)
{
    size_t lines = 1;
    for (; at < end; at++) {
        lines += *at == '\n';
    }
    return lines;
}

/* Takes the lines of the block without their indentation. False when one has less. */
static bool take_lines(struct embedded *out, char *text, const char *bytes, const char *at)
{
    const char *end = bytes + out->end;
    while (at < end) {
        const char *feed = memchr(at, '\n', (size_t)(end - at));
        const char *next = feed == NULL ? end : feed + 1;
        size_t length = (size_t)(next - at);
        size_t blanks = strspn(at, " ");
        size_t cut = blanks < out->indent ? blanks : out->indent;
        bool empty = blanks >= length || at[blanks] == '\n' || at[blanks] == '\r';
        if ((cut < out->indent && !empty) || out->lines == LINES_MAX) {
            return false;
        }
        cut = cut > length ? length : cut;
        out->outer[out->lines] = (size_t)(at - bytes) + cut;
        out->short_of[out->lines] = out->indent - cut;
        out->inner[out->lines++] = out->length;
        memcpy(text + out->length, at + cut, length - cut);
        out->length += length - cut;
        at = next;
    }
    return out->lines > 0;
}

const struct embedded *embedded_of(const char *bytes, const struct yaml_node *node, struct arena *arena)
{
    const char *end = bytes + node->end;
    const char *feed = node->kind == YAML_KIND_SCALAR && node->style == YAML_STYLE_LITERAL
                           ? memchr(bytes + node->value, '\n', node->end - node->value)
                           : NULL;
    if (feed == NULL || node->end - node->value > TEXT_MAX) {
        return NULL;
    }
    struct embedded *out = arena_alloc(arena, sizeof *out);
    size_t lines = count_lines(feed + 1, end);
    char *text = arena_alloc(arena, node->end - node->value + 1);
    *out = (struct embedded){.bytes = text, .end = node->end, .indent = indentation(feed + 1, end)};
    out->outer = arena_alloc_array(arena, lines + 1, sizeof *out->outer);
    out->inner = arena_alloc_array(arena, lines + 1, sizeof *out->inner);
    out->short_of = arena_alloc_array(arena, lines + 1, sizeof *out->short_of);
    return out->indent > 0 && take_lines(out, text, bytes, feed + 1) ? out : NULL;
}

/* The place in the file of an offset in the text. */
static size_t embedded_place(const struct embedded *embedded, size_t offset)
{
    size_t line = embedded->lines;
    if (offset >= embedded->length) {
        return embedded->end;
    }
    while (line > 0 && embedded->inner[line - 1] > offset) {
        line--;
    }
    return line == 0 ? embedded->end : embedded->outer[line - 1] + (offset - embedded->inner[line - 1]);
}

/* Blanks that a line lacks when an offset is where it begins; 0 elsewhere. */
static size_t lacking(const struct embedded *embedded, size_t offset)
{
    for (size_t i = 0; i < embedded->lines && embedded->inner[i] <= offset; i++) {
        if (embedded->inner[i] == offset && offset < embedded->length) {
            return embedded->short_of[i];
        }
    }
    return 0;
}

/* The text with the block's indentation behind each line end, but for one at the end of the block or before
 * an empty line; before all of it where it begins on one. */
static const char *indented(const struct embedded *embedded, const struct edit_splice *splice,
                            struct arena *arena, size_t *length)
{
    size_t feeds = 1;
    for (size_t i = 0; i < splice->length; i++) {
        feeds += splice->text[i] == '\n';
    }
    char *text = arena_alloc(arena, splice->length + feeds * embedded->indent + 1);
    bool bare = splice->length == 0 || splice->text[0] == '\n';
    *length = bare ? 0 : lacking(embedded, splice->start);
    memset(text, ' ', *length);
    for (size_t i = 0; i < splice->length; i++) {
        text[(*length)++] = splice->text[i];
        bool last = i + 1 == splice->length &&
                    (splice->end >= embedded->length || lacking(embedded, splice->end) > 0);
        bool empty = i + 1 < splice->length && splice->text[i + 1] == '\n';
        if (splice->text[i] == '\n' && !last && !empty) {
            memset(text + *length, ' ', embedded->indent);
            *length += embedded->indent;
        }
    }
    return text;
}

void embedded_splices(const struct embedded *embedded, const struct edit_splices *splices,
                      struct arena *arena, struct edit_splices *out)
{
    for (size_t i = 0; i < splices->count; i++) {
        const struct edit_splice *splice = &splices->items[i];
        size_t length;
        const char *text = indented(embedded, splice, arena, &length);
        edit_splices_add(out, embedded_place(embedded, splice->start), embedded_place(embedded, splice->end),
                         text, length);
    }
}
