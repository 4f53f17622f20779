#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pipeline/base/buf.h"
#include "pipeline/base/mem.h"
#include "reports/past/past.h"

static char path[] = "/tmp/tare-past-test.XXXXXX";

static int make_file(void **state)
{
    (void)state;
    int fd = mkstemp(path);
    return fd < 0 || close(fd) != 0;
}

static int remove_file(void **state)
{
    (void)state;
    return unlink(path);
}

static int read_text(const char *text, struct report_past **past, struct err *err)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
    return past_read(path, past, err);
}

static void assert_refused(const char *text)
{
    struct err err = {0};
    struct report_past *past = NULL;
    if (read_text(text, &past, &err) == 0) {
        fail_msg("%.200s is taken", text);
    }
    assert_null(past);
    assert_int_equal(err.class, ERR_DATA);
    assert_non_null(strstr(err.message, path));
}

static void what_the_ledger_knows_is_read(void **state)
{
    (void)state;
    struct err err = {0};
    struct report_past *past = NULL;
    assert_int_equal(
        read_text("{\"applied\":[{\"applied\":\"2026-11-22T03:00:00Z\",\"cluster\":\"prod\",\"expected_microusd\":50,\"measured\":2,"
                  "\"measured_by\":9,\"predicted_microusd\":40,\"realized_microusd\":-3,\"run\":7,\"workloads\":3},"
                  "{\"run\":8,\"workloads\":1,\"measured\":0,\"measured_by\":null}],\"llm\":{\"cost_microusd\":5,"
                  "\"exchanges\":1,\"failed\":2,\"unpriced\":3,\"cache_read_tokens\":4,\"input_tokens\":3,\"output_tokens\":4},\"narrowed\":true,\"run\":9,\"tare\":\"past\","
                  "\"trend\":[{\"created\":\"2026-11-22T03:00:00Z\",\"monthly_before_microusd\":null,\"run\":9,"
                  "\"state\":\"applied\",\"workloads\":4}],\"version\":1}",
                  &past, &err),
        0);
    assert_int_equal(past->run, 9);
    assert_true(past->narrowed);
    assert_int_equal(past->input_tokens, 3);
    assert_int_equal(past->failed, 2);
    assert_int_equal(past->unpriced, 3);
    assert_int_equal(past->cache_read_tokens, 4);
    assert_int_equal(past->llm_microusd, 5);
    assert_int_equal(past->trend_count, 1);
    assert_string_equal(past->trend[0].state, "applied");
    assert_int_equal(past->trend[0].before, 0);
    assert_int_equal(past->applied_count, 2);
    assert_int_equal(past->applied[0].expected, 50);
    assert_int_equal(past->applied[0].realized, -3);
    struct past_sums sums = past_sum(past);
    assert_int_equal(sums.plans, 1);
    assert_int_equal(sums.waiting, 1);
    assert_int_equal(sums.predicted, 40);
    assert_int_equal(sums.realized, -3);
    past_free(past);
}

static void what_is_something_else_is_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        "null",
        "[]",
        "{}",
        "{\"tare\":\"past\"}",
        "{\"tare\":\"past\",\"version\":2}",
        "{\"tare\":\"usage\",\"version\":1}",
        "{\"tare\":\"past\",\"version\":1",
        "{\"tare\":\"past\",\"version\":1,\"trend\":[1]}",
        "{\"tare\":\"past\",\"version\":1,\"applied\":[null]}",
        "{\"tare\":\"past\",\"version\":1,\"run\":-1}",
        "{\"tare\":\"past\",\"version\":1,\"run\":\"9\"}",
        "{\"tare\":\"past\",\"version\":1,\"run\":1.5}",
        "{\"tare\":\"past\",\"version\":1,\"llm\":{\"cost_microusd\":-5}}",
        "{\"tare\":\"past\",\"version\":1,\"llm\":{\"cost_microusd\":9223372036854775807}}",
        "{\"tare\":\"past\",\"version\":1,\"trend\":[{\"monthly_before_microusd\":9223372036854775807}]}",
        "{\"tare\":\"past\",\"version\":1,\"applied\":[{\"realized_microusd\":-9223372036854775808}]}",
        "{\"tare\":\"past\",\"version\":1,\"applied\":[{\"realized_microusd\":9223372036854775808}]}",
        "{\"tare\":\"past\",\"version\":1,\"trend\":[{\"state\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"}]}",
        "{\"tare\":\"past\",\"version\":1,\"version\":1}",
    };
    for (size_t i = 0; i < ARRAY_COUNT(texts); i++) {
        assert_refused(texts[i]);
    }
}

static void lists_and_files_are_bounded(void **state)
{
    (void)state;
    struct buf text;
    buf_init(&text, 64 * 1024 * 1024);
    buf_add_str(&text, "{\"tare\":\"past\",\"version\":1,\"trend\":[{}");
    for (int i = 0; i < 3 * PAST_RUNS_MAX; i++) {
        buf_add_str(&text, ",{\"monthly_saving_microusd\":700000000000000}");
    }
    buf_add_str(&text, "]}");
    struct err err = {0};
    struct report_past *past = NULL;
    assert_int_equal(read_text(buf_str(&text), &past, &err), 0);
    assert_int_equal(past->trend_count, PAST_RUNS_MAX);
    past_free(past);
    buf_clear(&text);
    buf_add_str(&text, "{\"tare\":\"past\",\"version\":1,\"trend\":[");
    while (text.length < 5 * 1024 * 1024) {
        buf_add_str(&text, "                                                                ");
    }
    buf_add_str(&text, "]}");
    assert_int_equal(read_text(buf_str(&text), &past, &err), -1);
    buf_release(&text);
    assert_int_equal(past_read("/nowhere/past", &past, &err), -1);
    assert_int_equal(err.class, ERR_NOINPUT);
}

static void odd_lists_are_none(void **state)
{
    (void)state;
    struct err err = {0};
    struct report_past *past = NULL;
    assert_int_equal(read_text("{\"tare\":\"past\",\"version\":1,\"trend\":{},\"applied\":null,\"llm\":[]}", &past, &err), 0);
    assert_int_equal(past->trend_count + past->applied_count, 0);
    past_free(past);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_the_ledger_knows_is_read),
        cmocka_unit_test(what_is_something_else_is_refused),
        cmocka_unit_test(lists_and_files_are_bounded),
        cmocka_unit_test(odd_lists_are_none),
    };
    return cmocka_run_group_tests(tests, make_file, remove_file);
}
