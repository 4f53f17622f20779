#ifndef TARE_BASE_BUF_H
#define TARE_BASE_BUF_H

/*
 * A growable byte buffer with a cap that is stated when it is made. Past the cap nothing is added any more and
 * `overflow` stays set: a caller may add many pieces and check once. The bytes are always NUL-terminated.
 */

#include <stdbool.h>
#include <stdarg.h>
#include <stddef.h>

struct buf {
    char *data;
    size_t length;
    size_t size;
    size_t cap;
    bool overflow;
};

/* Prepares an empty buffer that may hold at most `cap` bytes; allocates nothing yet. */
void buf_init(struct buf *buf, size_t cap);

/* Frees the bytes; the buffer is empty and keeps its cap. */
void buf_release(struct buf *buf);

/* buf_release of a buffer that held a secret: its memory is overwritten first. */
void buf_wipe(struct buf *buf);

/* Forgets the bytes and the overflow but keeps the memory. */
void buf_clear(struct buf *buf);

/* Adds bytes. Returns 0, or -1 when the cap would be passed (then nothing is added, overflow is set). */
int buf_add(struct buf *buf, const void *bytes, size_t length);

/* Adds a string. Returns like buf_add. */
int buf_add_str(struct buf *buf, const char *text);

/* Adds one byte. Returns like buf_add. */
int buf_add_char(struct buf *buf, char c);

/* Adds formatted text. Returns like buf_add. */
int buf_printf(struct buf *buf, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* buf_printf with an argument list. */
int buf_vprintf(struct buf *buf, const char *format, va_list args) __attribute__((format(printf, 2, 0)));

/* The bytes as a string, "" when empty. Borrowed until the next change. */
const char *buf_str(const struct buf *buf);

/* Hands the bytes over as a new string (free with free()); the buffer is empty after. */
char *buf_steal(struct buf *buf);

#endif
