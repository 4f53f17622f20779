#include "stages/common/edit_layout.h"

#include <string.h>

#include "pipeline/base/mem.h"

enum { TEXT_CAP = 1024 * 1024 };

void layout_splice(struct layout *layout, size_t start, size_t end, const char *text)
{
    struct edit_splices *splices = layout->splices;
    GROW(splices->items, splices->capacity, splices->count + 1);
    splices->items[splices->count++] = (struct edit_splice){
        .start = start, .end = end, .text = arena_strdup(layout->arena, text), .length = strlen(text)};
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

static size_t line_start(const struct layout *layout, size_t offset)
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
    for (size_t at = line_start(layout, offset); at < offset; at++) {
        if (layout->bytes[at] != ' ' && layout->bytes[at] != '\t') {
            return false;
        }
    }
    return true;
}

bool layout_comment_above(const struct layout *layout, size_t offset)
{
    size_t start = line_start(layout, offset);
    if (start == 0) {
        return false;
    }
    size_t at = line_start(layout, start - 1);
    while (layout->bytes[at] == ' ' || layout->bytes[at] == '\t') {
        at++;
    }
    return layout->bytes[at] == '#';
}

/* The end of the line of `offset`, as it is written; that of the line before for the last line. */
static const char *line_end_text(const struct layout *layout, size_t offset)
{
    size_t feed = line_feed(layout, offset);
    if (feed == layout->length) {
        size_t start = line_start(layout, offset);
        if (start == 0) {
            return "\n";
        }
        feed = start - 1;
    }
    return feed > 0 && layout->bytes[feed - 1] == '\r' ? "\r\n" : "\n";
}

/* What stands before a key on its line, if that is blank; else as many blanks as its column says. */
static const char *indent_of(const struct layout *layout, const struct yaml_node *key)
{
    if (layout_first_on_line(layout, key->start)) {
        size_t start = line_start(layout, key->start);
        return arena_strndup(layout->arena, layout->bytes + start, key->start - start);
    }
    size_t line;
    size_t column;
    yaml_position(layout->stream, key->start, &line, &column);
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
           layout_first_on_line(layout, map->first->start);
}

/* Whether a mapping that is put into `map` should have its entries on lines of their own: as those that are
 * there, else as `map` itself. */
static bool expands(const struct layout *layout, const struct yaml_node *map)
{
    for (const struct yaml_node *key = map->first; key != NULL && key->next != NULL; key = key->next->next) {
        const struct yaml_node *value = key->next;
        if (value->style == YAML_STYLE_FLOW && value->first != NULL) {
            return layout_first_on_line(layout, value->first->start);
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
    flow.eol = line_end_text(layout, key->start);
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
        flow.indent = indent_of(layout, key);
    }
    return flow;
}

/* The indentation that one level of an expanded flow mapping adds. */
static size_t flow_step(const struct layout *layout, const struct yaml_node *map, size_t step)
{
    for (const struct yaml_node *key = map->first; key != NULL && key->next != NULL; key = key->next->next) {
        const struct yaml_node *value = key->next;
        if (is_expanded(layout, value)) {
            size_t outer = strlen(indent_of(layout, key));
            size_t inner = strlen(indent_of(layout, value->first));
            return inner > outer ? inner - outer : step;
        }
    }
    return step;
}

/* Puts whole lines behind the line of `offset`. */
static void insert_lines(struct layout *layout, size_t offset, struct buf *lines, const char *eol)
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
        const char *eol = line_end_text(layout, pair->value->end);
        write_block(layout, &out, pair->key, entry, indent_of(layout, pair->key), step, eol);
        insert_lines(layout, pair->value->end, &out, eol);
    } else {
        struct flow flow = flow_like(layout, map, pair->key);
        flow.step = flow_step(layout, map, step);
        if (layout_first_on_line(layout, pair->key->start)) {
            buf_printf(&out, ",%s%s", flow.eol, indent_of(layout, pair->key));
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
        at = line_start(layout, at);
        write_block(layout, &out, pair->key, entry, indent_of(layout, pair->key), step,
                    line_end_text(layout, pair->key->start));
    } else {
        struct flow flow = flow_like(layout, map, pair->key);
        write_flow(layout, &out, &flow, entry);
        if (layout_first_on_line(layout, at)) {
            buf_printf(&out, ",%s%s", flow.eol, indent_of(layout, pair->key));
        } else {
            buf_add_str(&out, flow.comma);
        }
    }
    layout_splice(layout, at, at, buf_str(&out));
    buf_release(&out);
}

/* Entries in braces in place of the value [start, end). */
static void fill_flow(struct layout *layout, struct yaml_node *map, const struct layout_pair *pair,
                      const struct layout_entry *entries, size_t count, size_t step)
{
    struct buf out;
    buf_init(&out, TEXT_CAP);
    bool block = map->style == YAML_STYLE_BLOCK;
    struct flow flow = flow_like(layout, map, pair->key);
    flow.step = flow_step(layout, map, step);
    if (block) {
        flow.colon = ": ";
        flow.comma = ", ";
        flow.indent = NULL;
    }
    bool glued = pair->value->value > 0 && layout->bytes[pair->value->value - 1] == ':' && !layout->json;
    buf_add_str(&out, glued ? " " : "");
    write_braces(layout, &out, &flow, entries, count);
    layout_splice(layout, pair->value->value, pair->value->end, buf_str(&out));
    buf_release(&out);
}

/* Offset of the first blank before `offset`. */
static size_t blanks_before(const struct layout *layout, size_t offset)
{
    while (offset > 0 && (layout->bytes[offset - 1] == ' ' || layout->bytes[offset - 1] == '\t')) {
        offset--;
    }
    return offset;
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
    const char *eol = line_end_text(layout, value->first->start);
    const char *indent = indent_of(layout, value->first);
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
    const char *eol = line_end_text(layout, value->end);
    const char *indent = deeper(layout, indent_of(layout, pair->key), step);
    for (size_t i = 0; i < count; i++) {
        write_block(layout, &out, pair->key, &entries[i], indent, step, eol);
    }
    if (value->end > value->value) {
        layout_splice(layout, blanks_before(layout, value->value), value->end, "");
    }
    insert_lines(layout, value->end, &out, eol);
    buf_release(&out);
}

/* Takes out the lines of a block pair. */
static void remove_lines(struct layout *layout, const struct layout_pair *pair)
{
    size_t start = line_start(layout, pair->key->start);
    size_t feed = line_feed(layout, pair->value->end);
    size_t at = pair->value->end;
    while (at < feed && (layout->bytes[at] == ' ' || layout->bytes[at] == '\t')) {
        at++;
    }
    if (at < feed && layout->bytes[at] == '#') {
        layout_splice(layout, pair->key->start, at, "");
    } else {
        layout_splice(layout, start, feed < layout->length ? feed + 1 : feed, "");
    }
}

void layout_remove(struct layout *layout, struct yaml_node *map, const struct layout_pair *pair)
{
    if (map->style == YAML_STYLE_BLOCK) {
        remove_lines(layout, pair);
    } else if (pair->next_key != NULL) {
        layout_splice(layout, pair->key->start, pair->next_key->start, "");
    } else if (pair->last_value != NULL) {
        layout_splice(layout, pair->last_value->end, pair->value->end, "");
    } else {
        layout_splice(layout, pair->key->start, pair->value->end, "");
    }
}
