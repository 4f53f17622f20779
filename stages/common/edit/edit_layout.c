#include "stages/common/edit/edit_layout.h"

#include <string.h>

#include "stages/common/edit/edit_comment.h"
#include "stages/common/edit/edit_splice.h"

enum { TEXT_CAP = 1024 * 1024 };

void layout_splice(struct layout *layout, size_t start, size_t end, const char *text)
{
    edit_splices_add(layout->splices, start, end, arena_strdup(layout->arena, text), strlen(text));
}

bool layout_pair_of(struct yaml_node *map, const struct yaml_node *key, struct layout_pair *pair)
{
    *pair = (struct layout_pair){0};
    for (struct yaml_node *at = map->first; at != NULL && at->next != NULL; at = at->next->next) {
        if (at == key) {
            pair->key = at;
            pair->value = at->next;
            pair->next_key = at->next->next;
            return true;
        }
        pair->last_value = at->next;
    }
    return false;
}

bool layout_last(struct yaml_node *map, struct layout_pair *pair)
{
    const struct yaml_node *last = NULL;
    for (struct yaml_node *at = map->first; at != NULL && at->next != NULL; at = at->next->next) {
        last = at;
    }
    return last != NULL && layout_pair_of(map, last, pair);
}

size_t layout_line_start(const struct layout *layout, size_t offset)
{
    while (offset > 0 && layout->bytes[offset - 1] != '\n') {
        offset--;
    }
    return offset;
}

/* Offset of the line feed that ends the line of `offset`; the length when there is none. */
static size_t line_feed(const struct layout *layout, size_t offset)
{
    const char *feed = memchr(layout->bytes + offset, '\n', layout->length - offset);
    return feed == NULL ? layout->length : (size_t)(feed - layout->bytes);
}

bool layout_first_on_line(const struct layout *layout, size_t offset)
{
    for (size_t at = layout_line_start(layout, offset); at < offset; at++) {
        if (layout->bytes[at] != ' ' && layout->bytes[at] != '\t') {
            return false;
        }
    }
    return true;
}

/* Offset of the first blank before `offset`. */
static size_t blanks_before(const struct layout *layout, size_t offset)
{
    while (offset > 0 && (layout->bytes[offset - 1] == ' ' || layout->bytes[offset - 1] == '\t')) {
        offset--;
    }
    return offset;
}

size_t layout_pair_start(const struct layout *layout, const struct yaml_node *key)
{
    size_t at = blanks_before(layout, key->start);
    return at > 0 && at < key->start && layout->bytes[at - 1] == '?' ? at - 1 : key->start;
}

const char *layout_lead(const struct layout *layout, const struct yaml_node *key,
                        const struct yaml_node *value)
{
    size_t at = value->value;
    if (memchr(layout->bytes + key->end, ':', at - key->end) == NULL) {
        return ": ";
    }
    return layout->bytes[at - 1] == ':' && !layout->json ? " " : "";
}

bool layout_comment_above(const struct layout *layout, size_t offset)
{
    size_t start = layout_line_start(layout, offset);
    if (start == 0) {
        return false;
    }
    size_t at = layout_line_start(layout, start - 1);
    while (layout->bytes[at] == ' ' || layout->bytes[at] == '\t') {
        at++;
    }
    return layout->bytes[at] == '#';
}

const char *layout_line_end(const struct layout *layout, size_t offset)
{
    size_t feed = line_feed(layout, offset);
    if (feed == layout->length) {
        size_t start = layout_line_start(layout, offset);
        if (start == 0) {
            return "\n";
        }
        feed = start - 1;
    }
    return feed > 0 && layout->bytes[feed - 1] == '\r' ? "\r\n" : "\n";
}

const char *layout_indent(const struct layout *layout, const struct yaml_node *key)
{
    size_t at = layout_pair_start(layout, key);
    if (layout_first_on_line(layout, at)) {
        size_t start = layout_line_start(layout, at);
        return arena_strndup(layout->arena, layout->bytes + start, at - start);
    }
    size_t line;
    size_t column;
    yaml_position(layout->stream, at, &line, &column);
    return arena_printf(layout->arena, "%*s", (int)(column - 1), "");
}

static const char *deeper(const struct layout *layout, const char *indent, size_t step)
{
    bool tabs = indent[0] == '\t';
    return arena_printf(layout->arena, "%s%*s", indent, tabs ? 0 : (int)step, tabs ? "\t" : "");
}

/* A key as its neighbours are quoted. */
static const char *key_text(const struct layout *layout, const struct yaml_node *neighbour, const char *key)
{
    const char *quote = neighbour == NULL                       ? ""
                        : neighbour->style == YAML_STYLE_DOUBLE ? "\""
                        : neighbour->style == YAML_STYLE_SINGLE ? "'"
                                                                : "";
    return arena_printf(layout->arena, "%s%s%s", quote, key, quote);
}

/* Entries in block style, each line with its end. */
static void write_block(const struct layout *layout, struct buf *out, const struct yaml_node *neighbour,
                        const struct layout_entry *entry, const char *indent, size_t step, const char *eol)
{
    buf_printf(out, "%s%s:", indent, key_text(layout, neighbour, entry->key));
    if (entry->value != NULL) {
        buf_printf(out, " %s%s", entry->value, eol);
        return;
    }
    buf_add_str(out, eol);
    for (size_t i = 0; i < entry->count; i++) {
        write_block(layout, out, neighbour, &entry->children[i], deeper(layout, indent, step), step, eol);
    }
}

/* How entries of flow mappings are separated. */
struct flow {
    const struct yaml_node *neighbour; /* a key whose quotes are followed */
    const char *colon;
    const char *comma;  /* with what follows it on the same line */
    const char *indent; /* of the entry, when each stands on a line of its own; else NULL */
    const char *eol;
    size_t step;
};

static void write_flow(const struct layout *layout, struct buf *out, const struct flow *flow,
                       const struct layout_entry *entry);

/* "{a: 1, b: 2}", or with each entry on its line. */
static void write_braces(const struct layout *layout, struct buf *out, const struct flow *flow,
                         const struct layout_entry *entries, size_t count)
{
    struct flow inner = *flow;
    inner.indent = flow->indent == NULL ? NULL : deeper(layout, flow->indent, flow->step);
    buf_add_char(out, '{');
    for (size_t i = 0; i < count; i++) {
        if (inner.indent != NULL) {
            buf_printf(out, "%s%s%s", i == 0 ? "" : ",", flow->eol, inner.indent);
        } else if (i > 0) {
            buf_add_str(out, flow->comma);
        }
        write_flow(layout, out, &inner, &entries[i]);
    }
    if (flow->indent != NULL) {
        buf_printf(out, "%s%s", flow->eol, flow->indent);
    }
    buf_add_char(out, '}');
}

static void write_flow(const struct layout *layout, struct buf *out, const struct flow *flow,
                       const struct layout_entry *entry)
{
    buf_printf(out, "%s%s", key_text(layout, flow->neighbour, entry->key), flow->colon);
    if (entry->value != NULL) {
        buf_add_str(out, entry->value);
    } else {
        write_braces(layout, out, flow, entry->children, entry->count);
    }
}

/* Whether the entries of a flow mapping stand on lines of their own. */
static bool is_expanded(const struct layout *layout, const struct yaml_node *map)
{
    return map->kind == YAML_KIND_MAPPING && map->style == YAML_STYLE_FLOW && map->first != NULL &&
           layout_first_on_line(layout, layout_pair_start(layout, map->first));
}

/* Whether a mapping that is put into `map` should have its entries on lines of their own: as those that are
 * there, else as `map` itself. */
static bool expands(const struct layout *layout, const struct yaml_node *map)
{
    for (const struct yaml_node *key = map->first; key != NULL && key->next != NULL; key = key->next->next) {
        const struct yaml_node *value = key->next;
        if (value->style == YAML_STYLE_FLOW && value->first != NULL) {
            return layout_first_on_line(layout, layout_pair_start(layout, value->first));
        }
    }
    return is_expanded(layout, map);
}

/* The separators that a neighbouring pair of a flow mapping uses. */
static struct flow flow_like(const struct layout *layout, const struct yaml_node *map,
                             const struct yaml_node *key)
{
    struct flow flow = {.neighbour = key, .colon = ": ", .comma = ", ", .eol = "\n", .step = 2};
    if (key == NULL) {
        return flow;
    }
    const struct yaml_node *value = key->next;
    flow.eol = layout_line_end(layout, key->start);
    if (value->start > key->end && value->start - key->end <= 4) {
        const char *between = arena_strndup(layout->arena, layout->bytes + key->end, value->start - key->end);
        if (strspn(between, ": ") == strlen(between)) {
            flow.colon = between;
        }
    }
    if (strcmp(flow.colon, ":") == 0 && key->style == YAML_STYLE_DOUBLE) {
        flow.comma = ",";
    }
    if (expands(layout, map)) {
        flow.indent = layout_indent(layout, key);
    }
    return flow;
}

/* The indentation that one level of an expanded flow mapping adds. */
static size_t flow_step(const struct layout *layout, const struct yaml_node *map, size_t step)
{
    for (const struct yaml_node *key = map->first; key != NULL && key->next != NULL; key = key->next->next) {
        const struct yaml_node *value = key->next;
        if (is_expanded(layout, value)) {
            size_t outer = strlen(layout_indent(layout, key));
            size_t inner = strlen(layout_indent(layout, value->first));
            return inner > outer ? inner - outer : step;
        }
    }
    return step;
}

void layout_insert_lines(struct layout *layout, size_t offset, struct buf *lines, const char *eol)
{
    size_t feed = line_feed(layout, offset);
    if (feed < layout->length) {
        layout_splice(layout, feed + 1, feed + 1, buf_str(lines));
        return;
    }
    size_t kept = lines->length - strlen(eol); /* the file ends without a line end and goes on to */
    layout_splice(layout, feed, feed, arena_printf(layout->arena, "%s%.*s", eol, (int)kept, buf_str(lines)));
}

void layout_insert_after(struct layout *layout, struct yaml_node *map, const struct layout_pair *pair,
                         const struct layout_entry *entry, size_t step)
{
    struct buf out;
    buf_init(&out, TEXT_CAP);
    if (map->style == YAML_STYLE_BLOCK) {
        const char *eol = layout_line_end(layout, pair->value->end);
        write_block(layout, &out, pair->key, entry, layout_indent(layout, pair->key), step, eol);
        layout_insert_lines(layout, pair->value->end, &out, eol);
    } else {
        struct flow flow = flow_like(layout, map, pair->key);
        flow.step = flow_step(layout, map, step);
        if (layout_first_on_line(layout, layout_pair_start(layout, pair->key))) {
            buf_printf(&out, ",%s%s", flow.eol, layout_indent(layout, pair->key));
        } else {
            buf_add_str(&out, flow.comma);
        }
        write_flow(layout, &out, &flow, entry);
        layout_splice(layout, pair->value->end, pair->value->end, buf_str(&out));
    }
    buf_release(&out);
}

void layout_insert_before(struct layout *layout, struct yaml_node *map, const struct layout_pair *pair,
                          const struct layout_entry *entry, size_t step)
{
    struct buf out;
    buf_init(&out, TEXT_CAP);
    size_t at = pair->key->start;
    if (map->style == YAML_STYLE_BLOCK) {
        at = layout_line_start(layout, at);
        write_block(layout, &out, pair->key, entry, layout_indent(layout, pair->key), step,
                    layout_line_end(layout, pair->key->start));
    } else {
        struct flow flow = flow_like(layout, map, pair->key);
        write_flow(layout, &out, &flow, entry);
        if (layout_first_on_line(layout, at)) {
            buf_printf(&out, ",%s%s", flow.eol, layout_indent(layout, pair->key));
        } else {
            buf_add_str(&out, flow.comma);
        }
    }
    layout_splice(layout, at, at, buf_str(&out));
    buf_release(&out);
}

/* The comments inside of a value that is written anew, each on a line of its own at the head. */
static void write_comments(const struct layout *layout, struct buf *out, const struct yaml_node *value,
                           const char *indent, const char *eol)
{
    struct edit_comments comments =
        edit_comments_in(layout->arena, layout->bytes, value->value, value->end, value, 1);
    for (size_t i = 0; i < comments.count; i++) {
        buf_printf(out, "%s%.*s%s", indent, (int)(comments.items[i].end - comments.items[i].start),
                   layout->bytes + comments.items[i].start, eol);
    }
}

/* Entries in braces in place of the value [start, end). */
static void fill_flow(struct layout *layout, struct yaml_node *map, const struct layout_pair *pair,
                      const struct layout_entry *entries, size_t count, size_t step)
{
    struct buf out;
    struct buf comments;
    buf_init(&out, TEXT_CAP);
    buf_init(&comments, TEXT_CAP);
    bool block = map->style == YAML_STYLE_BLOCK;
    struct flow flow = flow_like(layout, map, pair->key);
    flow.step = flow_step(layout, map, step);
    if (block) {
        flow.colon = ": ";
        flow.comma = ", ";
        flow.indent = NULL;
    }
    const char *inner = deeper(layout, layout_indent(layout, pair->key), step);
    write_comments(layout, &comments, pair->value, inner, flow.eol);
    write_braces(layout, &out, &flow, entries, count);
    layout_splice(layout, pair->value->value, pair->value->end,
                  arena_printf(layout->arena, "%s{%s%s%s%s", layout_lead(layout, pair->key, pair->value),
                               comments.length == 0 ? "" : flow.eol, buf_str(&comments),
                               comments.length == 0 || flow.indent != NULL ? "" : inner, buf_str(&out) + 1));
    buf_release(&comments);
    buf_release(&out);
}

static bool on_one_line(const struct layout *layout, size_t start, size_t end)
{
    return memchr(layout->bytes + start, '\n', end - start) == NULL;
}

/* Entries in block style in place of those of a block mapping. */
static void fill_block(struct layout *layout, const struct yaml_node *value,
                       const struct layout_entry *entries, size_t count, size_t step)
{
    struct buf out;
    buf_init(&out, TEXT_CAP);
    const char *eol = layout_line_end(layout, value->first->start);
    const char *indent = layout_indent(layout, value->first);
    write_comments(layout, &out, value, indent, eol);
    for (size_t i = 0; i < count; i++) {
        write_block(layout, &out, value->first, &entries[i], indent, step, eol);
    }
    size_t skipped = strlen(indent);
    size_t kept = out.length - strlen(eol) -
                  skipped; /* what stands before the first key and behind the last value stays */
    layout_splice(layout, value->first->start, value->end,
                  arena_printf(layout->arena, "%.*s", (int)kept, buf_str(&out) + skipped));
    buf_release(&out);
}

void layout_fill(struct layout *layout, struct yaml_node *map, const struct layout_pair *pair,
                 const struct layout_entry *entries, size_t count, size_t step, bool flow)
{
    const struct yaml_node *value = pair->value;
    if (value->kind == YAML_KIND_MAPPING && value->style == YAML_STYLE_BLOCK && count > 0) {
        fill_block(layout, value, entries, count, step);
        return;
    }
    if (map->style == YAML_STYLE_FLOW || flow || !on_one_line(layout, pair->key->end, value->end)) {
        fill_flow(layout, map, pair, entries, count, step);
        return;
    }
    struct buf out;
    buf_init(&out, TEXT_CAP);
    const char *eol = layout_line_end(layout, value->end);
    const char *indent = deeper(layout, layout_indent(layout, pair->key), step);
    for (size_t i = 0; i < count; i++) {
        write_block(layout, &out, pair->key, &entries[i], indent, step, eol);
    }
    if (value->end > value->value) {
        layout_splice(layout, blanks_before(layout, value->value), value->end, "");
    }
    layout_insert_lines(layout, value->end, &out, eol);
    buf_release(&out);
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Takes out the lines from that of `start` to that of `end`, but for their comments. */
static void remove_lines(struct layout *layout, size_t start, size_t end,
                         const struct edit_comments *comments)
{
    size_t stop = line_feed(layout, end);
    size_t gone = layout_line_start(layout, start);
    for (size_t line = gone, next; line <= stop && line < layout->length; line = next) {
        size_t feed = line_feed(layout, line);
        next = feed < layout->length ? feed + 1 : feed;
        const struct edit_comment *comment = edit_comment_within(comments, line, feed);
        if (comment == NULL) {
            continue;
        }
        if (line > gone) {
            layout_splice(layout, gone, line, "");
        }
        gone = next;
        if (!layout_first_on_line(layout, comment->start)) {
            size_t from = line;
            while (is_blank(layout->bytes[from])) {
                from++;
            }
            layout_splice(layout, from, comment->start, "");
        }
    }
    size_t past = stop < layout->length ? stop + 1 : stop;
    if (past > gone) {
        layout_splice(layout, gone, past, "");
    }
}

/* Takes out what stands in [start, end) of a flow mapping between comments. */
static void remove_between(struct layout *layout, size_t start, size_t end,
                           const struct edit_comments *comments)
{
    if (comments->count == 0) {
        layout_splice(layout, start, end, "");
        return;
    }
    for (size_t i = 0; i <= comments->count; i++) {
        size_t from = i == 0 ? start : comments->items[i - 1].end;
        size_t to = i < comments->count ? comments->items[i].start : end;
        while (to > from && is_blank(layout->bytes[to - 1])) {
            to--;
        }
        while (from < to && is_blank(layout->bytes[from])) {
            from++;
        }
        if (from < to) {
            layout_splice(layout, from, to, "");
        }
    }
}

void layout_remove(struct layout *layout, struct yaml_node *map, const struct layout_pair *pair)
{
    bool block = map->style == YAML_STYLE_BLOCK;
    bool last = pair->next_key == NULL;
    size_t start = !block && last && pair->last_value != NULL ? pair->last_value->end : pair->key->start;
    size_t end = block  ? line_feed(layout, pair->value->end)
                 : last ? pair->value->end
                        : pair->next_key->start;
    struct edit_comments comments = edit_comments_in(layout->arena, layout->bytes, start, end, pair->key, 2);
    if (block) {
        remove_lines(layout, start, pair->value->end, &comments);
    } else {
        remove_between(layout, start, end, &comments);
    }
}

/* Puts " {}" behind the colon of a pair, or behind the anchor and tag of its value. */
static void insert_braces(struct layout *layout, size_t colon, const struct yaml_node *value)
{
    size_t at = colon + 1;
    for (size_t from = value->start; from < value->value;) {
        at = from + strcspn(layout->bytes + from, " \t\r\n");
        from = at + strspn(layout->bytes + at, " \t");
        if (strchr("&!", layout->bytes[from]) == NULL) {
            break;
        }
    }
    if (layout->bytes[at] == ' ') {
        layout_splice(layout, at + 1, at + 1, "{} ");
    } else {
        layout_splice(layout, at, at, " {}");
    }
}

void layout_empty(struct layout *layout, const struct layout_pair *pair)
{
    const struct yaml_node *value = pair->value;
    const struct yaml_node *inside = value->first;
    bool block = value->style == YAML_STYLE_BLOCK;
    size_t start = block ? pair->key->end : value->value;
    size_t end = block ? line_feed(layout, value->end) : value->end;
    struct edit_comments comments =
        edit_comments_in(layout->arena, layout->bytes, start, end, inside, 2 * (size_t)value->count);
    size_t colon = start;
    while (block && colon < value->value && layout->bytes[colon] != ':') {
        colon++;
    }
    if (edit_comment_within(&comments, start, value->end) == NULL) {
        layout_splice(layout, start, value->end, block ? ": {}" : "{}");
    } else if (block) {
        insert_braces(layout, colon, value);
        remove_lines(layout, inside->start, value->end, &comments);
    } else {
        remove_between(layout, start + 1, value->end - 1, &comments);
    }
}
