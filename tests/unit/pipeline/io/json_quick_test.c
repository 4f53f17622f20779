#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/rng.h"
#include "pipeline/io/json_quick.h"
#include "tests/harness/rounds.h"

static json_t *slowly(const char *text, size_t length)
{
    json_error_t where;
    return json_loadb(text, length, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &where);
}

/* Reals bit by bit. */
static bool same(const json_t *a, const json_t *b)
{
    if (json_typeof(a) != json_typeof(b)) {
        return false;
    }
    if (json_is_real(a)) {
        double x = json_real_value(a);
        double y = json_real_value(b);
        return memcmp(&x, &y, sizeof x) == 0;
    }
    if (json_is_array(a)) {
        bool equal = json_array_size(a) == json_array_size(b);
        for (size_t i = 0; equal && i < json_array_size(a); i++) {
            equal = same(json_array_get(a, i), json_array_get(b, i));
        }
        return equal;
    }
    if (json_is_object(a)) {
        bool equal = json_object_size(a) == json_object_size(b);
        const char *key;
        json_t *value;
        json_object_foreach((json_t *)(uintptr_t)a, key, value)
        {
            const json_t *other = json_object_get(b, key);
            equal = equal && other != NULL && same(value, other);
        }
        return equal;
    }
    return json_equal(a, b) == 1;
}

/* Whatever is taken quickly is what jansson takes, and the same. Returns whether it was taken quickly. */
static bool agree(const char *bytes, size_t length)
{
    char *text = xmalloc(length + 1); /* of its own, so that a byte read behind its end is seen */
    memcpy(text, bytes, length);
    json_t *quick = json_quick(text, length);
    if (quick != NULL) {
        json_t *slow = slowly(text, length);
        if (slow == NULL || !same(quick, slow)) {
            fail_msg("jansson reads %.*s in another way", (int)length, text);
        }
        json_decref(slow);
    }
    free(text);
    json_decref(quick);
    return quick != NULL;
}

static bool agree_text(const char *text)
{
    return agree(text, strlen(text));
}

static void usual_texts_are_quick(void **state)
{
    (void)state;
    static const char *const texts[] = {"{}",
                                        "[]",
                                        " [ ] ",
                                        "null",
                                        "true",
                                        "false",
                                        "0",
                                        "-0",
                                        "-1",
                                        "999999999999999999",
                                        "-999999999999999999",
                                        "0.1",
                                        "-0.0",
                                        "123456789012345",
                                        "0.123456789012345",
                                        "0.00000000000001",
                                        "2208.33333333333",
                                        "1.5e3",
                                        "4.40154396320835e-22",
                                        "1E+2",
                                        "123456789.123456789123456789",
                                        "\"\"",
                                        "\"a b\"",
                                        "\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"",
                                        "\"\\n\\t\\\"\\\\\\/\\b\\f\\r\"",
                                        "\"a\\\\\"",
                                        "{\"a\":1,\"b\":[1,2,{\"c\":null}]}\n",
                                        "{ \"a\" : \"x\" , \"\" : 1 }"};
    for (size_t i = 0; i < ARRAY_COUNT(texts); i++) {
        if (!agree_text(texts[i])) {
            fail_msg("%s is not read quickly", texts[i]);
        }
    }
}

static void odd_texts_are_left_to_jansson(void **state)
{
    (void)state;
    static const char *const texts[] = {"",          " ",           "{",           "}",          "[1",         "[1,",        "[1,]",        "[,1]",
                                        "{\"a\"}",   "{\"a\":}",    "{\"a\":1,}",  "{a:1}",      "{\"a\":1}x", "1 2",        "01",          "-",
                                        "1.",        ".5",          "1e",          "1e+",        "+1",         "1e999",      "nul",         "truex",
                                        "\"",        "\"\\\"",      "\"\\x\"",     "\"\\u0041\"", "\"\\u0000\"", "\"\n\"",   "\"\xff\"",    "\"\xc0\x80\"",
                                        "NaN",       "Infinity",    "1234567890123456789012", "\"\xed\xa0\x80\"", "{\"\xff\":1}", "{\"a\":1,\"a\":2}"};
    for (size_t i = 0; i < ARRAY_COUNT(texts); i++) {
        if (agree_text(texts[i])) {
            fail_msg("%s is read quickly", texts[i]);
        }
    }
    assert_false(agree("\"a\0b\"", 5));
    assert_false(agree("1\0", 2));
}

static void depth_is_bounded(void **state)
{
    (void)state;
    enum { DEEP = 100000 };
    char *text = xmalloc(DEEP);
    memset(text, '[', DEEP);
    assert_false(agree(text, DEEP));
    memset(text + 64, ']', 64);
    assert_true(agree(text, 128));
    text[64] = '[';
    memset(text + 65, ']', 65);
    assert_false(agree(text, 130));
    free(text);
}

static void add_random(struct buf *out, int depth)
{
    static const char *const words[] = {"null", "true", "\"\"", "\"a\\nb\"", "\"\xc3\xa9\"", "0", "-5", "12.5", "1e-7", "\"\\u00e9\"", "0.1"};
    uint64_t kind = rng_next() % (depth > 0 ? 6 : 4);
    if (kind < 2) {
        buf_add_str(out, words[rng_next() % ARRAY_COUNT(words)]);
    } else if (kind == 2) {
        buf_printf(out, "%.15g", ((double)(rng_next() % 2000000) - 1000000) / (double)(1 + rng_next() % 100000));
    } else if (kind == 3) {
        buf_printf(out, "%lld.%llu", (long long)(rng_next() % 100000), (unsigned long long)(rng_next() % UINT64_C(100000000000)));
    } else {
        buf_add_char(out, kind == 4 ? '[' : '{');
        uint64_t count = rng_next() % 5;
        for (uint64_t i = 0; i < count; i++) {
            buf_add_str(out, i > 0 ? "," : "");
            if (kind == 5) {
                buf_printf(out, "\"k%llu\":", (unsigned long long)(rng_next() % 12));
            }
            add_random(out, depth - 1);
        }
        buf_add_char(out, kind == 4 ? ']' : '}');
    }
}

/* Random values, and the same with bytes changed: what is still taken means the same to both. */
static void random_texts_agree(void **state)
{
    (void)state;
    static const char bytes[] = "{}[],:\"\\ 0123456789.eE+-aunrt\n\x01\xc3\xff";
    rng_seed(5);
    int quick = 0;
    for (int i = rounds_of(20000); i > 0; i--) {
        struct buf text;
        buf_init(&text, 1 << 20);
        add_random(&text, 4);
        quick += agree(buf_str(&text), text.length);
        for (int k = 0; k < 4; k++) {
            text.data[rng_next() % text.length] = bytes[rng_next() % (sizeof bytes - 1)];
            agree(buf_str(&text), text.length);
        }
        buf_release(&text);
    }
    assert_true(quick > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(usual_texts_are_quick),
        cmocka_unit_test(odd_texts_are_left_to_jansson),
        cmocka_unit_test(depth_is_bounded),
        cmocka_unit_test(random_texts_agree),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
