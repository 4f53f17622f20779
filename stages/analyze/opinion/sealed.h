#ifndef TARE_ANALYZE_OPINION_SEALED_H
#define TARE_ANALYZE_OPINION_SEALED_H

/*
 * JSON as it stands in a prompt: canonical, and with nothing in its strings that could be taken for their end or for a mark of a model's
 * own. Quotes, backslashes, brackets, braces, back quotes and angle brackets in strings are written by number (\u0022), so a quote is
 * always the end of a string, a brace never stands in one, and "<|im_start|>" is text to every tokenizer.
 */

#include "pipeline/io/json.h"

/* The characters that are written by number in strings. */
#define SEALED_MARKS "\"\\<>[]{}`"

/* Adds the value's text to `out` (past whose cap its overflow is set). */
void sealed_write(const json_t *value, struct buf *out);

/* Adds one text as a sealed string, with its quotes. */
void sealed_put(const char *text, struct buf *out);

#endif
