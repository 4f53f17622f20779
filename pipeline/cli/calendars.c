#include "pipeline/cli/calendars.h"

#include <stdlib.h>
#include <string.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "pipeline/io/fs.h"
#include "pipeline/io/hash.h"

static int at_window(const struct config *config, size_t index, struct err *inner, struct err *err)
{
    char *key = xasprintf("windows[%zu].calendar", index);
    config_error(config, err, key, "%s", inner->message);
    free(key);
    return inner->hint[0] == '\0' ? -1 : err_hint(err, "%s", inner->hint);
}

/* Adds one file; `left` is how many bytes all that follow may have. */
static int add_file(json_t *files, const char *directory, const char *name, size_t *left, struct err *err)
{
    struct buf text;
    char *path = fs_join(directory == NULL ? "" : directory, name);
    buf_init(&text, CALENDARS_BYTES_MAX);
    int failed = fs_read(path, &text, err);
    if (!failed && text.length > *left) {
        failed = err_set(err, ERR_CONFIG, "with %s the calendars have more than %d bytes together", name, CALENDARS_BYTES_MAX);
    }
    if (!failed && (!str_utf8_valid(text.data, text.length, NULL) || memchr(buf_str(&text), '\0', text.length) != NULL)) {
        failed = err_set(err, ERR_CONFIG, "%s is not UTF-8 text", name);
    }
    if (!failed) {
        *left -= text.length;
        json_object_set_new(files, name, json_stringn(buf_str(&text), text.length));
    }
    buf_release(&text);
    free(path);
    return failed ? -1 : 0;
}

int config_calendars(const struct config *config, const char *directory, json_t **out, struct err *err)
{
    size_t left = CALENDARS_BYTES_MAX;
    json_t *files = json_object();
    size_t index = 0;
    const json_t *window = NULL;
    json_array_foreach(config_value(config, "windows"), index, window)
    {
        struct err inner = {0};
        const char *name = json_string_or_null(window, "calendar");
        if (name != NULL && json_object_get(files, name) == NULL && add_file(files, directory, name, &left, &inner)) {
            json_decref(files);
            return at_window(config, index, &inner, err);
        }
    }
    *out = files;
    return 0;
}

void calendars_digest(json_t *windows, const json_t *files)
{
    size_t index = 0;
    json_t *window = NULL;
    json_array_foreach(windows, index, window)
    {
        const char *name = json_string_or_null(window, "calendar");
        const json_t *text = name == NULL ? NULL : json_object_get(files, name);
        if (json_is_string(text)) {
            char digest[DIGEST_HEX];
            const char *slash = strrchr(name, '/');
            char *told = xasprintf("%s (sha256 %s)", slash == NULL ? name : slash + 1,
                                   hash_bytes(json_string_value(text), json_string_length(text), digest));
            json_object_set_new(window, "calendar", json_string_safe(told));
            free(told);
        }
    }
}
