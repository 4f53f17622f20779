/* Schedules: what they mean, when they come next and came last, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "pipeline/base/clock.h"
#include "pipeline/base/mem.h"
#include "pipeline/run/cron.h"

static const int64_t FAR = INT64_C(20000) * 366 * 86400;

static int64_t at(const char *text)
{
    int64_t instant = 0;
    struct err err = {0};
    if (time_parse(text, &instant, &err)) {
        fail_msg("%s: %s", text, err.message);
    }
    return instant;
}

struct cron_case {
    const char *schedule;
    const char *from;
    const char *next;
    const char *previous;
};

static const struct cron_case cases[] = {
    {"* * * * *", "2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z"},
    {"* * * * *", "2026-01-01T00:00:01Z", "2026-01-01T00:01:00Z", "2026-01-01T00:00:00Z"},
    {"0 22 * * 1-5", "2026-11-20T22:00:01Z", "2026-11-23T22:00:00Z", "2026-11-20T22:00:00Z"},
    {"0 22 * * MON-FRI", "2026-11-22T12:00:00Z", "2026-11-23T22:00:00Z", "2026-11-20T22:00:00Z"},
    {"0 0 * * 0", "2026-11-20T00:00:00Z", "2026-11-22T00:00:00Z", "2026-11-15T00:00:00Z"},
    {"0 0 * * 7", "2026-11-20T00:00:00Z", "2026-11-22T00:00:00Z", "2026-11-15T00:00:00Z"},
    {"0 0 * * 5-7", "2026-11-21T00:00:01Z", "2026-11-22T00:00:00Z", "2026-11-21T00:00:00Z"},
    {"0 0 * * fri-sun", "2026-11-23T00:00:00Z", "2026-11-27T00:00:00Z", "2026-11-22T00:00:00Z"},
    {"0 0 29 2 *", "2026-01-01T00:00:00Z", "2028-02-29T00:00:00Z", "2024-02-29T00:00:00Z"},
    {"0 0 29 2 *", "2097-01-01T00:00:00Z", "2104-02-29T00:00:00Z", "2096-02-29T00:00:00Z"},
    {"0 0 31 * *", "2026-04-01T00:00:00Z", "2026-05-31T00:00:00Z", "2026-03-31T00:00:00Z"},
    {"0 0 1 1 *", "2026-12-31T23:59:59Z", "2027-01-01T00:00:00Z", "2026-01-01T00:00:00Z"},
    /* both day fields restricted: either may match */
    {"0 0 13 * 5", "2026-11-01T00:00:00Z", "2026-11-06T00:00:00Z", "2026-10-30T00:00:00Z"},
    {"0 0 13 * 5", "2026-11-07T00:00:00Z", "2026-11-13T00:00:00Z", "2026-11-06T00:00:00Z"},
    {"0 0 15 * 1", "2026-11-10T00:00:00Z", "2026-11-15T00:00:00Z", "2026-11-09T00:00:00Z"},
    /* a field that begins with a star is not restricted: both must match */
    {"0 0 */2 * 1", "2026-11-01T00:00:00Z", "2026-11-09T00:00:00Z", "2026-10-19T00:00:00Z"},
    {"0 0 13 * */1", "2026-11-01T00:00:00Z", "2026-11-13T00:00:00Z", "2026-10-13T00:00:00Z"},
    {"*/15 * * * *", "2026-11-01T00:16:00Z", "2026-11-01T00:30:00Z", "2026-11-01T00:15:00Z"},
    {"5-59/20 8-10 * * *", "2026-11-01T10:26:00Z", "2026-11-01T10:45:00Z", "2026-11-01T10:25:00Z"},
    {"5-59/20 8-10 * * *", "2026-11-01T10:46:00Z", "2026-11-02T08:05:00Z", "2026-11-01T10:45:00Z"},
    {"50/5 23 * * *", "2026-11-01T23:56:00Z", "2026-11-02T23:50:00Z", "2026-11-01T23:55:00Z"},
    {"0,30 6,18 * jan,JUL *", "2026-03-01T00:00:00Z", "2026-07-01T06:00:00Z", "2026-01-31T18:30:00Z"},
    {"59 23 31 12 *", "2026-12-31T23:59:00Z", "2026-12-31T23:59:00Z", "2026-12-31T23:59:00Z"},
    {"\t0  0 * *\t* ", "2026-11-01T10:00:00Z", "2026-11-02T00:00:00Z", "2026-11-01T00:00:00Z"},
    {"0 0 * * *", "1969-12-31T12:00:00Z", "1970-01-01T00:00:00Z", "1969-12-31T00:00:00Z"},
};

static void expect(const char *schedule, const char *what, bool found, int64_t got, const char *want)
{
    char text[RFC3339_MAX];
    if (!found || strcmp(time_format(got, text), want) != 0) {
        fail_msg("\"%s\" %s: got %s, want %s", schedule, what, found ? text : "nothing", want);
    }
}

static void test_cases(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct cron cron;
        struct err err = {0};
        int64_t got = 0;
        if (cron_parse(cases[i].schedule, &cron, &err)) {
            fail_msg("%s", err.message);
        }
        bool found = cron_next(&cron, at(cases[i].from), FAR, &got);
        expect(cases[i].schedule, "next", found, got, cases[i].next);
        found = cron_previous(&cron, at(cases[i].from), -FAR, &got);
        expect(cases[i].schedule, "previous", found, got, cases[i].previous);
    }
}

static void test_limits(void **state)
{
    (void)state;
    struct cron cron;
    int64_t got = 0;
    assert_int_equal(cron_parse("0 12 * * *", &cron, NULL), 0);
    int64_t noon = at("2026-11-22T12:00:00Z");
    assert_false(cron_next(&cron, noon - 60, noon, &got));
    assert_true(cron_next(&cron, noon - 60, noon + 1, &got));
    assert_false(cron_previous(&cron, noon + 60, noon, &got));
    assert_true(cron_previous(&cron, noon + 60, noon - 1, &got));
}

/* Both directions agree with asking every minute. */
static void test_against_every_minute(void **state)
{
    (void)state;
    static const char *const schedules[] = {"*/7 3-5,22 * * *", "0 0 1,15 * 1", "30 9 * 2 6",
                                            "15 */6 28-31 * *"};
    for (size_t i = 0; i < ARRAY_COUNT(schedules); i++) {
        struct cron cron;
        assert_int_equal(cron_parse(schedules[i], &cron, NULL), 0);
        int64_t last = -1;
        int64_t got = 0;
        for (int64_t t = at("2026-01-25T00:00:00Z"); t < at("2026-03-05T00:00:00Z"); t += 60) {
            if (cron_next(&cron, t, t + 1, &got)) {
                last = t;
                assert_int_equal(got, t);
            }
            if (last >= 0) {
                assert_true(cron_previous(&cron, t, -FAR, &got));
                assert_int_equal(got, last);
            }
        }
    }
}

static void test_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "* * * *",
        "* * * * * *",
        "60 * * * *",
        "* 24 * * *",
        "* * 0 * *",
        "* * 32 * *",
        "* * * 0 *",
        "* * * 13 *",
        "* * * * 8",
        "*/0 * * * *",
        "*/60 * * * *",
        "5-1 * * * *",
        "1, * * * *",
        ",1 * * * *",
        "1,,2 * * * *",
        "a * * * *",
        "* * * foo *",
        "* * * * mo",
        "-1 * * * *",
        "1-2-3 * * * *",
        "1/2/3 * * * *",
        "* * * * sat-mon",
        "@daily",
        "? * * * *",
        "0 0 L * *",
        "0 0 * * 1#2",
        "0 0 30 2 *",
        "0 0 31 4,6,9,11 *",
        "99999999999 * * * *",
        "* * * janx *",
        "*5 * * * *",
        "0x1 * * * *",
    };
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        struct cron cron;
        struct err err = {0};
        if (cron_parse(bad[i], &cron, &err) == 0) {
            fail_msg("\"%s\" was taken", bad[i]);
        }
        assert_int_equal(err.class, ERR_CONFIG);
        assert_true(strlen(err.message) > 10);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cases),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_against_every_minute),
        cmocka_unit_test(test_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
