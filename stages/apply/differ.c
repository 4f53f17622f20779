#include "stages/apply/differ.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/str.h"

enum { DEPTH_MAX = 32 };

static void show(const json_t *value, char out[DIFFERENCE_TEXT])
{
    char *text = value == NULL ? NULL : json_text(value);
    snprintf(out, DIFFERENCE_TEXT, "%s", text == NULL ? "nothing" : text);
    str_trim_utf8(out);
    if (text != NULL && strlen(text) >= DIFFERENCE_TEXT) {
        memcpy(out + DIFFERENCE_TEXT - 4, "...", 4);
    }
    free(text);
}

static void note(const char *place, const json_t *then, const json_t *now, struct difference *out)
{
    if (out->count++ == 0) {
        snprintf(out->place, sizeof out->place, "%s", place);
        show(then, out->then);
        show(now, out->now);
    }
}

static bool missing(const json_t *value)
{
    return value == NULL || json_is_null(value);
}

static void walk(const char *place, const json_t *then, const json_t *now, int depth, struct difference *out);

/* Members of both, each once. */
static void walk_object(const char *place, const json_t *then, const json_t *now, int depth, struct difference *out)
{
    const char *key = NULL;
    json_t *value = NULL;
    char inner[DIFFERENCE_TEXT];
    json_object_foreach((json_t *)(uintptr_t)then, key, value)
    {
        snprintf(inner, sizeof inner, "%s%s%s", place, *place == '\0' || place[strlen(place) - 1] == ' ' ? "" : ".", key);
        walk(inner, value, json_object_get(now, key), depth, out);
    }
    json_object_foreach((json_t *)(uintptr_t)now, key, value)
    {
        if (json_object_get(then, key) == NULL) {
            snprintf(inner, sizeof inner, "%s%s%s", place, *place == '\0' || place[strlen(place) - 1] == ' ' ? "" : ".", key);
            walk(inner, NULL, value, depth, out);
        }
    }
}

/* The item of that name, NULL where there is none. */
static const json_t *named(const json_t *list, const char *name)
{
    size_t index;
    json_t *item;
    json_array_foreach(list, index, item)
    {
        if (str_equal(json_string_or_null(item, "name"), name)) {
            return item;
        }
    }
    return NULL;
}

static bool all_named(const json_t *list)
{
    size_t index;
    json_t *item;
    json_array_foreach(list, index, item)
    {
        if (json_string_or_null(item, "name") == NULL) {
            return false;
        }
    }
    return true;
}

/* Items by their names, so that one which was put in front does not move the others. */
static void walk_named(const char *place, const json_t *then, const json_t *now, int depth, struct difference *out)
{
    size_t before = out->count;
    size_t index;
    json_t *item;
    char inner[DIFFERENCE_TEXT];
    json_array_foreach(then, index, item)
    {
        const char *name = json_string_or_null(item, "name");
        snprintf(inner, sizeof inner, "%s[%s]", place, name);
        walk(inner, item, named(now, name), depth, out);
    }
    json_array_foreach(now, index, item)
    {
        const char *name = json_string_or_null(item, "name");
        if (named(then, name) == NULL) {
            snprintf(inner, sizeof inner, "%s[%s]", place, name);
            walk(inner, NULL, item, depth, out);
        }
    }
    if (out->count == before) { /* the same items in another order */
        note(place, then, now, out);
    }
}

/* Items by their place. */
static void walk_placed(const char *place, const json_t *then, const json_t *now, int depth, struct difference *out)
{
    size_t most = json_array_size(then) > json_array_size(now) ? json_array_size(then) : json_array_size(now);
    for (size_t i = 0; i < most; i++) {
        char inner[DIFFERENCE_TEXT];
        snprintf(inner, sizeof inner, "%s[%zu]", place, i);
        walk(inner, json_array_get(then, i), json_array_get(now, i), depth, out);
    }
}

static void walk(const char *place, const json_t *then, const json_t *now, int depth, struct difference *out)
{
    if ((missing(then) && missing(now)) || (then != NULL && now != NULL && json_equal(then, now))) {
        return;
    }
    if (depth < DEPTH_MAX && json_is_object(then) && json_is_object(now)) {
        walk_object(place, then, now, depth + 1, out);
    } else if (depth < DEPTH_MAX && json_is_array(then) && json_is_array(now)) {
        (all_named(then) && all_named(now) ? walk_named : walk_placed)(place, then, now, depth + 1, out);
    } else {
        note(place, then, now, out);
    }
}

void difference_find(const json_t *then, const json_t *now, struct difference *out)
{
    *out = (struct difference){.count = 0};
    const json_t *stored_then = json_object_get(then, "stored");
    const json_t *stored_now = json_object_get(now, "stored");
    if (missing(stored_then) != missing(stored_now)) {
        note("the stored policy", missing(stored_then) ? NULL : stored_then, missing(stored_now) ? NULL : stored_now, out);
    } else {
        walk("the stored policy's ", stored_then, stored_now, 0, out);
    }
    walk("the configuration's ", json_object_get(then, "own"), json_object_get(now, "own"), 0, out);
}
