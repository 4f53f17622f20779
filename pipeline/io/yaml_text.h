#ifndef TARE_IO_YAML_TEXT_H
#define TARE_IO_YAML_TEXT_H

/* The characters below the YAML reader: which bytes are text, and where a character or a line is. */

#include <stdbool.h>
#include <stddef.h>

#include "pipeline/base/err.h"

/* Whether all bytes are text that YAML allows; *ascii tells whether one character is one byte throughout.
 * ERR_DATA with the offset of the first bad byte in *bad. A UTF-8 byte order mark is skipped at the start
 * only: *base receives its length. */
int yaml_text_check(const char *bytes, size_t length, size_t *base, bool *ascii, size_t *bad,
                    struct err *err);

/* A place that is known both in bytes and in characters; moves both ways. */
struct yaml_cursor {
    size_t byte;
    size_t character;
};

/* Moves the cursor to a character and returns its byte offset. Stops at `length`. */
size_t yaml_cursor_seek(struct yaml_cursor *cursor, const char *bytes, size_t length, size_t character);

/* Offset of the first document marker that begins at or after `floor`, on the line of `from` or a later one;
 * `length` if there is none. */
size_t yaml_next_marker(const char *bytes, size_t length, size_t from, size_t floor);

/* New copy of JSON text in which every escaped surrogate pair is \ufffd\ufffd: libyaml refuses the pair,
 * offsets stay. NULL when there is none. */
char *yaml_mask_surrogates(const char *bytes, size_t length);

#endif
