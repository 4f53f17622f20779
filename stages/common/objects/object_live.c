#include "stages/common/objects/object_live.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"

enum { VALUE_SHOWN = 120, PLACE_MAX = 300, DEPTH_MAX = 100 };

static bool differs(const char *place, const json_t *live, const json_t *wanted, char why[ERR_MESSAGE_MAX])
{
    char *is = live == NULL ? xstrdup("unset") : json_text(live);
    char *should = wanted == NULL ? xstrdup("unset") : json_text(wanted);
    (void)snprintf(why, ERR_MESSAGE_MAX, "%s is %.*s, not %.*s", place, VALUE_SHOWN, is, VALUE_SHOWN, should);
    str_trim_utf8(why);
    free(is);
    free(should);
    return false;
}

static bool covers(const json_t *live, const json_t *wanted, const char *place, int depth, char why[ERR_MESSAGE_MAX]);

static bool covers_object(const json_t *live, const json_t *wanted, const char *place, int depth, char why[ERR_MESSAGE_MAX])
{
    const char *key = NULL;
    const json_t *value = NULL;
    json_object_foreach((json_t *)(uintptr_t)wanted, key, value)
    {
        char below[PLACE_MAX];
        (void)snprintf(below, sizeof below, "%s%s%s", place, *place == '\0' ? "" : ".", key);
        if (!covers(json_object_get(live, key), value, below, depth + 1, why)) {
            return false;
        }
    }
    return true;
}

static bool covers_array(const json_t *live, const json_t *wanted, const char *place, int depth, char why[ERR_MESSAGE_MAX])
{
    size_t index = 0;
    const json_t *value = NULL;
    if (json_array_size(live) != json_array_size(wanted)) {
        return differs(place, live, wanted, why);
    }
    json_array_foreach(wanted, index, value)
    {
        char below[PLACE_MAX];
        (void)snprintf(below, sizeof below, "%s[%zu]", place, index);
        if (!covers(json_array_get(live, index), value, below, depth + 1, why)) {
            return false;
        }
    }
    return true;
}

/* What is wanted stands in what is there; members that only the live object has are the server's. */
static bool covers(const json_t *live, const json_t *wanted, const char *place, int depth, char why[ERR_MESSAGE_MAX])
{
    if (depth > DEPTH_MAX) {
        return differs(place, live, wanted, why);
    }
    if (json_is_object(live) && json_is_object(wanted)) {
        return covers_object(live, wanted, place, depth, why);
    }
    if (json_is_array(live) && json_is_array(wanted)) {
        return covers_array(live, wanted, place, depth, why);
    }
    return json_equal(live, wanted) || differs(place, live, wanted, why);
}

bool object_as_planned(const json_t *live, const json_t *manifest, char why[ERR_MESSAGE_MAX])
{
    why[0] = '\0';
    return covers(live, manifest, "", 0, why);
}

/* What people edit of an object. */
static json_t *content_of(const json_t *object)
{
    json_t *content = json_is_object(object) ? json_copy((json_t *)(uintptr_t)object) : json_object();
    json_object_del(content, "metadata");
    json_object_del(content, "status");
    return content;
}

bool object_edited(const json_t *live, const json_t *after, char why[ERR_MESSAGE_MAX])
{
    json_t *now = content_of(live);
    json_t *then = content_of(after);
    why[0] = '\0';
    if (json_string_or_null(json_object_get(live, "metadata"), "deletionTimestamp") != NULL) {
        (void)snprintf(why, ERR_MESSAGE_MAX, "somebody is deleting it");
    } else if (!json_equal(now, then) && covers(now, then, "", 0, why)) {
        (void)covers(then, now, "", 0, why);
    }
    json_decref(now);
    json_decref(then);
    return why[0] != '\0';
}
