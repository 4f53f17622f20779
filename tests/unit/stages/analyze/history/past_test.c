/* What a run leaves is what the next one reads; rows in any order; broken ones named by their line; days
 * inside the window not counted. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "pipeline/base/clock.h"
#include "stages/analyze/findings/findings.h"
#include "stages/analyze/history/history.h"
#include "tests/unit/stages/analyze/findings/weeks_builder.h"

#define HEADER "{\"tare\":\"history\",\"version\":1}\n"
#define ROW(name, day, low, high) \
    "{\"container\":\"app\",\"day\":\"" day "\",\"kind\":\"Deployment\",\"maximum\":" #high \
    ",\"mean\":1,\"minimum\":" #low ",\"name\":\"" name \
    "\",\"namespace\":\"shop\",\"samples\":24,\"series\":\"cpu_millicores\"}\n"

static char path[] = "/tmp/tare-past-XXXXXX";

static void write_file(const char *text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static struct history_past *open_text(const char *text)
{
    struct history_past *past = NULL;
    struct err err = {0};
    char digest[DIGEST_HEX];
    write_file(text);
    if (history_past_open(path, &past, digest, &err)) {
        fail_msg("%s", err.message);
    }
    return past;
}

static struct subject cart = {.namespace = "shop",
                              .looked_up_in = "shop",
                              .kind = "Deployment",
                              .name = "cart",
                              .window_start = INT64_C(1794700800)};
static struct container app = {.name = "app"};

static void test_rows(void **state)
{
    struct history_past *past =
        open_text(HEADER ROW("cart", "2026-11-13", 3, 9) ROW("other", "2026-11-01", 1, 99)
                      ROW("cart", "2026-11-11", 1, 5) ROW("cart", "2026-11-12", 2, 7)
                          ROW("cart", "2026-11-12", 1.5, 6) "{\"llm\":{\"provider\":\"x\"}}\n" ROW(
                              "cart", "2026-11-14", 0, 900) ROW("cart", "2026-11-15", 0, 900));
    struct past_days days;
    struct arena arena;
    (void)state;
    arena_init(&arena);
    cart.window_start = INT64_C(1794614400) + 3600; /* 2026-11-14T01:00:00Z */
    history_past_days(past, &cart, &app, CPU, &arena, &days);
    assert_int_equal(days.count, 3);
    assert_int_equal(days.day[0] + 1, days.day[1]);
    assert_int_equal(days.day[2], 1794614400 / 86400 - 1);
    assert_true(days.low[1] <= 1.5F && days.high[1] >= 7);
    assert_true(days.high[2] >= 9 && days.high[2] <= 9);
    history_past_days(past, &cart, &app, MEMORY, &arena, &days);
    assert_int_equal(days.count, 0);
    history_past_days(NULL, &cart, &app, CPU, &arena, &days);
    assert_int_equal(days.count, 0);
    arena_release(&arena);
    history_past_free(past);
}

static void test_broken(void **state)
{
    static const struct {
        const char *text, *word;
    } broken[] = {
        {"", "empty"},
        {"garbage\n", "line 1"},
        {"{\"tare\":\"history\",\"version\":2}\n", "line 1"},
        {HEADER "[1]\n", "line 2"},
        {HEADER ROW("a", "2026-11-13", 1, 2) "{\"container\":\"app\"}\n", "line 3"},
        {HEADER ROW("a", "2026-11-33", 1, 2), "line 2"},
        {HEADER ROW("a", "2026-11-13", 5, 2), "line 2"},
        {HEADER ROW("a", "2026-11-13", "x", 2), "line 2"},
        {HEADER "{\"llm\":{}}", "line 2"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof broken / sizeof *broken; i++) {
        struct history_past *past = NULL;
        struct err err = {0};
        char digest[DIGEST_HEX];
        write_file(broken[i].text);
        assert_int_equal(history_past_open(path, &past, digest, &err), -1);
        assert_int_equal(err.class, ERR_DATA);
        if (!strstr(err.message, broken[i].word)) {
            fail_msg("\"%s\" does not name %s", err.message, broken[i].word);
        }
        assert_null(past);
    }
    struct history_past *past = NULL;
    struct err err = {0};
    char digest[DIGEST_HEX];
    assert_int_equal(history_past_open("/nonexistent/history", &past, digest, &err), -1);
    assert_int_equal(err.class, ERR_NOINPUT);
}

/* Many series in mixed order: every one comes back. */
static void test_many(void **state)
{
    enum { SERIES = 5000, DAYS = 5 };
    FILE *file = fopen(path, "w");
    struct history_past *past = NULL;
    struct err err = {0};
    struct arena arena;
    char digest[DIGEST_HEX];
    (void)state;
    assert_non_null(file);
    (void)fputs(HEADER, file);
    for (int day = 0; day < DAYS; day++) {
        for (int i = 0; i < SERIES; i++) {
            (void)fprintf(file,
                          "{\"container\":\"app\",\"day\":\"2026-10-%02d\",\"kind\":\"Deployment\","
                          "\"maximum\":%d,\"minimum\":%d,\"name\":\"w%d\","
                          "\"namespace\":null,\"series\":\"memory_bytes\"}\n",
                          day + 1, i + day + 1, i, i);
        }
    }
    assert_int_equal(fclose(file), 0);
    assert_int_equal(history_past_open(path, &past, digest, &err), 0);
    arena_init(&arena);
    for (int i = 0; i < SERIES; i++) {
        char name[16];
        struct past_days days;
        (void)snprintf(name, sizeof name, "w%d", i);
        const struct subject subject = {
            .looked_up_in = "default", .kind = "Deployment", .name = name, .window_start = cart.window_start};
        history_past_days(past, &subject, &app, MEMORY, &arena, &days);
        assert_int_equal(days.count, DAYS);
        assert_int_equal((int)days.high[DAYS - 1], i + DAYS);
        assert_int_equal((int)days.low[0], i);
        arena_clear(&arena);
    }
    arena_release(&arena);
    history_past_free(past);
}

static json_t *findings_of(const struct week *week, const struct history_past *past, struct history_out *out)
{
    struct policy policy = {.limits = {LIMITS_KEEP, LIMITS_HEADROOM}, .minimum_history_seconds = 86400};
    struct subject subject;
    struct plan plan;
    struct arena arena;
    guardrails_default(&policy.guardrails);
    arena_init(&arena);
    json_t *record = week_record(week);
    subject_read(record, &arena, &subject);
    plan_make(&subject, &policy, &arena, &plan);
    json_t *findings = findings_new(&plan, past, &arena);
    history_add(out, &subject);
    json_decref(record);
    arena_release(&arena);
    return findings;
}

static bool names(const json_t *findings, const char *code)
{
    for (size_t i = 0; i < json_array_size(findings); i++) {
        if (!strcmp(json_string_value(json_object_get(json_array_get(findings, i), "code")), code)) {
            return true;
        }
    }
    return false;
}

/* Wednesdays at nine: told as a spike by a run that knows one week, and as what it is by one that knows the
 * weeks before. */
static void test_weeks(void **state)
{
    static struct week month;
    static struct week last;
    struct history_out *out = NULL;
    struct history_past *past = NULL;
    struct err err = {0};
    char digest[DIGEST_HEX];
    (void)state;
    rng_seed(11);
    month.count = 4 * WEEK_STEPS;
    month.cpu_request = 300;
    month.memory_request = 400 * WEEK_MIB;
    week_fill(month.cpu, month.count, 120, 0.06);
    week_fill(month.memory, month.count, 300 * WEEK_MIB, 0.01);
    for (size_t i = 0; i < month.count; i++) {
        month.cpu[i] *=
            week_weekday(&month, i) == 3 && week_hour(&month, i) >= 9 && week_hour(&month, i) < 13 ? 6 : 1;
    }
    last = month;
    last.count = WEEK_STEPS;
    memmove(last.cpu, month.cpu + 3 * WEEK_STEPS, WEEK_STEPS * sizeof *last.cpu);
    memmove(last.memory, month.memory + 3 * WEEK_STEPS, WEEK_STEPS * sizeof *last.memory);
    assert_int_equal(history_open(path, &out, &err), 0);
    json_decref(findings_of(&month, NULL, out));
    assert_int_equal(history_finish(out, &err), 0);
    assert_int_equal(history_past_open(path, &past, digest, &err), 0);
    json_t *before = findings_of(&last, NULL, NULL);
    json_t *after = findings_of(&last, past, NULL);
    assert_true(names(before, "cpu-spike") && !names(before, "weekly-batch"));
    assert_true(names(after, "weekly-batch") && !names(after, "cpu-spike"));
    json_decref(before);
    json_decref(after);
    history_past_free(past);
}

static int setup(void **state)
{
    (void)state;
    int fd = mkstemp(path);
    return fd < 0 ? -1 : close(fd);
}

static int teardown(void **state)
{
    (void)state;
    return unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_broken),
        cmocka_unit_test(test_many),
        cmocka_unit_test(test_weeks),
    };
    json_init();
    return cmocka_run_group_tests_name("past", tests, setup, teardown);
}
