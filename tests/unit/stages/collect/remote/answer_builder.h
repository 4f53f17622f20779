#ifndef TARE_TESTS_ANSWER_BUILDER_H
#define TARE_TESTS_ANSWER_BUILDER_H

/* Answers to remote reads, series by series: add_label and add_chunk to a series, then add_frame. */

#include <stddef.h>
#include <stdint.h>

#include "pipeline/base/buf.h"
#include "pipeline/base/crc32c.h"
#include "stages/collect/remote/proto.h"

/* A frame with any payload. */
static inline void add_payload(struct buf *answer, const void *bytes, size_t length)
{
    uint32_t crc = crc32c(0, bytes, length);
    size_t left = length;
    for (; left >= 0x80; left >>= 7) {
        buf_add_char(answer, (char)((left & 0x7f) | 0x80));
    }
    buf_add_char(answer, (char)left);
    for (int shift = 24; shift >= 0; shift -= 8) {
        buf_add_char(answer, (char)(crc >> shift & 0xff));
    }
    buf_add(answer, bytes, length);
}

static inline void add_label(struct buf *series, const char *name, size_t name_length, const char *value,
                             size_t value_length)
{
    struct buf label;
    buf_init(&label, 1 << 21);
    proto_add_bytes(&label, 1, name, name_length);
    proto_add_bytes(&label, 2, value, value_length);
    proto_add_bytes(series, 1, label.data, label.length);
    buf_release(&label);
}

static inline void add_chunk(struct buf *series, int64_t first, int64_t last, int64_t encoding,
                             const char *bytes, size_t length)
{
    struct buf chunk;
    buf_init(&chunk, 1 << 20);
    proto_add_number(&chunk, 1, first);
    proto_add_number(&chunk, 2, last);
    proto_add_number(&chunk, 3, encoding);
    proto_add_bytes(&chunk, 4, bytes, length);
    proto_add_bytes(series, 2, chunk.data, chunk.length);
    buf_release(&chunk);
}

/* A frame with one series; both are released. */
static inline void add_frame(struct buf *answer, struct buf *series)
{
    struct buf message;
    buf_init(&message, 1 << 22);
    proto_add_number(&message, 2, 0);
    proto_add_bytes(&message, 1, series->data, series->length);
    proto_add_bytes(&message, 77, "unknown", 7);
    add_payload(answer, message.data, message.length);
    buf_release(&message);
    buf_release(series);
}

#endif
