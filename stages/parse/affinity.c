#include "stages/parse/affinity.h"

#include <string.h>

#include "pipeline/base/mem.h"
#include "stages/parse/labels.h"

enum { TEXTS_MAX = 1000, TEXT_MAX = 512, NAMES_MAX = 100 };

struct reading {
    struct manifest_reader *reader;
    const char *list; /* being read */
    json_t *terms;
    size_t texts; /* strings so far: those of all terms together are bounded */
};

/* Counts a string. False for what no label and no name is, and past the limits. */
static bool count_text(struct reading *reading, const json_t *text)
{
    const char *string = json_string_value(text);
    return string != NULL && strlen(string) <= TEXT_MAX && ++reading->texts <= TEXTS_MAX;
}

/* Counts the strings of a list, or of a list of lists. */
static bool count_texts(struct reading *reading, const json_t *list)
{
    size_t index;
    json_t *item;
    json_array_foreach(list, index, item)
    {
        if (json_is_array(item) ? !count_texts(reading, item) : !count_text(reading, item)) {
            return false;
        }
    }
    return true;
}

/* Sets a member (stolen) when it is there. */
static void set_member(json_t *term, const char *key, json_t *value)
{
    if (value != NULL) {
        json_object_set_new(term, key, value);
    }
}

/* New selector of a key; NULL when absent, or after a fault. */
static json_t *read_selector(struct manifest_reader *r, struct yaml_node *node, const char *key)
{
    struct yaml_node *selector = manifest_value(r, node, key);
    return selector == NULL ? NULL : selector_read(r, selector, key);
}

/* New list of the strings of a key; NULL when absent or empty, or after a fault. */
static json_t *read_names(struct manifest_reader *r, struct yaml_node *node, const char *key)
{
    struct yaml_node *list = manifest_value(r, node, key);
    if (list == NULL || (list->kind == YAML_KIND_SEQUENCE && list->count == 0)) {
        return NULL;
    }
    if (list->kind != YAML_KIND_SEQUENCE || list->count > NAMES_MAX) {
        manifest_add_fault(r, true, "bad-value", list->start, "%s is no list, or has more than %d entries", key,
                           (int)NAMES_MAX);
        return NULL;
    }
    json_t *names = json_array();
    for (struct yaml_node *item = list->first; item != NULL; item = item->next) {
        const char *name = yaml_string(r->arena, item);
        if (name == NULL) {
            manifest_add_fault(r, true, "bad-value", item->start, "%s holds something that is no string", key);
            continue;
        }
        json_array_append_new(names, json_string_safe(name));
    }
    return names;
}

/* Reads one term. False after a fault, or where it is too large. */
static bool read_term(struct reading *reading, struct yaml_node *node, json_t *term)
{
    struct manifest_reader *r = reading->reader;
    static const char *const parts[] = {"selector", "namespaces", "namespace_selector", "match_keys", "mismatch_keys"};
    const char *topology = manifest_text(r, node, "topologyKey", "topologyKey");
    if (topology == NULL || topology[0] == '\0') {
        manifest_add_fault(r, true, "bad-value", node->start, "a term has no topologyKey");
        return false;
    }
    json_object_set_new(term, "list", json_string(reading->list));
    json_object_set_new(term, "topology_key", json_string_safe(topology));
    set_member(term, parts[0], read_selector(r, node, "labelSelector"));
    set_member(term, parts[1], read_names(r, node, "namespaces"));
    set_member(term, parts[2], read_selector(r, node, "namespaceSelector"));
    set_member(term, parts[3], read_names(r, node, "matchLabelKeys"));
    set_member(term, parts[4], read_names(r, node, "mismatchLabelKeys"));
    bool fits = count_text(reading, json_object_get(term, "topology_key"));
    for (size_t i = 0; i < ARRAY_COUNT(parts) && fits; i++) {
        fits = count_texts(reading, json_object_get(term, parts[i]));
    }
    if (!fits) {
        manifest_add_fault(r, true, "size-limit", node->start,
                           "a term is left out: required affinity to pods is longer than %d texts of %d bytes",
                           (int)TEXTS_MAX, (int)TEXT_MAX);
    }
    return fits && !r->fatal;
}

/* Reads the terms of one sort. The reader is told of what is odd in each, which leaves out that one. */
static void read_terms(struct reading *reading, struct yaml_node *affinity, const char *key)
{
    struct manifest_reader *r = reading->reader;
    struct yaml_node *list = manifest_value(r, manifest_map(r, affinity, key, key),
                                            "requiredDuringSchedulingIgnoredDuringExecution");
    struct yaml_node *item = list == NULL || list->kind != YAML_KIND_SEQUENCE ? NULL : list->first;
    if (list != NULL && list->kind != YAML_KIND_SEQUENCE) {
        manifest_add_fault(r, true, "bad-value", list->start, "%s has required terms that are no list", key);
    }
    for (size_t i = 0; item != NULL && i < AFFINITY_TERMS_MAX; item = item->next, i++) {
        json_t *term = json_object();
        size_t texts = reading->texts;
        r->fatal = false;
        if (read_term(reading, yaml_resolve(item), term)) {
            json_array_append(reading->terms, term);
        } else {
            reading->texts = texts;
        }
        json_decref(term);
    }
    if (item != NULL) {
        manifest_add_fault(r, true, "size-limit", item->start, "%s has more than %d required terms; the others are left out",
                           key, (int)AFFINITY_TERMS_MAX);
    }
}

json_t *affinity_read(struct manifest_reader *reader, struct yaml_node *affinity)
{
    struct reading reading = {.reader = reader, .list = "affinity", .terms = json_array()};
    read_terms(&reading, affinity, "podAffinity");
    reading.list = "anti_affinity";
    read_terms(&reading, affinity, "podAntiAffinity");
    if (json_array_size(reading.terms) == 0) {
        json_decref(reading.terms);
        return NULL;
    }
    return reading.terms;
}
