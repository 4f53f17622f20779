/* Growable buffers: the cap holds exactly, an overflow sticks, the bytes are always a string. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pipeline/base/buf.h"

static void test_add(void **state)
{
    (void)state;
    struct buf buf;
    buf_init(&buf, 1000);
    assert_string_equal(buf_str(&buf), "");
    assert_int_equal(buf_add(&buf, "abc", 2), 0);
    assert_int_equal(buf_add_str(&buf, "cd"), 0);
    assert_int_equal(buf_add_char(&buf, 'e'), 0);
    assert_int_equal(buf_printf(&buf, "-%03d", 7), 0);
    assert_int_equal(buf_add(&buf, NULL, 0), 0);
    assert_string_equal(buf_str(&buf), "abcde-007");
    assert_int_equal(buf.length, 9);
    buf_clear(&buf);
    assert_string_equal(buf_str(&buf), "");
    assert_int_equal(buf_add(&buf, "a\0b", 3), 0);
    assert_int_equal(buf.length, 3);
    assert_memory_equal(buf.data, "a\0b", 4);
    buf_release(&buf);
    assert_int_equal(buf.cap, 1000);
}

static void test_cap(void **state)
{
    (void)state;
    struct buf buf;
    buf_init(&buf, 5);
    assert_int_equal(buf_add_str(&buf, "12345"), 0);
    assert_false(buf.overflow);
    assert_int_equal(buf_add_char(&buf, '6'), -1);
    assert_true(buf.overflow);
    assert_string_equal(buf_str(&buf), "12345");
    buf_clear(&buf);
    assert_int_equal(buf_printf(&buf, "%s", "123456"), -1);
    assert_string_equal(buf_str(&buf), "");
    /* Once over, also a piece that would fit is refused: what was left out would be a hole. */
    assert_int_equal(buf_add_str(&buf, "1"), -1);
    assert_true(buf.overflow);
    buf_clear(&buf);
    assert_int_equal(buf_add_str(&buf, "1"), 0);
    buf_release(&buf);
    buf_init(&buf, 0);
    assert_int_equal(buf_add_str(&buf, ""), 0);
    assert_int_equal(buf_add_str(&buf, "x"), -1);
    buf_release(&buf);
}

static int add_formatted(struct buf *buf, const char *format, ...) __attribute__((format(printf, 2, 3)));

static int add_formatted(struct buf *buf, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int failed = buf_vprintf(buf, format, args);
    va_end(args);
    return failed;
}

static void test_argument_list(void **state)
{
    (void)state;
    struct buf buf;
    buf_init(&buf, 6);
    assert_int_equal(add_formatted(&buf, "%s%d", "ab", 12), 0);
    assert_int_equal(add_formatted(&buf, "%s", "cde"), -1);
    assert_string_equal(buf_str(&buf), "ab12");
    assert_true(buf.overflow);
    buf_release(&buf);
}

static void test_grows_and_steals(void **state)
{
    (void)state;
    struct buf buf;
    buf_init(&buf, 100000);
    for (int i = 0; i < 10000; i++) {
        assert_int_equal(buf_printf(&buf, "%04d,", i), 0);
    }
    assert_int_equal(buf.length, 50000);
    assert_int_equal(strncmp(buf.data + 5 * 4321, "4321,", 5), 0);
    char *text = buf_steal(&buf);
    assert_int_equal(strlen(text), 50000);
    free(text);
    assert_int_equal(buf.length, 0);
    assert_int_equal(buf.cap, 100000);
    text = buf_steal(&buf);
    assert_string_equal(text, "");
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_add),
        cmocka_unit_test(test_cap),
        cmocka_unit_test(test_argument_list),
        cmocka_unit_test(test_grows_and_steals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
