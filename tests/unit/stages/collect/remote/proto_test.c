/* The wire format of protocol buffers, on bytes from its documentation and on bytes that are none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "stages/collect/remote/proto.h"

static struct proto message(const char *bytes, size_t length)
{
    const unsigned char *at = (const unsigned char *)bytes;
    return (struct proto){at, at + length};
}

static void test_fields(void **state)
{
    (void)state;
    struct proto_field field;
    struct proto m = message("\x08\x96\x01\x12\x07testing\x1d"
                             "1234"
                             "\x21"
                             "12345678\x28\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x12\0",
                             39);
    assert_int_equal(proto_next(&m, &field), 1);
    assert_int_equal(field.number, 1);
    assert_int_equal(field.type, PROTO_VARINT);
    assert_int_equal(field.value, 150);
    assert_int_equal(proto_next(&m, &field), 1);
    assert_int_equal(field.number, 2);
    assert_int_equal(field.length, 7);
    assert_memory_equal(field.bytes, "testing", 7);
    assert_int_equal(proto_next(&m, &field), 1);
    assert_int_equal(field.type, PROTO_FIXED32);
    assert_int_equal(proto_next(&m, &field), 1);
    assert_int_equal(field.type, PROTO_FIXED64);
    assert_int_equal(proto_next(&m, &field), 1);
    assert_true((int64_t)field.value == -1);
    assert_int_equal(proto_next(&m, &field), 1);
    assert_int_equal(field.length, 0);
    assert_int_equal(proto_next(&m, &field), 0);
}

static void refuse(const char *bytes, size_t length)
{
    struct proto_field field;
    unsigned char *copy = malloc(length);
    memcpy(copy, bytes, length);
    struct proto m = {copy, copy + length};
    assert_int_equal(proto_next(&m, &field), -1);
    free(copy);
}

static void test_broken(void **state)
{
    (void)state;
    refuse("\x08", 1);
    refuse("\x08\x80", 2);
    refuse("\x00\x01", 2);                                          /* number 0 */
    refuse("\x0b", 1);                                              /* a group */
    refuse("\x0f\x01", 2);                                          /* a type that is none */
    refuse("\x12\x03xy", 4);                                        /* longer than what is there */
    refuse("\x12\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01x", 12);    /* far longer */
    refuse("\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", 11);     /* more than 64 bits */
    refuse("\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 12); /* more than 10 bytes */
    refuse("\x1d"
           "123",
           4);
    refuse("\x21"
           "1234567",
           8);
    refuse("\x80\x80\x80\x80\x10\x01", 6); /* a number past 2^29 */
}

static void test_written(void **state)
{
    (void)state;
    struct buf out;
    buf_init(&out, 40);
    proto_add_number(&out, 1, 150);
    proto_add_bytes(&out, 2, "testing", 7);
    proto_add_number(&out, 3, -2);
    assert_int_equal(out.length, 23);
    assert_memory_equal(out.data, "\x08\x96\x01\x12\x07testing\x18\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01",
                        23);
    assert_int_equal(proto_add_bytes(&out, 2, out.data, 20), -1);
    assert_true(out.overflow);
    buf_release(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_fields), cmocka_unit_test(test_broken),
                                       cmocka_unit_test(test_written)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
