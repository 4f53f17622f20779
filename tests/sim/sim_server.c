#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/quantity.h"
#include "pipeline/base/str.h"
#include "tests/sim/sim.h"
#include "tests/sim/sim_pods.h"

/* ---- Where a request goes ---- */

struct place {
    char group[SIM_TEXT];
    char namespace[SIM_TEXT];
    char resource[SIM_TEXT];
    char name[SIM_TEXT];
    char part[SIM_TEXT]; /* "resize", "status", … */
    char labels[SIM_TEXT];
    bool dry;
};

static int digit(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : 0;
}

/* Reads up to one of `ends` into `out`, unescaped; where it stopped. */
static const char *piece(const char *at, const char *ends, char out[SIM_TEXT])
{
    size_t length = 0;
    for (; *at != '\0' && strchr(ends, *at) == NULL; at++) {
        char c = *at;
        if (c == '%' && at[1] != '\0' && at[2] != '\0') {
            c = (char)(digit(at[1]) * 16 + digit(at[2]));
            at += 2;
        }
        if (length + 1 < SIM_TEXT) {
            out[length++] = c;
        }
    }
    out[length] = '\0';
    return at;
}

static void read_query(const char *at, struct place *place)
{
    while (*at != '\0') {
        char key[SIM_TEXT];
        char value[SIM_TEXT] = "";
        at = piece(at + 1, "=&", key);
        if (*at == '=') {
            at = piece(at + 1, "&", value);
        }
        place->dry |= str_equal(key, "dryRun") && str_equal(value, "All");
        if (str_equal(key, "labelSelector")) {
            snprintf(place->labels, sizeof place->labels, "%s", value);
        }
    }
}

static void read_path(const char *path, struct place *place)
{
    char steps[10][SIM_TEXT];
    size_t count = 0;
    size_t next = 2;
    const char *at = path;
    memset(place, 0, sizeof *place);
    memset(steps, 0, sizeof steps);
    while (*at == '/' && count < ARRAY_COUNT(steps)) {
        at = piece(at + 1, "/?", steps[count++]);
    }
    if (str_equal(steps[0], "apis")) {
        snprintf(place->group, sizeof place->group, "%s", steps[1]);
        next = 3;
    }
    if (str_equal(steps[next], "namespaces") && next + 2 < count) {
        snprintf(place->namespace, sizeof place->namespace, "%s", steps[next + 1]);
        next += 2;
    }
    snprintf(place->resource, sizeof place->resource, "%s", steps[next]);
    snprintf(place->name, sizeof place->name, "%s", next + 1 < count ? steps[next + 1] : "");
    snprintf(place->part, sizeof place->part, "%s", next + 2 < count ? steps[next + 2] : "");
    read_query(at, place);
}

static int item_at(const struct sim *sim, const char *group, const char *resource, const char *namespace, const char *name)
{
    for (size_t i = 0; i < sim->item_count; i++) {
        const struct sim_item *item = &sim->items[i];
        if (str_equal(item->name, name) && str_equal(item->namespace, namespace) && str_equal(item->resource, resource) &&
            str_equal(item->group, group)) {
            return (int)i;
        }
    }
    return -1;
}

static struct sim_object *owner_of(struct sim *sim, const struct sim_object *object)
{
    const json_t *owners = json_object_get(json_object_get(object->value, "metadata"), "ownerReferences");
    const char *uid = json_string_or_null(json_array_get(owners, 0), "uid");
    for (size_t i = 0; uid != NULL && i < sim->object_count; i++) {
        if (str_equal(sim_uid(sim->objects[i]->value), uid)) {
            return sim->objects[i];
        }
    }
    return NULL;
}

int sim_item_of_path(struct sim *sim, const char *path)
{
    struct place place;
    read_path(path, &place);
    int item = item_at(sim, place.group, place.resource, place.namespace, place.name);
    struct sim_object *object = sim_find(sim, place.group, place.resource, place.namespace, place.name);
    while (item < 0 && object != NULL) {
        object = owner_of(sim, object);
        item = object == NULL ? -1 : item_at(sim, object->group, object->resource, object->namespace, object->name);
    }
    return item;
}

int sim_item_of_call(struct sim *sim, const struct sim_call *call)
{
    struct place place;
    read_path(call->path, &place);
    const char *made = json_string_or_null(json_object_get(call->body, "metadata"), "name");
    if (str_equal(call->method, "POST") && made != NULL) {
        return item_at(sim, place.group, place.resource, place.namespace, made);
    }
    return sim_item_of_path(sim, call->path);
}

/* ---- Answers ---- */

static void refuse(struct sim_call *call, long status, const char *reason, const char *message)
{
    call->status = status;
    call->answer = json_pack("{s:s, s:s, s:s, s:s, s:s, s:I}", "kind", "Status", "apiVersion", "v1", "status", "Failure", "message",
                             message, "reason", reason, "code", (json_int_t)status);
}

static void missing(struct sim_call *call, const struct place *place)
{
    char *message = xasprintf("%s \"%s\" not found", place->resource, place->name);
    refuse(call, 404, "NotFound", message);
    free(message);
}

static void list(struct sim *sim, struct sim_call *call, const struct place *place)
{
    char version[32];
    json_t *items = json_array();
    for (size_t i = 0; i < sim->object_count; i++) {
        const struct sim_object *object = sim->objects[i];
        if (str_equal(object->resource, place->resource) && str_equal(object->group, place->group) &&
            (*place->namespace == '\0' || str_equal(object->namespace, place->namespace)) &&
            sim_labelled(object->value, place->labels)) {
            json_array_append_new(items, json_deep_copy(object->value));
        }
    }
    snprintf(version, sizeof version, "%" PRId64, sim->version);
    call->status = 200;
    call->answer = json_pack("{s:s, s:s, s:{s:s}, s:o}", "kind", "List", "apiVersion", "v1", "metadata", "resourceVersion", version,
                             "items", items);
}

/* ---- Admission ---- */

static const char *validate_amounts(const json_t *resources)
{
    const json_t *limits = json_object_get(resources, "limits");
    const char *key = NULL;
    json_t *request = NULL;
    json_object_foreach(json_object_get(resources, "requests"), key, request)
    {
        int64_t asked = 0;
        int64_t most = 0;
        const char *limit = json_string_or_null(limits, key);
        const char *text = json_string_value(request);
        if (limit != NULL && text != NULL && quantity_memory(text, strlen(text), &asked, NULL) == 0 &&
            quantity_memory(limit, strlen(limit), &most, NULL) == 0 && asked > most) {
            return "must be less than or equal to the limit";
        }
    }
    return NULL;
}

static const char *validate(const json_t *value)
{
    json_t *all = sim_resources(value);
    const char *key = NULL;
    const char *why = NULL;
    json_t *resources = NULL;
    json_object_foreach(all, key, resources)
    {
        why = why == NULL ? validate_amounts(resources) : why;
    }
    json_decref(all);
    return why;
}

/* What a webhook makes of a template that has the planned resources. */
static void mutate(const struct sim_item *item, json_t *value)
{
    json_t *template = sim_template(value);
    if (item->denial == DENIAL_ADDED) {
        json_t *metadata = json_object_get(template, "metadata");
        if (json_object_get(metadata, "annotations") == NULL) {
            json_object_set_new(metadata, "annotations", json_object());
        }
        json_object_set_new(json_object_get(metadata, "annotations"), "mesh.example/revision", json_string("7"));
    }
    if (item->denial == DENIAL_CHANGED) {
        json_t *container = json_array_get(json_object_get(json_object_get(template, "spec"), "containers"), 0);
        json_t *requests = json_object_get(json_object_get(container, "resources"), "requests");
        json_object_set_new(requests, "cpu", json_string("333m"));
    }
}

/* Whether the server takes a new value of an object of the plan; webhooks may change it. False: call->answer says why. */
static bool admit(struct sim *sim, struct sim_call *call, const struct place *place, const json_t *old, json_t *value)
{
    int at = item_at(sim, place->group, place->resource, place->namespace, place->name);
    if (at < 0) {
        return true;
    }
    struct sim_item *item = &sim->items[at];
    json_t *now = sim_resources(value);
    json_t *then = sim_resources(old);
    bool forward = item->wanted != NULL && json_equal(now, item->wanted) && !json_equal(now, then);
    bool back = item->was != NULL && json_equal(now, item->was) && !json_equal(now, then);
    json_decref(now);
    json_decref(then);
    if (item->denial == DENIAL_RBAC) {
        refuse(call, 403, "Forbidden", "deployments.apps is forbidden: User \"tare\" cannot patch resource");
    } else if (forward && (item->denial == DENIAL_WEBHOOK || (item->denial == DENIAL_WRITE && !place->dry))) {
        refuse(call, 403, "Forbidden", "admission webhook \"sizes.example\" denied the request: too small");
    } else if (back && item->deny_undo) {
        refuse(call, 403, "Forbidden", "admission webhook \"freeze.example\" denied the request: frozen");
    } else if (forward) {
        mutate(item, value);
    }
    return call->answer == NULL;
}

/* ---- Verbs ---- */

static const char *precondition(const json_t *patched, const json_t *old)
{
    const char *uid = sim_uid(patched);
    const char *version = json_string_or_null(json_object_get(patched, "metadata"), "resourceVersion");
    if (uid != NULL && !str_equal(uid, sim_uid(old))) {
        return "Precondition failed: UID in precondition";
    }
    if (version != NULL && *version != '\0' && !str_equal(version, json_string_or_null(json_object_get(old, "metadata"), "resourceVersion"))) {
        return "the object has been modified; please apply your changes to the latest version and try again";
    }
    return NULL;
}

/* The value that a patch asks for; NULL: call->answer says why not. */
static json_t *patched(struct sim_call *call, const json_t *old)
{
    json_t *value = json_deep_copy(old);
    long status = 0;
    const char *type = call->content_type == NULL ? "" : call->content_type;
    const char *why = str_starts(type, "application/strategic-merge-patch+json") ? sim_strategic(value, call->body, &status)
                      : str_starts(type, "application/json-patch+json")          ? sim_json_patch(value, call->body, &status)
                      : str_starts(type, "application/merge-patch+json")         ? sim_merge(value, call->body, &status)
                                                                                 : "the media type is not supported";
    if (status == 0) {
        status = 415;
    }
    if (why != NULL) {
        refuse(call, status, "Invalid", why);
    } else if ((why = precondition(value, old)) != NULL) {
        refuse(call, 409, "Conflict", why);
    }
    if (why != NULL) {
        json_decref(value);
        return NULL;
    }
    return value;
}

/* Running pods are resized: only resources may differ, and the runtime does it a moment later. */
static void patch_object(struct sim *sim, struct sim_call *call, const struct place *place)
{
    struct sim_object *object = sim_find(sim, place->group, place->resource, place->namespace, place->name);
    json_t *value = NULL;
    if (object == NULL) {
        missing(call, place);
        return;
    }
    if ((value = patched(call, object->value)) == NULL) {
        return;
    }
    sim_normalise(value);
    const char *why = validate(value);
    if (why != NULL) {
        refuse(call, 422, "Invalid", why);
    } else if (admit(sim, call, place, object->value, value)) {
        sim_normalise(value);
        call->status = 200;
    }
    if (call->status != 200 || place->dry) {
        call->answer = call->status == 200 ? value : call->answer;
        if (call->status != 200) {
            json_decref(value);
        }
        return;
    }
    int item = sim_item_of_path(sim, call->path);
    json_t *old = json_deep_copy(object->value);
    sim_managed(sim, value, "tare");
    if (sim_replace(sim, object, value)) {
        sim_check_written(sim, call, item, old, object->value);
    }
    json_decref(old);
    call->answer = json_deep_copy(object->value);
}

static void post_object(struct sim *sim, struct sim_call *call, struct place *place)
{
    const char *name = json_string_or_null(json_object_get(call->body, "metadata"), "name");
    snprintf(place->name, sizeof place->name, "%s", name == NULL ? "" : name);
    if (*place->name == '\0') {
        refuse(call, 422, "Invalid", "name is required");
        return;
    }
    if (sim_find(sim, place->group, place->resource, place->namespace, place->name) != NULL) {
        refuse(call, 409, "AlreadyExists", "the object already exists");
        return;
    }
    json_t *value = json_deep_copy(call->body);
    json_object_set_new(json_object_get(value, "metadata"), "namespace", json_string(place->namespace));
    sim_managed(sim, value, "tare");
    call->status = 201;
    if (place->dry) {
        json_object_set_new(json_object_get(value, "metadata"), "uid", json_string("00000000-0000-4000-8000-00000000d0d0"));
        call->answer = value;
        return;
    }
    struct sim_object *object = sim_add(sim, place->group, place->resource, value);
    sim_check_written(sim, call, item_at(sim, place->group, place->resource, place->namespace, place->name), NULL, object->value);
    call->answer = json_deep_copy(object->value);
}

/* A pod that its set would make just so again blocks nothing. */
static void check_removal(struct sim *sim, const struct sim_object *pod)
{
    const char *revision = json_string_or_null(json_object_get(json_object_get(pod->value, "metadata"), "labels"), "controller-revision-hash");
    char hash[32];
    for (size_t i = 0; i < sim->object_count; i++) {
        const struct sim_object *set = sim->objects[i];
        if (str_equal(set->resource, "statefulsets") && sim_owned(pod, set)) {
            sim_template_hash(sim_template(set->value), hash);
            if (str_equal(revision, hash)) {
                sim_broken(sim, "pod %s, which blocks nothing, is removed", pod->name);
            }
        }
    }
}

static void delete_object(struct sim *sim, struct sim_call *call, const struct place *place)
{
    struct sim_object *object = sim_find(sim, place->group, place->resource, place->namespace, place->name);
    const json_t *conditions = json_object_get(call->body, "preconditions");
    const char *uid = json_string_or_null(conditions, "uid");
    const char *version = json_string_or_null(conditions, "resourceVersion");
    if (object == NULL) {
        missing(call, place);
        return;
    }
    const json_t *metadata = json_object_get(object->value, "metadata");
    if ((uid != NULL && !str_equal(uid, sim_uid(object->value))) ||
        (version != NULL && !str_equal(version, json_string_or_null(metadata, "resourceVersion")))) {
        refuse(call, 409, "Conflict", "Precondition failed: UID in precondition");
        return;
    }
    call->status = 200;
    call->answer = json_pack("{s:s, s:s, s:s}", "kind", "Status", "apiVersion", "v1", "status", "Success");
    if (!place->dry) {
        if (str_equal(place->resource, "pods")) {
            check_removal(sim, object);
        }
        json_t *old = json_deep_copy(object->value);
        int item = sim_item_of_path(sim, call->path);
        sim_remove(sim, object);
        sim_check_written(sim, call, item, old, NULL);
        json_decref(old);
    }
}

void sim_serve(struct sim *sim, struct sim_call *call)
{
    struct place place;
    read_path(call->path, &place);
    json_decref(call->answer);
    call->answer = NULL;
    call->status = 0;
    if (str_equal(call->method, "GET")) {
        struct sim_object *object = *place.name == '\0' ? NULL : sim_find(sim, place.group, place.resource, place.namespace, place.name);
        if (*place.name == '\0') {
            list(sim, call, &place);
        } else if (object == NULL) {
            missing(call, &place);
        } else {
            call->status = 200;
            call->answer = json_deep_copy(object->value);
        }
    } else if (str_equal(call->method, "PATCH")) {
        patch_object(sim, call, &place);
    } else if (str_equal(call->method, "POST")) {
        post_object(sim, call, &place);
    } else if (str_equal(call->method, "DELETE")) {
        delete_object(sim, call, &place);
    } else {
        refuse(call, 405, "MethodNotAllowed", "the server does not allow this method on the requested resource");
    }
}
