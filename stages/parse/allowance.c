#include "stages/parse/allowance.h"

#include <stdio.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"

enum { WHAT_MAX = 160, ITEMS_MAX = 100, VALUES_MAX = 100 };

/* Two amounts: CPU, then memory. */
struct amounts {
    bool there[2];
    int64_t value[2];
};

bool limit_range_is(const struct manifest_object *object)
{
    return str_equal(object->kind, "LimitRange") && str_equal(object->api_version, "v1");
}

bool quota_is(const struct manifest_object *object)
{
    return str_equal(object->kind, "ResourceQuota") && str_equal(object->api_version, "v1");
}

/* One amount. False when absent, or with a fault that names `what` and the key. */
static bool read_amount(struct manifest_reader *r, struct yaml_node *map, const char *what, const char *key,
                        bool milli, int64_t *value)
{
    struct yaml_node *node = manifest_value(r, map, key);
    struct err err = {0};
    if (node == NULL) {
        return false;
    }
    if (manifest_quantity(r->arena, node, milli, value, &err)) {
        manifest_add_fault(r, true, "bad-quantity", node->start, "%s.%s: %s", what, key, err.message);
        return false;
    }
    return true;
}

/* The amounts below a key of an entry; ratios are read as thousandths both. */
static struct amounts read_amounts(struct manifest_reader *r, struct yaml_node *item, const char *key, bool ratio)
{
    struct amounts out = {0};
    char what[WHAT_MAX];
    snprintf(what, sizeof what, "spec.limits.%s", key);
    struct yaml_node *map = manifest_map(r, item, key, what);
    if (map != NULL) {
        out.there[0] = read_amount(r, map, what, "cpu", true, &out.value[0]);
        out.there[1] = read_amount(r, map, what, "memory", ratio, &out.value[1]);
    }
    return out;
}

/* Fills in what is absent. */
static void fill(struct amounts *into, const struct amounts *from)
{
    for (int i = 0; i < 2; i++) {
        if (!into->there[i] && from->there[i]) {
            into->there[i] = true;
            into->value[i] = from->value[i];
        }
    }
}

static void put(json_t *out, const char *key, const struct amounts *amounts, bool ratio)
{
    if (amounts->there[0] || amounts->there[1]) {
        json_object_set_new(out, key,
                            json_pack("{s:o, s:o}", ratio ? "cpu_thousandths" : "cpu_millicores",
                                      json_int_or_null(amounts->there[0], amounts->value[0]),
                                      ratio ? "memory_thousandths" : "memory_bytes",
                                      json_int_or_null(amounts->there[1], amounts->value[1])));
    }
}

/* One entry of spec.limits; NULL when it is about something else. Defaults: SetDefaults_LimitRangeItem of the Kubernetes
 * API server. */
static json_t *read_range(struct manifest_reader *r, struct yaml_node *item, const char *name)
{
    const char *type = manifest_text(r, item, "type", "spec.limits.type");
    bool container = str_equal(type, "Container");
    if (!container && !str_equal(type, "Pod")) {
        return NULL;
    }
    struct amounts min = read_amounts(r, item, "min", false);
    struct amounts max = read_amounts(r, item, "max", false);
    struct amounts limit = read_amounts(r, item, "default", false);
    struct amounts request = read_amounts(r, item, "defaultRequest", false);
    struct amounts ratio = read_amounts(r, item, "maxLimitRequestRatio", true);
    if (container) {
        fill(&limit, &max);
        fill(&request, &limit);
        fill(&request, &min);
    }
    json_t *out = json_pack("{s:o, s:s}", "name", json_string_safe(name), "type", type);
    put(out, "min", &min, false);
    put(out, "max", &max, false);
    put(out, "default", &limit, false);
    put(out, "default_request", &request, false);
    put(out, "max_limit_request_ratio", &ratio, true);
    return out;
}

/* The list below a key with at most `most` entries, NULL when absent or (with a fault) anything else. */
static struct yaml_node *read_list(struct manifest_reader *r, struct yaml_node *map, const char *key, size_t most)
{
    struct yaml_node *list = manifest_value(r, map, key);
    if (list != NULL && (list->kind != YAML_KIND_SEQUENCE || list->count > most)) {
        manifest_add_fault(r, true, "bad-value", list->start, "%s is no list, or has more than %zu entries", key, most);
        return NULL;
    }
    return list;
}

static const char *name_of(struct manifest_reader *r, const struct manifest_object *object)
{
    return manifest_text(r, manifest_map(r, object->node, "metadata", "metadata"), "name", "metadata.name");
}

/* `out` (stolen), or NULL when it is empty or the object is not to be trusted. */
static json_t *finished(const struct manifest_reader *r, json_t *out, size_t count)
{
    if (count == 0 || r->fatal) {
        json_decref(out);
        return NULL;
    }
    return out;
}

json_t *limit_range_read(struct manifest_reader *reader, const struct manifest_object *object)
{
    struct yaml_node *spec = manifest_map(reader, object->node, "spec", "spec");
    struct yaml_node *list = read_list(reader, spec, "limits", ITEMS_MAX);
    const char *name = name_of(reader, object);
    json_t *out = json_array();
    for (struct yaml_node *item = list == NULL ? NULL : list->first; item != NULL; item = item->next) {
        json_t *range = read_range(reader, yaml_resolve(item), name);
        if (range != NULL) {
            json_array_append_new(out, range);
        }
    }
    return finished(reader, out, json_array_size(out));
}

/* Sets `key` to an amount, or to the smaller one where both of its names are there. */
static void read_quota_amount(struct manifest_reader *r, struct yaml_node *map, const char *what, const char *name,
                              const char *key, json_t *out)
{
    int64_t value;
    int64_t former;
    bool milli = str_ends(key, ".cpu");
    if (read_amount(r, map, what, name, milli, &value) && (!json_get_int(out, key, &former) || value < former)) {
        json_object_set_new(out, key, json_integer((json_int_t)value));
    }
}

/* New object of the amounts of a quota; `cpu` and `memory` are other names of its requests. */
static json_t *read_quota_amounts(struct manifest_reader *r, struct yaml_node *map, const char *what)
{
    static const char *const names[][2] = {
        {"requests.cpu", "requests.cpu"},       {"cpu", "requests.cpu"},       {"requests.memory", "requests.memory"},
        {"memory", "requests.memory"},          {"limits.cpu", "limits.cpu"},  {"limits.memory", "limits.memory"},
        {"pods", "pods"},
    };
    json_t *out = json_object();
    for (size_t i = 0; map != NULL && i < ARRAY_COUNT(names); i++) {
        read_quota_amount(r, map, what, names[i][0], names[i][1], out);
    }
    return out;
}

/* New array of the strings of a list. */
static json_t *read_strings(struct manifest_reader *r, struct yaml_node *list)
{
    json_t *out = json_array();
    for (struct yaml_node *item = list == NULL ? NULL : list->first; item != NULL; item = item->next) {
        const char *text = yaml_scalar(r->arena, item);
        if (text != NULL) {
            json_array_append_new(out, json_string_safe(text));
        }
    }
    return out;
}

/* Which pods a quota is about, where that is not all of them. */
static void read_scopes(struct manifest_reader *r, struct yaml_node *spec, json_t *out)
{
    struct yaml_node *scopes = read_list(r, spec, "scopes", VALUES_MAX);
    struct yaml_node *selector = manifest_map(r, spec, "scopeSelector", "spec.scopeSelector");
    struct yaml_node *list = read_list(r, selector, "matchExpressions", VALUES_MAX);
    if (scopes != NULL && scopes->count > 0) {
        json_object_set_new(out, "scopes", read_strings(r, scopes));
    }
    if (list == NULL || list->count == 0) {
        return;
    }
    json_t *conditions = json_array();
    for (struct yaml_node *item = list->first; item != NULL; item = item->next) {
        const char *scope = yaml_scalar(r->arena, yaml_get(r->stream, item, "scopeName"));
        const char *operator= yaml_scalar(r->arena, yaml_get(r->stream, item, "operator"));
        json_array_append_new(conditions, json_pack("{s:o, s:o, s:o}", "scope", json_string_safe(scope), "operator",
                                                    json_string_safe(operator), "values",
                                                    read_strings(r, read_list(r, item, "values", VALUES_MAX))));
    }
    json_object_set_new(out, "scope_selector", conditions);
}

json_t *quota_read(struct manifest_reader *reader, const struct manifest_object *object)
{
    struct yaml_node *spec = manifest_map(reader, object->node, "spec", "spec");
    struct yaml_node *status = manifest_map(reader, object->node, "status", "status");
    json_t *hard = read_quota_amounts(reader, manifest_map(reader, spec, "hard", "spec.hard"), "spec.hard");
    json_t *used = read_quota_amounts(reader, manifest_map(reader, status, "used", "status.used"), "status.used");
    json_t *out = json_pack("{s:o, s:O}", "name", json_string_safe(name_of(reader, object)), "hard", hard);
    if (json_object_size(used) > 0) {
        json_object_set(out, "used", used);
    }
    read_scopes(reader, spec, out);
    size_t count = json_object_size(hard);
    json_decref(used);
    json_decref(hard);
    return finished(reader, out, count);
}
