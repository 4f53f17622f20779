#include "stages/collect/remote/frames.h"

#include <inttypes.h>
#include <string.h>

#include "pipeline/base/crc32c.h"

enum { PART_LENGTH, PART_CHECKSUM, PART_PAYLOAD };
enum { CHECKSUM_BYTES = 4, LENGTH_BITS = 28 /* four bytes of a varint: as many as FRAME_MAX needs */ };

static void next_frame(struct frames *frames)
{
    frames->start = frames->offset;
    frames->part = PART_LENGTH;
    frames->shift = 0;
    frames->length = 0;
    frames->checksum = 0;
    frames->checksum_left = CHECKSUM_BYTES;
    buf_clear(&frames->payload);
}

void frames_begin(struct frames *frames)
{
    frames->offset = 0;
    frames->count = 0;
    next_frame(frames);
}

void frames_init(struct frames *frames,
                 int (*take)(void *context, const unsigned char *bytes, size_t length, struct err *err),
                 void *context)
{
    memset(frames, 0, sizeof *frames);
    frames->take = take;
    frames->context = context;
    buf_init(&frames->payload, FRAME_MAX);
    frames_begin(frames);
}

void frames_release(struct frames *frames)
{
    buf_release(&frames->payload);
}

static int take_length(struct frames *frames, unsigned char byte, struct err *err)
{
    frames->length |= (uint64_t)(byte & 0x7f) << frames->shift;
    frames->shift += 7;
    if (frames->length > FRAME_MAX || (byte >= 0x80 && frames->shift >= LENGTH_BITS)) {
        return err_set(err, ERR_UNAVAILABLE,
                       "frame %" PRId64 " at byte %" PRId64
                       " of the answer has no length that a frame can have",
                       frames->count + 1, frames->start);
    }
    if (byte < 0x80) {
        frames->part = PART_CHECKSUM;
    }
    return 0;
}

/* The payload is whole: beside each other in `bytes`. */
static int take_payload(struct frames *frames, const unsigned char *bytes, struct err *err)
{
    size_t length = (size_t)frames->length;
    uint32_t got = crc32c(0, bytes, length);
    if (got != frames->checksum) {
        return err_set(err, ERR_UNAVAILABLE,
                       "frame %" PRId64 " at byte %" PRId64
                       " of the answer is damaged: its checksum is %08" PRIx32
                       ", that of its %zu bytes %08" PRIx32,
                       frames->count + 1, frames->start, frames->checksum, length, got);
    }
    frames->count++;
    int failed = frames->take(frames->context, bytes, length, err);
    next_frame(frames);
    return failed;
}

/* Takes bytes of a payload, straight from the piece where it holds all of them. *used is how many were. */
static int take_piece(struct frames *frames, const unsigned char *bytes, size_t length, size_t *used,
                      struct err *err)
{
    size_t missing = (size_t)frames->length - frames->payload.length;
    *used = missing < length ? missing : length;
    frames->offset += (int64_t)*used;
    if (*used < missing) {
        return buf_add(&frames->payload, bytes, *used); /* its cap is FRAME_MAX, too */
    }
    if (frames->payload.length == 0) {
        return take_payload(frames, bytes, err);
    }
    buf_add(&frames->payload, bytes, *used);
    return take_payload(frames, (const unsigned char *)frames->payload.data, err);
}

static int take_byte(struct frames *frames, unsigned char byte, struct err *err)
{
    frames->offset++;
    if (frames->part == PART_LENGTH) {
        return take_length(frames, byte, err);
    }
    frames->checksum = frames->checksum << 8 | byte;
    if (--frames->checksum_left == 0) {
        frames->part = PART_PAYLOAD;
    }
    return 0;
}

int frames_feed(struct frames *frames, const void *bytes, size_t length, struct err *err)
{
    const unsigned char *at = bytes;
    const unsigned char *end = at + length;
    while (at < end || (frames->part == PART_PAYLOAD && frames->length == 0)) {
        size_t used = 1;
        int failed = frames->part == PART_PAYLOAD ? take_piece(frames, at, (size_t)(end - at), &used, err)
                                                  : take_byte(frames, *at, err);
        if (failed) {
            return -1;
        }
        at += used;
    }
    return 0;
}

int frames_finish(const struct frames *frames, struct err *err)
{
    if (frames->offset == frames->start) {
        return 0;
    }
    return err_set(err, ERR_UNAVAILABLE, "the answer is cut after %" PRId64 " bytes, within frame %" PRId64,
                   frames->offset, frames->count + 1);
}
