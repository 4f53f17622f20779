#ifndef TARE_ANALYZE_OPINION_CLEAN_H
#define TARE_ANALYZE_OPINION_CLEAN_H

/* Text of others made fit to be shown and sent: one line of visible characters. */

#include <stddef.h>

/* In place: line breaks and tabs become blanks; control characters, what is no UTF-8, marks of writing direction and characters that
 * cannot be seen (zero width, soft hyphens, tags) become '?', one for each character. Never longer than before. */
void clean_text(char *text);

/* Copies `text` (NULL: "") cleaned, at most size - 1 bytes, cut at a whole character. Returns `out`. */
char *clean_copy(const char *text, char *out, size_t size);

#endif
