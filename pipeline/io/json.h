#ifndef TARE_IO_JSON_H
#define TARE_IO_JSON_H

/*
 * JSON over jansson: bounded reading, canonical writing (sorted keys, no needless space, reals with 15 significant
 * digits), and typed reading of members with the member's path in the error. jansson's setters with `_new` steal
 * the reference they are given; the getters here return borrowed values.
 */

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pipeline/base/buf.h"
#include "pipeline/base/err.h"

/* Makes jansson allocate through mem.h (so that no json_* call fails for memory). Call first in main. */
void json_init(void);

/* Reads one JSON value of `length` bytes; duplicate keys are refused. NULL with ERR_DATA; `what` names the text in
 * the error. Returns new. */
json_t *json_read(const char *text, size_t length, const char *what, struct err *err);

/* Canonical bytes of a value, added to `out`. ERR_DATA when the cap of `out` is passed. */
int json_write(const json_t *value, struct buf *out, struct err *err);

/* Adds an object to `out` whose canonical text is at hand (it is not checked), with some members set: those of the
 * object `members` take the place of members of the same name, or are added. Past the cap of `out` its overflow is set. */
void json_write_over(const char *text, size_t length, const json_t *members, struct buf *out);

/* JSON text made piece by piece, without a value in memory. It is canonical when members come in the order of their names.
 * These add the comma and the name of a member, the comma before an item of an array, a string (null for NULL; bytes that
 * are not UTF-8 become '?'), an integer (null unless `present`). Past the cap of `out` its overflow is set. */
void json_put_key(struct buf *out, const char *key);
void json_put_comma(struct buf *out);
void json_put_string(struct buf *out, const char *text);
void json_put_int(struct buf *out, bool present, int64_t value);

/* Canonical bytes of a value as a new string. */
char *json_text(const json_t *value);

/* Member `key` of an object as a string. Missing, null or another type: ERR_DATA naming `key`. *out borrowed. */
int json_get_string(const json_t *object, const char *key, const char **out, struct err *err);

/* Member `key` as a string, or NULL when it is missing, null or not a string. Borrowed. */
const char *json_string_or_null(const json_t *object, const char *key);

/* Member `key` as an integer, or `fallback` when it is missing, null or not an integer. */
int64_t json_int_or(const json_t *object, const char *key, int64_t fallback);

/* Member `key` as an integer; false when it is missing, null or not an integer. */
bool json_get_int(const json_t *object, const char *key, int64_t *out);

/* Member `key` as a number (integer or real); false when it is missing, null or not a number. */
bool json_get_number(const json_t *object, const char *key, double *out);

/* Member `key` as a boolean, or `fallback`. */
bool json_bool_or(const json_t *object, const char *key, bool fallback);

/* The value at a dotted path ("a.b.c"), NULL when a step is missing. Borrowed. */
json_t *json_at(const json_t *object, const char *path);

/* New integer, or null when `present` is false. */
json_t *json_int_or_null(bool present, int64_t value);

/* New string, or null when `text` is NULL. Bytes that are not UTF-8 are replaced by '?'. */
json_t *json_string_safe(const char *text);

/* New real, or null when the value is not finite (JSON has no NaN). */
json_t *json_real_or_null(double value);

#endif
