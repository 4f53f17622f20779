#ifndef TARE_ANALYZE_SCALING_DOCUMENT_H
#define TARE_ANALYZE_SCALING_DOCUMENT_H

/* YAML text, written line by line: block style, two blanks a level. What comes from outside stands in scalars only, quoted
 * unless it can be nothing but a plain string; keys are this program's own. */

#include <stdbool.h>
#include <stdint.h>

#include "pipeline/base/buf.h"

struct document {
    struct buf *text;
    int depth;
    int item; /* 1: the next line begins an item of a list */
};

/* Begins an object in `text` (borrowed). */
void document_begin(struct document *document, struct buf *text);

/* A key whose value is a mapping, or a list of items, up to document_close. */
void document_open(struct document *document, const char *key);
void document_close(struct document *document);

/* Begins an item of the list that is open; its members follow up to document_item_end. */
void document_item(struct document *document);
void document_item_end(struct document *document);

/* A member of the mapping that is open; a string of the list that is open. */
void document_string(struct document *document, const char *key, const char *value);
void document_integer(struct document *document, const char *key, int64_t value);
void document_flag(struct document *document, const char *key, bool value);
void document_entry(struct document *document, const char *value);

#endif
