#ifndef TARE_COLLECT_REMOTE_FRAMES_H
#define TARE_COLLECT_REMOTE_FRAMES_H

/*
 * The frames of a streamed answer (Prometheus, storage/remote/chunked.go), taken in as the bytes arrive, in
 * pieces of any size: a varint with the length of the payload, the payload's CRC-32C in 4 bytes, high byte
 * first, and the payload. A payload is handed on once it is whole and its checksum right. Memory grows with
 * what has arrived, not with what a length announces.
 */

#include <stddef.h>
#include <stdint.h>

#include "pipeline/base/buf.h"
#include "pipeline/base/err.h"

/* Prometheus writes about 1 MiB at most unless it is told otherwise. */
enum { FRAME_MAX = 64 * 1024 * 1024 };

struct frames {
    /* Takes a payload, valid during the call. Returns 0, or -1 with *err set, which ends the reading. */
    int (*take)(void *context, const unsigned char *bytes, size_t length, struct err *err);
    void *context;
    int64_t offset; /* bytes taken in so far */
    int64_t start;  /* where the frame in work begins */
    int64_t count;  /* whole ones so far */
    int part;       /* what comes next: the length, the checksum, or the payload */
    unsigned shift; /* of the next byte of the length */
    unsigned checksum_left;
    uint64_t length;
    uint32_t checksum;
    struct buf payload; /* as far as it came, where it came in pieces */
};

/* Prepares to read an answer from its beginning. */
void frames_init(struct frames *frames,
                 int (*take)(void *context, const unsigned char *bytes, size_t length, struct err *err),
                 void *context);

/* Frees. */
void frames_release(struct frames *frames);

/* Forgets what came: the answer begins anew. */
void frames_begin(struct frames *frames);

/* Takes the next bytes. ERR_UNAVAILABLE for an impossible length and a wrong checksum; the error of `take`.
 * After an error only frames_begin may follow. */
int frames_feed(struct frames *frames, const void *bytes, size_t length, struct err *err);

/* Says that nothing more comes. ERR_UNAVAILABLE within a frame. */
int frames_finish(const struct frames *frames, struct err *err);

#endif
