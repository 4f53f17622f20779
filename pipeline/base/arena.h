#ifndef TARE_BASE_ARENA_H
#define TARE_BASE_ARENA_H

/*
 * An arena holds everything that one unit of work allocates and frees it at one point. Blocks are chained;
 * arena_clear keeps one block of the usual size, so a loop over records does not return to malloc each time.
 */

#include <stddef.h>

struct arena_block;

struct arena {
    struct arena_block *head;
    size_t used_total;
};

/* Prepares an empty arena; allocates nothing yet. */
void arena_init(struct arena *arena);

/* Frees everything in the arena; it can be used again. */
void arena_release(struct arena *arena);

/* arena_release of an arena that held secrets: its memory is overwritten first. */
void arena_wipe(struct arena *arena);

/* Forgets everything in the arena but keeps one block for reuse. */
void arena_clear(struct arena *arena);

/* Zeroed memory of `size` bytes, aligned for any type; lives until the arena is cleared or released. */
void *arena_alloc(struct arena *arena, size_t size);

/* Zeroed array; the product is checked. */
void *arena_alloc_array(struct arena *arena, size_t count, size_t size);

/* Copy of a string in the arena. */
char *arena_strdup(struct arena *arena, const char *text);

/* Copy of `length` bytes in the arena, NUL-terminated. */
char *arena_strndup(struct arena *arena, const char *text, size_t length);

/* Formatted string in the arena. */
char *arena_printf(struct arena *arena, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Bytes handed out since the last clear: for caps on what one unit of work may use. */
size_t arena_used(const struct arena *arena);

#endif
