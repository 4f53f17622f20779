#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "pipeline/base/mem.h"
#include "stages/mcp/item.h"
#include "stages/mcp/extract.h"

enum { RECORDS = 200 };

static json_t *read_json(const char *text)
{
    struct err err = {0};
    json_t *value = json_read(text, strlen(text), "the test's value", &err);
    assert_non_null(value);
    return value;
}

/* Record i saves (i × 37) mod 200 dollars a month: each sum once, in no order. */
static int64_t dollars_of(int i)
{
    return (int64_t)i * 37 % RECORDS;
}

static void feed(struct extract *extract)
{
    for (int i = 0; i < RECORDS; i++) {
        char *line = xasprintf("{\"cost\":{\"monthly_saving_microusd\":%lld},\"gate\":{\"verdict\":\"%s\"},\"recommendation\":{\"action\":\"resize\"},"
                               "\"workload\":{\"kind\":\"Deployment\",\"name\":\"w%d\",\"namespace\":%s}}",
                               (long long)dollars_of(i) * 1000000, i % 4 == 0 ? "blocked" : "allowed", i, i % 2 == 0 ? "\"shop\"" : "null");
        extract_line(extract, line, strlen(line));
        free(line);
    }
}

/* The result for arguments (JSON). New. */
static json_t *picked(const char *arguments_text)
{
    struct extract extract;
    struct err err = {0};
    json_t *arguments = read_json(arguments_text);
    assert_int_equal(extract_init(&extract, arguments, item_recommendation, &err), 0);
    feed(&extract);
    json_t *result = extract_result(&extract, 7);
    extract_release(&extract);
    json_decref(arguments);
    return result;
}

static double saving(const json_t *result, size_t index)
{
    return json_number_value(json_object_get(json_array_get(json_object_get(result, "items"), index), "monthly_saving_usd"));
}

static void the_largest_come_first(void **state)
{
    (void)state;
    json_t *result = picked("{\"limit\":3}");
    assert_true(saving(result, 0) > 198.9 && saving(result, 1) > 197.9 && saving(result, 2) > 196.9);
    assert_int_equal(json_array_size(json_object_get(result, "items")), 3);
    assert_int_equal(json_int_or(result, "matched", 0), RECORDS);
    assert_string_equal(json_string_or_null(result, "next_cursor"), "7.3");
    json_decref(result);
    result = picked("{\"limit\":1,\"sort\":\"increase\"}");
    assert_true(saving(result, 0) < 0.1);
    json_decref(result);
    result = picked("{\"limit\":1,\"sort\":\"name\"}");
    assert_string_equal(json_string_or_null(json_array_get(json_object_get(result, "items"), 0), "name"), "w0");
    json_decref(result);
}

/* Every page in turn has what the whole list has at its place. */
static void pages_follow_each_other(void **state)
{
    (void)state;
    json_t *whole = picked("{\"limit\":200}");
    assert_true(json_is_null(json_object_get(whole, "next_cursor")));
    char *cursor = xstrdup("7.0");
    size_t at = 0;
    while (cursor != NULL) {
        char *arguments = xasprintf("{\"limit\":33,\"cursor\":\"%s\"}", cursor);
        json_t *page = picked(arguments);
        for (size_t i = 0; i < json_array_size(json_object_get(page, "items")); i++) {
            assert_true(json_equal(json_array_get(json_object_get(page, "items"), i), json_array_get(json_object_get(whole, "items"), at++)));
        }
        free(cursor);
        cursor = xstrdup_null(json_string_or_null(page, "next_cursor"));
        free(arguments);
        json_decref(page);
    }
    assert_int_equal(at, RECORDS);
    json_decref(whole);
}

static void filters_join(void **state)
{
    (void)state;
    json_t *result = picked("{\"namespace\":\"sho?\",\"verdict\":\"blocked\",\"name\":\"w1*\"}");
    int64_t matched = 0;
    double sum = 0;
    for (int i = 0; i < RECORDS; i++) {
        char name[16];
        snprintf(name, sizeof name, "w%d", i);
        if (i % 4 == 0 && name[1] == '1') {
            matched++;
            sum += (double)dollars_of(i);
        }
    }
    assert_int_equal(json_int_or(result, "matched", 0), matched);
    double told = json_number_value(json_object_get(result, "monthly_saving_usd"));
    assert_true(told > sum - 0.1 && told < sum + 0.1);
    json_decref(result);
    result = picked("{\"namespace\":\"default\"}");
    assert_int_equal(json_int_or(result, "matched", 0), RECORDS / 2);
    json_decref(result);
    result = picked("{\"min_saving_usd\":150}");
    assert_int_equal(json_int_or(result, "matched", 0), 50);
    json_decref(result);
}

static void cursors_are_checked(void **state)
{
    (void)state;
    int64_t run = 0;
    size_t offset = 0;
    struct err err = {0};
    assert_int_equal(extract_cursor("12.40", &run, &offset, &err), 0);
    assert_int_equal(run, 12);
    assert_int_equal(offset, 40);
    static const char *const bad[] = {"", ".", "1.", ".1", "0.1", "1.-1", "1.20001", "1.1x", "99999999999999999999.1", "1,1"};
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        assert_int_equal(extract_cursor(bad[i], &run, &offset, &err), -1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_largest_come_first),
        cmocka_unit_test(pages_follow_each_other),
        cmocka_unit_test(filters_join),
        cmocka_unit_test(cursors_are_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
