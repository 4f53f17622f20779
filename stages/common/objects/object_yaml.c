#include "stages/common/objects/object_yaml.h"

#include <string.h>

#include "pipeline/base/arena.h"
#include "pipeline/io/yaml.h"

static json_t *value_of(struct arena *arena, struct yaml_node *node);

/* New; NULL for a key that is no text or a value that is none. */
static json_t *mapping_of(struct arena *arena, const struct yaml_node *node)
{
    json_t *out = json_object();
    for (struct yaml_node *key = node->first; key != NULL && key->next != NULL; key = key->next->next) {
        const char *name = yaml_string(arena, key);
        json_t *value = name == NULL ? NULL : value_of(arena, key->next);
        if (value == NULL || json_object_set_new(out, name, value) != 0) {
            json_decref(out);
            return NULL;
        }
    }
    return out;
}

static json_t *sequence_of(struct arena *arena, const struct yaml_node *node)
{
    json_t *out = json_array();
    for (struct yaml_node *item = node->first; item != NULL; item = item->next) {
        json_t *value = value_of(arena, item);
        if (value == NULL) {
            json_decref(out);
            return NULL;
        }
        json_array_append_new(out, value);
    }
    return out;
}

static json_t *number_of(struct yaml_node *node)
{
    int64_t number = 0;
    return yaml_int(node, &number) ? json_integer(number) : NULL;
}

static json_t *flag_of(struct yaml_node *node)
{
    bool flag = false;
    return yaml_bool(node, &flag) ? json_boolean(flag) : NULL;
}

/* New; NULL for what has no place in an object of ours. The reader bounds depth and count. */
static json_t *value_of(struct arena *arena, struct yaml_node *node)
{
    if (node->kind == YAML_KIND_ALIAS) {
        return NULL;
    }
    switch (yaml_type_of(node)) {
    case YAML_TYPE_NULL:
        return json_null();
    case YAML_TYPE_BOOL:
        return flag_of(node);
    case YAML_TYPE_INT:
        return number_of(node);
    case YAML_TYPE_TEXT: {
        const char *text = yaml_string(arena, node);
        return text == NULL ? NULL : json_string_safe(text);
    }
    case YAML_TYPE_SEQUENCE:
        return sequence_of(arena, node);
    case YAML_TYPE_MAPPING:
        return mapping_of(arena, node);
    case YAML_TYPE_FLOAT:
        break;
    }
    return NULL;
}

int object_from_yaml(const char *yaml, json_t **out, struct err *err)
{
    struct yaml_stream *stream = NULL;
    struct yaml_document document;
    struct yaml_document next;
    struct yaml_fault fault;
    struct arena arena;
    *out = NULL;
    if (yaml_open(yaml, strlen(yaml), NULL, &stream, &fault, err)) {
        return -1;
    }
    arena_init(&arena);
    int got = yaml_next(stream, &arena, &document, &fault, err);
    if (got == 1 && document.root != NULL && document.root->kind == YAML_KIND_MAPPING &&
        yaml_next(stream, &arena, &next, &fault, err) == 0) {
        *out = mapping_of(&arena, document.root);
    }
    arena_release(&arena);
    yaml_close(stream);
    return *out == NULL ? err_set(err, ERR_DATA, "the manifest of a new object is no single object") : 0;
}
