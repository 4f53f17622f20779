/* Recurrence rules: looked for from the middle they give what they give from the start, whatever they are made of. */
#include "pipeline/io/recur.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "pipeline/base/clock.h"
#include "pipeline/base/mem.h"
#include "tests/harness/rounds.h"

enum { DAY = 86400, LISTED = 4000 };

static int64_t wall_of(const char *text)
{
    int64_t instant = 0;
    assert_int_equal(time_parse(text, &instant, NULL), 0);
    return instant;
}

/* The readings of a rule from its start, at most LISTED (fewer under valgrind) and none after 2040. */
static size_t list(const char *rule, int64_t first, int64_t out[LISTED])
{
    struct recur *recur = NULL;
    int64_t wall = 0;
    size_t count = 0;
    assert_int_equal(recur_new(rule, first, &recur, NULL), 0);
    while (count < (size_t)rounds_of(LISTED) && recur_next(recur, &wall) && wall < wall_of("2040-01-01T00:00:00Z")) {
        if (count > 0 && wall <= out[count - 1]) {
            char text[RFC3339_MAX];
            fail_msg("%s goes back at %s", rule, time_format(wall, text));
        }
        out[count++] = wall;
    }
    recur_free(recur);
    return count;
}

static void seek_everywhere(const char *rule, int64_t first)
{
    static int64_t all[LISTED];
    struct recur *recur = NULL;
    size_t count = list(rule, first, all);
    assert_int_equal(recur_new(rule, first, &recur, NULL), 0);
    for (size_t i = 0; i + 3 < count; i += 1 + count / 150) {
        static const int64_t off[] = {0, -1, 1, 3600, -7 * DAY};
        for (size_t j = 0; j < ARRAY_COUNT(off); j++) {
            int64_t from = all[i] + off[j];
            size_t next = 0;
            while (next < count && all[next] < from) {
                next++;
            }
            recur_seek(recur, from);
            for (size_t k = next; k < next + 3 && k < count; k++) {
                int64_t wall = 0;
                bool found = recur_next(recur, &wall);
                if (!found || wall != all[k]) {
                    char a[RFC3339_MAX];
                    char b[RFC3339_MAX];
                    char c[RFC3339_MAX];
                    fail_msg("%s since %s: from %s %s", rule, time_format(first, c), time_format(from, a), found ? time_format(wall, b) : "none");
                }
            }
        }
    }
    recur_free(recur);
}

static void test_seek(void **state)
{
    static const char *const rules[] = {
        "FREQ=DAILY", "FREQ=DAILY;INTERVAL=5", "FREQ=DAILY;BYMONTH=12;BYMONTHDAY=24,31", "FREQ=DAILY;BYDAY=SA,SU",
        "FREQ=DAILY;BYHOUR=0,6,12,18", "FREQ=DAILY;BYHOUR=9,17;BYMINUTE=0,30;BYSETPOS=2,-1", "FREQ=DAILY;INTERVAL=3;BYMONTH=1,2",
        "FREQ=WEEKLY", "FREQ=WEEKLY;BYDAY=MO,WE,FR", "FREQ=WEEKLY;INTERVAL=2;BYDAY=TU,SU;WKST=SU", "FREQ=WEEKLY;INTERVAL=2;BYDAY=TU,SU;WKST=MO",
        "FREQ=WEEKLY;INTERVAL=3;BYDAY=FR;BYMONTH=6,7", "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1", "FREQ=WEEKLY;INTERVAL=4;WKST=TH",
        "FREQ=MONTHLY", "FREQ=MONTHLY;BYMONTHDAY=31", "FREQ=MONTHLY;BYMONTHDAY=-1", "FREQ=MONTHLY;BYMONTHDAY=13;BYDAY=FR",
        "FREQ=MONTHLY;BYDAY=1MO,3MO", "FREQ=MONTHLY;BYDAY=-1FR;INTERVAL=5", "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1",
        "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=1,2,-2", "FREQ=MONTHLY;INTERVAL=7;BYMONTHDAY=1,15", "FREQ=MONTHLY;BYMONTH=3;BYDAY=-1SU",
        "FREQ=YEARLY", "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29", "FREQ=YEARLY;BYMONTH=1;BYDAY=SU;BYHOUR=8,9", "FREQ=YEARLY;BYYEARDAY=1,100,-1",
        "FREQ=YEARLY;BYWEEKNO=20;BYDAY=MO", "FREQ=YEARLY;BYWEEKNO=18,34", "FREQ=YEARLY;INTERVAL=2;BYWEEKNO=7;WKST=SA",
        "FREQ=YEARLY;BYWEEKNO=2,51;BYDAY=MO,TH", "FREQ=YEARLY;BYDAY=20MO", "FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10",
        "FREQ=YEARLY;INTERVAL=2;BYMONTH=12;BYDAY=-1FR", "FREQ=YEARLY;INTERVAL=4;BYMONTH=11;BYDAY=TU;BYMONTHDAY=2,3,4,5,6,7,8",
        "FREQ=YEARLY;BYMONTH=6;BYDAY=MO,TU,WE;BYSETPOS=3,-1", "FREQ=YEARLY;INTERVAL=3;COUNT=10;BYYEARDAY=1,100,200", "FREQ=DAILY;COUNT=500",
        "FREQ=MONTHLY;COUNT=40;BYDAY=2TU"};
    static const char *const starts[] = {"1997-01-01T09:00:00Z", "2020-02-29T00:00:00Z", "2024-12-31T23:59:59Z", "2000-06-15T12:30:00Z"};
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(rules); i++) {
        for (size_t j = 0; j < ARRAY_COUNT(starts); j++) {
            seek_everywhere(rules[i], wall_of(starts[j]));
        }
    }
}

/* Weeks without a day are those of the start's weekday (RFC 5545 §3.3.10): Wednesdays of weeks 18 and 34. */
static void test_weeks_without_a_day(void **state)
{
    static const char *const starts[] = {"2064-11-12T15:00:00Z", "2026-11-11T15:00:00Z"};
    static const char *const wanted[][3] = {{"2065-04-29T15:00:00Z", "2065-08-19T15:00:00Z", "2066-05-05T15:00:00Z"},
                                            {"2027-05-05T15:00:00Z", "2027-08-25T15:00:00Z", "2028-05-03T15:00:00Z"}};
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(starts); i++) {
        struct recur *recur = NULL;
        struct err err = {0};
        assert_int_equal(recur_new("FREQ=YEARLY;BYWEEKNO=18,34", wall_of(starts[i]), &recur, &err), 0);
        for (size_t j = 0; j < ARRAY_COUNT(wanted[i]); j++) {
            int64_t wall;
            char text[RFC3339_MAX];
            assert_true(recur_next(recur, &wall));
            assert_string_equal(time_format(wall, text), wanted[i][j]);
        }
        recur_free(recur);
    }
}

static void test_refused(void **state)
{
    static const char *const rules[] = {"", "FREQ=", "DAILY", "FREQ=DAILY;BYHOUR=25", "FREQ=DAILY;INTERVAL=0", "FREQ=FORTNIGHTLY"};
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(rules); i++) {
        struct recur *recur = NULL;
        struct err err = {0};
        assert_int_equal(recur_new(rules[i], 0, &recur, &err), -1);
        assert_int_equal(err.class, ERR_CONFIG);
        assert_null(recur);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_seek), cmocka_unit_test(test_weeks_without_a_day),
                                       cmocka_unit_test(test_refused)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
