#include "stages/common/machine/image.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/quantity.h"
#include "pipeline/base/str.h"
#include "pipeline/run/record.h"
#include "stages/common/manifest/manifest.h"

enum { TEMPLATE_CAP = 16 * 1024 * 1024, PATH_TEXT = 512, FIELDS_DEPTH = 10 };

/* ---- Where things are ---- */

json_t *image_pod_spec(const char *kind, const json_t *object)
{
    const struct manifest_kind *type = kind == NULL ? NULL : manifest_kind_named(kind);
    json_t *at = type == NULL ? NULL : json_object_get(object, type->pod_path[0]);
    for (size_t i = 1; at != NULL && type->pod_path[i] != NULL; i++) {
        at = json_object_get(at, type->pod_path[i]);
    }
    return at;
}

/* The pod template: what the pod's spec is a member of. NULL where the object is itself the pod. Borrowed. */
static json_t *template_of(const char *kind, const json_t *object)
{
    const struct manifest_kind *type = kind == NULL ? NULL : manifest_kind_named(kind);
    json_t *at = NULL;
    for (size_t i = 0; type != NULL && type->pod_path[i + 1] != NULL; i++) {
        at = json_object_get(i == 0 ? object : at, type->pod_path[i]);
    }
    return at;
}

static const char *const lists[] = {"containers", "initContainers"};

json_t *image_container(const json_t *pod_spec, const char *name, const char **list, size_t *at)
{
    for (size_t l = 0; l < ARRAY_COUNT(lists); l++) {
        size_t index = 0;
        json_t *container = NULL;
        json_array_foreach(json_object_get(pod_spec, lists[l]), index, container)
        {
            if (str_equal(json_string_or_null(container, "name"), name)) {
                if (list != NULL) {
                    *list = lists[l];
                    *at = index;
                }
                return container;
            }
        }
    }
    return NULL;
}

/* ---- Maps of resources ---- */

json_t *image_resources(const char *kind, const json_t *object)
{
    json_t *map = json_object();
    const json_t *pod = image_pod_spec(kind, object);
    for (size_t l = 0; l < ARRAY_COUNT(lists); l++) {
        size_t index = 0;
        json_t *container = NULL;
        json_array_foreach(json_object_get(pod, lists[l]), index, container)
        {
            const char *name = json_string_or_null(container, "name");
            json_t *resources = json_object_get(container, "resources");
            if (name != NULL) {
                json_object_set_new(map, name, json_is_object(resources) ? json_deep_copy(resources) : json_null());
            }
        }
    }
    return map;
}

static bool is_nothing(const json_t *value)
{
    return value == NULL || json_is_null(value) || (json_is_object(value) && json_object_size(value) == 0) ||
           (json_is_array(value) && json_array_size(value) == 0);
}

typedef bool value_same(const char *key, const json_t *a, const json_t *b);

/* Whether all members of `a` are the same in `b`; *key receives the first that is not. */
static bool members_in(const json_t *a, const json_t *b, value_same *same, const char **key)
{
    const char *name = NULL;
    json_t *value = NULL;
    json_object_foreach((json_t *)(uintptr_t)a, name, value)
    {
        if (!same(name, value, json_object_get(b, name))) {
            *key = name;
            return false;
        }
    }
    return true;
}

static bool members_same(const json_t *a, const json_t *b, value_same *same, const char **key)
{
    return members_in(a, b, same, key) && members_in(b, a, same, key);
}

static bool exact(const char *key, const json_t *a, const json_t *b)
{
    (void)key;
    return (is_nothing(a) && is_nothing(b)) || json_equal(a, b);
}

static char *value_text(const json_t *value)
{
    return json_is_string(value) ? xstrdup(json_string_value(value)) : json_text(value);
}

/* One amount, however it is spelled. */
static bool same_amounts(const char *key, const json_t *a, const json_t *b)
{
    if (exact(key, a, b) || is_nothing(a) || is_nothing(b)) {
        return exact(key, a, b);
    }
    char *left = value_text(a);
    char *right = value_text(b);
    int64_t one = 0;
    int64_t other = 1;
    bool cpu = str_equal(key, "cpu");
    bool read = cpu ? quantity_cpu(left, strlen(left), &one, NULL) == 0 && quantity_cpu(right, strlen(right), &other, NULL) == 0
                    : quantity_memory(left, strlen(left), &one, NULL) == 0 && quantity_memory(right, strlen(right), &other, NULL) == 0;
    free(left);
    free(right);
    return read && one == other;
}

static bool section_exact(const char *key, const json_t *a, const json_t *b)
{
    const char *at = NULL;
    (void)key;
    return (is_nothing(a) && is_nothing(b)) || json_equal(a, b) ||
           (json_is_object(a) && json_is_object(b) && members_same(a, b, exact, &at));
}

static bool section_amounts(const char *key, const json_t *a, const json_t *b)
{
    const char *at = NULL;
    bool amounts = str_equal(key, "requests") || str_equal(key, "limits");
    return amounts ? members_same(a, b, same_amounts, &at) : section_exact(key, a, b);
}

static bool resources_exact(const char *key, const json_t *a, const json_t *b)
{
    const char *at = NULL;
    (void)key;
    return members_same(a, b, section_exact, &at);
}

static bool resources_amounts(const char *key, const json_t *a, const json_t *b)
{
    const char *at = NULL;
    (void)key;
    return members_same(a, b, section_amounts, &at);
}

bool image_same(const json_t *a, const json_t *b)
{
    const char *at = NULL;
    return json_object_size(a) == json_object_size(b) && members_same(a, b, resources_exact, &at);
}

/* "250m", "unset"; new. */
static char *shown(const json_t *value)
{
    return is_nothing(value) ? xstrdup("unset") : value_text(value);
}

static void tell(const char *section, const char *key, const char *container, const json_t *now, const json_t *then,
                 char what[ERR_MESSAGE_MAX])
{
    char *is = shown(now);
    char *was = shown(then);
    snprintf(what, ERR_MESSAGE_MAX, "%.60s%s%.60s of container %.100s is %.200s, not %.200s", section, *key == '\0' ? "" : ".", key,
             container, is, was);
    free(is);
    free(was);
}

/* A container that came or went, also one that asks for nothing. Whether there is one. */
static bool tell_containers(const json_t *now, const json_t *then, char what[ERR_MESSAGE_MAX])
{
    const json_t *const maps[] = {now, then};
    const char *name = NULL;
    const json_t *value = NULL;
    for (size_t i = 0; i < ARRAY_COUNT(maps); i++) {
        json_object_foreach((json_t *)(uintptr_t)maps[i], name, value)
        {
            if (json_object_get(maps[1 - i], name) == NULL) {
                snprintf(what, ERR_MESSAGE_MAX, "container %.100s is %s", name, i == 0 ? "a new one" : "not there any more");
                return true;
            }
        }
    }
    return false;
}

static void tell_difference(const json_t *now, const json_t *then, bool amounts, char what[ERR_MESSAGE_MAX])
{
    const char *container = "";
    const char *section = "";
    const char *key = "";
    snprintf(what, ERR_MESSAGE_MAX, "nothing differs");
    if (tell_containers(now, then, what) || members_same(now, then, amounts ? resources_amounts : resources_exact, &container)) {
        return;
    }
    const json_t *is = json_object_get(now, container);
    const json_t *was = json_object_get(then, container);
    if (!members_same(is, was, amounts ? section_amounts : section_exact, &section)) {
        is = json_object_get(is, section);
        was = json_object_get(was, section);
        if (json_is_object(is) && json_is_object(was) && !members_same(is, was, amounts ? same_amounts : exact, &key)) {
            is = json_object_get(is, key);
            was = json_object_get(was, key);
        }
        tell(section, key, container, is, was, what);
    }
}

void image_difference(const json_t *now, const json_t *then, char what[ERR_MESSAGE_MAX])
{
    tell_difference(now, then, false, what);
}

/* Whether a tree of managed fields names resources. It is as deep as a pod's template, not as deep as anybody likes. */
static bool names_resources(const json_t *fields, int depth)
{
    const char *key;
    const json_t *value;
    json_object_foreach((json_t *)(uintptr_t)fields, key, value)
    {
        if (str_equal(key, "f:resources") || (depth > 0 && json_is_object(value) && names_resources(value, depth - 1))) {
            return true;
        }
    }
    return false;
}

void image_editor(const json_t *object, char by[IMAGE_EDITOR_MAX])
{
    const char *ours = "";
    const char *last = "";
    const char *who = NULL;
    size_t index;
    const json_t *entry;
    json_array_foreach(json_at(object, "metadata.managedFields"), index, entry)
    {
        const char *manager = json_string_or_null(entry, "manager");
        const char *time = json_string_or_null(entry, "time");
        if (manager == NULL || time == NULL || !names_resources(json_object_get(entry, "fieldsV1"), FIELDS_DEPTH)) {
            continue;
        }
        if (str_equal(manager, "tare")) {
            ours = strcmp(time, ours) > 0 ? time : ours;
        } else if (strcmp(time, last) >= 0) {
            last = time;
            who = manager;
        }
    }
    *by = '\0';
    if (who != NULL && strcmp(last, ours) >= 0) {
        snprintf(by, IMAGE_EDITOR_MAX, " (%.120s at %.40s)", who, last);
    }
}

bool image_amounts(const json_t *answer, const json_t *expected, char what[ERR_MESSAGE_MAX])
{
    const char *at = NULL;
    if (json_object_size(answer) == json_object_size(expected) && members_same(answer, expected, resources_amounts, &at)) {
        return true;
    }
    tell_difference(answer, expected, true, what);
    return false;
}

/* Member of an object, made an object where it is none. Borrowed. */
static json_t *section_of(json_t *object, const char *key)
{
    json_t *value = json_object_get(object, key);
    if (!json_is_object(value)) {
        value = json_object();
        json_object_set_new(object, key, value);
    }
    return value;
}

/* "…resources.requests.cpu": the last two steps. False where there are none. */
static bool field_of(const char *path, char section[PATH_TEXT], const char **key)
{
    const char *last = strrchr(path, '.');
    const char *before = last;
    while (before != NULL && before > path && before[-1] != '.') {
        before--;
    }
    if (before == NULL || before == path || (size_t)(last - before) >= PATH_TEXT) {
        return false;
    }
    snprintf(section, PATH_TEXT, "%.*s", (int)(last - before), before);
    *key = last + 1;
    return true;
}

json_t *image_edited(const json_t *was, const json_t *edits)
{
    json_t *map = json_deep_copy(was);
    size_t index = 0;
    const json_t *edit = NULL;
    json_array_foreach(edits, index, edit)
    {
        const char *container = json_string_or_null(edit, "container");
        const char *path = json_string_or_null(edit, "path");
        const char *key = NULL;
        char section[PATH_TEXT];
        if (container == NULL || path == NULL || !field_of(path, section, &key)) {
            continue;
        }
        json_t *to = json_object_get(edit, "to");
        json_t *amounts = section_of(section_of(map, container), section);
        if (to == NULL || json_is_null(to)) {
            json_object_del(amounts, key);
        } else {
            json_object_set(amounts, key, to);
        }
    }
    return map;
}

/* ---- Against the plan ---- */

/* An amount as the API server has it; false where it has none. What is no quantity has the value -1. */
static bool live_amount(const json_t *container, enum manifest_field field, int64_t *value)
{
    const json_t *section = json_object_get(json_object_get(container, "resources"), manifest_section(field));
    const json_t *amount = json_object_get(section, manifest_resource(field));
    *value = -1;
    if (amount == NULL || json_is_null(amount)) {
        return false;
    }
    char *text = json_is_string(amount) ? xstrdup(json_string_value(amount)) : json_text(amount);
    size_t length = strlen(text);
    if (manifest_is_cpu(field) ? quantity_cpu(text, length, value, NULL) : quantity_memory(text, length, value, NULL)) {
        *value = -1;
    }
    free(text);
    return true;
}

static bool planned_amount(const json_t *container, enum manifest_field field, int64_t *value)
{
    *value = -1;
    return json_get_int(json_object_get(container, manifest_section(field)),
                        manifest_is_cpu(field) ? "cpu_millicores" : "memory_bytes", value);
}

static const char *amount_text(bool there, enum manifest_field field, int64_t value, char out[QUANTITY_MAX])
{
    if (!there) {
        return "unset";
    }
    if (value < 0) {
        return "no quantity";
    }
    return manifest_is_cpu(field) ? quantity_cpu_format(value, out) : quantity_memory_format(value, out);
}

static int same_amount(const char *name, const json_t *planned, const json_t *container, enum manifest_field field,
                       struct err *err)
{
    int64_t then = 0;
    int64_t now = 0;
    bool was = planned_amount(planned, field, &then);
    bool is = live_amount(container, field, &now);
    if (was == is && then == now) {
        return 0;
    }
    char old[QUANTITY_MAX];
    char new[QUANTITY_MAX];
    return err_set(err, ERR_STALE, "the plan is stale: %s of container %s of %s is %s in the cluster, the plan was made from %s",
                   field == FIELD_REQUESTS_CPU      ? "requests.cpu"
                   : field == FIELD_REQUESTS_MEMORY ? "requests.memory"
                   : field == FIELD_LIMITS_CPU      ? "limits.cpu"
                                                    : "limits.memory",
                   json_string_or_null(planned, "name"), name, amount_text(is, field, now, new), amount_text(was, field, then, old));
}

/* New copy of a section without CPU and memory, as a record has it: numbers, which kinds that are not Kubernetes' own keep, as text. */
static json_t *others_of(const json_t *section)
{
    json_t *out = json_object();
    const char *key = NULL;
    json_t *value = NULL;
    json_object_foreach((json_t *)(uintptr_t)section, key, value)
    {
        if (!is_nothing(value) && !str_equal(key, "cpu") && !str_equal(key, "memory")) {
            char *text = value_text(value);
            json_object_set_new(out, key, json_string_safe(text));
            free(text);
        }
    }
    return out;
}

/* New text of the resources that are neither CPU nor memory. */
static char *others_text(const json_t *limits, const json_t *requests)
{
    json_t *both = json_pack("{s:o, s:o}", "limits", others_of(limits), "requests", others_of(requests));
    char *text = json_text(both);
    json_decref(both);
    return text;
}

static int same_others(const char *name, const json_t *planned, const json_t *container, struct err *err)
{
    const json_t *then = json_object_get(planned, "other_resources");
    const json_t *now = json_object_get(container, "resources");
    char *old = others_text(json_object_get(then, "limits"), json_object_get(then, "requests"));
    char *new = others_text(json_object_get(now, "limits"), json_object_get(now, "requests"));
    int failed = strcmp(old, new) == 0
                     ? 0
                     : err_set(err, ERR_STALE, "the plan is stale: other resources of container %s of %s are %.200s in the cluster, the "
                               "plan was made from %.200s", json_string_or_null(planned, "name"), name, new, old);
    free(old);
    free(new);
    return failed;
}

static int same_container(const char *name, const json_t *planned, const json_t *pod, struct err *err)
{
    static const enum manifest_field fields[] = {FIELD_REQUESTS_CPU, FIELD_REQUESTS_MEMORY, FIELD_LIMITS_CPU, FIELD_LIMITS_MEMORY};
    const char *called = json_string_or_null(planned, "name");
    const json_t *container = called == NULL ? NULL : image_container(pod, called, NULL, NULL);
    if (container == NULL) {
        return err_set(err, ERR_STALE, "the plan is stale: %s has no container %s in the cluster any more", name,
                       called == NULL ? "without a name" : called);
    }
    for (size_t i = 0; i < ARRAY_COUNT(fields); i++) {
        if (same_amount(name, planned, container, fields[i], err)) {
            return -1;
        }
    }
    return same_others(name, planned, container, err);
}

static int same_containers(const char *name, const json_t *planned, const json_t *pod, struct err *err)
{
    size_t index = 0;
    const json_t *container = NULL;
    size_t now = json_array_size(json_object_get(pod, "containers")) + json_array_size(json_object_get(pod, "initContainers"));
    json_array_foreach(planned, index, container)
    {
        if (same_container(name, container, pod, err)) {
            return -1;
        }
    }
    if (now != json_array_size(planned)) {
        return err_set(err, ERR_STALE, "the plan is stale: %s has %zu containers in the cluster, the plan was made from %zu", name, now,
                       json_array_size(planned));
    }
    return 0;
}

int image_as_planned(const json_t *record, const char *name, const json_t *object, struct err *err)
{
    const json_t *planned = json_at(record, "workload.live");
    const char *then = json_string_or_null(planned, "uid");
    const char *now = json_string_or_null(json_object_get(object, "metadata"), "uid");
    if (then == NULL || !str_equal(then, now)) {
        return err_set(err, ERR_STALE, "the plan is stale: %s has the uid %s in the cluster, the plan was made from the one with %s",
                       name, now == NULL ? "none" : now, then == NULL ? "none" : then);
    }
    return same_containers(name, json_object_get(planned, "containers"),
                           image_pod_spec(json_string_or_null(record_workload(record), "kind"), object), err);
}

/* ---- The template ---- */

/* New copy of the template without its containers' resources, NULL where there is none. */
static json_t *template_bare(const char *kind, const json_t *object)
{
    json_t *copy = json_deep_copy(template_of(kind, object));
    for (size_t l = 0; l < ARRAY_COUNT(lists); l++) {
        size_t index = 0;
        json_t *container = NULL;
        json_array_foreach(json_object_get(json_object_get(copy, "spec"), lists[l]), index, container)
        {
            json_object_del(container, "resources");
        }
    }
    return copy;
}

void image_template(const char *kind, const json_t *object, char digest[DIGEST_HEX])
{
    struct buf text;
    json_t *bare = template_bare(kind, object);
    buf_init(&text, TEMPLATE_CAP);
    if (bare != NULL) {
        json_write(bare, &text, NULL);
    }
    hash_bytes(buf_str(&text), text.length, digest);
    buf_release(&text);
    json_decref(bare);
}

/* The path of a member, as far as it fits. */
static void path_of(const char *base, const char *key, char out[PATH_TEXT])
{
    snprintf(out, PATH_TEXT, "%.300s%s%.150s", base, *base == '\0' ? "" : ".", key);
}

static bool kept(const json_t *before, const json_t *after, const char *path, char what[ERR_MESSAGE_MAX]);

static bool changed(const char *path, char what[ERR_MESSAGE_MAX])
{
    snprintf(what, ERR_MESSAGE_MAX, "%s", path);
    return false;
}

static void added(const char *path, char what[ERR_MESSAGE_MAX])
{
    if (*what == '\0') {
        snprintf(what, ERR_MESSAGE_MAX, "%s", path);
    }
}

static bool kept_object(json_t *before, json_t *after, const char *path, char what[ERR_MESSAGE_MAX])
{
    const char *key = NULL;
    json_t *value = NULL;
    char at[PATH_TEXT];
    json_object_foreach(before, key, value)
    {
        path_of(path, key, at);
        if (!kept(value, json_object_get(after, key), at, what)) {
            return false;
        }
    }
    json_object_foreach(after, key, value)
    {
        if (json_object_get(before, key) == NULL && !json_is_null(value)) {
            path_of(path, key, at);
            added(at, what);
        }
    }
    return true;
}

/* Whatever is appended to a list was added; what stood in it stays where it is. */
static bool kept_array(const json_t *before, const json_t *after, const char *path, char what[ERR_MESSAGE_MAX])
{
    char at[PATH_TEXT];
    size_t count = json_array_size(before);
    for (size_t i = 0; i < count; i++) {
        snprintf(at, sizeof at, "%.480s[%zu]", path, i);
        if (!kept(json_array_get(before, i), json_array_get(after, i), at, what)) {
            return false;
        }
    }
    if (json_array_size(after) > count) {
        snprintf(at, sizeof at, "%.480s[%zu]", path, count);
        added(at, what);
    }
    return true;
}

static bool kept(const json_t *before, const json_t *after, const char *path, char what[ERR_MESSAGE_MAX])
{
    if (json_is_object(before) && json_is_object(after)) {
        return kept_object((json_t *)(uintptr_t)before, (json_t *)(uintptr_t)after, path, what);
    }
    if (json_is_array(before) && json_is_array(after)) {
        return kept_array(before, after, path, what);
    }
    return (is_nothing(before) && is_nothing(after)) || (after != NULL && json_equal(before, after)) || changed(path, what);
}

bool image_kept(const char *kind, const json_t *before, const json_t *after, char what[ERR_MESSAGE_MAX])
{
    json_t *was = template_bare(kind, before);
    json_t *is = template_bare(kind, after);
    *what = '\0';
    bool same = kept(was, is, "", what);
    json_decref(was);
    json_decref(is);
    return same;
}
