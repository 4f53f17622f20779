#include "stages/collect/remote/proto.h"

#include <stdbool.h>

enum { NUMBER_MAX = (1 << 29) - 1 };

static bool read_varint(struct proto *message, uint64_t *value)
{
    *value = 0;
    for (unsigned shift = 0; shift < 70 && message->at < message->end; shift += 7) {
        unsigned char byte = *message->at++;
        *value |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80) {
            return shift < 63 || byte <= 1;
        }
    }
    return false;
}

static bool skip(struct proto *message, uint64_t length)
{
    if (length > (uint64_t)(message->end - message->at)) {
        return false;
    }
    message->at += length;
    return true;
}

static bool read_value(struct proto *message, struct proto_field *field)
{
    uint64_t length;
    switch (field->type) {
    case PROTO_VARINT:
        return read_varint(message, &field->value);
    case PROTO_FIXED64:
        return skip(message, 8);
    case PROTO_FIXED32:
        return skip(message, 4);
    case PROTO_BYTES:
        if (!read_varint(message, &length)) {
            return false;
        }
        field->bytes = message->at;
        field->length = (size_t)length;
        return skip(message, length);
    }
    return false; /* groups, which are in no message of ours */
}

int proto_next(struct proto *message, struct proto_field *field)
{
    uint64_t tag;
    if (message->at == message->end) {
        return 0;
    }
    if (!read_varint(message, &tag) || tag >> 3 == 0 || tag >> 3 > NUMBER_MAX) {
        return -1;
    }
    *field = (struct proto_field){.number = tag >> 3, .type = (enum proto_type)(tag & 7)};
    return read_value(message, field) ? 1 : -1;
}

static int add_varint(struct buf *out, uint64_t value)
{
    for (; value >= 0x80; value >>= 7) {
        buf_add_char(out, (char)((value & 0x7f) | 0x80));
    }
    return buf_add_char(out, (char)value);
}

int proto_add_number(struct buf *out, unsigned number, int64_t value)
{
    add_varint(out, (uint64_t)number << 3 | PROTO_VARINT);
    return add_varint(out, (uint64_t)value);
}

int proto_add_bytes(struct buf *out, unsigned number, const void *bytes, size_t length)
{
    add_varint(out, (uint64_t)number << 3 | PROTO_BYTES);
    add_varint(out, length);
    return buf_add(out, bytes, length);
}
