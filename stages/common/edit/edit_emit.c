#include "stages/common/edit/edit_emit.h"

#include <stdlib.h>
#include <string.h>

#include "pipeline/base/mem.h"

/* What is looked at for the pairs of one mapping: a mapping that is merged in counts as 64 keys. */
enum { VISITS_MAX = EMIT_PAIRS_MAX * 64, MAPPING_VISITS = 64 };

static bool has_key(const struct emit_pairs *pairs, const struct yaml_node *key)
{
    for (size_t i = 0; i < pairs->count; i++) {
        const struct yaml_node *other = yaml_resolve(pairs->items[i].key);
        if (other->length == key->length && memcmp(other->text, key->text, key->length) == 0) {
            return true;
        }
    }
    return false;
}

static void add_own(struct yaml_node *map, struct emit_pairs *out, size_t *visits)
{
    for (struct yaml_node *key = map->first; key != NULL && key->next != NULL; key = key->next->next) {
        const struct yaml_node *name = yaml_resolve(key);
        if (++*visits > VISITS_MAX) {
            out->overflow = true;
            return;
        }
        if (yaml_is_merge(key) || name->kind != YAML_KIND_SCALAR || has_key(out, name)) {
            continue;
        }
        if (out->count == EMIT_PAIRS_MAX) {
            out->overflow = true;
            return;
        }
        out->items[out->count++] = (struct emit_pair){.key = key, .value = key->next};
    }
}

static void add_merged(struct yaml_node *given, struct emit_pairs *out, size_t *visits)
{
    struct yaml_node *node = yaml_resolve(given);
    *visits += MAPPING_VISITS;
    if (*visits > VISITS_MAX) {
        out->overflow = true;
        return;
    }
    if (node->kind == YAML_KIND_SEQUENCE) {
        for (struct yaml_node *item = node->first; item != NULL && !out->overflow; item = item->next) {
            if (yaml_resolve(item)->kind == YAML_KIND_MAPPING) {
                add_merged(item, out, visits);
            }
        }
    } else if (node->kind == YAML_KIND_MAPPING) {
        add_own(node, out, visits);
        for (struct yaml_node *key = node->first; key != NULL && key->next != NULL && !out->overflow;
             key = key->next->next) {
            if (yaml_is_merge(key)) {
                add_merged(key->next, out, visits);
            }
        }
    }
}

void emit_effective(struct yaml_node *map, struct emit_pairs *out)
{
    size_t visits = 0;
    out->count = 0;
    out->overflow = false;
    map = yaml_resolve(map);
    if (map != NULL && map->kind == YAML_KIND_MAPPING) {
        add_merged(map, out, &visits);
    }
}

bool emit_has_merge(const struct yaml_node *map)
{
    for (const struct yaml_node *key = map->first; key != NULL && key->next != NULL; key = key->next->next) {
        if (yaml_is_merge(key)) {
            return true;
        }
    }
    return false;
}

/* Text in double quotes, as YAML and JSON both read it. */
static void write_quoted(struct buf *out, const char *text, size_t length)
{
    buf_add_char(out, '"');
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c == '"' || c == '\\') {
            buf_printf(out, "\\%c", c);
        } else if (c < 0x20 || c == 0x7f) {
            buf_printf(out, "\\u%04x", c);
        } else {
            buf_add_char(out, (char)c);
        }
    }
    buf_add_char(out, '"');
}

/* Whether a scalar's own bytes can be repeated inside of a flow mapping. */
static bool reusable(const char *bytes, const struct yaml_node *node, bool json)
{
    size_t length = node->end - node->value;
    if (node->tag != NULL || length == 0 || node->style > YAML_STYLE_DOUBLE ||
        memchr(bytes + node->value, '\n', length) != NULL ||
        memchr(bytes + node->value, '\r', length) != NULL) {
        return false;
    }
    if (json && node->style != YAML_STYLE_DOUBLE) {
        return node->style == YAML_STYLE_PLAIN && yaml_type_of(node) != YAML_TYPE_TEXT;
    }
    const char *text = bytes + node->value;
    for (size_t i = 0; node->style == YAML_STYLE_PLAIN && i < length; i++) {
        bool ends = text[i] == ':' && (i + 1 == length || text[i + 1] == ':');
        if (ends || (i == 0 && text[i] == '?') || strchr(",[]{}", text[i]) != NULL) {
            return false;
        }
    }
    return true;
}

static void write_scalar(struct buf *out, const char *bytes, const struct yaml_node *node, bool json)
{
    enum yaml_type type = yaml_type_of(node);
    if (reusable(bytes, node, json)) {
        buf_add(out, bytes + node->value, node->end - node->value);
    } else if (type == YAML_TYPE_INT || type == YAML_TYPE_FLOAT || type == YAML_TYPE_BOOL) {
        buf_add(out, node->text, node->length); /* a tag made it so: the text says it without quotes too */
    } else if (type == YAML_TYPE_NULL) {
        buf_add_str(out, "null");
    } else {
        write_quoted(out, node->text, node->length);
    }
}

static void write_node(struct buf *out, const char *bytes, struct yaml_node *given, bool json)
{
    struct yaml_node *node = yaml_resolve(given);
    if (out->overflow) {
        return;
    }
    if (node->kind == YAML_KIND_SCALAR) {
        write_scalar(out, bytes, node, json);
        return;
    }
    if (node->kind == YAML_KIND_SEQUENCE) {
        buf_add_char(out, '[');
        for (struct yaml_node *item = node->first; item != NULL && !out->overflow; item = item->next) {
            buf_add_str(out, item == node->first ? "" : ", ");
            write_node(out, bytes, item, json);
        }
        buf_add_char(out, ']');
        return;
    }
    struct emit_pairs *pairs = xmalloc(sizeof *pairs);
    emit_effective(node, pairs);
    out->overflow = out->overflow || pairs->overflow;
    buf_add_char(out, '{');
    for (size_t i = 0; i < pairs->count && !out->overflow; i++) {
        buf_add_str(out, i == 0 ? "" : ", ");
        write_node(out, bytes, pairs->items[i].key, json);
        buf_add_str(out, ": ");
        write_node(out, bytes, pairs->items[i].value, json);
    }
    free(pairs);
    buf_add_char(out, '}');
}

const char *emit_flow(struct arena *arena, const char *bytes, struct yaml_node *node, bool json)
{
    struct buf out;
    buf_init(&out, EMIT_TEXT_MAX);
    write_node(&out, bytes, node, json);
    const char *text = out.overflow ? NULL : arena_strndup(arena, buf_str(&out), out.length);
    buf_release(&out);
    return text;
}
