#include "pipeline/base/mem.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pipeline/base/err.h"

_Noreturn void mem_exhausted(void)
{
    static const char text[] = "tare: out of memory\nhint: give the process more memory and run the command again\n";
    ssize_t ignored = write(STDERR_FILENO, text, sizeof text - 1);
    (void)ignored;
    _exit(ERR_TEMPFAIL);
}

void *xmalloc(size_t size)
{
    void *block = malloc(size == 0 ? 1 : size);
    if (block == NULL) {
        mem_exhausted();
    }
    return block;
}

void *xcalloc(size_t size)
{
    return xcalloc_array(1, size);
}

void *xcalloc_array(size_t count, size_t size)
{
    void *block = calloc(count == 0 ? 1 : count, size == 0 ? 1 : size);
    if (block == NULL) {
        mem_exhausted();
    }
    return block;
}

void *xrealloc_array(void *old, size_t count, size_t size)
{
    if (size != 0 && count > SIZE_MAX / size) {
        mem_exhausted();
    }
    size_t bytes = count * size;
    void *block = realloc(old, bytes == 0 ? 1 : bytes);
    if (block == NULL) {
        mem_exhausted();
    }
    return block;
}

char *xstrndup(const char *text, size_t length)
{
    size_t used = strnlen(text, length);
    char *copy = xmalloc(used + 1);
    memcpy(copy, text, used);
    copy[used] = '\0';
    return copy;
}

char *xstrdup(const char *text)
{
    return xstrndup(text, strlen(text));
}

char *xstrdup_null(const char *text)
{
    return text == NULL ? NULL : xstrdup(text);
}

char *xasprintf(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    va_list again;
    va_copy(again, args);
    int length = vsnprintf(NULL, 0, format, args);
    va_end(args);
    char *text = xmalloc(length < 0 ? 1 : (size_t)length + 1);
    text[0] = '\0';
    if (length >= 0) {
        vsnprintf(text, (size_t)length + 1, format, again);
    }
    va_end(again);
    return text;
}

void grow_array(void **items, size_t *capacity, size_t needed, size_t size)
{
    if (needed <= *capacity) {
        return;
    }
    size_t next = *capacity == 0 ? 8 : *capacity;
    while (next < needed) {
        next = next > SIZE_MAX / 2 ? needed : next * 2;
    }
    *items = xrealloc_array(*items, next, size);
    *capacity = next;
}

void mem_wipe(void *bytes, size_t size)
{
    volatile unsigned char *at = bytes;
    while (size-- > 0) {
        *at++ = 0;
    }
}

void mem_free_secret(char *text)
{
    if (text != NULL) {
        mem_wipe(text, strlen(text));
        free(text);
    }
}
