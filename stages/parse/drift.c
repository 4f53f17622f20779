#include "stages/parse/drift.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"

enum { MANAGERS_MAX = 32, FIELDS_MAX = 256, DEPTH_MAX = 16, FACTS_MAX = 256 };

/* ---- Owners ---- */

/* Name of the container that a key of fieldsV1 stands for: k:{"name":"app"}. New, NULL for none. */
static char *container_of(const char *key)
{
    json_t *parts = str_starts(key, "k:") ? json_loads(key + 2, 0, NULL) : NULL;
    char *name = xstrdup_null(json_string_or_null(parts, "name"));
    json_decref(parts);
    return name;
}

static void add_field(json_t *fields, char *text)
{
    if (json_array_size(fields) < FIELDS_MAX) {
        json_array_append_new(fields, json_string_safe(text));
    }
    free(text);
}

/* requests and limits of one container: each by resource, or as a whole. */
static void add_resources(const char *container, const json_t *tree, json_t *fields)
{
    static const char *const sections[][2] = {{"f:requests", "requests"}, {"f:limits", "limits"}};
    for (size_t i = 0; i < ARRAY_COUNT(sections); i++) {
        const json_t *section = json_object_get(tree, sections[i][0]);
        const char *key = NULL;
        const json_t *unused = NULL;
        if (json_is_object(section) && json_object_size(section) == 0) {
            add_field(fields, xasprintf("%s/%s", container, sections[i][1]));
        }
        json_object_foreach((json_t *)(uintptr_t)section, key, unused)
        {
            if (str_starts(key, "f:")) {
                add_field(fields, xasprintf("%s/%s/%s", container, sections[i][1], key + 2));
            }
        }
    }
}

/* Goes down to the containers, wherever a kind has its pod. */
static void add_tree(const json_t *tree, bool of_containers, int depth, json_t *fields)
{
    const char *key = NULL;
    const json_t *value = NULL;
    json_object_foreach((json_t *)(uintptr_t)tree, key, value)
    {
        char *container = of_containers ? container_of(key) : NULL;
        if (container != NULL) {
            add_resources(container, json_object_get(value, "f:resources"), fields);
        } else if (depth < DEPTH_MAX && str_starts(key, "f:") && json_is_object(value)) {
            add_tree(value, str_equal(key, "f:containers") || str_equal(key, "f:initContainers"), depth + 1, fields);
        }
        free(container);
    }
}

/* New. */
static json_t *owner_of(const json_t *entry, const json_t *fields)
{
    static const char *const members[] = {"manager", "operation", "time", "subresource"};
    json_t *out = json_object();
    for (size_t i = 0; i < ARRAY_COUNT(members); i++) {
        json_object_set_new(out, members[i], json_string_safe(json_string_or_null(entry, members[i])));
    }
    json_object_set(out, "fields", (json_t *)(uintptr_t)fields);
    return out;
}

json_t *drift_owners(const json_t *object)
{
    json_t *out = json_array();
    size_t index = 0;
    const json_t *entry = NULL;
    json_array_foreach(json_at(object, "metadata.managedFields"), index, entry)
    {
        const json_t *spec = json_object_get(json_object_get(entry, "fieldsV1"), "f:spec");
        json_t *fields = json_array();
        if (json_object_get(spec, "f:replicas") != NULL) {
            add_field(fields, xstrdup("replicas"));
        }
        add_tree(spec, false, 0, fields);
        if (json_array_size(fields) > 0 && json_array_size(out) < MANAGERS_MAX) {
            json_array_append_new(out, owner_of(entry, fields));
        }
        json_decref(fields);
    }
    return out;
}

static bool holds(const json_t *owner, const char *field, const char *whole)
{
    size_t index = 0;
    const json_t *name = NULL;
    json_array_foreach(json_object_get(owner, "fields"), index, name)
    {
        if (str_equal(json_string_value(name), field) || str_equal(json_string_value(name), whole)) {
            return true;
        }
    }
    return false;
}

/* New list of those who hold a field. */
static json_t *owners_of(const json_t *owners, const char *field, const char *whole)
{
    json_t *out = json_array();
    size_t index = 0;
    json_t *owner = NULL;
    json_array_foreach((json_t *)(uintptr_t)owners, index, owner)
    {
        if (holds(owner, field, whole)) {
            json_t *copy = json_copy(owner);
            json_object_del(copy, "fields");
            json_array_append_new(out, copy);
        }
    }
    return out;
}

/* ---- Differences ---- */

struct finding_of {
    const char *container; /* NULL: of the object */
    const json_t *owners;
    json_t *out;
};

static json_t *or_null(const json_t *value)
{
    return value == NULL ? json_null() : json_incref((json_t *)(uintptr_t)value);
}

static void add(const struct finding_of *about, const char *field, const json_t *manifest, const json_t *live, json_t *owners)
{
    if (json_array_size(about->out) < FACTS_MAX) {
        json_t *entry = json_pack("{s:o, s:s, s:o, s:o, s:O}", "container", json_string_safe(about->container), "field", field, "manifest",
                                  or_null(manifest), "live", or_null(live), "owners", owners);
        json_array_append_new(about->out, entry);
    }
    json_decref(owners);
}

/* Absent and null are one. */
static bool same(const json_t *a, const json_t *b)
{
    bool none_a = a == NULL || json_is_null(a);
    bool none_b = b == NULL || json_is_null(b);
    return none_a || none_b ? none_a && none_b : json_equal(a, b) != 0;
}

/* One amount of a container. `resource` is as Kubernetes calls it, `field` as records do. */
static void compare_amount(const struct finding_of *about, const char *section, const char *resource, const char *field,
                           const json_t *manifest, const json_t *live)
{
    if (same(manifest, live)) {
        return;
    }
    char *path = xasprintf("%s.%s", section, field);
    char *held = xasprintf("%s/%s/%s", about->container, section, resource);
    char *whole = xasprintf("%s/%s", about->container, section);
    add(about, path, manifest, live, owners_of(about->owners, held, whole));
    free(whole);
    free(held);
    free(path);
}

/* Resources of other sorts, which are told as they are written. */
static void compare_others(const struct finding_of *about, const char *section, const json_t *manifest, const json_t *live)
{
    const json_t *mine = json_object_get(json_object_get(manifest, "other_resources"), section);
    const json_t *its = json_object_get(json_object_get(live, "other_resources"), section);
    const char *name = NULL;
    const json_t *value = NULL;
    json_object_foreach((json_t *)(uintptr_t)mine, name, value)
    {
        compare_amount(about, section, name, name, value, json_object_get(its, name));
    }
    json_object_foreach((json_t *)(uintptr_t)its, name, value)
    {
        if (json_object_get(mine, name) == NULL) {
            compare_amount(about, section, name, name, NULL, value);
        }
    }
}

/* A bare pod's requests are set to its limits by the API server where it gives none. */
static bool defaulted(const json_t *manifest, const json_t *live, const char *field, bool pod)
{
    const json_t *limit = json_object_get(json_object_get(manifest, "limits"), field);
    return pod && same(json_object_get(json_object_get(manifest, "requests"), field), NULL) && !same(limit, NULL) &&
           same(json_object_get(json_object_get(live, "requests"), field), limit);
}

static void compare_container(const struct finding_of *about, const json_t *manifest, const json_t *live, bool pod)
{
    static const char *const sections[] = {"requests", "limits"};
    static const char *const fields[][2] = {{"cpu", "cpu_millicores"}, {"memory", "memory_bytes"}};
    for (size_t s = 0; s < ARRAY_COUNT(sections); s++) {
        const json_t *mine = json_object_get(manifest, sections[s]);
        const json_t *its = json_object_get(live, sections[s]);
        for (size_t f = 0; f < ARRAY_COUNT(fields); f++) {
            if (s > 0 || !defaulted(manifest, live, fields[f][1], pod)) {
                compare_amount(about, sections[s], fields[f][0], fields[f][1], json_object_get(mine, fields[f][1]),
                               json_object_get(its, fields[f][1]));
            }
        }
        compare_others(about, sections[s], manifest, live);
    }
}

static const json_t *container_named(const json_t *workload, const char *name)
{
    size_t index = 0;
    const json_t *container = NULL;
    json_array_foreach(json_object_get(workload, "containers"), index, container)
    {
        if (name != NULL && str_equal(json_string_or_null(container, "name"), name)) {
            return container;
        }
    }
    return NULL;
}

json_t *drift_find(const json_t *workload, const json_t *live, const json_t *owners)
{
    struct finding_of about = {.owners = owners, .out = json_array()};
    bool pod = str_equal(json_string_or_null(workload, "kind"), "Pod");
    const json_t *replicas = json_object_get(workload, "replicas");
    const json_t *scaler = json_object_get(workload, "autoscaler");
    size_t index = 0;
    const json_t *container = NULL;
    if (!same(replicas, NULL) && same(scaler, NULL) && !same(replicas, json_object_get(live, "replicas"))) {
        add(&about, "replicas", replicas, json_object_get(live, "replicas"), owners_of(owners, "replicas", NULL));
    }
    json_array_foreach(json_object_get(workload, "containers"), index, container)
    {
        about.container = json_string_or_null(container, "name");
        const json_t *its = container_named(live, about.container);
        if (its != NULL) {
            compare_container(&about, container, its, pod);
        } else if (about.container != NULL) {
            add(&about, "container", json_true(), json_false(), json_array());
        }
    }
    return about.out;
}
