#include "pipeline/base/buf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/mem.h"

void buf_init(struct buf *buf, size_t cap)
{
    *buf = (struct buf){.cap = cap};
}

void buf_release(struct buf *buf)
{
    size_t cap = buf->cap;
    free(buf->data);
    buf_init(buf, cap);
}

void buf_wipe(struct buf *buf)
{
    mem_wipe(buf->data, buf->size);
    buf_release(buf);
}

void buf_clear(struct buf *buf)
{
    buf->length = 0;
    buf->overflow = false;
    if (buf->data != NULL) {
        buf->data[0] = '\0';
    }
}

/* Makes room for `length` more bytes and the NUL; refuses to pass the cap. */
static int reserve(struct buf *buf, size_t length)
{
    if (buf->overflow || length > buf->cap - buf->length) {
        buf->overflow = true;
        return -1;
    }
    GROW(buf->data, buf->size, buf->length + length + 1);
    return 0;
}

int buf_add(struct buf *buf, const void *bytes, size_t length)
{
    if (reserve(buf, length)) {
        return -1;
    }
    if (length > 0) {
        memcpy(buf->data + buf->length, bytes, length);
    }
    buf->length += length;
    buf->data[buf->length] = '\0';
    return 0;
}

int buf_add_str(struct buf *buf, const char *text)
{
    return buf_add(buf, text, strlen(text));
}

int buf_add_char(struct buf *buf, char c)
{
    return buf_add(buf, &c, 1);
}

int buf_vprintf(struct buf *buf, const char *format, va_list args)
{
    va_list again;
    va_copy(again, args);
    int length = vsnprintf(NULL, 0, format, args);
    int failed = length < 0 ? -1 : reserve(buf, (size_t)length);
    if (!failed) {
        vsnprintf(buf->data + buf->length, (size_t)length + 1, format, again);
        buf->length += (size_t)length;
    }
    va_end(again);
    return failed;
}

int buf_printf(struct buf *buf, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int failed = buf_vprintf(buf, format, args);
    va_end(args);
    return failed;
}

const char *buf_str(const struct buf *buf)
{
    return buf->data == NULL ? "" : buf->data;
}

char *buf_steal(struct buf *buf)
{
    char *text = buf->data == NULL ? xstrdup("") : buf->data;
    size_t cap = buf->cap;
    buf_init(buf, cap);
    return text;
}
