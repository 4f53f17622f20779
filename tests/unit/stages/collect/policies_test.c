/* Names put into queries of policies: nothing may end a string, whatever quotes it stands in. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "stages/collect/policies.h"

/* The query with names put in, "" where it is refused. Static. */
static const char *text_of(const char *query, const char *namespace, const char *workload, const char *cluster)
{
    static char out[500];
    struct policy_names names = {namespace, workload, cluster};
    struct buf text;
    struct err err = {0};
    buf_init(&text, 16384);
    int failed = policy_query_text(query, &names, &text, &err);
    assert_int_equal(failed != 0, err.class != ERR_NONE);
    (void)snprintf(out, sizeof out, "%s", failed ? "" : buf_str(&text));
    buf_release(&text);
    return out;
}

static void test_names(void **state)
{
    (void)state;
    assert_string_equal(text_of("a{n=\"$namespace\",w='$workload'}", "shop", "web-1", NULL), "a{n=\"shop\",w='web-1'}");
    assert_string_equal(text_of("$workload$workload", "s", "w", NULL), "ww");
    assert_string_equal(text_of("a{c=\"$cluster\"}", "s", "w", "eu"), "a{c=\"eu\"}");
    assert_string_equal(text_of("a", "s", "w", NULL), "a");
}

static void test_refused(void **state)
{
    (void)state;
    static const char *const hostile[] = {"a\"} or vector(1) #", "a'b", "a`b", "a\\", "a\nb", "a b", "", "a$b", "\xc3\xa4", "a{b}"};
    for (size_t i = 0; i < sizeof hostile / sizeof *hostile; i++) {
        assert_string_equal(text_of("x{w=\"$workload\"}", "s", hostile[i], NULL), "");
        assert_string_equal(text_of("x{w=\"$namespace\"}", hostile[i], "w", NULL), "");
        /* A name that is not put in does no harm. */
        assert_string_equal(text_of("x", hostile[i], hostile[i], NULL), "x");
    }
    assert_string_equal(text_of("x{w=\"$pod\"}", "s", "w", NULL), "");
    assert_string_equal(text_of("x{w=\"$namespaces\"}", "s", "w", NULL), "");
    assert_string_equal(text_of("x$", "s", "w", NULL), "");
    assert_string_equal(text_of("x{c=\"$cluster\"}", "s", "w", NULL), "");
}

/* Of several clusters on a server the query must name one. */
static void test_clusters(void **state)
{
    (void)state;
    assert_string_equal(text_of("sum(x)", "s", "w", "eu"), "");
    assert_string_equal(text_of("sum(queue)", "s", "w", "eu"), "");
    assert_string_equal(text_of("sum(x{region=\"eu\"})", "s", "w", "eu"), "sum(x{region=\"eu\"})");
    assert_string_equal(text_of("sum(x{region=\"eu-1\"})", "s", "w", "eu"), "");
}

static void test_long(void **state)
{
    (void)state;
    char query[17000];
    memset(query, 'x', sizeof query - 1);
    query[sizeof query - 1] = '\0';
    assert_string_equal(text_of(query, "s", "w", NULL), "");
}

/* Without a server: null, with the reason. */
static void test_file(void **state)
{
    (void)state;
    json_t *policies = json_loads("[{\"name\":\"a\",\"query\":\"x\"},{\"name\":\"b\"},{\"name\":\"c\",\"query\":\"x\",\"match\":{\"kinds\":[\"Job\"]}}]",
                                  0, NULL);
    json_t *record = json_loads("{\"workload\":{\"kind\":\"Deployment\",\"name\":\"w\",\"namespace\":null},\"usage\":{},\"problems\":[]}", 0, NULL);
    struct source source = {.name = "file"};
    policies_ask(policies, &source, "default", 0, record);
    const json_t *found = json_at(record, "usage.policies");
    assert_int_equal(json_object_size(found), 1);
    assert_true(json_is_null(json_at(found, "a.value")));
    assert_non_null(json_string_value(json_at(found, "a.reason")));
    assert_int_equal(json_array_size(json_object_get(record, "problems")), 0);
    json_object_set_new(record, "usage", json_null());
    policies_ask(policies, &source, "default", 0, record);
    policies_ask(NULL, &source, "default", 0, record);
    assert_true(json_is_null(json_object_get(record, "usage")));
    json_decref(policies);
    json_decref(record);
}

int main(void)
{
    json_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names), cmocka_unit_test(test_refused), cmocka_unit_test(test_clusters),
        cmocka_unit_test(test_long),  cmocka_unit_test(test_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
