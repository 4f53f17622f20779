#ifndef TARE_COLLECT_REMOTE_STREAM_H
#define TARE_COLLECT_REMOTE_STREAM_H

/*
 * An answer to a remote read of the kind STREAMED_XOR_CHUNKS, taken in as it arrives: frames that hold a
 * ChunkedReadResponse each (Prometheus, prompb/remote.proto), told as series and their chunks.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "stages/collect/labels.h"
#include "stages/collect/remote/frames.h"

/* One chunk in XOR encoding (xor.h), borrowed. The times are what the server says of it. */
struct stream_chunk {
    int64_t first_ms;
    int64_t last_ms;
    const unsigned char *bytes;
    size_t length;
};

struct stream_listener {
    /* A series; one with more chunks than a frame holds comes again. Returns whether its chunks are wanted. */
    bool (*series)(void *context, const struct labels *labels);
    /* A chunk of that series, of no certain order. Returns 0, or -1 with *err set, which ends the reading. */
    int (*chunk)(void *context, const struct stream_chunk *chunk, struct err *err);
    void *context;
};

struct stream {
    struct frames frames;
    struct stream_listener listener;
    struct labels labels; /* of the series in work */
    struct buf texts;     /* theirs */
    int64_t series;       /* series so far, of each frame anew */
    int64_t left_out; /* wanted chunks of other encodings (histograms); series whose labels are no text */
};

/* Prepares to read an answer from its beginning. */
void stream_init(struct stream *stream, const struct stream_listener *listener);

/* Frees. */
void stream_release(struct stream *stream);

/* Forgets what came: the answer begins anew. */
void stream_begin(struct stream *stream);

/* Takes the next bytes, in pieces of any size. ERR_UNAVAILABLE with the place for damage; the error of the
 * listener. After an error only stream_begin may follow. */
int stream_feed(struct stream *stream, const void *bytes, size_t length, struct err *err);

/* Says that nothing more comes. ERR_UNAVAILABLE for an answer that is cut. */
int stream_finish(const struct stream *stream, struct err *err);

#endif
