#include "pipeline/run/selector.h"

#include "pipeline/base/str.h"

bool selector_globs(const json_t *globs, const char *text)
{
    if (!json_is_array(globs) || json_array_size(globs) == 0) {
        return true;
    }
    size_t index = 0;
    const json_t *glob = NULL;
    json_array_foreach(globs, index, glob)
    {
        if (text != NULL && json_is_string(glob) && str_glob(json_string_value(glob), text)) {
            return true;
        }
    }
    return false;
}

bool selector_labels(const json_t *wanted, const json_t *labels)
{
    if (!json_is_object(wanted)) {
        return true;
    }
    const char *key = NULL;
    const json_t *value = NULL;
    json_object_foreach((json_t *)(uintptr_t)wanted, key, value)
    {
        if (!json_is_string(value) ||
            !str_equal(json_string_or_null(labels, key), json_string_value(value))) {
            return false;
        }
    }
    return true;
}

bool selector_match(const json_t *match, const json_t *workload, const char *namespace)
{
    return selector_globs(json_object_get(match, "namespaces"), namespace) &&
           selector_globs(json_object_get(match, "clusters"), json_string_or_null(workload, "cluster")) &&
           selector_globs(json_object_get(match, "kinds"), json_string_or_null(workload, "kind")) &&
           selector_labels(json_object_get(match, "labels"), json_object_get(workload, "labels"));
}
