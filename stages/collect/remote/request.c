#include "stages/collect/remote/request.h"

#include <stdlib.h>
#include <string.h>

#include <snappy-c.h>

#include "pipeline/base/mem.h"
#include "stages/collect/remote/proto.h"

/* Numbers of fields. */
enum { REQUEST_QUERIES = 1, REQUEST_TYPES = 2, TYPE_STREAMED_XOR_CHUNKS = 1 };
enum { QUERY_START = 1, QUERY_END = 2, QUERY_MATCHERS = 3 };
enum { MATCHER_TYPE = 1, MATCHER_NAME = 2, MATCHER_VALUE = 3 };

/* Adds one message to another as a field, and frees it. */
static void add_message(struct buf *out, unsigned number, struct buf *message)
{
    out->overflow = out->overflow || message->overflow;
    proto_add_bytes(out, number, message->data, message->length);
    buf_release(message);
}

int request_query(struct buf *request, int64_t start_ms, int64_t end_ms, const struct matcher *matchers,
                  size_t count)
{
    struct buf query;
    buf_init(&query, request->cap);
    proto_add_number(&query, QUERY_START, start_ms);
    proto_add_number(&query, QUERY_END, end_ms);
    for (size_t i = 0; i < count; i++) {
        struct buf matcher;
        buf_init(&matcher, request->cap);
        proto_add_number(&matcher, MATCHER_TYPE, matchers[i].type);
        proto_add_bytes(&matcher, MATCHER_NAME, matchers[i].name, strlen(matchers[i].name));
        proto_add_bytes(&matcher, MATCHER_VALUE, matchers[i].value, strlen(matchers[i].value));
        add_message(&query, QUERY_MATCHERS, &matcher);
    }
    add_message(request, REQUEST_QUERIES, &query);
    return request->overflow ? -1 : 0;
}

int request_finish(struct buf *request, struct buf *out)
{
    const char types = TYPE_STREAMED_XOR_CHUNKS;
    proto_add_bytes(request, REQUEST_TYPES, &types, 1); /* a list of one */
    if (request->overflow) {
        return -1;
    }
    size_t length = snappy_max_compressed_length(request->length);
    char *block = xmalloc(length);
    int failed = snappy_compress(request->data, request->length, block, &length) == SNAPPY_OK ? 0 : -1;
    failed = failed || buf_add(out, block, length) ? -1 : 0;
    free(block);
    return failed;
}
