#include "pipeline/base/err.h"

#include <stdio.h>
#include <string.h>

#include "pipeline/base/str.h"

static const struct err_row rows[] = {
#define X(id, code, again, text) {.class = ERR_##id, .name = #id, .retryable = (again) != 0, .meaning = text},
#include "pipeline/base/errors.def"
#undef X
};

/* Cuts at a UTF-8 boundary and masks control bytes: messages quote untrusted names. */
static void tidy(char *text)
{
    str_trim_utf8(text);
    str_mask_controls(text);
}

int err_vset(struct err *err, enum err_class class, const char *format, va_list args)
{
    if (err == NULL) {
        return -1;
    }
    err->class = class;
    err->hint[0] = '\0';
    vsnprintf(err->message, sizeof err->message, format, args);
    tidy(err->message);
    return -1;
}

int err_set(struct err *err, enum err_class class, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    err_vset(err, class, format, args);
    va_end(args);
    return -1;
}

int err_hint(struct err *err, const char *format, ...)
{
    if (err == NULL) {
        return -1;
    }
    va_list args;
    va_start(args, format);
    vsnprintf(err->hint, sizeof err->hint, format, args);
    va_end(args);
    tidy(err->hint);
    return -1;
}

int err_prefix(struct err *err, const char *format, ...)
{
    if (err == NULL) {
        return -1;
    }
    char old[ERR_MESSAGE_MAX];
    memcpy(old, err->message, sizeof old);
    va_list args;
    va_start(args, format);
    vsnprintf(err->message, sizeof err->message, format, args);
    va_end(args);
    size_t used = strlen(err->message);
    size_t room = sizeof err->message - used;
    if (room > 3) {
        memcpy(err->message + used, ": ", 3);
        size_t take = strnlen(old, room - 3);
        memcpy(err->message + used + 2, old, take);
        err->message[used + 2 + take] = '\0';
    }
    tidy(err->message);
    return -1;
}

int err_errno(struct err *err, enum err_class class, int errno_value, const char *format, ...)
{
    char reason[256];
    if (strerror_r(errno_value, reason, sizeof reason) != 0) {
        snprintf(reason, sizeof reason, "error %d", errno_value);
    }
    char text[ERR_MESSAGE_MAX];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return err_set(err, class, "%s: %s", text, reason);
}

const struct err_row *err_table(size_t *count)
{
    *count = sizeof rows / sizeof rows[0];
    return rows;
}

bool err_retryable(int exit_code)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if ((int)rows[i].class == exit_code) {
            return rows[i].retryable;
        }
    }
    return false;
}

const char *err_meaning(int exit_code)
{
    if (exit_code == 0) {
        return "done";
    }
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if ((int)rows[i].class == exit_code) {
            return rows[i].meaning;
        }
    }
    return NULL;
}
