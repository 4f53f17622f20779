#include "stages/common/machine/patch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "stages/common/machine/image.h"
#include "stages/common/manifest/manifest.h"

static const char *metadata_of(const json_t *object, const char *key)
{
    const char *text = json_string_or_null(json_object_get(object, "metadata"), key);
    return text == NULL ? "" : text;
}

/* New operation of a JSON patch; steals `value` (NULL: none). */
static json_t *operation(const char *op, const char *path, json_t *value)
{
    json_t *made = json_pack("{s:s, s:s}", "op", op, "path", path);
    if (value != NULL) {
        json_object_set_new(made, "value", value);
    }
    return made;
}

/* A replaced uid or resourceVersion is a precondition (409); a `test` of them would be 422 like any other fault of the patch. */
static json_t *guarded_operations(const json_t *patch, const json_t *object)
{
    json_t *made = json_array();
    json_array_append_new(made, operation("replace", "/metadata/uid", json_string(metadata_of(object, "uid"))));
    json_array_append_new(made,
                          operation("replace", "/metadata/resourceVersion", json_string(metadata_of(object, "resourceVersion"))));
    size_t index = 0;
    json_t *one = NULL;
    json_array_foreach(patch, index, one)
    {
        json_array_append(made, one);
    }
    return made;
}

json_t *patch_guarded(const json_t *patch, const json_t *object)
{
    if (json_is_array(patch)) {
        return guarded_operations(patch, object);
    }
    json_t *made = json_deep_copy(patch);
    json_t *metadata = json_object_get(made, "metadata");
    if (metadata == NULL) {
        metadata = json_object();
        json_object_set_new(made, "metadata", metadata);
    }
    json_object_set_new(metadata, "uid", json_string(metadata_of(object, "uid")));
    json_object_set_new(metadata, "resourceVersion", json_string(metadata_of(object, "resourceVersion")));
    return made;
}

const char *patch_type(const json_t *patch)
{
    return json_is_array(patch) ? PATCH_JSON : PATCH_STRATEGIC;
}

/* ---- The way back ---- */

/* New merge patch from one value to another, NULL where they are the same. Lists are replaced. */
static json_t *difference(json_t *from, json_t *to)
{
    if (to == NULL || json_is_null(to)) {
        return from == NULL || json_is_null(from) ? NULL : json_null();
    }
    if (!json_is_object(to)) {
        return from != NULL && json_equal(from, to) ? NULL : json_deep_copy(to);
    }
    json_t *made = json_object();
    const char *key = NULL;
    json_t *value = NULL;
    json_object_foreach(to, key, value)
    {
        json_t *inner = difference(json_object_get(from, key), value);
        if (inner != NULL) {
            json_object_set_new(made, key, inner);
        }
    }
    json_object_foreach(from, key, value)
    {
        if (json_object_get(to, key) == NULL) {
            json_object_set_new(made, key, json_null());
        }
    }
    if (json_object_size(made) == 0 && json_is_object(from)) {
        json_decref(made);
        made = NULL;
    }
    return made;
}

/* Entry of a container in the strategic patch, where something differs. */
static void strategic_entry(json_t *pod, const char *list, const char *name, json_t *now, json_t *was)
{
    json_t *resources = difference(now, was);
    if (resources == NULL) {
        return;
    }
    json_t *entries = json_object_get(pod, list);
    if (entries == NULL) {
        entries = json_array();
        json_object_set_new(pod, list, entries);
    }
    json_array_append_new(entries, json_pack("{s:s, s:o}", "name", name, "resources", resources));
}

/* New nested object down to the pod's spec; *pod receives the innermost (borrowed). */
static json_t *frame(const struct manifest_kind *type, json_t **pod)
{
    json_t *root = json_object();
    *pod = root;
    for (size_t i = 0; type->pod_path[i] != NULL; i++) {
        json_t *next = json_object();
        json_object_set_new(*pod, type->pod_path[i], next);
        *pod = next;
    }
    return root;
}

static json_t *strategic_back(const struct manifest_kind *type, const json_t *spec, json_t *was)
{
    json_t *pod = NULL;
    json_t *made = frame(type, &pod);
    const char *name = NULL;
    json_t *resources = NULL;
    json_object_foreach(was, name, resources)
    {
        const char *list = NULL;
        size_t at = 0;
        json_t *container = image_container(spec, name, &list, &at);
        if (container != NULL) {
            strategic_entry(pod, list, name, json_object_get(container, "resources"), resources);
        }
    }
    return made;
}

static void json_entry(json_t *operations, const char *base, const char *name, const json_t *now, json_t *was)
{
    bool there = now != NULL;
    bool wanted = was != NULL && !json_is_null(was);
    if ((!there && !wanted) || (there && wanted && json_equal(now, was))) {
        return;
    }
    char *named = xasprintf("%s/name", base);
    char *path = xasprintf("%s/resources", base);
    json_array_append_new(operations, operation("test", named, json_string(name)));
    json_array_append_new(operations, wanted ? operation("add", path, json_deep_copy(was)) : operation("remove", path, NULL));
    free(named);
    free(path);
}

static json_t *json_back(const struct manifest_kind *type, const json_t *spec, json_t *was)
{
    json_t *made = json_array();
    const char *name = NULL;
    json_t *resources = NULL;
    json_object_foreach(was, name, resources)
    {
        const char *list = NULL;
        size_t at = 0;
        struct buf base;
        const json_t *container = image_container(spec, name, &list, &at);
        buf_init(&base, 1024);
        for (size_t i = 0; type->pod_path[i] != NULL; i++) {
            buf_printf(&base, "/%s", type->pod_path[i]);
        }
        if (container != NULL) {
            buf_printf(&base, "/%s/%zu", list, at);
            json_entry(made, buf_str(&base), name, json_object_get(container, "resources"), resources);
        }
        buf_release(&base);
    }
    return made;
}

json_t *patch_back(const char *kind, const json_t *object, const json_t *was)
{
    const struct manifest_kind *type = manifest_kind_named(kind);
    const json_t *spec = image_pod_spec(kind, object);
    json_t *map = (json_t *)(uintptr_t)was;
    if (type == NULL) {
        return json_object();
    }
    return type->strategic ? strategic_back(type, spec, map) : json_back(type, spec, map);
}

json_t *patch_removal(const json_t *object, bool any_version)
{
    json_t *preconditions = json_pack("{s:s}", "uid", metadata_of(object, "uid"));
    if (!any_version) {
        json_object_set_new(preconditions, "resourceVersion", json_string(metadata_of(object, "resourceVersion")));
    }
    return json_pack("{s:s, s:s, s:s, s:o}", "apiVersion", "v1", "kind", "DeleteOptions", "propagationPolicy", "Background",
                     "preconditions", preconditions);
}
