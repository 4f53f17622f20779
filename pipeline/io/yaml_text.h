#ifndef TARE_IO_YAML_TEXT_H
#define TARE_IO_YAML_TEXT_H

/* The characters below the YAML reader: which bytes are text, and where a character, a line or a value is. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

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

/* A place as editors show it, moved to an offset: quick when that is near. */
struct yaml_place {
    size_t offset;
    size_t line;   /* from 1, counted by line feeds */
    size_t column; /* from 1, in characters */
};

/* Where a text begins. */
extern const struct yaml_place yaml_place_start;

/* Moves to an offset of at most `length`. */
void yaml_place_seek(struct yaml_place *place, const char *bytes, size_t length, size_t offset);

/* The column, for which a byte order mark at the start of the text is nothing. */
size_t yaml_place_column(const struct yaml_place *place, const char *bytes);

/* Offset of the first document marker that begins at or after `floor`, on the line of `from` or a later one;
 * `length` if there is none. */
size_t yaml_next_marker(const char *bytes, size_t length, size_t from, size_t floor);

/* New copy of text in which everything is masked, at equal length, that Kubernetes' tools read and libyaml does
 * not: in JSON (*json says whether it looks like that) the escaped surrogate pairs, which become \ufffd\ufffd, and
 * tabs around the value; tabs where there is nothing else; byte order marks at the start of a line but `base` (files
 * joined into one), where `ascii` does not rule them out. NULL when there is nothing to mask. */
char *yaml_mask(const char *bytes, size_t length, size_t base, bool ascii, bool *json);

/* First byte after a node's own anchor (its name; NULL: none) and tag in [start, end): what follows may begin
 * with the properties of its first child. */
uint32_t yaml_skip_properties(const char *bytes, uint32_t start, uint32_t end, const char *anchor, bool tag);

/* Offset of the directive `%TAG` after the first `most` of them, `length` when there are no more. */
size_t yaml_excess_tag(const char *bytes, size_t length, size_t most);

#endif
