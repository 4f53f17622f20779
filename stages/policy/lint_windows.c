#include <inttypes.h>
#include <stdio.h>

#include "pipeline/base/str.h"
#include "pipeline/run/selector.h"
#include "pipeline/run/window.h"
#include "stages/policy/lint_internal.h"

enum { KEY_MAX = 64, DAY = 86400, HOUR = 3600 };

/* The verdict of some windows alone, now and wherever they match; false where they cannot be read. */
static bool judge_list(const struct lint *lint, json_t *list, const json_t *files, struct window_verdict *out)
{
    struct window_set *set = window_set_new();
    struct err err = {0};
    bool read = window_set_add(set, list, files, "windows", &err) == 0;
    if (read) {
        window_judge(set, NULL, lint->now, NULL, out);
    }
    window_set_free(set);
    return read;
}

/* Whether a window is open now or ever within the horizon. */
static bool opens(const struct lint *lint, const json_t *window, const json_t *files)
{
    json_t *copy = json_deep_copy(window);
    json_t *list = json_array();
    struct window_verdict verdict = {.allowed = true};
    json_object_set_new(copy, "kind", json_string("allow"));
    json_array_append_new(list, copy);
    bool read = judge_list(lint, list, files, &verdict);
    json_decref(list);
    return !read || verdict.allowed || verdict.has_next;
}

static bool is_kind(const json_t *window, const char *kind)
{
    return str_equal(json_string_or_null(window, "kind"), kind);
}

/* An allow window together with the deny windows that are about all that it is about. New. */
static json_t *with_denies(const struct lint *lint, const json_t *allow)
{
    json_t *list = json_array();
    size_t index = 0;
    const json_t *other = NULL;
    json_array_append_new(list, json_deep_copy(allow));
    json_array_foreach(config_value(lint->config, "windows"), index, other)
    {
        /* Selectors of windows have the names of those of a match. */
        if (is_kind(other, "deny") && selector_covers(other, allow)) {
            json_array_append_new(list, json_deep_copy(other));
        }
    }
    return list;
}

/* When changes are let through next, by an allow window and what denies all of it. */
static void check_allow(const struct lint *lint, const json_t *window, const char *key, const json_t *files)
{
    struct window_verdict verdict = {.allowed = true};
    json_t *list = with_denies(lint, window);
    bool read = judge_list(lint, list, files, &verdict);
    json_decref(list);
    if (!read || verdict.allowed) {
        return;
    }
    int64_t expires = config_integer(lint->config, "approvals.expires_after", 24 * HOUR);
    int64_t wait = verdict.next_opening - lint->now;
    if (!verdict.has_next) {
        lint_warn(lint, "covered", key, "is wholly covered by deny windows: nothing that it is about could ever be applied");
    } else if (wait > expires) {
        lint_warn(lint, "expires-before", "approvals.expires_after",
                  "%" PRId64 " h are over before window \"%.60s\" opens in %" PRId64 " h: an approval that is given now never counts",
                  expires / HOUR, json_string_or_null(window, "name"), wait / HOUR);
    }
}

void lint_windows(const struct lint *lint, const json_t *files)
{
    size_t index = 0;
    const json_t *window = NULL;
    json_array_foreach(config_value(lint->config, "windows"), index, window)
    {
        char key[KEY_MAX];
        snprintf(key, sizeof key, "windows[%zu]", index);
        if (!opens(lint, window, files)) {
            lint_warn(lint, "never-opens", key, "\"%.60s\" is not open now and does not open within %d days",
                      json_string_or_null(window, "name"), WINDOW_HORIZON / DAY);
        } else if (is_kind(window, "allow")) {
            check_allow(lint, window, key, files);
        }
    }
}
