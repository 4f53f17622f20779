#include "stages/parse/budget.h"

#include <string.h>

#include "pipeline/base/str.h"
#include "stages/parse/labels.h"

bool budget_is(const struct manifest_object *object)
{
    return str_equal(object->kind, "PodDisruptionBudget") && object->api_version != NULL &&
           str_starts(object->api_version, "policy/");
}

/* "0%" to "100%". */
static bool is_percentage(const char *text)
{
    char digits[4] = "";
    int64_t value;
    size_t length = strlen(text);
    if (length < 2 || length > 4 || text[length - 1] != '%' || strspn(text, "0123456789") != length - 1) {
        return false;
    }
    memcpy(digits, text, length - 1);
    return str_int64(digits, 0, 100, &value) == 0;
}

/* An integer or a percentage, null when absent. */
static json_t *pods(struct manifest_reader *r, struct yaml_node *spec, const char *key)
{
    struct yaml_node *node = manifest_value(r, spec, key);
    const char *text = node == NULL ? NULL : yaml_string(r->arena, node);
    int64_t value = 0;
    if (node == NULL) {
        return json_null();
    }
    if (text != NULL && is_percentage(text)) {
        return json_string(text);
    }
    if (text != NULL || !yaml_int(node, &value) || value < 0 || value > INT32_MAX) {
        manifest_add_fault(r, true, "bad-value", node->start,
                           "spec.%s is neither a whole number of at least 0 nor a percentage up to 100%%", key);
    }
    return json_integer((json_int_t)value);
}

/* What policy/v1 takes an absent selector for, and policy/v1beta1 an empty one: nothing. */
static bool selects_nothing(const struct manifest_object *object, const struct yaml_node *selector)
{
    return selector == NULL || (str_equal(object->api_version, "policy/v1beta1") &&
                                selector->kind == YAML_KIND_MAPPING && selector->count == 0);
}

json_t *budget_read(struct manifest_reader *reader, const struct manifest_object *object)
{
    struct yaml_node *spec = manifest_map(reader, object->node, "spec", "spec");
    struct yaml_node *metadata = manifest_map(reader, object->node, "metadata", "metadata");
    struct yaml_node *node = manifest_value(reader, spec, "selector");
    json_t *least = pods(reader, spec, "minAvailable");
    json_t *most = pods(reader, spec, "maxUnavailable");
    if (!json_is_null(least) && !json_is_null(most)) {
        manifest_add_fault(reader, true, "bad-value", spec->start,
                           "spec has both minAvailable and maxUnavailable, of which one is allowed");
    }
    const char *name = manifest_text(reader, metadata, "name", "metadata.name");
    json_t *selector = selects_nothing(object, node) ? NULL : selector_read(reader, node, "spec.selector");
    json_t *budget = json_pack("{s:o, s:o, s:o}", "name", json_string_safe(name), "min_available", least,
                               "max_unavailable", most);
    if (selector == NULL || reader->fatal) {
        json_decref(selector);
        json_decref(budget);
        return NULL;
    }
    return json_pack("{s:o, s:o}", "budget", budget, "selector", selector);
}
