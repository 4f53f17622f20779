#ifndef TARE_COLLECT_REMOTE_PROTO_H
#define TARE_COLLECT_REMOTE_PROTO_H

/*
 * Messages in the wire format of protocol buffers (protobuf.dev/programming-guides/encoding), as far as
 * remote read needs it: a message is a row of fields, each a number, a type, and a value. What is read is
 * untrusted and never read past.
 */

#include <stddef.h>
#include <stdint.h>

#include "pipeline/base/buf.h"

enum proto_type { PROTO_VARINT = 0, PROTO_FIXED64 = 1, PROTO_BYTES = 2, PROTO_FIXED32 = 5 };

/* A message, or what is left of it. */
struct proto {
    const unsigned char *at;
    const unsigned char *end;
};

/* One field; bytes are borrowed from the message. */
struct proto_field {
    uint64_t number;
    enum proto_type type;
    uint64_t value;             /* of PROTO_VARINT */
    const unsigned char *bytes; /* of PROTO_BYTES; of the others NULL */
    size_t length;
};

/* The next field, known or not. Returns 1; 0 at the end; -1 for bytes that are no field. */
int proto_next(struct proto *message, struct proto_field *field);

/* Adds a field whose value is a number, negative ones in two's complement. Returns like buf_add. */
int proto_add_number(struct buf *out, unsigned number, int64_t value);

/* Adds a field whose value is bytes: text, or a message. Returns like buf_add. */
int proto_add_bytes(struct buf *out, unsigned number, const void *bytes, size_t length);

#endif
