/* Records: identity, problems with and without a place, counts, and the fixed list of codes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pipeline/base/mem.h"
#include "pipeline/run/record.h"

static json_t *record_of(const char *text)
{
    struct err err = {0};
    json_t *value = json_read(text, strlen(text), "the record", &err);
    if (value == NULL) {
        fail_msg("%s", err.message);
    }
    return value;
}

static void test_identity(void **state)
{
    (void)state;
    struct identity id;
    struct err err = {0};
    json_t *record = record_of("{\"workload\":{\"cluster\":\"c\",\"namespace\":\"shop\",\"kind\":\"Job\",\"name\":\"n\"}}");
    assert_int_equal(record_identity(record, &id, &err), 0);
    assert_string_equal(id.cluster, "c");
    char *text = identity_text(&id, "default");
    assert_string_equal(text, "shop/Job/n");
    free(text);
    json_decref(record);
    record = record_of("{\"workload\":{\"cluster\":null,\"namespace\":null,\"kind\":\"Job\",\"name\":\"n\"}}");
    assert_int_equal(record_identity(record, &id, &err), 0);
    assert_null(id.cluster);
    assert_null(id.namespace);
    text = identity_text(&id, "default");
    assert_string_equal(text, "default/Job/n");
    free(text);
    json_decref(record);
    static const char *const bad[] = {"{\"workload\":{\"kind\":\"Job\"}}", "{\"workload\":{\"name\":\"n\"}}",
                                      "{\"workload\":{\"kind\":1,\"name\":\"n\"}}", "{\"note\":{}}"};
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        record = record_of(bad[i]);
        assert_int_equal(record_identity(record, &id, &err), -1);
        assert_int_equal(err.class, ERR_DATA);
        json_decref(record);
    }
}

static void test_workload_or_note(void **state)
{
    (void)state;
    json_t *record = record_of("{\"workload\":{\"name\":\"n\"}}");
    assert_string_equal(json_string_or_null(record_workload(record), "name"), "n");
    assert_null(record_note(record));
    json_decref(record);
    record = record_of("{\"note\":{\"code\":\"c\"}}");
    assert_string_equal(json_string_or_null(record_note(record), "code"), "c");
    assert_null(record_workload(record));
    json_decref(record);
}

static void test_problems(void **state)
{
    (void)state;
    json_t *record = record_of("{\"workload\":{}}");
    assert_false(record_has_problem(record, "no-data"));
    record_problem(record, "collect", "no-data", "no samples of %s", "caf\xc3\xa9 \xff!");
    record_problem_at(record, "parse", "bad-value", "a.yaml", 14, "%d", 7);
    record_problem_at(record, "parse", "unreadable", "b\xff.yaml", 0, "x");
    assert_true(record_has_problem(record, "no-data"));
    assert_false(record_has_problem(record, "blocked"));
    char *text = json_text(json_object_get(record, "problems"));
    assert_string_equal(text, "[{\"code\":\"no-data\",\"message\":\"no samples of caf\xc3\xa9 ?!\",\"stage\":\"collect\"},"
                              "{\"code\":\"bad-value\",\"message\":\"7\",\"source\":{\"file\":\"a.yaml\",\"line\":14},\"stage\":\"parse\"},"
                              "{\"code\":\"unreadable\",\"message\":\"x\",\"source\":{\"file\":\"b?.yaml\",\"line\":null},\"stage\":\"parse\"}]");
    free(text);
    json_decref(record);
}

static void test_long_message_is_cut_whole(void **state)
{
    (void)state;
    char text[5000];
    json_t *record = json_object();
    for (size_t i = 0; i + 3 < sizeof text; i += 2) {
        memcpy(text + i, "\xc3\xa9", 3);
    }
    record_problem(record, "parse", "bad-value", "%s", text);
    const json_t *problem = json_array_get(json_object_get(record, "problems"), 0);
    const char *message = json_string_or_null(problem, "message");
    assert_true(strlen(message) > 1000 && strlen(message) < ERR_MESSAGE_MAX);
    assert_null(strchr(message, '?'));
    json_decref(record);
}

static void test_counts(void **state)
{
    (void)state;
    json_t *counts = json_object();
    json_t *record = record_of("{\"workload\":{},\"problems\":[{\"stage\":\"parse\",\"code\":\"a\"},{\"stage\":\"parse\",\"code\":\"a\"},"
                               "{\"stage\":\"collect\",\"code\":\"b\"},{\"stage\":\"parse\"},7]}");
    record_count_problems(record, "parse", counts);
    json_decref(record);
    record = record_of("{\"note\":{\"stage\":\"parse\",\"outcome\":\"error\",\"code\":\"c\"}}");
    record_count_problems(record, "parse", counts);
    json_decref(record);
    record = record_of("{\"note\":{\"stage\":\"parse\",\"outcome\":\"skipped\",\"code\":\"d\"}}");
    record_count_problems(record, "parse", counts);
    json_decref(record);
    char *text = json_text(counts);
    assert_string_equal(text, "{\"a\":2,\"c\":1}");
    free(text);
    json_decref(counts);
}

static void test_codes(void **state)
{
    (void)state;
    assert_non_null(problem_meaning("no-data"));
    assert_non_null(problem_meaning("yaml-syntax"));
    assert_null(problem_meaning("no-such-code"));
    assert_null(problem_meaning(""));
    /* One row a code, and a meaning in every one. */
    static const char *const codes[] = {
#define X(code, stage, meaning) code,
#include "pipeline/run/problems.def"
#undef X
    };
    static const char *const meanings[] = {
#define X(code, stage, meaning) meaning,
#include "pipeline/run/problems.def"
#undef X
    };
    for (size_t i = 0; i < ARRAY_COUNT(codes); i++) {
        assert_string_equal(problem_meaning(codes[i]), meanings[i]);
        assert_true(strlen(meanings[i]) > 10);
        assert_true(strspn(codes[i], "abcdefghijklmnopqrstuvwxyz0123456789-") == strlen(codes[i]));
    }
}

int main(void)
{
    json_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_identity), cmocka_unit_test(test_workload_or_note), cmocka_unit_test(test_problems), cmocka_unit_test(test_long_message_is_cut_whole),
        cmocka_unit_test(test_counts),   cmocka_unit_test(test_codes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
