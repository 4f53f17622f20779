/* Sums of runs together: exact at the edges, and refused past them. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pipeline/io/json.h"
#include "reports/batch/batch.h"
#include "reports/batch/words.h"

static void test_sums(void **state)
{
    (void)state;
    struct report_sums sums = report_no_sums();
    struct report_sums one = report_no_sums();
    one.workloads = 3;
    one.changed = 2;
    one.held = 1;
    one.unpriced = 1;
    one.before = REPORT_MONEY_MAX - 1;
    one.after = 5;
    one.proposed = 4;
    one.waste_known = false;
    one.risks[RISK_HIGH] = 2;
    assert_true(report_sums_add(&sums, &one));
    assert_true(sums.before == REPORT_MONEY_MAX - 1 && sums.workloads == 3 && sums.risks[RISK_HIGH] == 2);
    assert_false(sums.waste_known);
    assert_true(sums.resource_waste_known);
    struct report_sums last = report_no_sums();
    last.before = 1;
    assert_true(report_sums_add(&sums, &last));
    assert_true(sums.before == REPORT_MONEY_MAX);
    assert_false(report_sums_add(&sums, &last));
}

static void test_each_sum_is_bounded(void **state)
{
    (void)state;
    static const size_t money[] = {
        offsetof(struct report_sums, before),       offsetof(struct report_sums, after),
        offsetof(struct report_sums, proposed),     offsetof(struct report_sums, waste_before),
        offsetof(struct report_sums, waste_after),  offsetof(struct report_sums, resource_before),
        offsetof(struct report_sums, resource_after), offsetof(struct report_sums, resource_waste_before),
        offsetof(struct report_sums, resource_waste_after),
    };
    for (size_t i = 0; i < sizeof money / sizeof money[0]; i++) {
        struct report_sums sums = report_no_sums();
        struct report_sums more = report_no_sums();
        int64_t most = REPORT_MONEY_MAX;
        memcpy((char *)&sums + money[i], &most, sizeof most);
        memcpy((char *)&more + money[i], &most, sizeof most);
        assert_false(report_sums_add(&sums, &more));
    }
}

static void collect(const char *text, void *context)
{
    json_array_append_new(context, json_string_safe(text));
}

static void test_words(void **state)
{
    (void)state;
    char eu[] = "eu";
    char us[] = "us";
    char failed[] = "failed";
    char applied[] = "applied";
    char prices[] = "Prices of a day.";
    char others[] = "Prices of another.";
    struct batch_run runs[] = {{.run = 1, .cluster = eu, .state = applied, .counted = true, .prices = prices},
                               {.run = 2, .cluster = us, .state = failed}};
    struct batch_report batch = {.runs = runs, .run_count = 2, .counted = 1, .totals = report_no_sums()};
    json_t *lines = json_array();
    struct buf text;
    buf_init(&text, 1024);
    batch_total(&batch, &text);
    assert_string_equal(buf_str(&text), "1 cluster, 0 workloads, 0 changes; the cost stays at $0 a month.");
    batch.totals.before = 3000000;
    batch.totals.after = 1000000;
    buf_clear(&text);
    batch_total(&batch, &text);
    assert_string_equal(buf_str(&text), "1 cluster, 0 workloads, 0 changes: from $3 to $1 a month, $2 less a month ($24 a year).");
    batch_gaps(&batch, collect, lines);
    assert_int_equal(json_array_size(lines), 1);
    assert_string_equal(json_string_value(json_array_get(lines, 0)), "us (run 2) failed and is in no sum: no reason was given.");
    json_array_clear(lines);
    batch_prices(&batch, collect, lines);
    assert_string_equal(json_string_value(json_array_get(lines, 0)), prices);
    runs[1] = (struct batch_run){.run = 2, .cluster = us, .state = applied, .counted = true, .prices = others};
    char reason[] = "every change is blocked by the gate";
    runs[1].state = failed;
    runs[1].reason = reason;
    json_array_clear(lines);
    batch_gaps(&batch, collect, lines);
    assert_int_equal(json_array_size(lines), 1);
    assert_string_equal(json_string_value(json_array_get(lines, 0)),
                        "us (run 2) is failed: every change is blocked by the gate; its plan is in the sums.");
    json_array_clear(lines);
    batch_prices(&batch, collect, lines);
    assert_int_equal(json_array_size(lines), 2);
    assert_string_equal(json_string_value(json_array_get(lines, 1)), "us: Prices of another.");
    json_decref(lines);
    buf_release(&text);
}

int main(void)
{
    json_init();
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_sums), cmocka_unit_test(test_each_sum_is_bounded), cmocka_unit_test(test_words)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
