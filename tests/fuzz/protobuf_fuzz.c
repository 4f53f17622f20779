/* Messages in the wire format of protocol buffers, and messages in them. Every field lies inside its message;
 * read and written again, it is read the same. */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "stages/collect/remote/proto.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { DEPTH_MAX = 6 };

static void must(bool holds)
{
    if (!holds) {
        abort();
    }
}

static void check_again(const struct proto_field *field)
{
    struct proto_field again;
    struct buf out;
    buf_init(&out, field->length + 64);
    if (field->type == PROTO_VARINT) {
        must(proto_add_number(&out, (unsigned)field->number, (int64_t)field->value) == 0);
    } else {
        must(proto_add_bytes(&out, (unsigned)field->number, field->bytes, field->length) == 0);
    }
    const unsigned char *bytes = (const unsigned char *)out.data;
    struct proto message = {bytes, bytes + out.length};
    must(proto_next(&message, &again) == 1 && proto_next(&message, &again) == 0);
    must(again.number == field->number && again.type == field->type && again.value == field->value);
    must(again.length == field->length &&
         (again.length == 0 || memcmp(again.bytes, field->bytes, again.length) == 0));
    buf_release(&out);
}

static void read_message(struct proto message, int depth)
{
    struct proto_field field;
    const unsigned char *before = message.at;
    while (proto_next(&message, &field) > 0) {
        must(message.at > before && message.at <= message.end);
        if (field.type == PROTO_BYTES) {
            must(field.bytes > before && field.bytes + field.length == message.at);
            if (depth < DEPTH_MAX) {
                read_message((struct proto){field.bytes, field.bytes + field.length}, depth + 1);
            }
        }
        if (field.type == PROTO_BYTES || field.type == PROTO_VARINT) {
            check_again(&field);
        }
        before = message.at;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    read_message((struct proto){data, data + size}, 0);
    return 0;
}
