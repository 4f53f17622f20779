#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "tests/sim/sim.h"

const char *sim_uid(const json_t *value)
{
    return json_string_or_null(json_object_get(value, "metadata"), "uid");
}

int64_t sim_version(const json_t *value)
{
    const char *text = json_string_or_null(json_object_get(value, "metadata"), "resourceVersion");
    int64_t version = 0;
    return text == NULL || str_int64(text, 0, INT64_MAX, &version) ? 0 : version;
}

static void set_version(struct sim *sim, json_t *value)
{
    char text[32];
    snprintf(text, sizeof text, "%" PRId64, ++sim->version);
    json_object_set_new(json_object_get(value, "metadata"), "resourceVersion", json_string(text));
}

void sim_time(const struct sim *sim, char out[32])
{
    int64_t seconds = sim->clock / 1000;
    snprintf(out, 32, "2026-11-22T%02d:%02d:%02dZ", (int)(3 + seconds / 3600) % 24, (int)(seconds / 60 % 60), (int)(seconds % 60));
}

void sim_managed(const struct sim *sim, json_t *value, const char *manager)
{
    char time[32];
    size_t index = 0;
    json_t *entry = NULL;
    json_t *metadata = json_object_get(value, "metadata");
    json_t *entries = json_deep_copy(json_object_get(metadata, "managedFields"));
    entries = entries == NULL ? json_array() : entries;
    json_array_foreach(entries, index, entry)
    {
        if (str_equal(json_string_or_null(entry, "manager"), manager)) {
            break;
        }
    }
    if (entry == NULL || index == json_array_size(entries)) {
        entry = json_pack("{s:s, s:s}", "manager", manager, "operation", "Update");
        json_array_append_new(entries, entry);
    }
    sim_time(sim, time);
    json_object_set_new(entry, "time", json_string(time));
    json_object_set_new(metadata, "managedFields", entries);
}

bool sim_labelled(const json_t *value, const char *selector)
{
    const json_t *labels = json_object_get(json_object_get(value, "metadata"), "labels");
    const char *at = selector;
    while (at != NULL && *at != '\0') {
        const char *end = strchr(at, ',');
        size_t length = end == NULL ? strlen(at) : (size_t)(end - at);
        const char *equals = memchr(at, '=', length);
        if (equals != NULL) {
            char *key = xstrndup(at, (size_t)(equals - at));
            const char *from = equals[1] == '=' ? equals + 2 : equals + 1;
            char *wanted = xstrndup(from, length - (size_t)(from - at));
            bool same = str_equal(json_string_or_null(labels, key), wanted);
            free(key);
            free(wanted);
            if (!same) {
                return false;
            }
        }
        at = end == NULL ? NULL : end + 1;
    }
    return true;
}

struct sim_object *sim_find(struct sim *sim, const char *group, const char *resource, const char *namespace, const char *name)
{
    for (size_t i = 0; i < sim->object_count; i++) {
        struct sim_object *object = sim->objects[i];
        if (str_equal(object->name, name) && str_equal(object->resource, resource) && str_equal(object->namespace, namespace) &&
            str_equal(object->group, group)) {
            return object;
        }
    }
    return NULL;
}

struct sim_object *sim_find_id(struct sim *sim, uint64_t id)
{
    for (size_t i = 0; i < sim->object_count; i++) {
        if (sim->objects[i]->id == id) {
            return sim->objects[i];
        }
    }
    return NULL;
}

static void copy_text(char out[SIM_TEXT], const char *text)
{
    snprintf(out, SIM_TEXT, "%s", text == NULL ? "" : text);
}

struct sim_object *sim_add(struct sim *sim, const char *group, const char *resource, json_t *value)
{
    struct sim_object *object = xcalloc(sizeof *object);
    json_t *metadata = json_object_get(value, "metadata");
    char uid[64];
    object->id = ++sim->ids;
    snprintf(uid, sizeof uid, "5f0c31e0-0000-4000-8000-%012" PRIu64, object->id);
    copy_text(object->group, group);
    copy_text(object->resource, resource);
    copy_text(object->namespace, json_string_or_null(metadata, "namespace"));
    copy_text(object->name, json_string_or_null(metadata, "name"));
    json_object_set_new(metadata, "uid", json_string(uid));
    json_object_set_new(metadata, "generation", json_integer(1));
    json_object_set_new(metadata, "creationTimestamp", json_string("2026-11-22T03:00:00Z"));
    set_version(sim, value);
    sim_normalise(value);
    object->value = value;
    object->progress = sim->clock;
    GROW(sim->objects, sim->object_capacity, sim->object_count + 1);
    sim->objects[sim->object_count++] = object;
    sim_watch_wake(sim, object);
    sim_controller_wake(sim, object);
    return object;
}

static bool owned_by(const struct sim_object *object, const char *uid)
{
    const json_t *owners = json_object_get(json_object_get(object->value, "metadata"), "ownerReferences");
    return str_equal(json_string_or_null(json_array_get(owners, 0), "uid"), uid);
}

void sim_remove(struct sim *sim, struct sim_object *object)
{
    char uid[SIM_TEXT];
    snprintf(uid, sizeof uid, "%s", sim_uid(object->value));
    for (size_t i = 0; i < sim->object_count; i++) {
        if (sim->objects[i] == object) {
            memmove(&sim->objects[i], &sim->objects[i + 1], (sim->object_count - i - 1) * sizeof *sim->objects);
            sim->object_count--;
            break;
        }
    }
    sim_watch_wake(sim, object);
    sim_controller_wake(sim, object);
    json_decref(object->value);
    free(object);
    for (size_t i = 0; i < sim->object_count;) {
        if (owned_by(sim->objects[i], uid)) {
            sim_remove(sim, sim->objects[i]);
            i = 0;
        } else {
            i++;
        }
    }
}

bool sim_replace(struct sim *sim, struct sim_object *object, json_t *value)
{
    json_t *metadata = json_object_get(value, "metadata");
    json_t *old = json_object_get(object->value, "metadata");
    const char *const kept[] = {"uid", "name", "namespace", "creationTimestamp", "generation", "resourceVersion"};
    sim_normalise(value);
    for (size_t i = 0; i < ARRAY_COUNT(kept); i++) {
        json_object_set(metadata, kept[i], json_object_get(old, kept[i]));
    }
    json_t *fields = json_incref(json_object_get(metadata, "managedFields"));
    json_object_del(metadata, "managedFields");
    if (json_object_get(old, "managedFields") != NULL) {
        json_object_set(metadata, "managedFields", json_object_get(old, "managedFields"));
    }
    bool same = json_equal(value, object->value) != 0;
    if (fields != NULL) {
        json_object_set_new(metadata, "managedFields", fields);
    }
    if (same) {
        json_decref(value);
        return false;
    }
    if (!json_equal(json_object_get(value, "spec"), json_object_get(object->value, "spec"))) {
        json_object_set_new(metadata, "generation", json_integer(json_int_or(old, "generation", 1) + 1));
    }
    set_version(sim, value);
    json_decref(object->value);
    object->value = value;
    sim_watch_wake(sim, object);
    sim_controller_wake(sim, object);
    return true;
}
