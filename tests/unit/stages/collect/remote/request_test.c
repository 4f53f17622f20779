/* The body of a request, byte by byte. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <snappy-c.h>

#include "stages/collect/remote/request.h"

static void test_body(void **state)
{
    (void)state;
    static const struct matcher matchers[] = {{MATCHER_EQUAL, "a", "b"}, {MATCHER_LIKE, "c", ""}};
    static const char wanted[] = "\x0a\x19\x08\xe8\x07\x10\xd0\x0f\x1a\x08\x08\x00\x12\x01"
                                 "a\x1a\x01"
                                 "b\x1a\x07\x08\x02\x12\x01"
                                 "c\x1a\x00"
                                 "\x0a\x0d\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x10\x00\x12\x01\x01";
    struct buf request;
    struct buf body;
    char plain[200];
    size_t length = sizeof plain;
    buf_init(&request, 1000);
    buf_init(&body, 1000);
    assert_int_equal(request_query(&request, 1000, 2000, matchers, 2), 0);
    assert_int_equal(request_query(&request, -1, 0, matchers, 0), 0);
    assert_int_equal(request_finish(&request, &body), 0);
    assert_int_equal(snappy_uncompress(body.data, body.length, plain, &length), SNAPPY_OK);
    assert_int_equal(length, sizeof wanted - 1);
    assert_memory_equal(plain, wanted, length);
    buf_release(&request);
    buf_release(&body);
}

static void test_too_long(void **state)
{
    (void)state;
    static const struct matcher matcher = {MATCHER_LIKE, "pod", "0123456789012345678901234567890123456789"};
    for (size_t cap = 0; cap < 70; cap++) {
        struct buf request;
        struct buf body;
        buf_init(&request, cap);
        buf_init(&body, 1000);
        int failed = request_query(&request, 1, 2, &matcher, 1);
        assert_int_equal(failed, cap < 57 ? -1 : 0);
        assert_int_equal(request_finish(&request, &body), cap < 60 ? -1 : 0);
        buf_release(&request);
        buf_release(&body);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_body), cmocka_unit_test(test_too_long)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
