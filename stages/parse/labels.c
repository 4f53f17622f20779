#include "stages/parse/labels.h"

#include <stdlib.h>
#include <string.h>

#include "pipeline/base/str.h"

/* FNV-1a, 32 bits. */
static uint32_t hash_of(const char *key)
{
    uint32_t hash = 2166136261U;
    for (; *key != '\0'; key++) {
        hash = (hash ^ (unsigned char)*key) * 16777619U;
    }
    return hash;
}

struct reading {
    struct arena *arena;
    json_t *out;
};

/* The first of each name stays. */
static bool add_label(void *context, struct yaml_node *key, struct yaml_node *value)
{
    struct reading *reading = context;
    const char *name = yaml_scalar(reading->arena, key);
    bool empty = yaml_type_of(value) == YAML_TYPE_NULL; /* which the API reads as "" */
    const char *text = name == NULL ? NULL : empty ? "" : yaml_scalar(reading->arena, value);
    if (text != NULL && json_object_get(reading->out, name) == NULL) {
        json_object_set_new(reading->out, name, json_string_safe(text));
    }
    return json_object_size(reading->out) < LABELS_MAX;
}

json_t *labels_read(struct manifest_reader *reader, struct yaml_node *map)
{
    struct reading reading = {.arena = reader->arena, .out = json_object()};
    yaml_each(reader->stream, map, add_label, &reading);
    if (json_object_size(reading.out) == 0) {
        json_decref(reading.out);
        return NULL;
    }
    return reading.out;
}

static int by_hash(const void *a, const void *b)
{
    const struct label *left = a;
    const struct label *right = b;
    return (left->hash > right->hash) - (left->hash < right->hash);
}

void labels_set(struct labels *out, const json_t *object)
{
    const char *key;
    json_t *value;
    out->count = 0;
    json_object_foreach((json_t *)(uintptr_t)object, key, value)
    {
        if (json_is_string(value) && out->count < LABELS_MAX) {
            out->items[out->count++] =
                (struct label){.key = key, .value = json_string_value(value), .hash = hash_of(key)};
        }
    }
    qsort(out->items, out->count, sizeof out->items[0], by_hash);
}

/* Value of a label, NULL when there is none. */
static const char *find_label(const struct labels *labels, const char *key, uint32_t hash)
{
    size_t low = 0;
    size_t high = labels->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (labels->items[middle].hash < hash) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    for (; low < labels->count && labels->items[low].hash == hash; low++) {
        if (strcmp(labels->items[low].key, key) == 0) {
            return labels->items[low].value;
        }
    }
    return NULL;
}

static bool refuse(struct manifest_reader *r, const struct yaml_node *at, const char *what, const char *why)
{
    manifest_add_fault(r, true, "bad-value", at->start, "%s %s", what, why);
    return false;
}

static bool read_match_labels(struct manifest_reader *r, struct yaml_node *node, const char *what, json_t *out)
{
    struct yaml_node *map = manifest_value(r, node, "matchLabels");
    const char *key;
    json_t *value;
    if (map == NULL) {
        return true;
    }
    if (map->kind != YAML_KIND_MAPPING || map->count > REQUIREMENTS_MAX) {
        return refuse(r, map, what, "has matchLabels that are no mapping, or more than 100");
    }
    json_t *labels = labels_read(r, map);
    json_object_foreach(labels, key, value)
    {
        json_array_append_new(out, json_pack("[s, s, O]", key, "In", value));
    }
    json_decref(labels);
    return true;
}

static bool known_operator(const char *name)
{
    return str_equal(name, "In") || str_equal(name, "NotIn") || str_equal(name, "Exists") ||
           str_equal(name, "DoesNotExist");
}

/* One entry of matchExpressions. */
static bool read_expression(struct manifest_reader *r, struct yaml_node *item, const char *what, json_t *out)
{
    const char *key = yaml_string(r->arena, manifest_value(r, item, "key"));
    const char *operator= yaml_string(r->arena, manifest_value(r, item, "operator"));
    struct yaml_node *values = manifest_value(r, item, "values");
    if (key == NULL || !known_operator(operator)) {
        return refuse(r, item, what, "has an expression without a key, or with an operator that is none");
    }
    size_t count = values != NULL && values->kind == YAML_KIND_SEQUENCE ? values->count : 0;
    bool set = str_equal(operator, "In") || str_equal(operator, "NotIn");
    if (set != (count > 0) || count > REQUIREMENT_VALUES_MAX) {
        return refuse(r, values == NULL ? item : values, what,
                      "has In or NotIn without values, Exists or DoesNotExist with some, or more than 1000");
    }
    json_t *requirement = json_pack("[o, s]", json_string_safe(key), operator);
    for (struct yaml_node *value = count == 0 ? NULL : values->first; value != NULL; value = value->next) {
        const char *text = yaml_scalar(r->arena, value);
        json_array_append_new(requirement, json_string_safe(text == NULL ? "" : text));
    }
    json_array_append_new(out, requirement);
    return true;
}

static bool read_expressions(struct manifest_reader *r, struct yaml_node *node, const char *what, json_t *out)
{
    struct yaml_node *list = manifest_value(r, node, "matchExpressions");
    if (list == NULL) {
        return true;
    }
    if (list->kind != YAML_KIND_SEQUENCE || list->count > REQUIREMENTS_MAX) {
        return refuse(r, list, what, "has matchExpressions that are no list, or more than 100");
    }
    for (struct yaml_node *item = list->first; item != NULL; item = item->next) {
        if (!read_expression(r, yaml_resolve(item), what, out)) {
            return false;
        }
    }
    return true;
}

json_t *selector_read(struct manifest_reader *reader, struct yaml_node *node, const char *what)
{
    json_t *out = json_array();
    bool good = node->kind == YAML_KIND_MAPPING ? read_match_labels(reader, node, what, out) &&
                                                      read_expressions(reader, node, what, out)
                                                : refuse(reader, node, what, "is no mapping");
    if (!good) {
        json_decref(out);
        return NULL;
    }
    return out;
}

static void set_requirement(struct requirement *out, const json_t *parts, struct arena *arena)
{
    const char *operator= json_string_value(json_array_get(parts, 1));
    size_t values = json_array_size(parts) - 2;
    out->key = json_string_value(json_array_get(parts, 0));
    out->hash = hash_of(out->key);
    out->wanted = str_equal(operator, "In") || str_equal(operator, "Exists");
    out->any = values == 0;
    out->values = arena_alloc_array(arena, values + 1, sizeof *out->values);
    for (; out->count < values; out->count++) {
        out->values[out->count] = json_string_value(json_array_get(parts, out->count + 2));
    }
}

void selector_set(struct selector *out, const json_t *array, struct arena *arena)
{
    size_t count = json_array_size(array);
    *out = (struct selector){.items = arena_alloc_array(arena, count + 1, sizeof *out->items), .count = count};
    for (size_t i = 0; i < count; i++) {
        set_requirement(&out->items[i], json_array_get(array, i), arena);
    }
}

static bool meets(const struct requirement *requirement, const struct labels *labels)
{
    const char *value = find_label(labels, requirement->key, requirement->hash);
    bool found = value != NULL && requirement->any;
    for (size_t i = 0; value != NULL && !found && i < requirement->count; i++) {
        found = strcmp(requirement->values[i], value) == 0;
    }
    return found == requirement->wanted;
}

bool selector_matches(const struct selector *selector, const struct labels *labels)
{
    for (size_t i = 0; i < selector->count; i++) {
        if (!meets(&selector->items[i], labels)) {
            return false;
        }
    }
    return true;
}
