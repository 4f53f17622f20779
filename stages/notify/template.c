#include "stages/notify/template.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "pipeline/base/str.h"
#include "stages/notify/message.h"

enum { NAME_SIZE = 64 };

/* The placeholder at `text`, which begins with "{{": its name without blanks, cut. Returns what follows it, NULL where it has no end on
 * its line. */
static const char *placeholder(const char *text, char name[NAME_SIZE])
{
    const char *begin = text + 2;
    const char *end = strstr(begin, "}}");
    if (end == NULL || memchr(begin, '\n', (size_t)(end - begin)) != NULL) {
        return NULL;
    }
    const char *last = end;
    begin += strspn(begin, " \t");
    while (last > begin && strchr(" \t", last[-1]) != NULL) {
        last--;
    }
    snprintf(name, NAME_SIZE, "%.*s", (int)(last < begin ? 0 : last - begin), begin);
    return end + 2;
}

static bool is_known(const char *name)
{
    size_t count;
    const char *const *names = message_names(&count);
    for (size_t i = 0; i < count; i++) {
        if (strcmp(names[i], name) == 0) {
            return true;
        }
    }
    return false;
}

static int unknown(const char *name, const char *what, size_t line, struct err *err)
{
    size_t count;
    struct buf list;
    const char *const *names = message_names(&count);
    const char *near = str_nearest(name, names, count);
    buf_init(&list, ERR_HINT_MAX);
    for (size_t i = 0; i < count; i++) {
        buf_printf(&list, "%s%s", i == 0 ? "" : " ", names[i]);
    }
    err_set(err, ERR_CONFIG, "%s, line %zu: there is no placeholder {{%s}}", what, line, name);
    err_hint(err, "%s%s%sthere are %s", near == NULL ? "" : "did you mean ", near == NULL ? "" : near, near == NULL ? "" : "? ",
             buf_str(&list));
    buf_release(&list);
    return -1;
}

int template_check(const char *text, const char *what, struct err *err)
{
    size_t line = 1;
    char name[NAME_SIZE];
    while (*text != '\0') {
        if (strncmp(text, "{{", 2) != 0) {
            line += *text++ == '\n';
            continue;
        }
        const char *next = placeholder(text, name);
        if (next == NULL) {
            err_set(err, ERR_CONFIG, "%s, line %zu: {{ has no }} on its line", what, line);
            return err_hint(err, "a placeholder is written {{title}}");
        }
        if (!is_known(name)) {
            return unknown(name, what, line, err);
        }
        text = next;
    }
    return 0;
}

void template_fill(const char *text, const json_t *values, text_escape *escape, struct buf *out)
{
    char name[NAME_SIZE];
    while (*text != '\0') {
        const char *next = strncmp(text, "{{", 2) == 0 ? placeholder(text, name) : NULL;
        if (next == NULL) {
            buf_add_char(out, *text++);
            continue;
        }
        const char *value = json_string_or_null(values, name);
        escape(value == NULL ? "" : value, out);
        text = next;
    }
}
