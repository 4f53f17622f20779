/* Selectors: what is missing matches all, and nothing matches by accident. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "pipeline/base/mem.h"
#include "pipeline/run/selector.h"

static json_t *value_of(const char *text)
{
    return text == NULL ? NULL : json_loads(text, JSON_DECODE_ANY, NULL);
}

static void test_globs(void **state)
{
    (void)state;
    static const struct {
        const char *globs;
        const char *text;
        bool fits;
    } cases[] = {
        {NULL, "a", true}, {"null", "a", true}, {"[]", "a", true}, {"[]", NULL, true},
        {"[\"a\"]", "a", true}, {"[\"a\"]", "ab", false}, {"[\"a\"]", NULL, false}, {"[\"*\"]", NULL, false},
        {"[\"prod-*\",\"x\"]", "prod-eu", true}, {"[\"prod-*\",\"x\"]", "x", true}, {"[\"prod-*\"]", "dev-prod-", false},
        {"[7]", "7", false}, {"[\"A\"]", "a", false},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        json_t *globs = value_of(cases[i].globs);
        assert_int_equal(selector_globs(globs, cases[i].text), cases[i].fits);
        json_decref(globs);
    }
}

static void test_labels(void **state)
{
    (void)state;
    static const struct {
        const char *wanted;
        const char *labels;
        bool fits;
    } cases[] = {
        {NULL, NULL, true}, {"null", "{}", true}, {"{}", NULL, true},
        {"{\"a\":\"1\"}", "{\"a\":\"1\",\"b\":\"2\"}", true}, {"{\"a\":\"1\"}", "{\"a\":\"2\"}", false},
        {"{\"a\":\"1\"}", NULL, false}, {"{\"a\":\"1\",\"b\":\"2\"}", "{\"a\":\"1\"}", false}, {"{\"a\":1}", "{\"a\":\"1\"}", false},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        json_t *wanted = value_of(cases[i].wanted);
        json_t *labels = value_of(cases[i].labels);
        assert_int_equal(selector_labels(wanted, labels), cases[i].fits);
        json_decref(wanted);
        json_decref(labels);
    }
}

/* Every part of a match must fit. */
static void test_match(void **state)
{
    (void)state;
    json_t *workload = value_of("{\"cluster\":\"eu\",\"kind\":\"Deployment\",\"name\":\"n\",\"labels\":{\"tier\":\"web\"}}");
    static const struct {
        const char *match;
        bool fits;
    } cases[] = {
        {NULL, true},
        {"{}", true},
        {"{\"namespaces\":[\"shop\"],\"clusters\":[\"e*\"],\"kinds\":[\"Deployment\"],\"labels\":{\"tier\":\"web\"}}", true},
        {"{\"namespaces\":[\"dev\"],\"clusters\":[\"e*\"],\"kinds\":[\"Deployment\"]}", false},
        {"{\"namespaces\":[\"shop\"],\"clusters\":[\"us\"]}", false},
        {"{\"kinds\":[\"StatefulSet\"]}", false},
        {"{\"labels\":{\"tier\":\"db\"}}", false},
        {"{\"classes\":[\"web\",\"proxy\"]}", true},
        {"{\"classes\":[\"w*\"]}", true},
        {"{\"classes\":[\"database\"]}", false},
        {"{\"classes\":[]}", true},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        json_t *match = value_of(cases[i].match);
        assert_int_equal(selector_match(match, workload, "shop", "web"), cases[i].fits);
        json_decref(match);
    }
    json_object_del(workload, "cluster");
    json_t *unnamed = value_of("{\"clusters\":[\"default\"]}");
    assert_true(selector_match(unnamed, workload, "shop", "web"));
    json_decref(unnamed);
    json_decref(workload);
}

/* What fits the inner one fits the outer one; where that cannot be told, no. */
static void test_covers(void **state)
{
    (void)state;
    static const struct {
        const char *outer, *inner;
        bool covers;
    } cases[] = {
        {NULL, NULL, true},
        {"{}", "{\"namespaces\":[\"a\"]}", true},
        {"{\"namespaces\":[\"a\"]}", "{}", false},
        {"{\"namespaces\":[\"prod-*\"]}", "{\"namespaces\":[\"prod-a\",\"prod-b-*\"]}", true},
        {"{\"namespaces\":[\"prod-*\"]}", "{\"namespaces\":[\"prod-a\",\"dev\"]}", false},
        {"{\"namespaces\":[\"prod-?\"]}", "{\"namespaces\":[\"prod-*\"]}", false},
        {"{\"namespaces\":[\"prod-?\"]}", "{\"namespaces\":[\"prod-?\"]}", true},
        {"{\"namespaces\":[\"prod-*\"]}", "{\"namespaces\":[\"*\"]}", false},
        {"{\"labels\":{\"a\":\"1\"}}", "{\"labels\":{\"a\":\"1\",\"b\":\"2\"}}", true},
        {"{\"labels\":{\"a\":\"1\",\"b\":\"2\"}}", "{\"labels\":{\"a\":\"1\"}}", false},
        {"{\"classes\":[\"web\"]}", "{\"classes\":[\"web\"],\"kinds\":[\"Job\"]}", true},
        {"{\"classes\":[\"web\"]}", "{\"kinds\":[\"Job\"]}", false},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        json_t *outer = value_of(cases[i].outer);
        json_t *inner = value_of(cases[i].inner);
        assert_int_equal(selector_covers(outer, inner), cases[i].covers);
        json_decref(outer);
        json_decref(inner);
    }
    assert_false(selector_glob_covers(NULL, "a"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_globs),
        cmocka_unit_test(test_labels),
        cmocka_unit_test(test_match),
        cmocka_unit_test(test_covers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
