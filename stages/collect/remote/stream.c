#include "stages/collect/remote/stream.h"

#include <inttypes.h>
#include <string.h>

#include "pipeline/base/str.h"
#include "stages/collect/remote/proto.h"

/* Numbers of fields. */
enum { RESPONSE_SERIES = 1, SERIES_LABELS = 1, SERIES_CHUNKS = 2, LABEL_NAME = 1, LABEL_VALUE = 2 };
enum { CHUNK_FIRST = 1, CHUNK_LAST = 2, CHUNK_ENCODING = 3, CHUNK_DATA = 4, ENCODING_XOR = 1 };
enum { TEXTS_MAX = 1024 * 1024 }; /* of the labels of one series */

static bool is_bytes(const struct proto_field *field, uint64_t number)
{
    return field->number == number && field->type == PROTO_BYTES;
}

static struct proto message_of(const struct proto_field *field)
{
    return (struct proto){field->bytes, field->bytes + field->length};
}

static int broken(const struct stream *stream, const char *how, struct err *err)
{
    return err_set(err, ERR_UNAVAILABLE, "frame %" PRId64 " at byte %" PRId64 " of the answer %s",
                   stream->frames.count, stream->frames.start, how);
}

/* Whether bytes can be a C string of UTF-8. */
static bool is_text(const struct proto_field *field)
{
    return field->length == 0 || (memchr(field->bytes, '\0', field->length) == NULL &&
                                  str_utf8_valid(field->bytes, field->length, NULL));
}

/* Adds name and value, each with its NUL, to the texts. *readable turns false where they are none. -1 for
 * bytes that are no message. */
static int take_label(struct stream *stream, struct proto message, bool *readable)
{
    struct proto_field name = {0};
    struct proto_field value = {0};
    struct proto_field field;
    int got;
    while ((got = proto_next(&message, &field)) > 0) {
        if (is_bytes(&field, LABEL_NAME)) {
            name = field;
        } else if (is_bytes(&field, LABEL_VALUE)) {
            value = field;
        }
    }
    *readable = *readable && stream->labels.count < LABELS_MAX && name.length > 0 && is_text(&name) &&
                is_text(&value);
    if (*readable) {
        buf_add(&stream->texts, name.bytes, name.length);
        buf_add_char(&stream->texts, '\0');
        buf_add(&stream->texts, value.bytes, value.length);
        *readable = buf_add_char(&stream->texts, '\0') == 0;
        stream->labels.count += *readable;
    }
    return got;
}

/* Points the labels to their texts, which move no more. */
static void settle_labels(struct stream *stream)
{
    const char *at = buf_str(&stream->texts);
    for (size_t i = 0; i < stream->labels.count; i++) {
        stream->labels.names[i] = at;
        at += strlen(at) + 1;
        stream->labels.values[i] = at;
        at += strlen(at) + 1;
    }
}

static int take_chunk(struct stream *stream, struct proto message, struct err *err)
{
    struct stream_chunk chunk = {.bytes = message.at}; /* without bytes it is damaged: xor_decode says so */
    uint64_t encoding = 0;
    struct proto_field field;
    int got;
    while ((got = proto_next(&message, &field)) > 0) {
        if (is_bytes(&field, CHUNK_DATA)) {
            chunk.bytes = field.bytes;
            chunk.length = field.length;
        } else if (field.type == PROTO_VARINT && field.number == CHUNK_FIRST) {
            chunk.first_ms = (int64_t)field.value;
        } else if (field.type == PROTO_VARINT && field.number == CHUNK_LAST) {
            chunk.last_ms = (int64_t)field.value;
        } else if (field.type == PROTO_VARINT && field.number == CHUNK_ENCODING) {
            encoding = field.value;
        }
    }
    if (got < 0) {
        return broken(stream, "holds a chunk that cannot be read", err);
    }
    if (encoding != ENCODING_XOR) {
        stream->left_out++;
        return 0;
    }
    return stream->listener.chunk(stream->listener.context, &chunk, err);
}

/* The labels first, wherever they stand; the chunks' bytes are only stepped over. *wanted: whether chunks
 * are. */
static int take_labels(struct stream *stream, struct proto message, bool *wanted, struct err *err)
{
    struct proto_field field;
    bool readable = true;
    int got;
    stream->labels.count = 0;
    buf_clear(&stream->texts);
    while ((got = proto_next(&message, &field)) > 0) {
        if (is_bytes(&field, SERIES_LABELS) && take_label(stream, message_of(&field), &readable)) {
            return broken(stream, "holds a label that cannot be read", err);
        }
    }
    if (got < 0) {
        return broken(stream, "holds a series that cannot be read", err);
    }
    stream->series++;
    if (!readable) {
        stream->left_out++;
        return 0;
    }
    settle_labels(stream);
    *wanted = stream->listener.series(stream->listener.context, &stream->labels);
    return 0;
}

static int take_series(struct stream *stream, struct proto message, struct err *err)
{
    struct proto_field field;
    bool wanted = false;
    if (take_labels(stream, message, &wanted, err)) {
        return -1;
    }
    while (wanted && proto_next(&message, &field) > 0) {
        if (is_bytes(&field, SERIES_CHUNKS) && take_chunk(stream, message_of(&field), err)) {
            return -1;
        }
    }
    return 0;
}

/* The payload of a frame. */
static int take_response(void *context, const unsigned char *bytes, size_t length, struct err *err)
{
    struct stream *stream = context;
    struct proto message = {bytes, bytes + length};
    struct proto_field field;
    int got;
    while ((got = proto_next(&message, &field)) > 0) {
        if (is_bytes(&field, RESPONSE_SERIES) && take_series(stream, message_of(&field), err)) {
            return -1;
        }
    }
    return got < 0 ? broken(stream, "is no ChunkedReadResponse", err) : 0;
}

void stream_init(struct stream *stream, const struct stream_listener *listener)
{
    memset(stream, 0, sizeof *stream);
    stream->listener = *listener;
    buf_init(&stream->texts, TEXTS_MAX);
    frames_init(&stream->frames, take_response, stream);
}

void stream_release(struct stream *stream)
{
    frames_release(&stream->frames);
    buf_release(&stream->texts);
}

void stream_begin(struct stream *stream)
{
    frames_begin(&stream->frames);
    stream->series = 0;
    stream->left_out = 0;
}

int stream_feed(struct stream *stream, const void *bytes, size_t length, struct err *err)
{
    return frames_feed(&stream->frames, bytes, length, err);
}

int stream_finish(const struct stream *stream, struct err *err)
{
    return frames_finish(&stream->frames, err);
}
