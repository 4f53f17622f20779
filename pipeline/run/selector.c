#include "pipeline/run/selector.h"

#include <string.h>

#include "pipeline/base/mem.h"
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

const char *selector_cluster(const char *own)
{
    return own == NULL ? "default" : own;
}

bool selector_match(const json_t *match, const json_t *workload, const char *namespace, const char *class)
{
    const char *cluster = selector_cluster(json_string_or_null(workload, "cluster"));
    return selector_globs(json_object_get(match, "namespaces"), namespace) &&
           selector_globs(json_object_get(match, "clusters"), cluster) &&
           selector_globs(json_object_get(match, "kinds"), json_string_or_null(workload, "kind")) &&
           selector_globs(json_object_get(match, "classes"), class) &&
           selector_labels(json_object_get(match, "labels"), json_object_get(workload, "labels"));
}

const char *selector_namespace(const json_t *workload, const char *fallback)
{
    const char *own = json_string_or_null(workload, "namespace");
    return own != NULL ? own : fallback != NULL ? fallback : "default";
}

/* An outer star takes in whatever of `inner` stands in its place, wildcards
 * too; an outer question mark must not meet an inner star, which may stand for more. */
bool selector_glob_covers(const char *outer, const char *inner)
{
    if (outer == NULL || inner == NULL) {
        return false;
    }
    if (str_equal(outer, inner)) {
        return true;
    }
    return (strchr(outer, '?') == NULL || strchr(inner, '*') == NULL) && str_glob(outer, inner);
}

static bool globs_cover(const json_t *outer, const json_t *inner)
{
    if (json_array_size(outer) == 0) {
        return true;
    }
    size_t i = 0;
    const json_t *glob = NULL;
    json_array_foreach(inner, i, glob)
    {
        bool found = false;
        size_t j = 0;
        const json_t *wide = NULL;
        json_array_foreach(outer, j, wide)
        {
            found = found || (json_is_string(wide) && json_is_string(glob) &&
                              selector_glob_covers(json_string_value(wide), json_string_value(glob)));
        }
        if (!found) {
            return false;
        }
    }
    return json_array_size(inner) > 0;
}

bool selector_covers(const json_t *outer, const json_t *inner)
{
    static const char *const lists[] = {"namespaces", "clusters", "kinds", "classes"};
    for (size_t i = 0; i < ARRAY_COUNT(lists); i++) {
        if (!globs_cover(json_object_get(outer, lists[i]), json_object_get(inner, lists[i]))) {
            return false;
        }
    }
    return selector_labels(json_object_get(outer, "labels"), json_object_get(inner, "labels"));
}
