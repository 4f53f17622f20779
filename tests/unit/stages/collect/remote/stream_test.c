/* Answers as Prometheus streams them, and answers that it would not give. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "stages/collect/remote/proto.h"
#include "stages/collect/remote/stream.h"
#include "stages/collect/remote/xor.h"
#include "tests/unit/stages/collect/remote/answer_builder.h"

/* What Prometheus 2.42 answered about a target made for this. */
static const char recorded[] =
    "\xb9\x01\xdd\xd0\x1d\x97\x0a\xb6\x01\x0a\x2e\x0a\x08\x5f\x5f\x6e\x61\x6d\x65\x5f\x5f\x12\x22\x63"
    "\x6f\x6e\x74\x61\x69\x6e\x65\x72\x5f\x6d\x65\x6d\x6f\x72\x79\x5f\x77\x6f\x72\x6b\x69\x6e\x67\x5f"
    "\x73\x65\x74\x5f\x62\x79\x74\x65\x73\x0a\x0e\x0a\x09\x63\x6f\x6e\x74\x61\x69\x6e\x65\x72\x12\x01"
    "\x63\x0a\x1b\x0a\x08\x69\x6e\x73\x74\x61\x6e\x63\x65\x12\x0f\x31\x32\x37\x2e\x30\x2e\x30\x2e\x31"
    "\x3a\x32\x36\x37\x39\x39\x0a\x08\x0a\x03\x6a\x6f\x62\x12\x01\x78\x0a\x0e\x0a\x09\x6e\x61\x6d\x65"
    "\x73\x70\x61\x63\x65\x12\x01\x61\x0a\x08\x0a\x03\x70\x6f\x64\x12\x01\x70\x12\x33\x08\xad\xbe\xaf"
    "\x9a\xa0\x34\x10\xb5\xe5\xaf\x9a\xa0\x34\x18\x01\x22\x21\x00\x06\xda\xfc\xde\xb4\xc0\x68\x41\xc7"
    "\x4f\x20\x00\x00\x00\x00\xe8\x07\xe0\x5f\x97\x6c\x46\x50\x6a\xbb\xd8\x0a\x9c\xde\x81\xd5\x60";

/* What came, as text: `name=value,…;` for a series, `[first..last:bytes]` for a chunk. */
struct heard {
    struct buf text;
    struct points points;
    bool unwanted;
    bool refuse;
};

static bool hear_series(void *context, const struct labels *labels)
{
    struct heard *heard = context;
    for (size_t i = 0; i < labels->count; i++) {
        buf_printf(&heard->text, "%s=%s,", labels->names[i], labels->values[i]);
    }
    buf_add_char(&heard->text, ';');
    return !heard->unwanted;
}

static int hear_chunk(void *context, const struct stream_chunk *chunk, struct err *err)
{
    struct heard *heard = context;
    if (heard->refuse) {
        return err_set(err, ERR_DATA, "full");
    }
    buf_printf(&heard->text, "[%lld..%lld:%zu]", (long long)chunk->first_ms, (long long)chunk->last_ms,
               chunk->length);
    xor_decode(chunk->bytes, chunk->length, &heard->points);
    return 0;
}

static void start(struct stream *stream, struct heard *heard)
{
    struct stream_listener listener = {.series = hear_series, .chunk = hear_chunk, .context = heard};
    memset(heard, 0, sizeof *heard);
    buf_init(&heard->text, 1 << 20);
    stream_init(stream, &listener);
}

static void stop(struct stream *stream, struct heard *heard)
{
    stream_release(stream);
    buf_release(&heard->text);
    points_release(&heard->points);
}

static void test_recorded(void **state)
{
    (void)state;
    static const double values[] = {782123008, 796622848, 1039716352, 538234880, 888283136, 874024960};
    struct stream stream;
    struct heard heard;
    struct err err = {0};
    size_t length = sizeof recorded - 1;
    start(&stream, &heard);
    for (size_t piece = 1; piece <= length; piece++) {
        stream_begin(&stream);
        buf_clear(&heard.text);
        heard.points.count = 0;
        for (size_t at = 0; at < length; at += piece) {
            assert_int_equal(
                stream_feed(&stream, recorded + at, length - at < piece ? length - at : piece, &err), 0);
        }
        assert_int_equal(stream_finish(&stream, &err), 0);
        assert_string_equal(
            buf_str(&heard.text),
            "__name__=container_memory_working_set_bytes,container=c,instance=127.0.0.1:26799,"
            "job=x,namespace=a,pod=p,;[1795351633709..1795351638709:33]");
        assert_int_equal(heard.points.count, 6);
        for (size_t i = 0; i < 6; i++) {
            assert_int_equal(heard.points.items[i].time_ms, INT64_C(1795351633709) + (int64_t)i * 1000);
            assert_true(heard.points.items[i].value >= values[i] && heard.points.items[i].value <= values[i]);
        }
    }
    stop(&stream, &heard);
}

static void check(struct buf *answer, const char *wanted, int64_t left_out)
{
    struct stream stream;
    struct heard heard;
    struct err err = {0};
    start(&stream, &heard);
    assert_int_equal(stream_feed(&stream, answer->data, answer->length, &err), 0);
    assert_int_equal(stream_finish(&stream, &err), 0);
    assert_string_equal(buf_str(&heard.text), wanted);
    assert_int_equal(stream.left_out, left_out);
    stop(&stream, &heard);
    buf_release(answer);
}

static void test_shapes(void **state)
{
    (void)state;
    struct buf answer;
    struct buf series;
    buf_init(&answer, 1 << 20);
    buf_init(&series, 1 << 20);
    add_label(&series, "a", 1, "\xc3\xa4", 2);
    add_label(&series, "empty", 5, "", 0);
    add_chunk(&series, -5, INT64_MAX, 1, "\0\0", 2);
    add_chunk(&series, 6, 7, 2, "\0\0", 2); /* a histogram */
    add_chunk(&series, 8, 9, 3, "\0\0", 2);
    add_chunk(&series, 8, 9, 1, "", 0);
    add_chunk(&series, 8, 9, 1, "abc", 3);
    add_frame(&answer, &series);
    add_chunk(&series, 1, 2, 1, "xy", 2); /* labels behind chunks */
    add_label(&series, "a", 1, "2", 1);
    proto_add_number(&series, 9, 9);
    add_frame(&answer, &series);
    add_frame(&answer, &series); /* nothing at all */
    check(&answer, "a=\xc3\xa4,empty=,;[-5..9223372036854775807:2][8..9:0][8..9:3]a=2,;[1..2:2];", 2);
}

static void test_odd_labels(void **state)
{
    (void)state;
    struct buf answer;
    struct buf series;
    char many[8];
    static char huge[1 << 20];
    buf_init(&answer, 1 << 22);
    buf_init(&series, 1 << 22);
    for (int odd = 0; odd < 6; odd++) {
        add_label(&series, "ok", 2, "1", 1);
        if (odd == 0) {
            add_label(&series, "nul", 3, "a\0b", 3);
        } else if (odd == 1) {
            add_label(&series, "latin", 5, "\xe4", 1);
        } else if (odd == 2) {
            add_label(&series, "", 0, "nameless", 8);
        } else if (odd == 3) {
            add_label(&series, "n\0", 2, "v", 1);
        } else if (odd == 4) {
            memset(huge, 'x', sizeof huge);
            add_label(&series, "huge", 4, huge, sizeof huge);
        }
        for (int i = 0; odd == 5 && i < LABELS_MAX; i++) {
            add_label(&series, many, (size_t)snprintf(many, sizeof many, "l%d", i), "v", 1);
        }
        add_chunk(&series, 1, 2, 1, "xy", 2);
        add_frame(&answer, &series);
    }
    add_label(&series, "fine", 4, "1", 1);
    add_frame(&answer, &series);
    check(&answer, "fine=1,;", 6);
}

static void test_listener(void **state)
{
    (void)state;
    struct stream stream;
    struct heard heard;
    struct err err = {0};
    start(&stream, &heard);
    heard.unwanted = true;
    assert_int_equal(stream_feed(&stream, recorded, sizeof recorded - 1, &err), 0);
    assert_null(strchr(buf_str(&heard.text), '['));
    heard.unwanted = false;
    heard.refuse = true;
    assert_int_equal(stream_feed(&stream, recorded, sizeof recorded - 1, &err), -1);
    assert_string_equal(err.message, "full");
    stop(&stream, &heard);
}

static void refuse(const char *bytes, size_t length, const char *why)
{
    struct stream stream;
    struct heard heard;
    struct err err = {0};
    struct buf frame;
    start(&stream, &heard);
    buf_init(&frame, 100);
    add_payload(&frame, bytes, length);
    assert_int_equal(stream_feed(&stream, "\0\0\0\0\0", 5, &err), 0);
    assert_int_equal(stream_feed(&stream, frame.data, frame.length, &err), -1);
    assert_int_equal(err.class, ERR_UNAVAILABLE);
    assert_string_equal(err.message, why);
    buf_release(&frame);
    stop(&stream, &heard);
}

static void test_broken(void **state)
{
    (void)state;
    refuse("\x0a\x05"
           "abc",
           5, "frame 2 at byte 5 of the answer is no ChunkedReadResponse");
    refuse("\x0a\x02\x0a\x05", 4, "frame 2 at byte 5 of the answer holds a series that cannot be read");
    refuse("\x0a\x03\x0a\x01\x0a", 5, "frame 2 at byte 5 of the answer holds a label that cannot be read");
    refuse("\x0a\x03\x12\x01\x22", 5, "frame 2 at byte 5 of the answer holds a chunk that cannot be read");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_recorded), cmocka_unit_test(test_shapes), cmocka_unit_test(test_odd_labels),
        cmocka_unit_test(test_listener), cmocka_unit_test(test_broken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
