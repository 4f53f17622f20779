/* The decoder against an encoder that was written apart from it; damage of every kind. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fixtures/tsdb/xor_encode.h"
#include "pipeline/base/rng.h"
#include "stages/collect/remote/xor.h"

static const int64_t epoch = 1700000000000;

static uint64_t bits_of(double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static double value_of(uint64_t bits)
{
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static void encode(struct xor_encoder *encoder, const struct points *points)
{
    xor_begin(encoder);
    for (size_t i = 0; i < points->count; i++) {
        xor_add(encoder, points->items[i].time_ms, points->items[i].value);
    }
    xor_end(encoder);
}

/* Bytes in a block of exactly their size, so that sanitizers see reads past them. */
static int decode_exactly(const unsigned char *bytes, size_t length, struct points *out)
{
    unsigned char *copy = malloc(length == 0 ? 1 : length);
    memcpy(copy, bytes, length);
    int failed = xor_decode(length == 0 ? copy + 1 : copy, length, out);
    free(copy);
    return failed;
}

static void check(struct points *points)
{
    struct xor_encoder encoder = {0};
    struct points back = {0};
    points_add(&back, 7, 8);
    encode(&encoder, points);
    assert_int_equal(xor_count(encoder.bytes, encoder.length), points->count);
    assert_int_equal(decode_exactly(encoder.bytes, encoder.length, &back), 0);
    assert_int_equal(back.count, points->count + 1);
    for (size_t i = 0; i < points->count; i++) {
        assert_int_equal(back.items[i + 1].time_ms, points->items[i].time_ms);
        assert_int_equal(bits_of(back.items[i + 1].value), bits_of(points->items[i].value));
    }
    xor_release(&encoder);
    points_release(&back);
    points_release(points);
}

static void test_few(void **state)
{
    (void)state;
    for (size_t count = 0; count < 10; count++) {
        struct points points = {0};
        for (size_t i = 0; i < count; i++) {
            points_add(&points, epoch + (int64_t)i * 15000, 1.5);
        }
        check(&points);
    }
}

static void test_constant(void **state)
{
    (void)state;
    for (size_t count = 100; count < 300; count++) {
        struct points points = {0};
        for (size_t i = 0; i < count; i++) {
            points_add(&points, epoch + (int64_t)i * 30000, i % 97 == 96 ? 1e9 : 4096);
        }
        check(&points);
    }
}

static void test_values(void **state)
{
    (void)state;
    const double values[] = {0.0,
                             -0.0,
                             1,
                             -1,
                             value_of(0x7ff0000000000002),
                             value_of(0x7ff8000000000001),
                             1e308,
                             5e-324,
                             value_of(0x7ff0000000000000),
                             value_of(0xfff0000000000000),
                             12345.678,
                             12345.679,
                             value_of(UINT64_MAX),
                             value_of(1),
                             value_of(UINT64_C(1) << 63),
                             0.1,
                             0.1,
                             0.3};
    size_t count = sizeof values / sizeof *values;
    struct points points = {0};
    for (size_t i = 0; i < count * count * 2; i++) {
        points_add(&points, epoch + (int64_t)i, values[i % 2 == 0 ? i / 2 % count : i / 2 / count]);
    }
    check(&points);
}

/* Each limit of each form of a change of distance, and both sides of it. */
static void test_distances(void **state)
{
    (void)state;
    const int64_t edges[] = {1 << 13, 1 << 16, 1 << 19, INT64_C(1) << 32, INT64_C(1) << 43};
    struct points points = {0};
    int64_t at = epoch;
    points_add(&points, at, 1);
    for (size_t i = 0; i < 5; i++) {
        for (int64_t step = -2; step <= 2; step++) {
            points_add(&points, at += edges[i],
                       1); /* a change of about ±edge, from and to a small distance */
            points_add(&points, at += 2 * edges[i] + step, 2);
            points_add(&points, at += edges[i], 2);
            points_add(&points, at += 3, 1);
            points_add(&points, at += 3 + edges[i] + step, 1);
            points_add(&points, at += 3, 1);
        }
    }
    check(&points);
}

static void add_random(struct points *points, size_t count)
{
    uint64_t jitter = 1 + (rng_next() >> (34 + rng_next() % 30));
    uint64_t keep = UINT64_MAX << rng_next() % 64;
    uint64_t kind = rng_next() % 4;
    int64_t at = (int64_t)(rng_next() >> 20);
    double value = 0;
    for (size_t i = 0; i < count; i++) {
        at += (int64_t)(rng_next() % jitter);
        value = kind == 0   ? value_of(rng_next() & keep)
                : kind == 1 ? value + (double)(rng_next() % 1000) / 997
                : kind == 2 ? (double)(rng_next() & keep & 0xffffff)
                            : value;
        points_add(points, at, value);
    }
}

static void test_random(void **state)
{
    (void)state;
    rng_seed(5);
    for (size_t round = 0; round < 3000; round++) {
        struct points points = {0};
        add_random(&points, rng_next() % 250);
        check(&points);
    }
}

static void test_many(void **state)
{
    (void)state;
    rng_seed(6);
    struct points points = {0};
    add_random(&points, 65535);
    check(&points);
}

/* What was decoded from damaged bytes: nothing on failure, else as many as the chunk says, in order of time.
 */
static void check_damaged(const unsigned char *bytes, size_t length, size_t *refused)
{
    struct points out = {0};
    points_add(&out, 1, 2);
    int failed = decode_exactly(bytes, length, &out);
    assert_int_equal(out.count, 1 + (failed ? 0 : xor_count(bytes, length)));
    for (size_t i = 2; i < out.count; i++) {
        assert_true(out.items[i].time_ms >= out.items[i - 1].time_ms);
    }
    *refused += failed != 0;
    points_release(&out);
}

static void test_damage(void **state)
{
    (void)state;
    rng_seed(7);
    size_t cut = 0;
    size_t cuts = 0;
    size_t flipped = 0;
    size_t flips = 0;
    for (size_t round = 0; round < 40; round++) {
        struct points points = {0};
        struct xor_encoder encoder = {0};
        add_random(&points, 2 + rng_next() % 60);
        encode(&encoder, &points);
        for (size_t length = 0; length < encoder.length; length++, cuts++) {
            check_damaged(encoder.bytes, length, &cut);
        }
        for (size_t bit = 0; bit < 8 * encoder.length; bit++, flips++) {
            encoder.bytes[bit / 8] ^= (unsigned char)(1 << bit % 8);
            check_damaged(encoder.bytes, encoder.length, &flipped);
            encoder.bytes[bit / 8] ^= (unsigned char)(1 << bit % 8);
        }
        xor_release(&encoder);
        points_release(&points);
    }
    assert_int_equal(cut, cuts);
    assert_in_range(flipped, flips / 10, flips); /* most flips are in values, where any bits are a value */
}

static void expect_refused(const char *bytes, size_t length)
{
    struct points out = {0};
    assert_int_equal(decode_exactly((const unsigned char *)bytes, length, &out), -1);
    assert_int_equal(out.count, 0);
    assert_true(out.capacity < 1000);
    points_release(&out);
}

static void test_lies(void **state)
{
    (void)state;
    expect_refused("", 0);
    expect_refused("\0", 1);
    expect_refused("\0\0\1", 3);                            /* something after no samples */
    expect_refused("\xff\xff\2\0\0\0\0\0\0\0\0\2\0\0", 14); /* a count that the bytes cannot hold */
    expect_refused("\0\1\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f\0\0\0\0\0\0\0\0",
                   20); /* a varint of too many bits */
    expect_refused("\0\1\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\1\0\0\0\0\0\0\0\0",
                   21); /* and of too many bytes */
    expect_refused("\0\1\xff\xff\xff\xff\xff\xff\xff\xff\x7f\0\0\0\0\0\0\0\0", 19); /* in no time of ours */
    expect_refused("\0\2\2\0\0\0\0\0\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff\x7f\0",
                   21); /* a distance likewise */
    expect_refused("\0\2\2\0\0\0\0\0\0\0\0\2\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
                   22);                                         /* 31 zeros before 63 bits */
    expect_refused("\0\3\2\0\0\0\0\0\0\0\0\2\x5f\xfe\x80", 15); /* time runs backwards */
    expect_refused("\0\3\2\0\0\0\0\0\0\0\0\2\x7b\xff\xff\xff\xff\xff\xff\xff\xe8",
                   21);                             /* or far out of reach */
    expect_refused("\0\1\2\0\0\0\0\0\0\0\0\1", 12); /* something after the last sample */
}

static void test_padding(void **state)
{
    (void)state;
    struct points out = {0};
    assert_int_equal(xor_decode((const unsigned char *)"\0\1\2\0\0\0\0\0\0\0\0\0\0", 13, &out), 0);
    assert_int_equal(out.count, 1);
    assert_int_equal(out.items[0].time_ms, 1);
    points_release(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_few),       cmocka_unit_test(test_constant), cmocka_unit_test(test_values),
        cmocka_unit_test(test_distances), cmocka_unit_test(test_random),   cmocka_unit_test(test_many),
        cmocka_unit_test(test_damage),    cmocka_unit_test(test_lies),     cmocka_unit_test(test_padding),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
