#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/rng.h"
#include "pipeline/io/json.h"
#include "pipeline/io/json_skim.h"
#include "tests/harness/rounds.h"

enum { CAP = 1 << 20 };

static const struct json_cut numbers[] = {{.key = "keep"}, {.key = "*", .drop = true}, {.key = NULL}};
static const struct json_cut inner[] = {{.key = "gone", .drop = true}, {.key = "deep", .inside = numbers}, {.key = NULL}};
static const struct json_cut cut[] = {{.key = "drop", .drop = true}, {.key = "in", .inside = inner}, {.key = NULL}};

/* What is left of a text, new; NULL where it was refused. */
static char *skim_bytes(const char *text, size_t length)
{
    /* In memory of its own, so that a byte read behind its end is seen. */
    char *copy = xmalloc(length + 1);
    memcpy(copy, text, length);
    struct buf out;
    buf_init(&out, CAP);
    bool told = json_skim(copy, length, cut, &out);
    free(copy);
    if (!told) {
        assert_int_equal(out.length, 0);
        buf_release(&out);
        return NULL;
    }
    return buf_steal(&out);
}

static void assert_left(const char *text, const char *wanted)
{
    char *left = skim_bytes(text, strlen(text));
    assert_non_null(left);
    assert_string_equal(left, wanted);
    free(left);
}

static void members_are_taken_out(void **state)
{
    (void)state;
    assert_left("{}", "{}");
    assert_left("{\"drop\":1}", "{}");
    assert_left("{\"a\":1,\"drop\":{\"x\":[\"}\",{}]},\"z\":null}\n", "{\"a\":1,\"z\":null}");
    assert_left("{\"in\":{\"drop\":1,\"gone\":2}}", "{\"in\":{\"drop\":1}}");
    assert_left("{\"in\":{\"deep\":{\"a\":1,\"keep\":[1,2],\"z\":\"\\\"\"}}}", "{\"in\":{\"deep\":{\"keep\":[1,2]}}}");
    assert_left("{\"in\":[{\"gone\":1,\"b\":2},3,[{\"gone\":4}],{}]}", "{\"in\":[{\"b\":2},3,[{\"gone\":4}],{}]}");
    assert_left("{\"in\":\"gone\"}", "{\"in\":\"gone\"}");
    assert_left(" { \"drop\" : [ ] , \"a\" :\t[ 1 , { } ] \r\n} \n", "{\"a\":[ 1 , { } ]}");
    assert_left("{\"drop\":\"\\\\\",\"a\":\"\\\\\\\"\"}", "{\"a\":\"\\\\\\\"\"}");
    /* A key that hides behind escapes stays: the reader sees it, whatever it means. */
    assert_left("{\"dro\\u0070\":1,\"drop\\\"\":2}", "{\"dro\\u0070\":1,\"drop\\\"\":2}");
    assert_left("{\"dro\":1,\"dropp\":2,\"\":3}", "{\"dro\":1,\"dropp\":2,\"\":3}");
}

static void what_is_no_object_is_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {"",
                                        " ",
                                        "1",
                                        "[]",
                                        "\"a\"",
                                        "{",
                                        "{\"a\"",
                                        "{\"a\":",
                                        "{\"a\":1",
                                        "{\"a\":1,",
                                        "{\"a\":1,}",
                                        "{,}",
                                        "{\"drop\"}",
                                        "{\"drop\":}",
                                        "{\"drop\":1 2}",
                                        "{\"drop\":[1}",
                                        "{\"drop\":\"x}",
                                        "{\"in\":[1,]}",
                                        "{\"in\":{\"a\":1]}",
                                        "{\"a\":1}{}",
                                        "{\"a\":1} x",
                                        "{a:1}"};
    for (size_t i = 0; i < ARRAY_COUNT(texts); i++) {
        assert_null(skim_bytes(texts[i], strlen(texts[i])));
    }
    assert_null(skim_bytes("{\"a\":\0", 6));
}

static void a_zero_byte_ends_nothing(void **state)
{
    (void)state;
    char *left = skim_bytes("{\"drop\0x\":1}", 12);
    assert_non_null(left);
    free(left);
}

/* Of a text that is cut anywhere nothing is told. */
static void every_cut_is_seen(void **state)
{
    (void)state;
    static const char text[] = "{\"a\":[1,{\"b\":\"\\\"}\"}],\"drop\":{\"x\":[{}]},\"in\":{\"deep\":{\"keep\":true}}}";
    for (size_t length = 0; length + 1 < sizeof text; length++) {
        assert_null(skim_bytes(text, length));
    }
    free(skim_bytes(text, sizeof text - 1));
}

static void depth_costs_no_stack(void **state)
{
    (void)state;
    enum { DEPTH = 200000 };
    struct buf text;
    buf_init(&text, CAP);
    buf_add_str(&text, "{\"drop\":");
    for (int i = 0; i < DEPTH; i++) {
        buf_add_char(&text, '[');
    }
    for (int i = 0; i < DEPTH; i++) {
        buf_add_char(&text, ']');
    }
    buf_add_str(&text, ",\"in\":");
    for (int i = 0; i < DEPTH; i++) {
        buf_add_char(&text, '[');
    }
    for (int i = 0; i < DEPTH; i++) {
        buf_add_char(&text, ']');
    }
    buf_add_str(&text, "}");
    char *left = skim_bytes(buf_str(&text), text.length);
    assert_non_null(left);
    assert_int_equal(strlen(left), 2 * DEPTH + strlen("{\"in\":}"));
    free(left);
    buf_release(&text);
}

static void a_full_buffer_is_left_as_it_was(void **state)
{
    (void)state;
    static const char text[] = "{\"a\":\"0123456789\"}";
    struct buf out;
    buf_init(&out, 12);
    buf_add_str(&out, "x");
    assert_false(json_skim(text, sizeof text - 1, cut, &out));
    assert_string_equal(buf_str(&out), "x");
    buf_release(&out);
}

static json_t *random_value(int depth)
{
    static const char *const keys[] = {"drop", "in", "gone", "deep", "keep", "a", "\"", "\\", "\xc3\xa9"};
    switch (rng_next() % (depth > 0 ? 6 : 4)) {
    case 0:
        return json_integer((json_int_t)(rng_next() % 100));
    case 1:
        return json_string(keys[rng_next() % ARRAY_COUNT(keys)]);
    case 2:
        return json_null();
    case 3:
        return json_real((double)(rng_next() % 1000) / 8);
    case 4: {
        json_t *array = json_array();
        for (uint64_t n = rng_next() % 4; n > 0; n--) {
            json_array_append_new(array, random_value(depth - 1));
        }
        return array;
    }
    default: {
        json_t *object = json_object();
        for (uint64_t n = rng_next() % 6; n > 0; n--) {
            json_object_set_new(object, keys[rng_next() % ARRAY_COUNT(keys)], random_value(depth - 1));
        }
        return object;
    }
    }
}

/* The same with values. */
static void cut_value(json_t *value, const struct json_cut *list)
{
    size_t index;
    json_t *item;
    json_array_foreach(value, index, item)
    {
        cut_value(json_is_object(item) ? item : NULL, list);
    }
    const char *key;
    void *next;
    json_object_foreach_safe(value, next, key, item)
    {
        const struct json_cut *rule = list;
        while (rule->key != NULL && strcmp(rule->key, key) != 0 && strcmp(rule->key, "*") != 0) {
            rule++;
        }
        bool escaped = strcmp(key, "\"") == 0 || strcmp(key, "\\") == 0;
        if (rule->key == NULL || escaped) {
            continue;
        }
        if (rule->drop) {
            json_object_del(value, key);
        } else if (rule->inside != NULL) {
            cut_value(item, rule->inside);
        }
    }
}

static void texts_and_values_agree(void **state)
{
    (void)state;
    rng_seed(11);
    for (int i = rounds_of(3000); i > 0; i--) {
        json_t *value = json_object();
        json_object_set_new(value, "in", random_value(5));
        json_object_set_new(value, "drop", random_value(3));
        json_object_set_new(value, "a", random_value(3));
        char *text = json_text(value);
        cut_value(value, cut);
        char *wanted = json_text(value);
        assert_left(text, wanted);
        free(text);
        free(wanted);
        json_decref(value);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(members_are_taken_out), cmocka_unit_test(what_is_no_object_is_refused),
        cmocka_unit_test(a_zero_byte_ends_nothing), cmocka_unit_test(every_cut_is_seen),
        cmocka_unit_test(depth_costs_no_stack),  cmocka_unit_test(a_full_buffer_is_left_as_it_was),
        cmocka_unit_test(texts_and_values_agree),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
