#ifndef TARE_BASE_STR_H
#define TARE_BASE_STR_H

/* Strings: comparing, matching, near names, making text safe to show. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Both NULL, or both equal. */
bool str_equal(const char *a, const char *b);

/* Whether `text` starts with `prefix`. */
bool str_starts(const char *text, const char *prefix);

/* Whether `text` ends with `suffix`. */
bool str_ends(const char *text, const char *suffix);

/* strcmp where NULL sorts before everything. */
int str_compare(const char *a, const char *b);

/* Shell-like match of a whole name: `*` any run, `?` one character; nothing else is special. Linear in memory,
 * at most |pattern| × |text| in time. */
bool str_glob(const char *pattern, const char *text);

/* Damerau-Levenshtein distance (adjacent swaps count one) of two names of at most 64 bytes; larger ones are
 * cut. Source: the optimal string alignment recurrence. */
size_t str_distance(const char *a, const char *b);

/* The nearest of `count` names to `word`, NULL when none is near (more than a third of the letters differ).
 * Borrowed from `names`. */
const char *str_nearest(const char *word, const char *const *names, size_t count);

/* Whole decimal integer (optional sign, no space) in [min, max]. Returns 0, or -1 and leaves *value alone. */
int str_int64(const char *text, int64_t min, int64_t max, int64_t *value);

/* Reads exactly `count` decimal digits (at most 9) at *text and moves past them; -1 where one is none. */
int str_digits(const char **text, int count);

/* Replaces every byte of a control character (C0, C1, DEL, tab and newline too), of a mark that turns the direction of writing
 * around, and of what is no UTF-8, by '?', in place, so that text from outside cannot steer a terminal. */
void str_mask_controls(char *text);

/* Cuts an incomplete UTF-8 sequence at the end of a truncated string, in place. */
void str_trim_utf8(char *text);

/* Length of the valid UTF-8 sequence (1 to 4) that starts at `bytes`, 0 when it is not one (overlong forms,
 * surrogates and values past U+10FFFF included). */
size_t str_utf8_length(const unsigned char *bytes, size_t available);

/* Whether all bytes are valid UTF-8; *bad_offset (may be NULL) receives the offset of the first that is not. */
bool str_utf8_valid(const void *bytes, size_t length, size_t *bad_offset);

#endif
