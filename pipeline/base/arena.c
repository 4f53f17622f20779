#include "pipeline/base/arena.h"

#include <stdarg.h>
#include <stdalign.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/mem.h"

enum { ARENA_BLOCK_SIZE = 16 * 1024 };

struct arena_block {
    struct arena_block *next;
    size_t size;
    size_t used;
    alignas(max_align_t) unsigned char bytes[];
};

void arena_init(struct arena *arena)
{
    arena->head = NULL;
    arena->used_total = 0;
}

void arena_release(struct arena *arena)
{
    while (arena->head != NULL) {
        struct arena_block *next = arena->head->next;
        free(arena->head);
        arena->head = next;
    }
    arena->used_total = 0;
}

void arena_wipe(struct arena *arena)
{
    for (struct arena_block *block = arena->head; block != NULL; block = block->next) {
        mem_wipe(block->bytes, block->used);
    }
    arena_release(arena);
}

/* The head is always a block of the usual size: large ones stand behind it and are given back. */
void arena_clear(struct arena *arena)
{
    struct arena_block *head = arena->head;
    if (head != NULL) {
        arena->head = head->next;
        arena_release(arena);
        head->next = NULL;
        head->used = 0;
        arena->head = head;
    }
    arena->used_total = 0;
}

static struct arena_block *block_new(size_t size)
{
    struct arena_block *block = xmalloc(sizeof *block + size);
    block->next = NULL;
    block->size = size;
    block->used = 0;
    return block;
}

/* A large request gets a block of its own behind the head, so that the head keeps serving small ones. */
static void *alloc_large(struct arena *arena, size_t size)
{
    struct arena_block *block = block_new(size);
    block->used = size;
    if (arena->head == NULL) {
        arena->head = block_new(ARENA_BLOCK_SIZE);
    }
    block->next = arena->head->next;
    arena->head->next = block;
    return memset(block->bytes, 0, size);
}

void *arena_alloc(struct arena *arena, size_t size)
{
    const size_t align = alignof(max_align_t);
    if (size > SIZE_MAX / 2) {
        return xmalloc(size);
    }
    size = (size + align - 1) / align * align;
    arena->used_total += size;
    if (size > ARENA_BLOCK_SIZE / 4) {
        return alloc_large(arena, size);
    }
    if (arena->head == NULL || arena->head->size - arena->head->used < size) {
        struct arena_block *block = block_new(ARENA_BLOCK_SIZE);
        block->next = arena->head;
        arena->head = block;
    }
    void *result = arena->head->bytes + arena->head->used;
    arena->head->used += size;
    return memset(result, 0, size);
}

void *arena_alloc_array(struct arena *arena, size_t count, size_t size)
{
    if (size != 0 && count > SIZE_MAX / 2 / size) {
        return xmalloc(SIZE_MAX);
    }
    return arena_alloc(arena, count * size);
}

char *arena_strndup(struct arena *arena, const char *text, size_t length)
{
    char *copy = arena_alloc(arena, length + 1);
    memcpy(copy, text, length);
    return copy;
}

char *arena_strdup(struct arena *arena, const char *text)
{
    return arena_strndup(arena, text, strlen(text));
}

char *arena_printf(struct arena *arena, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    va_list again;
    va_copy(again, args);
    int length = vsnprintf(NULL, 0, format, args);
    va_end(args);
    size_t size = length < 0 ? 1 : (size_t)length + 1;
    char *text = arena_alloc(arena, size);
    vsnprintf(text, size, format, again);
    va_end(again);
    return text;
}

size_t arena_used(const struct arena *arena)
{
    return arena->used_total;
}
