/* Frames, cut anywhere, damaged anywhere. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "stages/collect/remote/frames.h"
#include "tests/unit/stages/collect/remote/answer_builder.h"

enum { COUNT = 5 };
static const size_t sizes[COUNT] = {3, 0, 1, 200, 17000};

static void fill(unsigned char *bytes, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        bytes[i] = (unsigned char)(i * 7 + length);
    }
}

/* All payloads of `sizes`, one frame each. */
static void make(struct buf *out)
{
    static unsigned char bytes[17000];
    buf_init(out, 1 << 20);
    for (size_t i = 0; i < COUNT; i++) {
        fill(bytes, sizes[i]);
        add_payload(out, bytes, sizes[i]);
    }
}

static int take(void *context, const unsigned char *bytes, size_t length, struct err *err)
{
    static unsigned char wanted[17000];
    size_t *count = context;
    (void)err;
    assert_true(*count < COUNT);
    assert_int_equal(length, sizes[*count]);
    fill(wanted, length);
    assert_memory_equal(bytes, wanted, length);
    (*count)++;
    return 0;
}

static int take_any(void *context, const unsigned char *bytes, size_t length, struct err *err)
{
    (void)bytes;
    (void)length;
    (void)err;
    ++*(size_t *)context;
    return 0;
}

/* In pieces that end in blocks of exactly their size. */
static int feed(struct frames *frames, const char *bytes, size_t length, size_t piece, struct err *err)
{
    int failed = 0;
    for (size_t at = 0; at < length && !failed; at += piece) {
        size_t size = length - at < piece ? length - at : piece;
        char *copy = malloc(size);
        memcpy(copy, bytes + at, size);
        failed = frames_feed(frames, copy, size, err);
        free(copy);
    }
    return failed;
}

static void test_pieces(void **state)
{
    (void)state;
    struct buf answer;
    struct frames frames;
    struct err err = {0};
    size_t count = 0;
    make(&answer);
    frames_init(&frames, take, &count);
    for (size_t piece = 1; piece <= answer.length; piece = piece < 300 ? piece + 1 : piece * 2) {
        count = 0;
        frames_begin(&frames);
        assert_int_equal(feed(&frames, answer.data, answer.length, piece, &err), 0);
        assert_int_equal(frames_finish(&frames, &err), 0);
        assert_int_equal(count, COUNT);
        assert_int_equal(frames.offset, answer.length);
    }
    frames_release(&frames);
    buf_release(&answer);
}

static void test_cut(void **state)
{
    (void)state;
    struct buf answer;
    struct frames frames;
    struct err err = {0};
    size_t count = 0;
    size_t whole = 0;
    make(&answer);
    frames_init(&frames, take, &count);
    for (size_t length = 0; length < 300; length++) {
        count = 0;
        frames_begin(&frames);
        assert_int_equal(frames_feed(&frames, answer.data, length, &err), 0);
        bool at_end = length == 0 || length == 8 || length == 13 || length == 19 || length == 225;
        assert_int_equal(frames_finish(&frames, &err), at_end ? 0 : -1);
        assert_true(at_end || err.class == ERR_UNAVAILABLE);
        whole += at_end;
    }
    assert_int_equal(whole, 5);
    assert_non_null(strstr(err.message, "cut after 299 bytes, within frame 5"));
    frames_release(&frames);
    buf_release(&answer);
}

/* No flipped bit goes unseen: neither in a length, nor in a checksum, nor in a payload. */
static void test_flips(void **state)
{
    (void)state;
    struct buf answer;
    struct frames frames;
    size_t count = 0;
    make(&answer);
    frames_init(&frames, take_any, &count);
    for (size_t bit = 0; bit < 8 * 225; bit++) {
        struct err err = {0};
        answer.data[bit / 8] = (char)(answer.data[bit / 8] ^ 1 << bit % 8);
        frames_begin(&frames);
        assert_true(frames_feed(&frames, answer.data, 225, &err) || frames_finish(&frames, &err));
        assert_int_equal(err.class, ERR_UNAVAILABLE);
        answer.data[bit / 8] = (char)(answer.data[bit / 8] ^ 1 << bit % 8);
    }
    frames_release(&frames);
    buf_release(&answer);
}

static void refuse(const char *bytes, size_t length, const char *why)
{
    struct frames frames;
    struct err err = {0};
    size_t count = 0;
    frames_init(&frames, take_any, &count);
    assert_int_equal(frames_feed(&frames, bytes, length, &err), -1);
    assert_int_equal(err.class, ERR_UNAVAILABLE);
    assert_non_null(strstr(err.message, why));
    assert_int_equal(count, 0);
    frames_release(&frames);
}

static void test_lies(void **state)
{
    (void)state;
    refuse("\xff\xff\xff\xff", 4, "frame 1 at byte 0 of the answer has no length");
    refuse("\x81\x80\x80\x20", 4, "has no length"); /* 64 MiB and one */
    refuse("\x01\0\0\0\0x", 6, "frame 1 at byte 0 of the answer is damaged: its checksum is 00000000");
}

/* A length alone takes no memory. */
static void test_memory(void **state)
{
    (void)state;
    struct frames frames;
    struct err err = {0};
    size_t count = 0;
    frames_init(&frames, take_any, &count);
    assert_int_equal(frames_feed(&frames, "\x80\x80\x80\x20\1\2\3\4xyz", 11, &err), 0);
    assert_true(frames.payload.size < 100);
    assert_int_equal(frames_finish(&frames, &err), -1);
    frames_release(&frames);
}

static int refuse_all(void *context, const unsigned char *bytes, size_t length, struct err *err)
{
    (void)context;
    (void)bytes;
    (void)length;
    return err_set(err, ERR_DATA, "no more of this");
}

static void test_taker_fails(void **state)
{
    (void)state;
    struct frames frames;
    struct err err = {0};
    frames_init(&frames, refuse_all, NULL);
    assert_int_equal(frames_feed(&frames, "\0\0\0\0\0", 5, &err), -1);
    assert_int_equal(err.class, ERR_DATA);
    assert_string_equal(err.message, "no more of this");
    frames_release(&frames);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pieces), cmocka_unit_test(test_cut),    cmocka_unit_test(test_flips),
        cmocka_unit_test(test_lies),   cmocka_unit_test(test_memory), cmocka_unit_test(test_taker_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
