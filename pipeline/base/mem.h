#ifndef TARE_BASE_MEM_H
#define TARE_BASE_MEM_H

/*
 * Allocation that never returns NULL. When memory runs out the program says so and exits 75 (try again later).
 * That is safe by construction: artifacts without a trailer are refused, database work is one transaction, and
 * files are replaced by rename, so a stage may die at any instruction. Sizes that input controls are bounded by
 * caps (buf.h, arena.h) long before memory runs out.
 */

#include <stddef.h>

/* Ends the program as it ends when memory runs out: for a library that reports it in a way of its own. */
_Noreturn void mem_exhausted(void);

/* New zeroed block of `size` bytes (1 when 0). Free with free(). */
void *xcalloc(size_t size);

/* New zeroed array; the product is checked for overflow. Free with free(). */
void *xcalloc_array(size_t count, size_t size);

/* Resizes `old` (steals it) to count × size bytes; new bytes are not cleared. Returns new. */
void *xrealloc_array(void *old, size_t count, size_t size);

/* New copy of a string. Free with free(). */
char *xstrdup(const char *text);

/* New copy of at most `length` bytes, NUL-terminated. Free with free(). */
char *xstrndup(const char *text, size_t length);

/* New copy of a string, or NULL when `text` is NULL. Free with free(). */
char *xstrdup_null(const char *text);

/* New formatted string. Free with free(). */
char *xasprintf(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* malloc that never fails, for libraries that take allocation functions (jansson). */
void *xmalloc(size_t size);

/* Overwrites memory that held a secret; no compiler takes it for useless. NULL is allowed when `size` is 0. */
void mem_wipe(void *bytes, size_t size);

/* Overwrites and frees a string that held a secret. NULL is allowed. */
void mem_free_secret(char *text);

/* Element count of an array. */
#define ARRAY_COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Grows `*items` (elements of `size` bytes, capacity *capacity) so that `needed` fit; doubles. */
void grow_array(void **items, size_t *capacity, size_t needed, size_t size);

/* GROW(v.items, v.capacity, needed): makes room for `needed` elements in a heap array. */
#define GROW(items, capacity, needed)                                                                          \
    do {                                                                                                       \
        void *grow_tmp_ = (items);                                                                             \
        grow_array(&grow_tmp_, &(capacity), (needed), sizeof *(items));                                        \
        (items) = grow_tmp_;                                                                                   \
    } while (0)

#endif
