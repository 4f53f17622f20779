#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/money.h"
#include "pipeline/base/rng.h"
#include "reports/render.h"

enum { WORKLOADS = 300, SPACES = 7 };

static json_t *parse(const char *text)
{
    struct err err = {0};
    json_t *value = json_read(text, strlen(text), "test", &err);
    assert_non_null(value);
    return value;
}

static void add(struct report *report, json_t *record)
{
    struct err err = {0};
    assert_int_equal(report_add(report, record, &err), 0);
    json_decref(record);
}

static char *render(const struct report *report, report_renderer *renderer)
{
    struct report_sink sink;
    sink_init(&sink, -1);
    struct err err = {0};
    assert_int_equal(renderer(report, &sink, &err), 0);
    return buf_steal(&sink.out);
}

static int64_t random_money(void)
{
    return (int64_t)(rng_next() % UINT64_C(900000000));
}

/* A workload with two containers and four random sums of money; every ninth has no price. */
static json_t *random_record(int number, int64_t *before, int64_t *after)
{
    int64_t part[8];
    *before = 0;
    *after = 0;
    for (int i = 0; i < 8; i++) {
        part[i] = random_money();
        *(i % 2 == 0 ? before : after) += part[i];
    }
    bool priced = number % 9 != 0;
    char cost[1024];
    snprintf(cost, sizeof cost,
             "{\"monthly_before_microusd\":%" PRId64 ",\"monthly_after_microusd\":%" PRId64
             ",\"containers\":{"
             "\"a\":{\"cpu_before_microusd\":%" PRId64 ",\"cpu_after_microusd\":%" PRId64
             ",\"memory_before_microusd\":%" PRId64 ",\"memory_after_microusd\":%" PRId64 "},"
             "\"b\":{\"cpu_before_microusd\":%" PRId64 ",\"cpu_after_microusd\":%" PRId64
             ",\"memory_before_microusd\":%" PRId64 ",\"memory_after_microusd\":%" PRId64 "}}}",
             *before, *after, part[0], part[1], part[2], part[3], part[4], part[5], part[6], part[7]);
    char *text = xasprintf(
        "{\"workload\":{\"cluster\":null,\"namespace\":\"ns%d\",\"kind\":\"Deployment\",\"name\":\"w%d\","
        "\"containers\":["
        "{\"name\":\"a\",\"role\":\"container\",\"requests\":{\"cpu_millicores\":100,\"memory_bytes\":1024}},"
        "{\"name\":\"b\",\"role\":\"sidecar\",\"requests\":{\"cpu_millicores\":100,\"memory_bytes\":1024}}]},"
        "\"recommendation\":{\"action\":\"resize\",\"risk\":\"low\",\"confidence\":0.5,\"containers\":{"
        "\"a\":{\"requests\":{\"cpu_millicores\":%d}}}},\"cost\":%s,\"problems\":[]}",
        number % SPACES, number, 100 - number % 3, priced ? cost : "null");
    json_t *record = parse(text);
    free(text);
    if (!priced) {
        *before = 0;
        *after = 0;
    }
    return record;
}

/* Sum of a numeric column of the CSV; columns before it hold no commas. */
static int64_t csv_sum(const char *csv, int column)
{
    int64_t sum = 0;
    for (const char *line = strchr(csv, '\n') + 1; *line != '\0'; line = strchr(line, '\n') + 1) {
        const char *field = line;
        for (int i = 0; i < column; i++) {
            field = strchr(field, ',') + 1;
        }
        sum += strtoll(field, NULL, 10);
    }
    return sum;
}

static void assert_json(const char *text, int64_t before, int64_t after)
{
    json_t *report = parse(text);
    int64_t spaces = 0;
    int64_t rows = 0;
    size_t i;
    json_t *item;
    json_array_foreach(json_object_get(report, "namespaces"), i, item)
    {
        spaces += json_int_or(item, "monthly_saving_microusd", 0);
    }
    json_array_foreach(json_object_get(report, "workloads"), i, item)
    {
        rows += json_int_or(item, "monthly_saving_microusd", 0);
    }
    const json_t *totals = json_object_get(report, "totals");
    assert_int_equal(json_int_or(totals, "monthly_before_microusd", -1), before);
    assert_int_equal(json_int_or(totals, "monthly_after_microusd", -1), after);
    assert_int_equal(spaces, before - after);
    assert_int_equal(rows, before - after);
    assert_int_equal(json_array_size(json_object_get(report, "workloads")), WORKLOADS);
    json_decref(report);
}

/* Sums of records, namespaces and totals are the same micro-dollars everywhere; people's figures are made
 * from them. */
static void every_format_has_the_same_sums(void **state)
{
    (void)state;
    rng_seed(7);
    struct report report;
    assert_int_equal(report_init(&report, false, NULL), 0);
    report.meta.kind = ARTIFACT_COSTS;
    int64_t before = 0;
    int64_t after = 0;
    for (int i = 0; i < WORKLOADS; i++) {
        int64_t one_before = 0;
        int64_t one_after = 0;
        add(&report, random_record(i, &one_before, &one_after));
        before += one_before;
        after += one_after;
    }
    report_finish(&report);
    assert_int_equal(report.totals.before, before);
    assert_int_equal(report.totals.after, after);
    assert_int_equal(report.totals.unpriced, (WORKLOADS + 8) / 9);
    assert_int_equal(report.parts[BY_NAMESPACE].count, SPACES);
    char *json = render(&report, report_json);
    assert_json(json, before, after);
    char *csv = render(&report, report_csv);
    assert_int_equal(csv_sum(csv, 16), before);
    assert_int_equal(csv_sum(csv, 17), after);
    assert_int_equal(csv_sum(csv, 18), before - after);
    char money[MONEY_TEXT];
    report_renderer *people[] = {report_markdown, report_html, report_table};
    for (size_t i = 0; i < ARRAY_COUNT(people); i++) {
        char *text = render(&report, people[i]);
        assert_non_null(strstr(text, money_format(before, money)));
        assert_non_null(strstr(text, money_format(after, money)));
        assert_non_null(strstr(text, "34 workloads could not be priced and are not in the sums."));
        free(text);
    }
    free(json);
    free(csv);
    report_release(&report);
}

static void the_biggest_change_comes_first(void **state)
{
    (void)state;
    struct report report;
    assert_int_equal(report_init(&report, false, NULL), 0);
    static const char *const costs[] = {"{\"monthly_before_microusd\":10,\"monthly_after_microusd\":9}",
                                        "null",
                                        "{\"monthly_before_microusd\":10,\"monthly_after_microusd\":90}",
                                        "{\"monthly_before_microusd\":50,\"monthly_after_microusd\":9}"};
    for (size_t i = 0; i < ARRAY_COUNT(costs); i++) {
        char *text =
            xasprintf("{\"workload\":{\"kind\":\"Pod\",\"name\":\"p%zu\",\"containers\":[{\"name\":\"a\","
                      "\"requests\":{\"cpu_millicores\":9}}]},\"recommendation\":{\"action\":\"resize\","
                      "\"containers\":{\"a\":{\"requests\":{\"cpu_millicores\":5}}}},\"cost\":%s}",
                      i, costs[i]);
        add(&report, parse(text));
        free(text);
    }
    add(&report, parse("{\"workload\":{\"kind\":\"Pod\",\"name\":\"kept\",\"containers\":[]},"
                       "\"recommendation\":{\"action\":\"keep\"},\"cost\":null}"));
    report_finish(&report);
    static const char *const wanted[] = {"p2", "p3", "p0", "p1", "kept"};
    struct arena arena;
    arena_init(&arena);
    for (size_t i = 0; i < ARRAY_COUNT(wanted); i++) {
        struct report_row row;
        assert_int_equal(report_row_at(&report, i, &arena, &row, NULL), 0);
        assert_string_equal(row.name, wanted[i]);
        report_row_release(&row);
    }
    arena_release(&arena);
    report_release(&report);
}

/* Who overrode a window, and why, is in the report of the outcome. */
static void overrides_are_told(void **state)
{
    (void)state;
    struct report report;
    assert_int_equal(report_init(&report, false, NULL), 0);
    report.meta.kind = ARTIFACT_OUTCOME;
    report.meta.settings = parse("{\"apply\":{\"overrides\":[{\"window\":\"freeze\",\"by\":\"ann\",\"at\":\"2026-12-24T10:00:00Z\","
                                 "\"reason\":\"on fire\"}]}}");
    report_finish(&report);
    char *markdown = render(&report, report_markdown);
    assert_non_null(strstr(markdown, "The window freeze was overridden by ann at "));
    assert_non_null(strstr(markdown, ": on fire"));
    free(markdown);
    report_release(&report);
}

/* What the gate blocks or finds worth too little, or no manifest can take, is shown with its money and counts in no sum. */
static void what_is_held_back_is_not_counted(void **state)
{
    (void)state;
    static const char *const members[] = {"\"gate\":{\"verdict\":\"blocked\"}", "\"change\":{\"edits\":[]}",
                                          "\"change\":{\"edits\":[{}]}",
                                          "\"change\":{\"edits\":[{}]},\"gate\":{\"verdict\":\"unchanged\"}"};
    struct report report;
    assert_int_equal(report_init(&report, false, NULL), 0);
    report.meta.kind = ARTIFACT_GATED;
    for (size_t i = 0; i < ARRAY_COUNT(members); i++) {
        char *text = xasprintf(
            "{\"workload\":{\"kind\":\"Pod\",\"name\":\"p%zu\",\"containers\":[{\"name\":\"a\","
            "\"requests\":{\"cpu_millicores\":9}}]},\"recommendation\":{\"action\":\"resize\","
            "\"containers\":{\"a\":{\"requests\":{\"cpu_millicores\":5}}}},"
            "\"cost\":{\"monthly_before_microusd\":10000000,\"monthly_after_microusd\":4000000},%s}",
            i, members[i]);
        add(&report, parse(text));
        free(text);
    }
    report_finish(&report);
    assert_int_equal(report.totals.changed, 1);
    assert_int_equal(report.totals.held, 3);
    assert_int_equal(report.totals.blocked, 1);
    assert_int_equal(report.totals.trifles, 1);
    assert_int_equal(report.totals.before, 40000000);
    assert_int_equal(report.totals.after, 34000000);
    assert_int_equal(report.totals.proposed, 16000000);
    char *markdown = render(&report, report_markdown);
    assert_non_null(strstr(markdown,
                           "3 changes worth \xe2\x88\x92$18 a month are held back and not in the sums (1 blocked by the "
                           "gate, 1 that saves too little, 1 that cannot be written into the manifest)."));
    free(markdown);
    report_release(&report);
}

static void fields_follow_the_advice(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena);
    struct report_row row;
    json_t *record = parse(
        "{\"workload\":{\"kind\":\"Pod\",\"name\":\"p\",\"containers\":["
        "{\"name\":\"i\",\"role\":\"init\",\"requests\":{\"cpu_millicores\":9000}},"
        "{\"name\":\"a\",\"role\":\"container\",\"requests\":{\"cpu_millicores\":500},\"limits\":{\"cpu_"
        "millicores\":900,"
        "\"memory_bytes\":7}}]},\"usage\":null,"
        "\"recommendation\":{\"action\":\"resize\",\"risk\":\"high\",\"containers\":{\"a\":{\"requests\":{"
        "\"cpu_millicores\":null,\"memory_bytes\":5},\"remove\":[\"limits.cpu\"]}}}}");
    assert_int_equal(report_row_read(record, NULL, &arena, &row, NULL), 0);
    const struct report_container *a = &row.containers[1];
    assert_int_equal(a->next[CPU_REQUEST], 500);
    assert_int_equal(a->now[MEMORY_REQUEST], REPORT_ABSENT);
    assert_int_equal(a->next[MEMORY_REQUEST], 5);
    assert_int_equal(a->next[CPU_LIMIT], REPORT_ABSENT);
    assert_int_equal(a->next[MEMORY_LIMIT], 7);
    /* Init containers do not run all the time and are not in the pod's sum. */
    assert_int_equal(row.now[CPU_REQUEST], 500);
    assert_int_equal(row.action, REPORT_CHANGE);
    assert_int_equal(row.risk, RISK_HIGH);
    assert_true(row.no_data);
    report_row_release(&row);
    arena_release(&arena);
}

/* A limit without a request is a request, and a sum that 64 bits cannot hold stays at their end. */
static void a_request_left_out_is_its_limit(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena);
    struct report_row row;
    json_t *record =
        parse("{\"workload\":{\"kind\":\"Pod\",\"name\":\"p\",\"containers\":["
              "{\"name\":\"a\",\"role\":\"container\",\"requests\":{\"memory_bytes\":9223372036854775807},"
              "\"limits\":{\"cpu_millicores\":300}},"
              "{\"name\":\"b\",\"role\":\"container\",\"requests\":{\"cpu_millicores\":50,\"memory_bytes\":"
              "1024}}]},"
              "\"recommendation\":{\"action\":\"resize\",\"containers\":{\"a\":{\"limits\":{\"cpu_"
              "millicores\":100}}}}}");
    assert_int_equal(report_row_read(record, NULL, &arena, &row, NULL), 0);
    assert_int_equal(row.containers[0].now[CPU_REQUEST], REPORT_ABSENT);
    assert_int_equal(row.now[CPU_REQUEST], 350);
    assert_int_equal(row.next[CPU_REQUEST], 150);
    assert_true(row.now[MEMORY_REQUEST] == INT64_MAX);
    assert_int_equal(report_effective(row.containers[0].now, CPU_REQUEST), 300);
    assert_int_equal(report_effective(row.containers[1].now, MEMORY_LIMIT), REPORT_ABSENT);
    report_row_release(&row);
    arena_release(&arena);
}

static void objects_named_twice_are_said(void **state)
{
    (void)state;
    struct report report;
    assert_int_equal(report_init(&report, true, NULL), 0);
    report.meta.kind = ARTIFACT_CHANGES;
    for (int i = 0; i < 2; i++) {
        add(&report,
            parse("{\"workload\":{\"kind\":\"Pod\",\"name\":\"p\",\"containers\":[]},\"recommendation\":{"
                  "\"findings\":[{\"severity\":\"high\",\"message\":\"hot\"}]},\"problems\":["
                  "{\"stage\":\"parse\",\"code\":\"duplicate-identity\",\"message\":\"2 objects\"}]}"));
    }
    report_finish(&report);
    report_renderer *all[] = {report_markdown, report_html, report_table};
    for (size_t i = 0; i < ARRAY_COUNT(all); i++) {
        char *text = render(&report, all[i]);
        assert_non_null(strstr(text, "2 workloads share their name with another one: each is counted"));
        free(text);
    }
    char *markdown = render(&report, report_markdown);
    assert_non_null(strstr(markdown, "- Pod p: hot"));
    free(markdown);
    report_release(&report);
}

static void nothing_is_left_out(void **state)
{
    (void)state;
    struct report report;
    assert_int_equal(report_init(&report, true, NULL), 0);
    report.meta.kind = ARTIFACT_CHANGES;
    add(&report, parse("{\"note\":{\"stage\":\"parse\",\"outcome\":\"error\",\"code\":\"yaml-syntax\","
                       "\"message\":\"bad <b>\","
                       "\"source\":{\"file\":\"a\\u202e.yaml\",\"line\":3}}}"));
    add(&report,
        parse(
            "{\"workload\":{\"kind\":\"Pod\",\"name\":\"<script>\",\"containers\":[]},\"usage\":null,"
            "\"cost\":null,\"problems\":[{\"stage\":\"price\",\"code\":\"unpriced\",\"message\":\"no\"}]}"));
    report_finish(&report);
    assert_int_equal(json_int_or(report.problems, "unpriced", 0), 1);
    assert_int_equal(json_int_or(report.problems, "yaml-syntax", 0), 1);
    char *html = render(&report, report_html);
    assert_null(strstr(html, "<b><script>"));
    assert_non_null(strstr(html, "&lt;script&gt;"));
    assert_non_null(strstr(html, "bad &lt;b&gt;"));
    assert_non_null(strstr(html, "a\\u202e.yaml:3"));
    assert_null(strstr(html, "style=\""));
    assert_non_null(strstr(html, "Content-Security-Policy"));
    free(html);
    char *markdown = render(&report, report_markdown);
    assert_non_null(strstr(markdown, "1 workload could not be priced"));
    assert_non_null(strstr(markdown, ":3: bad &#60;b&#62;"));
    free(markdown);
    report_release(&report);
}

static void an_empty_report_is_a_report(void **state)
{
    (void)state;
    report_renderer *all[] = {report_markdown, report_html, report_csv, report_json, report_table};
    for (size_t i = 0; i < ARRAY_COUNT(all); i++) {
        struct report report;
        assert_int_equal(report_init(&report, true, NULL), 0);
        report.meta.kind = ARTIFACT_INVENTORY;
        report_finish(&report);
        free(render(&report, all[i]));
        report_release(&report);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_format_has_the_same_sums),  cmocka_unit_test(the_biggest_change_comes_first),
        cmocka_unit_test(fields_follow_the_advice),        cmocka_unit_test(nothing_is_left_out),
        cmocka_unit_test(an_empty_report_is_a_report),     cmocka_unit_test(overrides_are_told), cmocka_unit_test(what_is_held_back_is_not_counted),
        cmocka_unit_test(a_request_left_out_is_its_limit), cmocka_unit_test(objects_named_twice_are_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
