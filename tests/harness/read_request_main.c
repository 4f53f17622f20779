/* read_request START_MS END_MS MATCHER…: writes the body of a remote read to stdout (snappy, protobuf; Prometheus'
 * prompb/remote.proto) that asks for streamed chunks. A MATCHER is name=value, name!=value, name=~value or
 * name!~value. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fixtures/tsdb/bytes.h"

enum { BODY_MOST = 65000, VARINT = 0, BYTES = 2, STREAMED_XOR_CHUNKS = 1, LITERAL_OF_TWO_BYTES = 61 << 2 };

static void put_key(struct buf *buf, unsigned field, unsigned type)
{
    put_uvarint(buf, field << 3 | type);
}

static void put_number(struct buf *buf, unsigned field, uint64_t number)
{
    put_key(buf, field, VARINT);
    put_uvarint(buf, number);
}

static void put_message(struct buf *buf, unsigned field, const struct buf *message)
{
    put_key(buf, field, BYTES);
    put_uvarint(buf, message->length);
    buf_add(buf, message->data, message->length);
}

static int put_matcher(struct buf *query, char *text)
{
    static const char *const operators[] = {"=", "!=", "=~", "!~"};
    size_t name = strcspn(text, "=!");
    unsigned type = text[name] == '!' ? (text[name + 1] == '~' ? 3 : 1) : (text[name + 1] == '~' ? 2 : 0);
    struct buf matcher;
    if (strncmp(text + name, operators[type], strlen(operators[type])) != 0) {
        return -1;
    }
    const char *value = text + name + strlen(operators[type]);
    text[name] = '\0';
    buf_init(&matcher, BODY_MOST);
    put_number(&matcher, 1, type);
    put_key(&matcher, 2, BYTES);
    put_text(&matcher, text);
    put_key(&matcher, 3, BYTES);
    put_text(&matcher, value);
    put_message(query, 3, &matcher);
    buf_release(&matcher);
    return 0;
}

/* Snappy's block of one literal: bytes as they are. */
static int write_block(const struct buf *request)
{
    struct buf block;
    buf_init(&block, BODY_MOST);
    put_uvarint(&block, request->length);
    buf_add_char(&block, (char)LITERAL_OF_TWO_BYTES);
    buf_add_char(&block, (char)((request->length - 1) & 255));
    buf_add_char(&block, (char)((request->length - 1) >> 8));
    buf_add(&block, request->data, request->length);
    int failed = request->overflow || block.overflow || fwrite(block.data, 1, block.length, stdout) != block.length;
    buf_release(&block);
    return failed || fflush(stdout) != 0 ? 74 : 0;
}

int main(int argc, char **argv)
{
    struct buf query;
    struct buf request;
    buf_init(&query, BODY_MOST);
    buf_init(&request, BODY_MOST);
    int bad = argc < 4;
    for (int i = 3; i < argc; i++) {
        if (i == 3) {
            put_number(&query, 1, strtoull(argv[1], NULL, 10));
            put_number(&query, 2, strtoull(argv[2], NULL, 10));
        }
        bad |= put_matcher(&query, argv[i]) != 0;
    }
    if (bad) {
        fputs("usage: read_request START_MS END_MS MATCHER… > BODY\n", stderr);
        return 64;
    }
    put_message(&request, 1, &query);
    put_number(&request, 2, STREAMED_XOR_CHUNKS);
    int rc = write_block(&request);
    buf_release(&query);
    buf_release(&request);
    return rc;
}
