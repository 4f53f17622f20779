/* JSON: what is refused, canonical bytes, typed reading, text that is no UTF-8. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pipeline/base/clock.h"
#include "pipeline/base/mem.h"
#include "pipeline/io/json.h"

static json_t *read_text(const char *text)
{
    struct err err = {0};
    json_t *value = json_read(text, strlen(text), "the text", &err);
    if (value == NULL) {
        fail_msg("%s", err.message);
    }
    return value;
}

static void test_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "", "{", "{\"a\":1,\"a\":2}", "{'a':1}", "[1,]", "nul", "1 2", "\"\\ud800\"", "\"\xff\"", "NaN", "1e999",
        "9223372036854775808", "{\"a\":\"\\u0000\"}", "01",
    };
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        struct err err = {0};
        json_t *value = json_read(bad[i], strlen(bad[i]), "the reply", &err);
        if (value != NULL) {
            fail_msg("%s was taken", bad[i]);
        }
        assert_int_equal(err.class, ERR_DATA);
        assert_non_null(strstr(err.message, "the reply"));
    }
    /* Nested deeper than any record is: refused, not a stack overflow. */
    enum { DEEP = 200000 };
    char *deep = xmalloc(DEEP);
    memset(deep, '[', DEEP);
    struct err err = {0};
    assert_null(json_read(deep, DEEP, "the reply", &err));
    assert_int_equal(err.class, ERR_DATA);
    free(deep);
}

/* Sorted keys, no blanks, reals with 15 digits: the same value gives the same bytes, and reading them back changes nothing. */
static void test_canonical(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *canonical;
    } cases[] = {
        {" { \"b\" : 1 , \"a\" : [ 1 , 2.50 , null , true ] } ", "{\"a\":[1,2.5,null,true],\"b\":1}"},
        {"{\"z\":{\"y\":1,\"x\":2},\"Z\":0}", "{\"Z\":0,\"z\":{\"x\":2,\"y\":1}}"},
        {"0.1", "0.1"},
        {"3.0", "3.0"},
        {"1e3", "1000.0"},
        {"\"\\u00e9\\/\\n\"", "\"\xc3\xa9/\\n\""},
        {"-0", "0"},
        {"-1.7976931348623157e308", "-1.7976931348623157e308"}, /* with 15 digits it would be past what a double can be */
        {"1.79769313486231e308", "1.79769313486231e308"},
        {"[]", "[]"},
        {"{}", "{}"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        json_t *value = read_text(cases[i].text);
        char *text = json_text(value);
        assert_string_equal(text, cases[i].canonical);
        json_t *again = read_text(text);
        char *twice = json_text(again);
        assert_string_equal(text, twice);
        free(twice);
        free(text);
        json_decref(again);
        json_decref(value);
    }
}

/* An object of more members than fit in a frame, every byte that is escaped, the ends of integers, and depth: the bytes are those that
 * jansson writes. */
static void test_written_as_jansson_does(void **state)
{
    (void)state;
    enum { MEMBERS = 100, DEEP = 1000 };
    json_t *value = json_object();
    char key[32];
    for (int i = 0; i < MEMBERS; i++) {
        snprintf(key, sizeof key, "%s%d", i % 3 == 0 ? "\"" : "k", i * 7919 % 1000);
        json_object_set_new(value, key, json_integer(i % 2 == 0 ? INT64_MIN + i : INT64_MAX - i));
    }
    for (char c = 1; c < 127; c++) {
        snprintf(key, sizeof key, "%c<%c>", c, c);
        json_object_set_new(value, key, json_string(key));
    }
    json_t *nested = json_pack("[{}, [], n, b, f, s]", 1, 2.5e-7, "\xf0\x9f\x98\x80\xc2\x85");
    for (int i = 0; i < DEEP; i++) {
        nested = i % 2 == 0 ? json_pack("[o]", nested) : json_pack("{s:o}", "a", nested);
    }
    json_object_set_new(value, "nested", nested);
    char *text = json_text(value);
    char *same = json_dumps(value, JSON_SORT_KEYS | JSON_COMPACT | JSON_REAL_PRECISION(15));
    assert_string_equal(text, same);
    free(same);
    free(text);
    json_decref(value);
}

static void test_write_keeps_the_cap(void **state)
{
    (void)state;
    json_t *value = read_text("{\"a\":\"0123456789\"}");
    struct buf out;
    struct err err = {0};
    buf_init(&out, 18);
    assert_int_equal(json_write(value, &out, &err), 0);
    assert_string_equal(buf_str(&out), "{\"a\":\"0123456789\"}");
    buf_release(&out);
    buf_init(&out, 17);
    assert_int_equal(json_write(value, &out, &err), -1);
    assert_int_equal(err.class, ERR_DATA);
    assert_non_null(strstr(err.message, "17"));
    buf_release(&out);
    json_decref(value);
}

static void test_typed(void **state)
{
    (void)state;
    json_t *o = read_text("{\"s\":\"x\",\"i\":7,\"r\":2.5,\"t\":true,\"f\":false,\"n\":null,\"a\":{\"b\":{\"c\":9}}}");
    const char *text = NULL;
    struct err err = {0};
    int64_t number = 42;
    double real = 42;
    assert_int_equal(json_get_string(o, "s", &text, &err), 0);
    assert_string_equal(text, "x");
    static const char *const not_text[] = {"i", "n", "missing"};
    for (size_t i = 0; i < ARRAY_COUNT(not_text); i++) {
        assert_int_equal(json_get_string(o, not_text[i], &text, &err), -1);
        assert_non_null(strstr(err.message, not_text[i]));
        assert_null(json_string_or_null(o, not_text[i]));
    }
    assert_int_equal(json_int_or(o, "i", 1), 7);
    assert_int_equal(json_int_or(o, "r", 1), 1);
    assert_int_equal(json_int_or(o, "n", 1), 1);
    assert_int_equal(json_int_or(NULL, "i", 1), 1);
    assert_false(json_get_int(o, "s", &number));
    assert_int_equal(number, 42);
    assert_true(json_get_number(o, "i", &real) && real > 6.9 && real < 7.1);
    assert_true(json_get_number(o, "r", &real) && real > 2.4 && real < 2.6);
    assert_false(json_get_number(o, "s", &real) || json_get_number(o, "missing", &real));
    assert_true(json_bool_or(o, "t", false) && !json_bool_or(o, "f", true) && json_bool_or(o, "n", true));
    assert_int_equal(json_integer_value(json_at(o, "a.b.c")), 9);
    assert_null(json_at(o, "a.x.c"));
    assert_null(json_at(o, "s.t"));
    assert_null(json_at(o, ""));
    assert_null(json_at(NULL, "a"));
    json_decref(o);
}

static void test_nulls(void **state)
{
    (void)state;
    json_t *value = json_int_or_null(false, 3);
    assert_true(json_is_null(value));
    json_decref(value);
    value = json_int_or_null(true, 3);
    assert_int_equal(json_integer_value(value), 3);
    json_decref(value);
    static const double not_finite[] = {NAN, INFINITY, -INFINITY};
    for (size_t i = 0; i < ARRAY_COUNT(not_finite); i++) {
        value = json_real_or_null(not_finite[i]);
        assert_true(json_is_null(value));
        json_decref(value);
    }
    value = json_string_safe(NULL);
    assert_true(json_is_null(value));
    json_decref(value);
}

static void test_string_safe(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *safe;
    } cases[] = {{"caf\xc3\xa9", "caf\xc3\xa9"}, {"a\xff" "b", "a?b"}, {"\xc3", "?"}, {"\xed\xa0\x80", "???"}};
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        json_t *value = json_string_safe(cases[i].text);
        assert_string_equal(json_string_value(value), cases[i].safe);
        json_decref(value);
    }
    /* Time grows with the length, not with its square: 4 MiB of bytes that are no UTF-8. */
    size_t length = 4 * 1024 * 1024;
    char *text = xmalloc(length + 1);
    memset(text, 0xff, length);
    text[length] = '\0';
    int64_t start = clock_monotonic_ms();
    json_t *value = json_string_safe(text);
    assert_true(clock_monotonic_ms() - start < 30 * 1000);
    assert_int_equal(json_string_length(value), length);
    json_decref(value);
    free(text);
}

int main(void)
{
    json_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refused), cmocka_unit_test(test_canonical), cmocka_unit_test(test_write_keeps_the_cap),
        cmocka_unit_test(test_written_as_jansson_does),
        cmocka_unit_test(test_typed),   cmocka_unit_test(test_nulls),     cmocka_unit_test(test_string_safe),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
