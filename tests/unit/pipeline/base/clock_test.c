/* Time: every day of the calendar there and back, RFC 3339 at its edges, durations, and where the clock starts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "pipeline/base/clock.h"
#include "pipeline/base/mem.h"

static void test_every_day(void **state)
{
    (void)state;
    static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int64_t days = date_to_days(1, 1, 1);
    assert_int_equal(date_to_days(1970, 1, 1), 0);
    assert_int_equal(date_to_days(2000, 3, 1), 11017);
    for (int64_t year = 1; year <= 9999; year++) {
        bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
        for (int month = 1; month <= 12; month++) {
            int last = lengths[month - 1] + (month == 2 && leap);
            for (int day = 1; day <= last; day++, days++) {
                int64_t y;
                int m;
                int d;
                days_to_date(days, &y, &m, &d);
                if (y != year || m != month || d != day || date_to_days(year, month, day) != days) {
                    fail_msg("%d-%d-%d", (int)year, month, day);
                }
            }
        }
    }
}

/* The C library's calendar agrees on seconds. */
static void test_format_like_libc(void **state)
{
    (void)state;
    for (int64_t at = INT64_C(-5000000000); at < INT64_C(250000000000); at += INT64_C(777777777)) {
        time_t libc = (time_t)at;
        struct tm parts;
        char wanted[64];
        char got[RFC3339_MAX];
        gmtime_r(&libc, &parts);
        strftime(wanted, sizeof wanted, "%Y-%m-%dT%H:%M:%SZ", &parts);
        assert_string_equal(time_format(at, got), wanted);
        int64_t back = 0;
        struct err err = {0};
        assert_int_equal(time_parse(got, &back, &err), 0);
        assert_int_equal(back, at);
    }
}

static void test_parse_good(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *utc;
    } cases[] = {
        {"2026-11-22T03:00:00Z", "2026-11-22T03:00:00Z"},
        {"2026-11-22t03:00:00z", "2026-11-22T03:00:00Z"},
        {"2026-11-22 03:00:00Z", "2026-11-22T03:00:00Z"},
        {"2026-11-22T03:00:00+01:00", "2026-11-22T02:00:00Z"},
        {"2026-11-22T03:00:00-05:30", "2026-11-22T08:30:00Z"},
        {"2026-01-01T00:30:00+14:00", "2025-12-31T10:30:00Z"},
        {"2026-11-22T03:00:00.999999999Z", "2026-11-22T03:00:00Z"},
        {"2024-02-29T00:00:00Z", "2024-02-29T00:00:00Z"},
        {"2000-02-29T00:00:00Z", "2000-02-29T00:00:00Z"},
        {"1969-12-31T23:59:59Z", "1969-12-31T23:59:59Z"},
        {"2016-12-31T23:59:60Z", "2017-01-01T00:00:00Z"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        int64_t instant = 0;
        struct err err = {0};
        if (time_parse(cases[i].text, &instant, &err)) {
            fail_msg("%s", err.message);
        }
        char text[RFC3339_MAX];
        assert_string_equal(time_format(instant, text), cases[i].utc);
    }
}

static void test_parse_bad(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "", "2026", "2026-11-22", "2026-11-22T03:00Z", "2026-11-22T03:00:00", "2026-11-22T03:00:00 Z",
        "2026-13-01T00:00:00Z", "2026-00-01T00:00:00Z", "2026-02-29T00:00:00Z", "2100-02-29T00:00:00Z",
        "2026-04-31T00:00:00Z", "2026-11-00T00:00:00Z", "2026-11-22T24:00:00Z", "2026-11-22T03:60:00Z",
        "2026-11-22T03:00:61Z", "2026-11-22T03:00:00.Z", "2026-11-22T03:00:00+1:00", "2026-11-22T03:00:00+0100",
        "2026-11-22T03:00:00+24:00", "2026-11-22T03:00:00+01:60", "2026-11-22T03:00:00Zx", " 2026-11-22T03:00:00Z",
        "+2026-11-22T03:00:00Z", "12026-11-22T03:00:00Z", "2026-1-22T03:00:00Z", "yesterday", "1763780400",
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        int64_t instant = 42;
        struct err err = {0};
        if (time_parse(cases[i], &instant, &err) == 0) {
            fail_msg("\"%s\" was taken", cases[i]);
        }
        assert_int_equal(err.class, ERR_DATA);
        assert_int_equal(instant, 42);
        assert_non_null(strstr(err.hint, "2026-11-22T03:00:00Z"));
    }
}

static void test_durations(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t seconds;
        const char *shortest;
    } good[] = {
        {"0s", 0, "0s"},   {"30s", 30, "30s"},        {"90s", 90, "90s"},      {"60s", 60, "1m"},  {"15m", 900, "15m"},
        {"6h", 21600, "6h"}, {"36h", 129600, "36h"},  {"48h", 172800, "2d"},   {"7d", 604800, "7d"},
        {"3650d", INT64_C(315360000), "3650d"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(good); i++) {
        int64_t seconds = -1;
        struct err err = {0};
        char text[RFC3339_MAX];
        assert_int_equal(duration_parse(good[i].text, &seconds, &err), 0);
        assert_int_equal(seconds, good[i].seconds);
        assert_string_equal(duration_format(seconds, text), good[i].shortest);
    }
    static const char *const bad[] = {"",    "7",   "d",    "7w",  "1h30m",  "-1s", "+1s", "-0s", " 7d",
                                      "7 d", "1.5h", "3651d", "99999999999999999999s", "7D", "7dd", "0x7d"};
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        int64_t seconds = 42;
        struct err err = {0};
        if (duration_parse(bad[i], &seconds, &err) == 0) {
            fail_msg("\"%s\" was taken", bad[i]);
        }
        assert_int_equal(seconds, 42);
        assert_int_equal(err.class, ERR_DATA);
    }
}

static void test_clock_starts_where_told(void **state)
{
    (void)state;
    struct err err = {0};
    unsetenv("TARE_NOW");
    assert_int_equal(clock_init(&err), 0);
    assert_true(llabs((long long)clock_now() - (long long)time(NULL)) <= 1);
    setenv("TARE_NOW", "yesterday", 1);
    assert_int_equal(clock_init(&err), -1);
    assert_int_equal(err.class, ERR_USAGE);
    assert_non_null(strstr(err.message, "TARE_NOW"));
    setenv("TARE_NOW", "2031-05-06T07:08:09+00:00", 1);
    assert_int_equal(clock_init(&err), 0);
    int64_t start = clock_now();
    char text[RFC3339_MAX];
    assert_string_equal(time_format(start, text), "2031-05-06T07:08:09Z");
    /* It runs on from there. */
    int64_t before = clock_monotonic_ms();
    clock_sleep_ms(1050);
    assert_true(clock_monotonic_ms() - before >= 1000);
    assert_true(clock_now() > start && clock_now() < start + 30);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_day),  cmocka_unit_test(test_format_like_libc), cmocka_unit_test(test_parse_good),
        cmocka_unit_test(test_parse_bad),  cmocka_unit_test(test_durations),        cmocka_unit_test(test_clock_starts_where_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
