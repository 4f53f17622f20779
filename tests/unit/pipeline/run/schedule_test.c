/* When runs are due: instants over changes of clocks, what was missed, what is late, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pipeline/base/clock.h"
#include "pipeline/base/mem.h"
#include "pipeline/run/schedule.h"

static int64_t at(const char *text)
{
    int64_t instant = 0;
    struct err err = {0};
    if (time_parse(text, &instant, &err)) {
        fail_msg("%s: %s", text, err.message);
    }
    return instant;
}

static struct schedule_rule rule_of(const char *cron, const char *zone)
{
    struct schedule_rule rule;
    struct err err = {0};
    if (schedule_rule_read(cron, zone, &rule, &err)) {
        fail_msg("%s %s: %s", cron, zone, err.message);
    }
    return rule;
}

static const struct next_case {
    const char *cron;
    const char *zone;
    const char *after;
    const char *next[4];
} next_cases[] = {
    {"0 3 * * 1", "UTC", "2026-11-22T22:00:00Z", {"2026-11-23T03:00:00Z", "2026-11-30T03:00:00Z", NULL}},
    {"0 3 * * *", "UTC", "2026-11-23T03:00:00Z", {"2026-11-24T03:00:00Z", NULL}},
    {"0 3 * * *", "UTC", "2026-11-23T02:59:59Z", {"2026-11-23T03:00:00Z", NULL}},
    {"30 2 * * *", "Europe/Berlin", "2026-03-28T00:00:00Z",
     {"2026-03-28T01:30:00Z", "2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z", NULL}},
    {"30 2 * * *", "Europe/Berlin", "2026-10-24T12:00:00Z", {"2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z", NULL}},
    {"*/20 * * * *", "Europe/Berlin", "2026-03-29T00:20:00Z",
     {"2026-03-29T00:40:00Z", "2026-03-29T01:00:00Z", "2026-03-29T01:20:00Z", NULL}},
    {"*/30 2 * * *", "Europe/Berlin", "2026-03-28T12:00:00Z", {"2026-03-29T01:00:00Z", "2026-03-30T00:00:00Z", NULL}},
    {"0 * * * *", "Europe/Berlin", "2026-10-24T23:00:00Z", {"2026-10-25T00:00:00Z", "2026-10-25T02:00:00Z", NULL}},
    {"30 2 * * *", "America/New_York", "2026-03-07T12:00:00Z", {"2026-03-08T07:00:00Z", "2026-03-09T06:30:00Z", NULL}},
    {"30 1 * * *", "America/New_York", "2026-10-31T12:00:00Z", {"2026-11-01T05:30:00Z", "2026-11-02T06:30:00Z", NULL}},
    {"15 2 * * *", "Australia/Lord_Howe", "2026-10-03T00:00:00Z", {"2026-10-03T15:30:00Z", "2026-10-04T15:15:00Z", NULL}},
    {"45 1 * * *", "Australia/Lord_Howe", "2026-04-03T20:00:00Z", {"2026-04-04T14:45:00Z", "2026-04-05T15:15:00Z", NULL}},
    {"0 0 * * *", "America/Santiago", "2026-09-05T12:00:00Z", {"2026-09-06T04:00:00Z", "2026-09-07T03:00:00Z", NULL}},
    {"0 0 29 2 *", "UTC", "2025-01-01T00:00:00Z", {"2028-02-29T00:00:00Z", "2032-02-29T00:00:00Z", NULL}},
    {"59 23 31 12 *", "Pacific/Kiritimati", "2026-01-01T00:00:00Z", {"2026-12-31T09:59:00Z", NULL}},
    {"0 3 1 * 1", "UTC", "2026-11-28T00:00:00Z", {"2026-11-30T03:00:00Z", "2026-12-01T03:00:00Z", "2026-12-07T03:00:00Z", NULL}},
    {"0 12 * * *", "Pacific/Apia", "2011-12-29T00:00:00Z", {"2011-12-29T22:00:00Z", "2011-12-30T10:00:00Z", "2011-12-30T22:00:00Z", NULL}},
};

static void test_next(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(next_cases); i++) {
        struct schedule_rule rule = rule_of(next_cases[i].cron, next_cases[i].zone);
        int64_t after = at(next_cases[i].after);
        for (size_t k = 0; next_cases[i].next[k] != NULL; k++) {
            char got[RFC3339_MAX];
            after = schedule_next(&rule, after);
            if (strcmp(time_format(after, got), next_cases[i].next[k]) != 0) {
                fail_msg("%s in %s: %s, not %s", next_cases[i].cron, next_cases[i].zone, got, next_cases[i].next[k]);
            }
        }
        schedule_rule_release(&rule);
    }
}

static const struct judge_case {
    const char *handled;
    const char *now;
    int64_t grace;
    bool late_runs;
    enum schedule_verdict verdict;
    const char *due;
    int64_t missed;
} judge_cases[] = {
    {"2026-11-22T03:00:00Z", "2026-11-23T02:59:59Z", 3600, false, SCHEDULE_NOT_DUE, NULL, 0},
    {"2026-11-22T03:00:00Z", "2026-11-23T03:00:00Z", 3600, false, SCHEDULE_DUE, "2026-11-23T03:00:00Z", 0},
    {"2026-11-22T03:00:00Z", "2026-11-23T04:00:00Z", 3600, false, SCHEDULE_DUE, "2026-11-23T03:00:00Z", 0},
    {"2026-11-22T03:00:00Z", "2026-11-23T04:00:01Z", 3600, false, SCHEDULE_LATE, "2026-11-23T03:00:00Z", 0},
    {"2026-11-22T03:00:00Z", "2026-11-23T04:00:01Z", 3600, true, SCHEDULE_DUE, "2026-11-23T03:00:00Z", 0},
    {"2026-11-22T03:00:00Z", "2026-11-26T03:10:00Z", 3600, false, SCHEDULE_DUE, "2026-11-26T03:00:00Z", 3},
    {"2026-11-22T03:00:00Z", "2026-11-26T12:00:00Z", 3600, false, SCHEDULE_LATE, "2026-11-26T03:00:00Z", 3},
    {"2026-11-22T03:00:00Z", "2026-11-26T12:00:00Z", 3600, true, SCHEDULE_DUE, "2026-11-26T03:00:00Z", 3},
    {"2026-11-22T12:34:56Z", "2026-11-22T12:34:56Z", 60, true, SCHEDULE_NOT_DUE, NULL, 0},
    {"2026-11-23T03:00:00Z", "2026-11-22T03:00:00Z", 60, true, SCHEDULE_NOT_DUE, NULL, 0}, /* the clock was set back */
};

static void test_judge(void **state)
{
    (void)state;
    struct schedule_rule rule = rule_of("0 3 * * *", "UTC");
    for (size_t i = 0; i < ARRAY_COUNT(judge_cases); i++) {
        const struct judge_case *c = &judge_cases[i];
        struct schedule_answer answer = schedule_judge(&rule, at(c->handled), at(c->now), c->grace, c->late_runs);
        assert_int_equal(answer.verdict, c->verdict);
        assert_int_equal(answer.due, c->due == NULL ? 0 : at(c->due));
        assert_int_equal(answer.missed, c->missed);
    }
    schedule_rule_release(&rule);
    rule = rule_of("* * * * *", "Europe/Berlin");
    assert_int_equal(schedule_judge(&rule, at("2000-01-01T00:00:00Z"), at("2026-01-01T00:00:00Z"), 60, true).missed, SCHEDULE_MISSED_MAX);
    schedule_rule_release(&rule);
}

static const struct word_case {
    int (*read)(const char *text, char **out, struct err *err);
    const char *text;
    const char *cron; /* NULL: refused */
} word_cases[] = {
    {schedule_daily, "03:00", "0 3 * * *"},
    {schedule_daily, "3:05", "5 3 * * *"},
    {schedule_daily, "23:59", "59 23 * * *"},
    {schedule_daily, "24:00", NULL},
    {schedule_daily, "3", NULL},
    {schedule_daily, "3:5", NULL},
    {schedule_daily, "03:60", NULL},
    {schedule_daily, "-3:00", NULL},
    {schedule_daily, "03:00:00", NULL},
    {schedule_daily, "03:+1", NULL},
    {schedule_daily, "", NULL},
    {schedule_daily, "003:00", NULL},
    {schedule_weekly, "mon@03:00", "0 3 * * mon"},
    {schedule_weekly, "Mon,THU@3:00", "0 3 * * Mon,THU"},
    {schedule_weekly, "monday@03:00", NULL},
    {schedule_weekly, "mon,@03:00", NULL},
    {schedule_weekly, "1@03:00", NULL},
    {schedule_weekly, "mon 03:00", NULL},
    {schedule_weekly, "@03:00", NULL},
    {schedule_weekly, "mon@", NULL},
    {schedule_weekly, "n m@03:00", NULL},
    {schedule_weekly, "mo@03:00", NULL},
    {schedule_monthly, "1@03:00", "0 3 1 * *"},
    {schedule_monthly, "28@23:30", "30 23 28 * *"},
    {schedule_monthly, "29@03:00", NULL},
    {schedule_monthly, "0@03:00", NULL},
    {schedule_monthly, "32@03:00", NULL},
    {schedule_monthly, "-1@03:00", NULL},
    {schedule_monthly, "1", NULL},
    {schedule_monthly, "1@", NULL},
    {schedule_monthly, "first@03:00", NULL},
};

static void test_words(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(word_cases); i++) {
        char *cron = NULL;
        struct err err = {0};
        int failed = word_cases[i].read(word_cases[i].text, &cron, &err);
        if ((failed != 0) != (word_cases[i].cron == NULL) || (!failed && strcmp(cron, word_cases[i].cron) != 0)) {
            fail_msg("%s: %s", word_cases[i].text, failed ? err.message : cron);
        }
        if (failed) {
            assert_int_equal(err.class, ERR_USAGE);
            assert_true(err.hint[0] != '\0');
        }
        free(cron);
    }
}

static void test_names(void **state)
{
    (void)state;
    static const char *const good[] = {"a", "nightly", "shop-weekly-2", "abcdefghijklmnopqrstuvwxyzabcdefghijklmn"};
    static const char *const bad[] = {"", "-", "a-", "1a", "Nightly", "a b", "a'b", "a;drop table x", "../a", "a/b", "a.b", "a_b", "naïve",
                                      "abcdefghijklmnopqrstuvwxyzabcdefghijklmno"};
    struct err err = {0};
    for (size_t i = 0; i < ARRAY_COUNT(good); i++) {
        assert_int_equal(schedule_name(good[i], &err), 0);
    }
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        assert_int_equal(schedule_name(bad[i], &err), -1);
        assert_int_equal(err.class, ERR_USAGE);
    }
}

static const struct text_case {
    const char *cron;
    const char *zone;
    const char *calendars;
    const char *kubernetes;
} text_cases[] = {
    {"0 3 * * 1", "UTC", "OnCalendar=Mon *-*-* 3:0:00 UTC\n", "0 3 * * 1"},
    {"*/15 8-18 * * 1-5", "UTC", "OnCalendar=Mon,Tue,Wed,Thu,Fri *-*-* 8..18:0,15,30,45:00 UTC\n", "0,15,30,45 8-18 * * 1-5"},
    {"0 3 * * 7", "UTC", "OnCalendar=Sun *-*-* 3:0:00 UTC\n", "0 3 * * 0"},
    {"0 3 1 1,7 *", "UTC", "OnCalendar=*-1,7-1 3:0:00 UTC\n", "0 3 1 1,7 *"},
    {"0 3 1 * mon", "UTC", "OnCalendar=*-*-1 3:0:00 UTC\nOnCalendar=Mon *-*-* 3:0:00 UTC\n", "0 3 1 * 1"},
    {"30 2 * * *", "Europe/Berlin", "OnCalendar=*-*-* 2:30:00 Europe/Berlin\nOnCalendar=*-*-* 03:00:00 Europe/Berlin\n", "0,30 2,3 * * *"},
    {"30 2 * * 1-5", "Europe/Berlin", "OnCalendar=Mon,Tue,Wed,Thu,Fri *-*-* 2:30:00 Europe/Berlin\n", "30 2 * * 1-5"},
};

static void test_texts(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(text_cases); i++) {
        struct schedule_rule rule = rule_of(text_cases[i].cron, text_cases[i].zone);
        struct buf out;
        buf_init(&out, 10000);
        schedule_calendars(&rule, text_cases[i].zone, at("2026-01-01T00:00:00Z"), &out);
        assert_string_equal(buf_str(&out), text_cases[i].calendars);
        buf_clear(&out);
        schedule_kubernetes(&rule, at("2026-01-01T00:00:00Z"), &out);
        assert_string_equal(buf_str(&out), text_cases[i].kubernetes);
        buf_release(&out);
        schedule_rule_release(&rule);
    }
}

static const struct crontab_case {
    const char *cron;
    const char *zone;
    const char *machine;
    const char *lines;
} crontab_cases[] = {
    {"0 3 * * 1", "Europe/Berlin", "UTC", "0 1,2 * * *\n"},
    {"30 2 * * *", "Europe/Berlin", "UTC", "30 0 * * *\n0,30 1 * * *\n"},
    {"0 3 * * *", "Asia/Kolkata", "UTC", "30 21 * * *\n"},
    {"0 3 * * *", "UTC", "Europe/Berlin", "0 4,5 * * *\n"},
    {"0 12 * * *", "America/New_York", "Europe/Berlin", "0 17,18 * * *\n"},
    {"30 0 * * *", "UTC", "Europe/Berlin", "30 1,2 * * *\n"}, /* 02:30 comes twice on the last Sunday of October */
};

static void test_crontabs(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(crontab_cases); i++) {
        struct schedule_rule rule = rule_of(crontab_cases[i].cron, crontab_cases[i].zone);
        struct schedule_rule machine = rule_of("* * * * *", crontab_cases[i].machine);
        struct buf out;
        buf_init(&out, 10000);
        schedule_crontab(&rule, machine.tz, at("2026-01-01T00:00:00Z"), &out);
        assert_string_equal(buf_str(&out), crontab_cases[i].lines);
        buf_release(&out);
        schedule_rule_release(&machine);
        schedule_rule_release(&rule);
    }
}

static void test_refused(void **state)
{
    (void)state;
    static const char *const bad[][2] = {{"", "UTC"},          {"0 3 * *", "UTC"},      {"0 3 * * * *", "UTC"}, {"60 3 * * *", "UTC"},
                                         {"0 24 * * *", "UTC"}, {"0 3 0 * *", "UTC"},    {"0 3 * 13 *", "UTC"},  {"0 3 * * 8", "UTC"},
                                         {"0 3 30 2 *", "UTC"}, {"@daily", "UTC"},       {"0 3 * * *", "Mars/Base"},
                                         {"0 3 * * *", "../etc/passwd"}, {"0 3 * * *", ""}, {"a b c d e", "UTC"}};
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        struct schedule_rule rule;
        struct err err = {0};
        assert_int_equal(schedule_rule_read(bad[i][0], bad[i][1], &rule, &err), -1);
        assert_int_equal(err.class, ERR_CONFIG);
        schedule_rule_release(&rule);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_next),  cmocka_unit_test(test_judge),    cmocka_unit_test(test_words),   cmocka_unit_test(test_names),
        cmocka_unit_test(test_texts), cmocka_unit_test(test_crontabs), cmocka_unit_test(test_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
