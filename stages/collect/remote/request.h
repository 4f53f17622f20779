#ifndef TARE_COLLECT_REMOTE_REQUEST_H
#define TARE_COLLECT_REMOTE_REQUEST_H

/* The body of a remote read: a ReadRequest (Prometheus, prompb/remote.proto) that asks for streamed XOR
 * chunks. */

#include <stddef.h>
#include <stdint.h>

#include "pipeline/base/buf.h"

/* As Prometheus numbers them. Regular expressions are RE2's and match whole values. */
enum matcher_type { MATCHER_EQUAL = 0, MATCHER_NOT_EQUAL = 1, MATCHER_LIKE = 2, MATCHER_UNLIKE = 3 };

struct matcher {
    enum matcher_type type;
    const char *name;
    const char *value;
};

/* Adds a query for the series that all matchers match, with samples in [start, end] (milliseconds), to a
 * request, which is empty at first. Returns like buf_add. */
int request_query(struct buf *request, int64_t start_ms, int64_t end_ms, const struct matcher *matchers,
                  size_t count);

/* Ends the request and adds it to `out` as one snappy block. Returns -1 when either buffer was too small. */
int request_finish(struct buf *request, struct buf *out);

#endif
