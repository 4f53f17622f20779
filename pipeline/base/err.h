#ifndef TARE_BASE_ERR_H
#define TARE_BASE_ERR_H

/*
 * Errors as values. A function that can fail takes `struct err *err` last and returns 0 or -1. On success it
 * leaves `err` untouched; on failure it stores a class, one whole sentence naming the thing and the place, and,
 * where there is one, a hint: the next command to type. Calls chain: `if (a(x, err) || b(y, err)) return -1;`.
 * Only main prints an error and turns its class into an exit code.
 */

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

enum err_class {
    ERR_NONE = 0,
#define X(name, code, retryable, meaning) ERR_##name = code,
#include "pipeline/base/errors.def"
#undef X
};

enum { ERR_MESSAGE_MAX = 1024, ERR_HINT_MAX = 512 };

struct err {
    enum err_class class;
    char message[ERR_MESSAGE_MAX];
    char hint[ERR_HINT_MAX];
};

/* One row of the table of classes, for help texts and tests. `name` is the lower-case identifier. */
struct err_row {
    enum err_class class;
    const char *name;
    bool retryable;
    const char *meaning;
};

/* Stores class and message and clears the hint. Control bytes are masked. Always returns -1, so that
 * `return err_set(…)` works. `err` may be NULL: then nothing is stored. */
int err_set(struct err *err, enum err_class class, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* err_set with an argument list. */
int err_vset(struct err *err, enum err_class class, const char *format, va_list args)
    __attribute__((format(printf, 3, 0)));

/* Stores the hint (a sentence or the next command to type) of an error that is already set. Returns -1. */
int err_hint(struct err *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Puts "<formatted>: " before the message of an error that is already set; class and hint stay. Returns -1. */
int err_prefix(struct err *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Stores `class` with the message "<formatted>: <strerror(errno_value)>". Returns -1. */
int err_errno(struct err *err, enum err_class class, int errno_value, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* The table of classes in order of exit codes; *count receives the number of rows. Borrowed, static. */
const struct err_row *err_table(size_t *count);

/* Whether the conductor may try again after an exit with this code. */
bool err_retryable(int exit_code);

/* The meaning of an exit code, "done" for 0, NULL for one that is not in the table. Borrowed, static. */
const char *err_meaning(int exit_code);

#endif
