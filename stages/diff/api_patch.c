#include "stages/diff/api_patch.h"

#include <stdlib.h>
#include <string.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"

/* The list and place that an edit's path ends in: "….initContainers[2].resources.…". */
static const char *list_of(const struct edit_done *done)
{
    return strstr(done->path, "initContainers[") != NULL ? "initContainers" : "containers";
}

static long index_of(const struct edit_done *done)
{
    const char *bracket = strchr(done->path, '[');
    return bracket == NULL ? 0 : strtol(bracket + 1, NULL, 10);
}

/* Member of an object, made when it is not there. Borrowed. */
static json_t *member(json_t *object, const char *key)
{
    json_t *value = json_object_get(object, key);
    if (value == NULL) {
        value = json_object();
        json_object_set_new(object, key, value);
    }
    return value;
}

/* The entry of a container in a list, made when it is not there. Borrowed. */
static json_t *entry_of(json_t *pod, const char *list, const char *name)
{
    json_t *entries = json_object_get(pod, list);
    size_t index;
    json_t *entry;
    if (entries == NULL) {
        entries = json_array();
        json_object_set_new(pod, list, entries);
    }
    json_array_foreach(entries, index, entry)
    {
        if (str_equal(json_string_or_null(entry, "name"), name)) {
            return entry;
        }
    }
    entry = json_pack("{s:s}", "name", name);
    json_array_append_new(entries, entry);
    return entry;
}

json_t *api_merge_patch(const struct manifest_kind *type, const struct edit_request *requests,
                        const struct edit_done *done, size_t count)
{
    json_t *patch = json_object();
    json_t *pod = patch;
    for (size_t i = 0; type->pod_path[i] != NULL; i++) {
        pod = member(pod, type->pod_path[i]);
    }
    for (size_t i = 0; i < count; i++) {
        if (done[i].changed) {
            json_t *entry = entry_of(pod, list_of(&done[i]), requests[i].container);
            json_t *section = member(member(entry, "resources"), manifest_section(requests[i].field));
            json_object_set_new(section, manifest_resource(requests[i].field), json_string_safe(done[i].to));
        }
    }
    return patch;
}

/* What is at work for one container of a JSON patch. */
struct container_patch {
    json_t *operations;
    char *base;         /* "/spec/template/spec/containers/0" */
    const json_t *live; /* the container as the cluster has it, NULL where that is not known */
    const json_t *written; /* amounts as they stand there, with their types */
    bool has[2];        /* requests, limits: there, or added by an operation before */
    bool has_resources; /* what they are members of */
};

static void add_operation(json_t *operations, const char *op, const char *path, json_t *value)
{
    json_t *operation = json_pack("{s:s, s:s}", "op", op, "path", path);
    if (value != NULL) {
        json_object_set_new(operation, "value", value);
    }
    json_array_append_new(operations, operation);
}

/* Whether the record says that a container has a section. */
static bool has_section(const json_t *container, const char *section)
{
    const json_t *amounts = json_object_get(container, section);
    int64_t ignored;
    return json_get_int(amounts, "cpu_millicores", &ignored) ||
           json_get_int(amounts, "memory_bytes", &ignored) ||
           json_object_get(json_object_get(container, "other_resources"), section) != NULL;
}

/* Whether the field is there now: a manifest may say something else than the cluster that it is held against. */
static bool has_field(const struct container_patch *patch, const struct edit_request *request, const struct edit_done *done)
{
    int64_t ignored;
    return patch->live == NULL ? done->from != NULL
                               : json_get_int(json_object_get(patch->live, manifest_section(request->field)),
                                              manifest_is_cpu(request->field) ? "cpu_millicores" : "memory_bytes", &ignored);
}

/* Kinds that are not Kubernetes' own keep amounts as somebody wrote them (1, "0.5", "1024Mi"): that very value is tested. */
static void test_old_value(struct container_patch *patch, const struct edit_request *request, const char *field)
{
    json_t *old = json_object_get(json_object_get(patch->written, manifest_section(request->field)), manifest_resource(request->field));
    if (old != NULL) {
        add_operation(patch->operations, "test", field, json_incref(old));
    }
}

static void add_edit(struct container_patch *patch, const struct edit_request *request,
                     const struct edit_done *done)
{
    const char *section = manifest_section(request->field);
    size_t which = str_equal(section, "limits");
    bool there = has_field(patch, request, done);
    char *resources = xasprintf("%s/resources", patch->base);
    char *sections = xasprintf("%s/%s", resources, section);
    char *field = xasprintf("%s/%s", sections, manifest_resource(request->field));
    if (there) {
        test_old_value(patch, request, field);
    }
    if (done->to == NULL) {
        if (there) {
            add_operation(patch->operations, "remove", field, NULL);
        }
    } else if (there || patch->has[which]) {
        add_operation(patch->operations, there ? "replace" : "add", field, json_string(done->to));
    } else {
        json_t *amount = json_pack("{s:s}", manifest_resource(request->field), done->to);
        add_operation(patch->operations, "add", patch->has_resources ? sections : resources,
                      patch->has_resources ? amount : json_pack("{s:o}", section, amount));
        patch->has[which] = patch->has_resources = true;
    }
    free(field);
    free(sections);
    free(resources);
}

/* The container of this name, *at its place in its list; NULL where there is none. */
static const json_t *container_of(const json_t *containers, const char *name, long *at)
{
    long places[2] = {0, 0};
    size_t index;
    json_t *container;
    json_array_foreach(containers, index, container)
    {
        bool init = !str_equal(json_string_or_null(container, "role"), "container");
        if (str_equal(json_string_or_null(container, "name"), name)) {
            *at = places[init];
            return container;
        }
        places[init]++;
    }
    return NULL;
}

/* Starts a container: where it is, what it has, and the test of its name. */
static void begin_container(struct container_patch *patch, const struct manifest_kind *type,
                            const json_t *record, const struct edit_request *request,
                            const struct edit_done *done)
{
    struct buf base;
    long at = index_of(done);
    long unused = 0;
    buf_init(&base, 1024);
    for (size_t i = 0; type->pod_path[i] != NULL; i++) {
        buf_printf(&base, "/%s", type->pod_path[i]);
    }
    patch->live = container_of(json_at(record, "workload.live.containers"), request->container, &at);
    const json_t *container =
        patch->live != NULL ? patch->live : container_of(json_at(record, "workload.containers"), request->container, &unused);
    buf_printf(&base, "/%s/%ld", list_of(done), at);
    free(patch->base);
    patch->base = buf_steal(&base);
    patch->written = json_object_get(container, "written");
    patch->has[0] = has_section(container, "requests");
    patch->has[1] = has_section(container, "limits");
    patch->has_resources = patch->has[0] || patch->has[1] || json_object_get(container, "resources_more") != NULL;
    char *name = xasprintf("%s/name", patch->base);
    add_operation(patch->operations, "test", name, json_string_safe(request->container));
    free(name);
}

json_t *api_json_patch(const struct manifest_kind *type, const json_t *record,
                       const struct edit_request *requests, const struct edit_done *done, size_t count)
{
    struct container_patch patch = {.operations = json_array()};
    const char *current = NULL;
    for (size_t i = 0; i < count; i++) {
        if (!done[i].changed) {
            continue;
        }
        if (!str_equal(current, requests[i].container)) {
            current = requests[i].container;
            begin_container(&patch, type, record, &requests[i], &done[i]);
        }
        add_edit(&patch, &requests[i], &done[i]);
    }
    free(patch.base);
    return patch.operations;
}
