#include "stages/diff/new_objects.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "pipeline/io/fs.h"
#include "pipeline/run/record.h"
#include "pipeline/run/selector.h"
#include "stages/common/edit/unidiff.h"
#include "stages/common/objects/object_yaml.h"
#include "stages/common/objects/objects.h"
#include "stages/diff/origin/rendered.h"
#include "stages/diff/root_path.h"

struct new_objects {
    const struct config *config;
    const char *root;
    char *namespace;
    json_t *names; /* "NAMESPACE/KIND/NAME" of the objects so far */
};

struct new_objects *new_objects_new(const struct config *config, const char *root, const char *namespace)
{
    struct new_objects *objects = xcalloc(sizeof *objects);
    objects->config = config;
    objects->root = root;
    objects->namespace = xstrdup(namespace == NULL ? "default" : namespace);
    objects->names = json_object();
    return objects;
}

void new_objects_free(struct new_objects *objects)
{
    if (objects != NULL) {
        free(objects->namespace);
        json_decref(objects->names);
        free(objects);
    }
}

/* ---- Which ---- */

/* The one advice of those that exclude each other that is chosen and stands first: the best comes first. NULL: none. */
static const char *first_choice(const struct new_objects *objects, const json_t *record)
{
    const json_t *workload = record_workload(record);
    const char *namespace = selector_namespace(workload, objects->namespace);
    const char *class = json_string_or_null(json_object_get(record, "recommendation"), "class");
    size_t index = 0;
    const json_t *manifest = NULL;
    json_array_foreach(json_at(record, "recommendation.scaling.manifests"), index, manifest)
    {
        const char *advice = object_advice(json_string_or_null(manifest, "option"));
        if (advice != NULL && object_advice_excludes(advice) &&
            object_chosen(objects->config, workload, namespace, class, advice)) {
            return advice;
        }
    }
    return NULL;
}

static bool is_wanted(const struct new_objects *objects, const json_t *record, const char *first, const char *advice)
{
    const json_t *workload = record_workload(record);
    const char *class = json_string_or_null(json_object_get(record, "recommendation"), "class");
    if (advice == NULL || object_advice_excludes(advice)) {
        return advice != NULL && str_equal(advice, first);
    }
    return object_chosen(objects->config, workload, selector_namespace(workload, objects->namespace), class, advice);
}

/* New entry of change.objects; NULL where the manifest is no object. */
static json_t *entry_new(const json_t *record, const json_t *manifest, const char *advice, struct err *err)
{
    json_t *object = NULL;
    const char *yaml = json_string_or_null(manifest, "yaml");
    if (yaml == NULL || object_from_yaml(yaml, &object, err)) {
        return NULL;
    }
    json_t *entry = json_object();
    json_object_set_new(entry, "kind", json_string_safe(json_string_or_null(manifest, "kind")));
    json_object_set_new(entry, "api_version", json_string_safe(json_string_or_null(manifest, "api_version")));
    json_object_set_new(entry, "namespace", json_string_safe(json_string_or_null(record_workload(record), "namespace")));
    json_object_set_new(entry, "name", json_string_safe(json_string_or_null(manifest, "name")));
    json_object_set_new(entry, "advice", json_string(advice));
    json_object_set_new(entry, "manifest", object);
    json_object_set_new(entry, "yaml", json_string_safe(yaml));
    return entry;
}

/* ---- What cannot be one ---- */

static void leave_out(json_t *record, const json_t *manifest, const char *why)
{
    const char *kind = json_string_or_null(manifest, "kind");
    const char *name = json_string_or_null(manifest, "name");
    record_problem(record, "diff", "object-left-out", "the new %s %.100s is left out: %s", kind == NULL ? "object" : kind,
                   name == NULL ? "without a name" : name, why);
}

/* Whether the numbers that the object counts on could not be written. */
static bool lost_numbers(const json_t *record)
{
    static const char *const codes[] = {"edit-impossible", "edit-by-hand", "source-missing", "source-changed"};
    for (size_t i = 0; i < ARRAY_COUNT(codes); i++) {
        if (record_has_problem(record, codes[i])) {
            return true;
        }
    }
    return false;
}

static bool taken(const struct new_objects *objects, const json_t *entry)
{
    const char *namespace = json_string_or_null(entry, "namespace");
    char *name = xasprintf("%s/%s/%s", namespace == NULL ? objects->namespace : namespace, json_string_or_null(entry, "kind"),
                           json_string_or_null(entry, "name"));
    bool before = json_object_get(objects->names, name) != NULL;
    json_object_set_new(objects->names, name, json_true());
    free(name);
    return before;
}

/* Takes what may be one of the wanted manifests into `out`; a set of schedule objects is taken as a whole or not at all. */
static void pick(struct new_objects *objects, json_t *record, const char *first, json_t *out)
{
    bool cluster = json_object_get(record_workload(record), "live") != NULL;
    const json_t *manifests = json_at(record, "recommendation.scaling.manifests");
    bool refused = false;
    for (size_t i = 0; i < json_array_size(manifests) && json_array_size(out) < OBJECTS_MAX; i++) {
        const json_t *manifest = json_array_get(manifests, i);
        const char *advice = object_advice(json_string_or_null(manifest, "option"));
        char why[OBJECT_WHY_MAX] = "";
        struct err err = {0};
        if (!is_wanted(objects, record, first, advice) || (refused && object_advice_excludes(advice))) {
            continue;
        }
        json_t *entry = entry_new(record, manifest, advice, &err);
        if (entry == NULL) {
            leave_out(record, manifest, err.class == ERR_NONE ? "it has no text" : err.message);
        } else if (object_objection(record, entry, cluster, why)) {
            leave_out(record, manifest, why);
        } else if (taken(objects, entry)) {
            leave_out(record, manifest, "another workload of this run brings one of that name");
        } else {
            json_array_append(out, entry);
            json_decref(entry);
            continue;
        }
        refused = refused || object_advice_excludes(advice);
        json_decref(entry);
    }
}

/* Takes the objects of a set that lost one of its members away again. */
static void drop_broken_sets(json_t *record, const char *first, json_t *out)
{
    size_t wanted = 0;
    size_t have = 0;
    size_t index = 0;
    const json_t *manifest = NULL;
    json_array_foreach(json_at(record, "recommendation.scaling.manifests"), index, manifest)
    {
        wanted += str_equal(object_advice(json_string_or_null(manifest, "option")), first);
    }
    for (size_t i = 0; i < json_array_size(out); i++) {
        have += str_equal(json_string_or_null(json_array_get(out, i), "advice"), first);
    }
    for (size_t i = json_array_size(out); have < wanted && i > 0; i--) {
        if (str_equal(json_string_or_null(json_array_get(out, i - 1), "advice"), first)) {
            json_array_remove(out, i - 1);
        }
    }
}

/* ---- The file ---- */

static bool is_kustomization(const char *folder)
{
    static const char *const files[] = {"kustomization.yaml", "kustomization.yml", "Kustomization"};
    bool found = false;
    for (size_t i = 0; i < ARRAY_COUNT(files); i++) {
        char *path = fs_join(folder, files[i]);
        found = found || access(path, F_OK) == 0;
        free(path);
    }
    return found;
}

/* Whether the file is there, and whether it says just this. */
static bool is_there(const char *path, const struct buf *text, bool *same)
{
    struct buf now;
    buf_init(&now, OBJECTS_TEXT_MAX);
    bool there = access(path, F_OK) == 0;
    *same = there && fs_read(path, &now, NULL) == 0 && now.length == text->length &&
            memcmp(buf_str(&now), buf_str(text), now.length) == 0;
    buf_release(&now);
    return there;
}

/* Why no file beside the manifest would do; NULL where it would. Without `why` and false: nothing is to be done any more. */
static bool has_place(const json_t *record, const char *file, const char *path, const struct buf *text, const char **why)
{
    bool same = false;
    char *folder = fs_dirname(file);
    *why = NULL;
    if (rendered_is(record)) {
        *why = "the workload is rendered, and a new object belongs into its chart or kustomization";
    } else if (is_kustomization(folder)) {
        *why = "the folder is a kustomization, whose resources would have to name a new file";
    } else if (is_there(path, text, &same)) {
        *why = same ? NULL : "a file of the name that it would have is there, and says something else";
        free(folder);
        return false;
    }
    free(folder);
    return *why == NULL;
}

/* Path of a new file for patches. */
static char *patch_path(const struct new_objects *objects, const char *path)
{
    char *folder = fs_dirname(path);
    char *real = realpath(folder, NULL);
    const char *slash = strrchr(path, '/');
    char *full = fs_join(real == NULL ? folder : real, slash == NULL ? path : slash + 1);
    char *relative = root_path(objects->root, full);
    free(full);
    free(real);
    free(folder);
    return relative;
}

/* Objects of a cluster have no file: their diff is that of one with the workload's name. */
static int set_patch(const struct new_objects *objects, json_t *change, const char *path, const json_t *workload, const struct buf *text,
                     struct patch_file *patch, struct err *err)
{
    struct buf out;
    buf_init(&out, OBJECTS_TEXT_MAX);
    char *name = path == NULL ? objects_path("new", workload) : patch_path(objects, path);
    int failed = unidiff_new(name, buf_str(text), text->length, &out, err) ||
                 (path != NULL && patch_file_add(patch, buf_str(&out), out.length, err));
    json_object_set_new(change, "objects_patch", json_string_safe(buf_str(&out)));
    json_object_set_new(change, "objects_file", json_string_safe(path));
    free(name);
    buf_release(&out);
    return failed ? -1 : 0;
}

static void leave_all_out(json_t *record, const json_t *list, const char *why)
{
    for (size_t i = 0; why != NULL && i < json_array_size(list); i++) {
        leave_out(record, json_array_get(list, i), why);
    }
}

/* Writes the members, for the place where they would go. */
static int place(struct new_objects *objects, json_t *record, json_t *list, struct patch_file *patch, struct err *err)
{
    const json_t *workload = record_workload(record);
    json_t *change = json_object_get(record, "change");
    const char *file = json_string_or_null(json_object_get(workload, "source"), "file");
    bool cluster = json_object_get(workload, "live") != NULL;
    char *path = file == NULL || cluster ? NULL : objects_path(file, workload);
    const char *why = NULL;
    struct buf text;
    struct err inner = {0};
    int failed = 0;
    buf_init(&text, OBJECTS_TEXT_MAX);
    if (objects_text(list, &text, &inner)) {
        leave_all_out(record, list, inner.message);
    } else if (path != NULL && !has_place(record, file, path, &text, &why)) {
        leave_all_out(record, list, why);
    } else {
        json_object_set(change, "objects", list);
        failed = set_patch(objects, change, path, workload, &text, patch, err);
    }
    buf_release(&text);
    free(path);
    return failed;
}

int new_objects_add(struct new_objects *objects, json_t *record, struct patch_file *patch, struct err *err)
{
    json_t *list = json_array();
    const char *first = first_choice(objects, record);
    int failed = 0;
    pick(objects, record, first, list);
    if (first != NULL) {
        drop_broken_sets(record, first, list);
    }
    if (json_array_size(list) > 0 && lost_numbers(record)) {
        leave_all_out(record, list, "the new requests that it counts on could not be written");
    } else if (json_array_size(list) > 0) {
        failed = place(objects, record, list, patch, err);
    }
    json_decref(list);
    return failed;
}
