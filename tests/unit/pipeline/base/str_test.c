/* Strings: matching against a slow but plain matcher, near names, integers at their edges, UTF-8 by its table. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/rng.h"
#include "pipeline/base/str.h"

static void test_compare(void **state)
{
    (void)state;
    assert_true(str_equal(NULL, NULL));
    assert_true(str_equal("a", "a"));
    assert_false(str_equal("a", NULL));
    assert_false(str_equal(NULL, ""));
    assert_false(str_equal("a", "A"));
    assert_true(str_starts("abc", "ab") && str_starts("abc", "") && !str_starts("ab", "abc"));
    assert_true(str_ends("abc", "bc") && str_ends("abc", "") && !str_ends("bc", "abc") && !str_ends("abc", "b"));
    assert_true(str_compare(NULL, "") < 0 && str_compare("", NULL) > 0 && str_compare(NULL, NULL) == 0);
    assert_true(str_compare("a", "b") < 0 && str_compare("b", "a") > 0 && str_compare("a", "a") == 0);
}

/* What a glob means, in the plainest words. */
static bool plain_glob(const char *pattern, const char *text)
{
    if (*pattern == '\0') {
        return *text == '\0';
    }
    if (*pattern == '*') {
        return plain_glob(pattern + 1, text) || (*text != '\0' && plain_glob(pattern, text + 1));
    }
    return *text != '\0' && (*pattern == '?' || *pattern == *text) && plain_glob(pattern + 1, text + 1);
}

static void test_glob(void **state)
{
    (void)state;
    assert_true(str_glob("prod-*", "prod-eu") && str_glob("prod-*", "prod-") && !str_glob("prod-*", "prod"));
    assert_true(str_glob("*", "") && str_glob("", "") && !str_glob("", "a") && !str_glob("?", ""));
    assert_true(str_glob("a.b", "a.b") && !str_glob("a.b", "axb") && str_glob("[a]", "[a]"));
    rng_seed(11);
    for (int i = 0; i < 200000; i++) {
        char pattern[8] = {0};
        char text[8] = {0};
        for (uint64_t k = rng_next() % 7; k > 0; k--) {
            pattern[k - 1] = "ab*?"[rng_next() % 4];
        }
        for (uint64_t k = rng_next() % 7; k > 0; k--) {
            text[k - 1] = "ab"[rng_next() % 2];
        }
        if (str_glob(pattern, text) != plain_glob(pattern, text)) {
            fail_msg("\"%s\" against \"%s\"", pattern, text);
        }
    }
}

/* A pattern of many stars must not take exponential time. */
static void test_glob_is_bounded(void **state)
{
    (void)state;
    char pattern[201];
    char text[5001];
    for (size_t i = 0; i < 200; i += 2) {
        memcpy(pattern + i, "*a", 3);
    }
    pattern[199] = 'b';
    memset(text, 'a', 5000);
    text[5000] = '\0';
    assert_false(str_glob(pattern, text));
}

static void test_distance(void **state)
{
    (void)state;
    static const struct {
        const char *a;
        const char *b;
        size_t distance;
    } cases[] = {
        {"", "", 0},          {"a", "", 1},           {"", "abc", 3},          {"region", "region", 0},
        {"regoin", "region", 1}, {"metrcs", "metrics", 1}, {"kitten", "sitting", 3}, {"ca", "abc", 3},
        {"abcd", "badc", 2},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        assert_int_equal(str_distance(cases[i].a, cases[i].b), cases[i].distance);
        assert_int_equal(str_distance(cases[i].b, cases[i].a), cases[i].distance);
    }
    char deep[200];
    memset(deep, 'x', sizeof deep - 1);
    deep[sizeof deep - 1] = '\0';
    assert_int_equal(str_distance(deep, ""), 64);
}

static void test_nearest(void **state)
{
    (void)state;
    static const char *const names[] = {"aws", "gcp", "azure", "on-prem", "prometheus"};
    static const struct {
        const char *word;
        const char *near;
    } cases[] = {
        {"aws", "aws"},       {"asw", "aws"},     {"azur", "azure"}, {"onprem", "on-prem"}, {"promtheus", "prometheus"},
        {"digitalocean", NULL}, {"", NULL},       {"zzz", NULL},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        const char *near = str_nearest(cases[i].word, names, ARRAY_COUNT(names));
        if (!str_equal(near, cases[i].near)) {
            fail_msg("\"%s\" gave %s", cases[i].word, near == NULL ? "nothing" : near);
        }
    }
    assert_null(str_nearest("x", names, 0));
    /* The nearest wins, not the first that is near enough. */
    static const char *const two[] = {"memory_limits", "memory_limit"};
    assert_string_equal(str_nearest("memory_limit", two, 2), "memory_limit");
}

static void test_int64(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t value;
        bool good;
    } cases[] = {
        {"0", 0, true}, {"+7", 7, true}, {"-7", -7, true}, {"007", 7, true},
        {"9223372036854775807", INT64_MAX, true}, {"-9223372036854775808", INT64_MIN, true},
        {"9223372036854775808", 0, false}, {"-9223372036854775809", 0, false}, {"99999999999999999999999", 0, false},
        {"", 0, false}, {"-", 0, false}, {"+", 0, false}, {" 1", 0, false}, {"1 ", 0, false}, {"1a", 0, false},
        {"0x10", 0, false}, {"1.0", 0, false}, {"--1", 0, false}, {"1e3", 0, false},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        int64_t value = 42;
        int failed = str_int64(cases[i].text, INT64_MIN, INT64_MAX, &value);
        if ((failed == 0) != cases[i].good) {
            fail_msg("\"%s\"", cases[i].text);
        }
        assert_int_equal(value, cases[i].good ? cases[i].value : 42);
    }
    int64_t value = 42;
    assert_int_equal(str_int64("5", 0, 4, &value), -1);
    assert_int_equal(str_int64("-1", 0, 4, &value), -1);
    assert_int_equal(str_int64("4", 0, 4, &value), 0);
    assert_int_equal(value, 4);
}

static void test_mask(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *masked;
    } cases[] = {
        {"plain \xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80", "plain \xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80"},
        {"a\tb\nc\rd", "a?b?c?d"},
        {"\x1b[31m", "?[31m"},
        {"x\x7fy", "x?y"},
        {"x\xc2\x9b" "31m", "x??31m"},
        {"x\xc2\xa0y", "x\xc2\xa0y"},
        /* Bytes that are no UTF-8 would be C1 controls to a terminal of eight bits, and break JSON. */
        {"x\x9b" "31m", "x?31m"},
        {"\xff\xc3", "??"},
        {"\xe2\x82", "??"},
        /* Characters that turn the direction of writing around can make a message say something else. */
        {"a\xe2\x80\xae" "b\xe2\x81\xa6" "c\xe2\x80\xa8" "d", "a???b???c???d"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        char text[64];
        snprintf(text, sizeof text, "%s", cases[i].text);
        str_mask_controls(text);
        assert_string_equal(text, cases[i].masked);
    }
}

static void test_trim(void **state)
{
    (void)state;
    static const char whole[] = "a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80";
    static const size_t kept[] = {0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10};
    for (size_t cut = 0; cut < sizeof whole; cut++) {
        char text[sizeof whole];
        memcpy(text, whole, cut);
        text[cut] = '\0';
        str_trim_utf8(text);
        assert_int_equal(strlen(text), kept[cut]);
    }
}

/* All sequences of one and two bytes, and the edges of the longer ones (Unicode 15, table 3-7). */
static void test_utf8(void **state)
{
    (void)state;
    for (unsigned a = 0; a < 256; a++) {
        unsigned char one = (unsigned char)a;
        assert_int_equal(str_utf8_length(&one, 1), a < 0x80 ? 1 : 0);
        for (unsigned b = 0; b < 256; b++) {
            unsigned char two[2] = {(unsigned char)a, (unsigned char)b};
            size_t wanted = a < 0x80 ? 1 : a >= 0xc2 && a <= 0xdf && b >= 0x80 && b <= 0xbf ? 2 : 0;
            assert_int_equal(str_utf8_length(two, 2), wanted);
        }
    }
    static const struct {
        const char *bytes;
        size_t length;
    } edges[] = {
        {"\xe0\xa0\x80", 3}, {"\xe0\x9f\xbf", 0}, {"\xed\x9f\xbf", 3}, {"\xed\xa0\x80", 0}, {"\xef\xbf\xbf", 3},
        {"\xf0\x90\x80\x80", 4}, {"\xf0\x8f\xbf\xbf", 0}, {"\xf4\x8f\xbf\xbf", 4}, {"\xf4\x90\x80\x80", 0},
        {"\xf5\x80\x80\x80", 0}, {"\xe2\x82", 0}, {"\xe2\x28\xa1", 0},
    };
    for (size_t i = 0; i < ARRAY_COUNT(edges); i++) {
        assert_int_equal(str_utf8_length((const unsigned char *)edges[i].bytes, strlen(edges[i].bytes)), edges[i].length);
    }
    assert_int_equal(str_utf8_length((const unsigned char *)"", 0), 0);
    size_t bad = 99;
    assert_true(str_utf8_valid("a\0b\xc3\xa9", 5, &bad));
    assert_int_equal(bad, 99);
    assert_false(str_utf8_valid("ab\xc3", 3, &bad));
    assert_int_equal(bad, 2);
    assert_false(str_utf8_valid("\x80", 1, NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_compare), cmocka_unit_test(test_glob),    cmocka_unit_test(test_glob_is_bounded),
        cmocka_unit_test(test_distance), cmocka_unit_test(test_nearest), cmocka_unit_test(test_int64),
        cmocka_unit_test(test_mask),    cmocka_unit_test(test_trim),    cmocka_unit_test(test_utf8),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
