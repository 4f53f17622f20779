#include <stdlib.h>
#include <string.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "tests/sim/sim.h"

/* ---- Strategic merge ---- */

/* The member by which the entries of a list are told apart, NULL: the list is replaced. */
static const char *merge_key(const char *list)
{
    static const char *const keys[][2] = {{"containers", "name"}, {"initContainers", "name"}, {"env", "name"}, {"volumes", "name"},
                                          {"volumeMounts", "mountPath"}, {"ports", "containerPort"}, {"conditions", "type"},
                                          {"ownerReferences", "uid"}};
    for (size_t i = 0; i < ARRAY_COUNT(keys); i++) {
        if (str_equal(list, keys[i][0])) {
            return keys[i][1];
        }
    }
    return NULL;
}

/* A copy without nulls. */
static json_t *without_nulls(const json_t *value)
{
    if (!json_is_object(value)) {
        return json_deep_copy(value);
    }
    json_t *out = json_object();
    const char *key = NULL;
    json_t *member = NULL;
    json_object_foreach((json_t *)(uintptr_t)value, key, member)
    {
        if (!json_is_null(member) && *key != '$') {
            json_object_set_new(out, key, without_nulls(member));
        }
    }
    return out;
}

static void merge_object(json_t *target, const json_t *patch, bool strategic);

static json_t *entry_with(const json_t *list, const char *key, const json_t *value, size_t *at)
{
    size_t index = 0;
    json_t *entry = NULL;
    json_array_foreach(list, index, entry)
    {
        if (json_equal(json_object_get(entry, key), value)) {
            *at = index;
            return entry;
        }
    }
    return NULL;
}

static void merge_list(json_t *target, const json_t *patch, const char *key)
{
    size_t index = 0;
    json_t *entry = NULL;
    json_array_foreach(patch, index, entry)
    {
        size_t at = 0;
        const char *how = json_string_value(json_object_get(entry, "$patch"));
        json_t *there = entry_with(target, key, json_object_get(entry, key), &at);
        if (there != NULL && str_equal(how, "delete")) {
            json_array_remove(target, at);
        } else if (there != NULL && str_equal(how, "replace")) {
            json_array_set_new(target, at, without_nulls(entry));
        } else if (there != NULL) {
            merge_object(there, entry, true);
        } else if (how == NULL) {
            json_array_append_new(target, without_nulls(entry));
        }
    }
}

static void merge_object(json_t *target, const json_t *patch, bool strategic)
{
    const char *key = NULL;
    json_t *value = NULL;
    if (strategic && str_equal(json_string_value(json_object_get(patch, "$patch")), "replace")) {
        json_object_clear(target);
    }
    json_object_foreach((json_t *)(uintptr_t)patch, key, value)
    {
        json_t *there = json_object_get(target, key);
        if (strategic && *key == '$') {
            continue;
        }
        if (json_is_null(value) || (strategic && str_equal(json_string_value(json_object_get(value, "$patch")), "delete"))) {
            json_object_del(target, key);
        } else if (json_is_object(value) && json_is_object(there)) {
            merge_object(there, value, strategic);
        } else if (strategic && json_is_array(value) && json_is_array(there) && merge_key(key) != NULL) {
            merge_list(there, value, merge_key(key));
        } else {
            json_object_set_new(target, key, without_nulls(value));
        }
    }
}

const char *sim_strategic(json_t *target, const json_t *patch, long *status)
{
    *status = 400;
    if (!json_is_object(patch)) {
        return "the patch is no object";
    }
    merge_object(target, patch, true);
    return NULL;
}

const char *sim_merge(json_t *target, const json_t *patch, long *status)
{
    *status = 400;
    if (!json_is_object(patch)) {
        return "the patch is no object";
    }
    merge_object(target, patch, false);
    return NULL;
}

/* ---- JSON patch ---- */

/* The next step of a pointer, unescaped, in `out`; the rest. */
static const char *pointer_step(const char *at, char out[SIM_TEXT])
{
    size_t length = 0;
    for (at++; *at != '\0' && *at != '/'; at++) {
        char c = *at;
        if (c == '~' && (at[1] == '0' || at[1] == '1')) {
            c = at[1] == '0' ? '~' : '/';
            at++;
        }
        if (length + 1 < SIM_TEXT) {
            out[length++] = c;
        }
    }
    out[length] = '\0';
    return at;
}

static json_t *pointer_child(json_t *parent, const char *step)
{
    int64_t index = 0;
    if (json_is_object(parent)) {
        return json_object_get(parent, step);
    }
    return json_is_array(parent) && str_int64(step, 0, 100000, &index) == 0 ? json_array_get(parent, (size_t)index) : NULL;
}

/* The parent of what a pointer names, and the last step; NULL where the way there is missing. */
static json_t *pointer_parent(json_t *target, const char *pointer, char last[SIM_TEXT])
{
    json_t *at = target;
    const char *rest = pointer;
    if (pointer == NULL || *pointer != '/') {
        return NULL;
    }
    for (rest = pointer_step(rest, last); at != NULL && *rest == '/'; rest = pointer_step(rest, last)) {
        at = pointer_child(at, last);
    }
    return at;
}

static const char *operation_set(json_t *parent, const char *last, const json_t *value, bool there, bool replace)
{
    if (json_is_object(parent)) {
        if (replace && !there) {
            return "replace: no such member";
        }
        json_object_set_new(parent, last, json_deep_copy(value));
        return NULL;
    }
    int64_t index = (int64_t)json_array_size(parent);
    if (!str_equal(last, "-") && str_int64(last, 0, index, &index)) {
        return "no such index";
    }
    if (replace) {
        json_array_set_new(parent, (size_t)index, json_deep_copy(value));
    } else {
        json_array_insert_new(parent, (size_t)index, json_deep_copy(value));
    }
    return NULL;
}

static const char *operation_do(json_t *target, const json_t *operation)
{
    char last[SIM_TEXT] = "";
    int64_t index = 0;
    const char *op = json_string_or_null(operation, "op");
    json_t *parent = pointer_parent(target, json_string_or_null(operation, "path"), last);
    json_t *value = json_object_get(operation, "value");
    json_t *there = parent == NULL ? NULL : pointer_child(parent, last);
    if (parent == NULL) {
        return "the path does not exist";
    }
    if (str_equal(op, "test")) {
        return there != NULL && value != NULL && json_equal(there, value) ? NULL : "testing value failed";
    }
    if (str_equal(op, "remove")) {
        if (there == NULL) {
            return "remove: no such member";
        }
        if (json_is_object(parent)) {
            json_object_del(parent, last);
        } else if (str_int64(last, 0, 100000, &index) == 0) {
            json_array_remove(parent, (size_t)index);
        }
        return NULL;
    }
    if (str_equal(op, "add") || str_equal(op, "replace")) {
        return operation_set(parent, last, value, there != NULL, *op == 'r');
    }
    return "unknown operation";
}

const char *sim_json_patch(json_t *target, const json_t *patch, long *status)
{
    size_t index = 0;
    json_t *operation = NULL;
    *status = 422;
    if (!json_is_array(patch)) {
        *status = 400;
        return "the patch is no array";
    }
    json_array_foreach(patch, index, operation)
    {
        const char *why = operation_do(target, operation);
        if (why != NULL) {
            return why;
        }
    }
    return NULL;
}
