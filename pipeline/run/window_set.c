#include "pipeline/run/window_set.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/clock.h"
#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"

enum { WINDOWS_MAX = 1000, SELECTOR_MAX = 1000, NAME_MAX_BYTES = 200 };

/* Where a value stands, for errors: file (NULL: the caller names it), index in the list, and the set that
 * keeps the key of the fault. */
struct place {
    const char *file;
    size_t index;
    struct window_set *set;
};

static const char *const known_keys[] = {"name",     "kind",       "schedule",   "duration", "timezone",
                                         "start",    "end",        "namespaces", "clusters", "labels",
                                         "override", "on_overrun", "calendar"};

/* Keeps the key of a fault, and puts file and key before the error where the caller gave a file. */
static int at_place(const struct place *place, const char *key, struct err *err)
{
    char *fault = place->set->fault;
    snprintf(fault, sizeof place->set->fault, "windows[%zu]%s%.60s", place->index, key == NULL ? "" : ".",
             key == NULL ? "" : key);
    if (err != NULL) {
        err->class = ERR_CONFIG;
    }
    return place->file == NULL ? -1 : err_prefix(err, "%s: %s", place->file, fault);
}

static int bad(const struct place *place, const char *key, struct err *err, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

static int bad(const struct place *place, const char *key, struct err *err, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    err_vset(err, ERR_CONFIG, format, args);
    va_end(args);
    return at_place(place, key, err);
}

static int check_keys(json_t *item, const struct place *place, struct err *err)
{
    const char *key = NULL;
    const json_t *value = NULL;
    json_object_foreach(item, key, value)
    {
        bool known = false;
        for (size_t i = 0; i < ARRAY_COUNT(known_keys); i++) {
            known = known || str_equal(key, known_keys[i]);
        }
        if (!known) {
            const char *near = str_nearest(key, known_keys, ARRAY_COUNT(known_keys));
            bad(place, key, err, "no such key");
            return near == NULL ? -1 : err_hint(err, "did you mean \"%s\"?", near);
        }
    }
    return 0;
}

/* The text at `key`, NULL where it is absent or null; another type is refused. */
static int optional_text(const json_t *item, const char *key, const struct place *place, const char **out,
                         struct err *err)
{
    const json_t *value = json_object_get(item, key);
    *out = NULL;
    if (value == NULL || json_is_null(value)) {
        return 0;
    }
    if (!json_is_string(value)) {
        return bad(place, key, err, "this is not text");
    }
    *out = json_string_value(value);
    return 0;
}

static int read_choice(const json_t *item, const char *key, const char *const *choices, size_t count,
                       int *out, const struct place *place, struct err *err)
{
    const char *text = NULL;
    if (optional_text(item, key, place, &text, err)) {
        return -1;
    }
    if (text == NULL) {
        return 0;
    }
    for (size_t i = 0; i < count; i++) {
        if (str_equal(text, choices[i])) {
            *out = (int)i;
            return 0;
        }
    }
    bad(place, key, err, "\"%s\" is none of the values it can have", text);
    return err_hint(err, "use %s, %s%s%s", choices[0], choices[1], count > 2 ? " or " : "",
                    count > 2 ? choices[2] : "");
}

/* Keeps a selector list when it has items. */
static int read_globs(const json_t *item, const char *key, json_t **out, const struct place *place,
                      struct err *err)
{
    const json_t *list = json_object_get(item, key);
    if (list == NULL || json_is_null(list) || (json_is_array(list) && json_array_size(list) == 0)) {
        return 0;
    }
    if (!json_is_array(list) || json_array_size(list) > SELECTOR_MAX) {
        return bad(place, key, err, "this is not a list of at most %d names", SELECTOR_MAX);
    }
    size_t index = 0;
    const json_t *value = NULL;
    json_array_foreach(list, index, value)
    {
        if (!json_is_string(value) || *json_string_value(value) == '\0') {
            return bad(place, key, err, "item %zu is not a name", index);
        }
    }
    *out = json_deep_copy(list);
    return 0;
}

static int read_labels(const json_t *item, json_t **out, const struct place *place, struct err *err)
{
    json_t *labels = json_object_get(item, "labels");
    if (labels == NULL || json_is_null(labels) || (json_is_object(labels) && json_object_size(labels) == 0)) {
        return 0;
    }
    if (!json_is_object(labels) || json_object_size(labels) > SELECTOR_MAX) {
        return bad(place, "labels", err, "this is not a mapping of names to text");
    }
    const char *key = NULL;
    const json_t *value = NULL;
    json_object_foreach(labels, key, value)
    {
        if (!json_is_string(value)) {
            return bad(place, "labels", err, "the value of \"%s\" is not text", key);
        }
    }
    *out = json_deep_copy(labels);
    return 0;
}

static int read_instant(const json_t *item, const char *key, int64_t *out, const struct place *place,
                        struct err *err)
{
    const char *text = NULL;
    if (optional_text(item, key, place, &text, err)) {
        return -1;
    }
    if (text == NULL) {
        bad(place, key, err, "it is missing");
        return err_hint(err, "a window has schedule and duration, or start and end, or a calendar");
    }
    return time_parse(text, out, err) ? at_place(place, key, err) : 0;
}

static int read_one_off(const json_t *item, struct window *window, const struct place *place, struct err *err)
{
    window->one_off = true;
    if (read_instant(item, "start", &window->start, place, err) ||
        read_instant(item, "end", &window->end, place, err)) {
        return -1;
    }
    if (window->end <= window->start) {
        return bad(place, "end", err, "the end is not after the start");
    }
    return 0;
}

static int read_duration(const json_t *item, int64_t *out, const struct place *place, struct err *err)
{
    const json_t *value = json_object_get(item, "duration");
    if (json_is_integer(value)) {
        *out = json_integer_value(value);
    } else if (json_is_string(value)) {
        if (duration_parse(json_string_value(value), out, err)) {
            return at_place(place, "duration", err);
        }
    } else {
        bad(place, "duration", err, "it is missing, or not a duration");
        return err_hint(err, "write it as 30m, 6h or 2d");
    }
    if (*out <= 0 || *out > WINDOW_DURATION_MAX) {
        return bad(place, "duration", err, "it must be more than 0 and at most 31 days");
    }
    return 0;
}

static int read_schedule(const json_t *item, struct window *window, const struct place *place,
                         struct err *err)
{
    const char *schedule = NULL;
    const char *zone = NULL;
    if (optional_text(item, "schedule", place, &schedule, err) ||
        optional_text(item, "timezone", place, &zone, err)) {
        return -1;
    }
    if (schedule == NULL) {
        bad(place, "schedule", err, "it is missing");
        return err_hint(err, "a window has schedule and duration, or start and end, or a calendar");
    }
    if (cron_parse(schedule, &window->schedule, err)) {
        return at_place(place, "schedule", err);
    }
    if (read_duration(item, &window->duration, place, err)) {
        return -1;
    }
    window->zone = xstrdup(zone == NULL ? "UTC" : zone);
    return tz_load(window->zone, &window->tz, err) ? at_place(place, "timezone", err) : 0;
}

static bool has(const json_t *item, const char *key)
{
    const json_t *value = json_object_get(item, key);
    return value != NULL && !json_is_null(value);
}

static int forbid(const json_t *item, const char *const *keys, size_t count, const char *beside, const struct place *place,
                  struct err *err)
{
    for (size_t i = 0; i < count; i++) {
        if (has(item, keys[i])) {
            return bad(place, keys[i], err, "it does not go with %s", beside);
        }
    }
    return 0;
}

static int read_calendar(const json_t *item, struct window *window, const struct place *place, struct err *err)
{
    const char *name = NULL;
    const char *zone = NULL;
    if (optional_text(item, "calendar", place, &name, err) || optional_text(item, "timezone", place, &zone, err)) {
        return -1;
    }
    const json_t *text = json_object_get(place->set->files, name);
    if (!json_is_string(text)) {
        return bad(place, "calendar", err, "there is no calendar \"%s\" to read", name);
    }
    if (zone != NULL) {
        struct tz *tz = NULL;
        if (tz_load(zone, &tz, err)) {
            return at_place(place, "timezone", err);
        }
        tz_free(tz);
    }
    window->zone = xstrdup_null(zone);
    if (calendar_read(json_string_value(text), json_string_length(text), zone, &window->calendar, err)) {
        err_prefix(err, "%s", name);
        return at_place(place, "calendar", err);
    }
    return 0;
}

/* The one form of time a window has; keys of the other form beside it are refused, never ignored. */
static int read_time(const json_t *item, struct window *window, const struct place *place, struct err *err)
{
    static const char *const timed[] = {"schedule", "duration", "start", "end"};
    static const char *const others[] = {"schedule", "duration", "timezone"};
    if (has(item, "calendar")) {
        return forbid(item, timed, ARRAY_COUNT(timed), "a calendar", place, err) || read_calendar(item, window, place, err) ? -1 : 0;
    }
    if (!has(item, "start") && !has(item, "end")) {
        return read_schedule(item, window, place, err);
    }
    return forbid(item, others, ARRAY_COUNT(others), "start and end", place, err) || read_one_off(item, window, place, err) ? -1 : 0;
}

static int read_selectors(const json_t *item, struct window *window, const struct place *place,
                          struct err *err)
{
    const json_t *override = json_object_get(item, "override");
    if (override != NULL && !json_is_null(override) && !json_is_boolean(override)) {
        return bad(place, "override", err, "it is neither true nor false");
    }
    window->override = json_is_true(override);
    return read_globs(item, "namespaces", &window->namespaces, place, err) ||
                   read_globs(item, "clusters", &window->clusters, place, err) ||
                   read_labels(item, &window->labels, place, err)
               ? -1
               : 0;
}

static int read_name(const json_t *item, const struct window_set *set, struct window *window,
                     const struct place *place, struct err *err)
{
    const char *name = NULL;
    if (optional_text(item, "name", place, &name, err)) {
        return -1;
    }
    if (name == NULL || *name == '\0' || strlen(name) > NAME_MAX_BYTES) {
        return bad(place, "name", err, "a window needs a name of at most %d bytes", NAME_MAX_BYTES);
    }
    for (size_t i = 0; i < set->count; i++) {
        if (set->items[i].group == window->group && str_equal(set->items[i].name, name)) {
            return bad(place, "name", err, "another window has the name \"%s\" too", name);
        }
    }
    window->name = xstrdup(name);
    return 0;
}

static int read_window(json_t *item, const struct window_set *set, struct window *window,
                       const struct place *place, struct err *err)
{
    static const char *const kinds[] = {"deny", "allow"};
    static const char *const overruns[] = {"finish", "stop", "rollback"};
    if (!json_is_object(item)) {
        return bad(place, NULL, err, "this is not a mapping");
    }
    int kind = -1;
    int overrun = OVERRUN_STOP;
    if (check_keys(item, place, err) || read_name(item, set, window, place, err) ||
        read_choice(item, "kind", kinds, 2, &kind, place, err) ||
        read_choice(item, "on_overrun", overruns, 3, &overrun, place, err)) {
        return -1;
    }
    if (kind < 0) {
        bad(place, "kind", err, "it is missing");
        return err_hint(err, "use allow or deny");
    }
    window->kind = (enum window_kind)kind;
    window->overrun = (enum window_overrun)overrun;
    return read_selectors(item, window, place, err) || read_time(item, window, place, err) ? -1 : 0;
}

static void window_release(struct window *window)
{
    free(window->name);
    free(window->zone);
    tz_free(window->tz);
    calendar_free(window->calendar);
    json_decref(window->namespaces);
    json_decref(window->clusters);
    json_decref(window->labels);
}

struct window_set *window_set_new(void)
{
    return xcalloc(sizeof(struct window_set));
}

void window_set_free(struct window_set *set)
{
    if (set == NULL) {
        return;
    }
    for (size_t i = 0; i < set->count; i++) {
        window_release(&set->items[i]);
    }
    free(set->items);
    free(set);
}

const char *window_set_fault(const struct window_set *set)
{
    return set->fault;
}

size_t window_set_count(const struct window_set *set)
{
    return set->count;
}

int window_set_add(struct window_set *set, const json_t *windows, const json_t *files, const char *place, struct err *err)
{
    if (windows == NULL || json_is_null(windows)) {
        return 0;
    }
    if (!json_is_array(windows) || json_array_size(windows) > WINDOWS_MAX) {
        return err_set(err, ERR_CONFIG, "%s: windows is not a list of at most %d windows", place,
                       WINDOWS_MAX);
    }
    size_t index = 0;
    json_t *item = NULL;
    size_t group = set->groups++;
    set->files = files;
    json_array_foreach(windows, index, item)
    {
        GROW(set->items, set->capacity, set->count + 1);
        struct window *window = &set->items[set->count];
        *window = (struct window){.group = group};
        struct place where = {place, index, set};
        if (read_window(item, set, window, &where, err)) {
            window_release(window);
            return -1;
        }
        set->count++;
    }
    return 0;
}

const char *window_kind_name(enum window_kind kind)
{
    return kind == WINDOW_ALLOW ? "allow" : "deny";
}

const char *window_overrun_name(enum window_overrun overrun)
{
    static const char *const names[] = {"finish", "stop", "rollback"};
    return names[overrun];
}
