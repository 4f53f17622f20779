/* Errors as values: what they keep, what they mask, and the table of exit codes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "pipeline/base/err.h"
#include "pipeline/base/mem.h"

static void test_set_and_hint(void **state)
{
    (void)state;
    struct err err = {0};
    assert_int_equal(err_set(&err, ERR_DATA, "%s has %d faults", "a.yaml", 3), -1);
    assert_int_equal(err.class, ERR_DATA);
    assert_string_equal(err.message, "a.yaml has 3 faults");
    assert_string_equal(err.hint, "");
    assert_int_equal(err_hint(&err, "open %s", "a.yaml"), -1);
    assert_string_equal(err.hint, "open a.yaml");
    assert_string_equal(err.message, "a.yaml has 3 faults");
    /* A new error does not keep the hint of an old one. */
    err_set(&err, ERR_IO, "other");
    assert_string_equal(err.hint, "");
}

static void test_null_is_allowed(void **state)
{
    (void)state;
    assert_int_equal(err_set(NULL, ERR_DATA, "x"), -1);
    assert_int_equal(err_hint(NULL, "x"), -1);
    assert_int_equal(err_prefix(NULL, "x"), -1);
    assert_int_equal(err_errno(NULL, ERR_IO, ENOENT, "x"), -1);
}

static void test_prefix(void **state)
{
    (void)state;
    struct err err = {0};
    err_set(&err, ERR_CONFIG, "must be a number");
    err_hint(&err, "write 1");
    assert_int_equal(err_prefix(&err, "%s, line %d", "tare.yaml", 7), -1);
    assert_string_equal(err.message, "tare.yaml, line 7: must be a number");
    assert_string_equal(err.hint, "write 1");
    assert_int_equal(err.class, ERR_CONFIG);
}

static void test_errno(void **state)
{
    (void)state;
    struct err err = {0};
    err_errno(&err, ERR_NOINPUT, ENOENT, "cannot read %s", "x");
    assert_string_equal(err.message, "cannot read x: No such file or directory");
    assert_int_equal(err.class, ERR_NOINPUT);
}

/* Names from outside must not steer a terminal, whatever their bytes are. */
static void test_masks_controls(void **state)
{
    (void)state;
    struct err err = {0};
    err_set(&err, ERR_DATA, "file %s", "a\x1b[2Jb\nc\x7f" "d\xc2\x9b" "e\xff\x9bz\xc3\xa9");
    for (const unsigned char *p = (const unsigned char *)err.message; *p != '\0'; p++) {
        assert_true(*p >= 0x20 && *p != 0x7f);
    }
    assert_null(strstr(err.message, "\xc2\x9b"));
    assert_null(strstr(err.message, "\xff"));
    assert_non_null(strstr(err.message, "z\xc3\xa9"));
}

/* Too long: cut at a whole character, still terminated, whether it is the message or its prefix that is long. */
static void test_cuts_long_text(void **state)
{
    (void)state;
    char text[4 * ERR_MESSAGE_MAX];
    for (size_t shift = 0; shift < 4; shift++) {
        memset(text, 'a', shift);
        for (size_t i = shift; i + 3 < sizeof text; i += 3) {
            memcpy(text + i, "\xe2\x82\xac", 4);
        }
        struct err err = {0};
        err_set(&err, ERR_DATA, "%s", text);
        size_t length = strlen(err.message);
        assert_true(length < ERR_MESSAGE_MAX && length > ERR_MESSAGE_MAX - 5);
        assert_memory_equal(err.message + length - 3, "\xe2\x82\xac", 3);
        err_prefix(&err, "%s", text);
        length = strlen(err.message);
        assert_true(length < ERR_MESSAGE_MAX && length > ERR_MESSAGE_MAX - 5);
        assert_memory_equal(err.message + length - 3, "\xe2\x82\xac", 3);
    }
}

/* design 3: the codes are an interface. */
static void test_exit_codes(void **state)
{
    (void)state;
    static const struct {
        enum err_class class;
        int code;
        bool retryable;
    } wanted[] = {
        {ERR_USAGE, 64, false},  {ERR_DATA, 65, false},    {ERR_NOINPUT, 66, false}, {ERR_UNAVAILABLE, 69, false},
        {ERR_SOFTWARE, 70, false}, {ERR_CANTCREAT, 73, false}, {ERR_IO, 74, false},  {ERR_TEMPFAIL, 75, true},
        {ERR_REFUSED, 77, false}, {ERR_CONFIG, 78, false}, {ERR_STALE, 79, false},   {ERR_ROLLED_BACK, 80, false},
        {ERR_ROLLBACK_FAILED, 81, false},
    };
    size_t count;
    const struct err_row *rows = err_table(&count);
    assert_int_equal(count, ARRAY_COUNT(wanted));
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(wanted[i].class, wanted[i].code);
        assert_int_equal(rows[i].class, wanted[i].code);
        assert_int_equal(rows[i].retryable, wanted[i].retryable);
        assert_int_equal(err_retryable(wanted[i].code), wanted[i].retryable);
        assert_string_equal(err_meaning(wanted[i].code), rows[i].meaning);
        assert_true(i == 0 || rows[i - 1].class < rows[i].class);
    }
    assert_string_equal(err_meaning(0), "done");
    assert_null(err_meaning(1));
    assert_null(err_meaning(137));
    assert_false(err_retryable(0));
    assert_false(err_retryable(137));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_set_and_hint), cmocka_unit_test(test_null_is_allowed), cmocka_unit_test(test_prefix),
        cmocka_unit_test(test_errno),        cmocka_unit_test(test_masks_controls),  cmocka_unit_test(test_cuts_long_text),
        cmocka_unit_test(test_exit_codes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
