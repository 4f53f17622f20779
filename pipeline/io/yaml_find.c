#include "pipeline/io/yaml_find.h"

#include <string.h>

bool yaml_is_merge(const struct yaml_node *key)
{
    return key->style == YAML_STYLE_PLAIN && yaml_text_is(key, "<<");
}

/* Own keys only. */
static bool find_own(struct yaml_node *map, const char *name, size_t length, struct yaml_pair *pair)
{
    bool found = false;
    for (struct yaml_node *key = map->first; key != NULL && key->next != NULL; key = key->next->next) {
        const struct yaml_node *text = yaml_resolve(key);
        if (text->kind != YAML_KIND_SCALAR || text->length != length ||
            memcmp(text->text, name, length) != 0) {
            continue;
        }
        if (found) {
            pair->again = key;
            return true;
        }
        found = true;
        *pair = (struct yaml_pair){.key = key, .value = key->next};
    }
    return found;
}

/* In what one merge key gives: a mapping, or a list of them. */
static bool find_merged(struct yaml_merges *merges, struct yaml_node *given, const char *name, size_t length,
                        struct yaml_pair *pair)
{
    struct yaml_node *value = yaml_resolve(given);
    if (++merges->done > merges->most) {
        return false;
    }
    if (value->kind == YAML_KIND_MAPPING) {
        return yaml_find_in(merges, value, name, length, pair);
    }
    if (value->kind == YAML_KIND_SEQUENCE) {
        for (struct yaml_node *item = value->first; item != NULL; item = item->next) {
            struct yaml_node *map = yaml_resolve(item);
            if (map->kind == YAML_KIND_MAPPING && find_merged(merges, map, name, length, pair)) {
                return true;
            }
        }
    }
    return false;
}

bool yaml_find_in(struct yaml_merges *merges, struct yaml_node *map, const char *name, size_t length,
                  struct yaml_pair *pair)
{
    if (find_own(map, name, length, pair)) {
        return true;
    }
    for (struct yaml_node *key = map->first; key != NULL && key->next != NULL; key = key->next->next) {
        if (yaml_is_merge(key) && find_merged(merges, key->next, name, length, pair)) {
            pair->merged = true;
            return true;
        }
    }
    return false;
}

/* What one merge key gives: a mapping, or a list of them. */
static bool each_merged(struct yaml_merges *merges, struct yaml_node *given, yaml_visit *visit, void *context)
{
    struct yaml_node *value = yaml_resolve(given);
    if (++merges->done > merges->most) {
        return false;
    }
    if (value->kind == YAML_KIND_MAPPING) {
        return yaml_each_in(merges, value, visit, context);
    }
    if (value->kind == YAML_KIND_SEQUENCE) {
        for (struct yaml_node *item = value->first; item != NULL; item = item->next) {
            struct yaml_node *map = yaml_resolve(item);
            if (map->kind == YAML_KIND_MAPPING && !each_merged(merges, map, visit, context)) {
                return false;
            }
        }
    }
    return true;
}

bool yaml_each_in(struct yaml_merges *merges, struct yaml_node *map, yaml_visit *visit, void *context)
{
    for (struct yaml_node *key = map->first; key != NULL && key->next != NULL; key = key->next->next) {
        if (!yaml_is_merge(key) && !visit(context, key, key->next)) {
            return false;
        }
    }
    for (struct yaml_node *key = map->first; key != NULL && key->next != NULL; key = key->next->next) {
        if (yaml_is_merge(key) && !each_merged(merges, key->next, visit, context)) {
            return false;
        }
    }
    return true;
}
