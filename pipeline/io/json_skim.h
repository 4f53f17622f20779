#ifndef TARE_IO_JSON_SKIM_H
#define TARE_IO_JSON_SKIM_H

/*
 * Taking members out of a JSON text without making values of it: a record has many times more in it than one
 * reader needs, and to make values of what is dropped at once is most of the cost of reading it.
 */

#include <stdbool.h>
#include <stddef.h>

#include "pipeline/base/buf.h"

/* What becomes of a member of an object; a list of these ends with a key NULL. The first one that fits counts,
 * "*" fits any key; members that none fits stay. */
struct json_cut {
    const char *key;
    bool drop;
    const struct json_cut *inside; /* for the member's own members, or those of the objects in its array; NULL: all stay */
};

/* Adds the text of an object to `out` without what `cut` drops; blanks between its tokens may go. What stays
 * is byte for byte what was there. What is dropped is only walked over: that its brackets and quotes close is checked, and
 * nothing else. False, and nothing added, where the text is no object of which this can be told, or `out` is full.
 * A key that is written with escapes is taken for none of the list, so it stays. */
bool json_skim(const char *text, size_t length, const struct json_cut *cut, struct buf *out);

#endif
