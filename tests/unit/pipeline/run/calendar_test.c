/* Calendars: what a file says beyond a rule (zones of its own, changed and cancelled occurrences, several calendars, folded lines),
 * and that many events are looked up at once. What rules and zones mean is compared with Postgres in tests/db/window_cases.t. */
#include "pipeline/run/calendar.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pipeline/base/buf.h"
#include "pipeline/base/clock.h"
#include "pipeline/base/mem.h"

#define BEGIN "BEGIN:VCALENDAR\r\nVERSION:2.0\r\n"
#define END "END:VCALENDAR\r\n"
#define EVENT(lines) "BEGIN:VEVENT\r\n" lines "END:VEVENT\r\n"
#define OUTLOOK                                                                                                                       \
    "BEGIN:VTIMEZONE\r\nTZID:W. Europe Standard Time\r\nBEGIN:STANDARD\r\nDTSTART:16010101T030000\r\nTZOFFSETFROM:+0200\r\n"         \
    "TZOFFSETTO:+0100\r\nRRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10\r\nEND:STANDARD\r\nBEGIN:DAYLIGHT\r\nDTSTART:16010101T020000\r\n" \
    "TZOFFSETFROM:+0100\r\nTZOFFSETTO:+0200\r\nRRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=3\r\nEND:DAYLIGHT\r\nEND:VTIMEZONE\r\n"
#define DAILY "UID:1\r\nDTSTART:20260601T090000Z\r\nDURATION:PT1H\r\nRRULE:FREQ=DAILY\r\n"

static int64_t at(const char *text)
{
    int64_t instant = 0;
    assert_int_equal(time_parse(text, &instant, NULL), 0);
    return instant;
}

static struct calendar *read_text(const char *text, const char *zone)
{
    struct calendar *calendar = NULL;
    struct err err = {0};
    if (calendar_read(text, strlen(text), zone, &calendar, &err)) {
        fail_msg("%s", err.message);
    }
    return calendar;
}

static const struct {
    const char *name;
    const char *text;
    const char *zone;
    const char *instant;
    const char *until; /* NULL: closed */
} cases[] = {
    {"a zone of its own in winter", BEGIN OUTLOOK EVENT("UID:1\r\nDTSTART;TZID=W. Europe Standard Time:20260101T020000\r\nDURATION:PT1H\r\nRRULE:FREQ=DAILY\r\n") END, NULL,
     "2026-02-01T01:00:00Z", "2026-02-01T02:00:00Z"},
    {"in summer", BEGIN OUTLOOK EVENT("UID:1\r\nDTSTART;TZID=\"W. Europe Standard Time\":20260101T020000\r\nDURATION:PT1H\r\nRRULE:FREQ=DAILY\r\n") END, NULL,
     "2026-07-01T00:00:00Z", "2026-07-01T01:00:00Z"},
    {"in its gap", BEGIN OUTLOOK EVENT("UID:1\r\nDTSTART;TZID=W. Europe Standard Time:20260101T023000\r\nDURATION:PT1H\r\nRRULE:FREQ=DAILY\r\n") END, NULL,
     "2026-03-29T01:00:00Z", "2026-03-29T02:00:00Z"},
    {"in its hour that comes twice, the first", BEGIN OUTLOOK EVENT("UID:1\r\nDTSTART;TZID=W. Europe Standard Time:20260101T023000\r\nDURATION:PT1H\r\nRRULE:FREQ=DAILY\r\n") END, NULL,
     "2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z"},
    {"a moved occurrence leaves its place", BEGIN EVENT(DAILY) EVENT("UID:1\r\nRECURRENCE-ID:20260603T090000Z\r\nDTSTART:20260603T150000Z\r\nDURATION:PT2H\r\n") END,
     NULL, "2026-06-03T09:30:00Z", NULL},
    {"and is where it was moved to", BEGIN EVENT("UID:1\r\nRECURRENCE-ID:20260603T090000Z\r\nDTSTART:20260603T150000Z\r\nDURATION:PT2H\r\n") EVENT(DAILY) END, NULL,
     "2026-06-03T16:00:00Z", "2026-06-03T17:00:00Z"},
    {"its zone may be another one", BEGIN EVENT(DAILY) EVENT("UID:1\r\nRECURRENCE-ID;TZID=Europe/Berlin:20260603T110000\r\nDTSTART:20260603T150000Z\r\nDURATION:PT2H\r\n") END,
     NULL, "2026-06-03T09:30:00Z", NULL},
    {"a cancelled occurrence", BEGIN EVENT(DAILY) EVENT("UID:1\r\nRECURRENCE-ID:20260603T090000Z\r\nDTSTART:20260603T090000Z\r\nDURATION:PT1H\r\nSTATUS:CANCELLED\r\n") END,
     NULL, "2026-06-03T09:30:00Z", NULL},
    {"the day after it", BEGIN EVENT(DAILY) EVENT("UID:1\r\nRECURRENCE-ID:20260603T090000Z\r\nDTSTART:20260603T090000Z\r\nDURATION:PT1H\r\nSTATUS:CANCELLED\r\n") END,
     NULL, "2026-06-04T09:30:00Z", "2026-06-04T10:00:00Z"},
    {"a cancelled event", BEGIN EVENT(DAILY "STATUS:CANCELLED\r\n") END, NULL, "2026-06-04T09:30:00Z", NULL},
    {"the second calendar of a file", BEGIN EVENT("UID:2\r\nDTSTART:20200101T000000Z\r\nDURATION:PT1H\r\n") END BEGIN EVENT(DAILY) END, NULL, "2026-06-04T09:30:00Z",
     "2026-06-04T10:00:00Z"},
    {"each calendar's own zone", BEGIN "X-WR-TIMEZONE:Asia/Tokyo\r\n" EVENT("UID:2\r\nDTSTART;VALUE=DATE:20200101\r\n") END BEGIN
     "X-WR-TIMEZONE:America/New_York\r\n" EVENT("UID:3\r\nDTSTART;VALUE=DATE:20260601\r\n") END,
     NULL, "2026-06-01T04:00:00Z", "2026-06-02T04:00:00Z"},
    {"the window's zone before the calendar's", BEGIN "X-WR-TIMEZONE:America/New_York\r\n" EVENT("UID:3\r\nDTSTART;VALUE=DATE:20260601\r\n") END, "Europe/Berlin",
     "2026-05-31T22:00:00Z", "2026-06-01T22:00:00Z"},
    {"floating times too", BEGIN "X-WR-TIMEZONE:America/New_York\r\n" EVENT("UID:3\r\nDTSTART:20260601T090000\r\nDURATION:PT1H\r\n") END, NULL, "2026-06-01T13:00:00Z",
     "2026-06-01T14:00:00Z"},
    {"lines folded anywhere", BEGIN "BEGIN:VEV\r\n ENT\r\nUID:1\r\nDTST\r\n ART:2026060\r\n\t1T090000Z\r\nDURATION:PT\r\n 1H\r\nEND:VEVENT\r\n" END, NULL, "2026-06-01T09:00:00Z",
     "2026-06-01T10:00:00Z"},
    {"bare newlines, small letters, a mark before", "\xEF\xBB\xBF" "begin:vcalendar\nversion:2.0\nbegin:vevent\ndtstart:20260601T090000Z\nduration:PT1H\nrrule:freq=daily\nend:vevent\nend:vcalendar",
     NULL, "2026-06-02T09:00:00Z", "2026-06-02T10:00:00Z"},
    {"an alarm in the event", BEGIN EVENT(DAILY "BEGIN:VALARM\r\nTRIGGER:-PT15M\r\nDURATION:PT5M\r\nEND:VALARM\r\n") END, NULL, "2026-06-02T09:00:00Z", "2026-06-02T10:00:00Z"},
};

static void test_cases(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct opening opening = {0, 0};
        struct calendar *calendar = read_text(cases[i].text, cases[i].zone);
        bool open = calendar_open(calendar, at(cases[i].instant), &opening);
        if (open != (cases[i].until != NULL) || (open && opening.end != at(cases[i].until))) {
            fail_msg("%s: %s at %s", cases[i].name, open ? "open until another instant" : "closed", cases[i].instant);
        }
        calendar_free(calendar);
    }
}

/* Days in a row are one opening, whoever of the events makes them. */
static void test_closes(void **state)
{
    (void)state;
    struct opening next;
    struct calendar *calendar = read_text(BEGIN EVENT("UID:1\r\nDTSTART;VALUE=DATE:20260601\r\nRRULE:FREQ=WEEKLY;BYDAY=MO,TU\r\n") EVENT(
                                              "UID:2\r\nDTSTART;VALUE=DATE:20260603\r\nRRULE:FREQ=WEEKLY;COUNT=2\r\n") END,
                                          NULL);
    int64_t limit = at("2027-06-01T00:00:00Z");
    assert_int_equal(calendar_closes(calendar, at("2026-06-01T12:00:00Z"), limit), at("2026-06-04T00:00:00Z"));
    assert_int_equal(calendar_closes(calendar, at("2026-06-16T12:00:00Z"), limit), at("2026-06-17T00:00:00Z"));
    assert_int_equal(calendar_closes(calendar, at("2026-06-05T12:00:00Z"), limit), at("2026-06-05T12:00:00Z"));
    assert_true(calendar_next(calendar, at("2026-06-02T00:00:00Z"), 400 * 86400, &next));
    assert_int_equal(next.start, at("2026-06-03T00:00:00Z"));
    assert_false(calendar_next(calendar, at("2026-06-04T00:00:00Z"), 3 * 86400, &next));
    calendar_free(calendar);
}

/* As many events as a file holds, each every day since 1990: asked many times at one instant, as for many workloads. */
static void test_many(void **state)
{
    struct buf text;
    struct opening opening;
    (void)state;
    buf_init(&text, 1024 * 1024);
    buf_add_str(&text, BEGIN);
    for (int i = 0; i < 9500; i++) {
        buf_printf(&text, EVENT("UID:%d\r\nDTSTART:19900101T%02d%02d00Z\r\nDURATION:PT1M\r\nRRULE:FREQ=DAILY\r\n"), i, i % 24, i / 24 % 60);
    }
    buf_add_str(&text, END);
    assert_false(text.overflow);
    struct calendar *calendar = read_text(buf_str(&text), NULL);
    for (int i = 0; i < 10000; i++) {
        assert_true(calendar_open(calendar, at("2026-11-22T03:00:30Z"), &opening));
        assert_true(calendar_next(calendar, at("2026-11-22T03:00:30Z"), 400 * 86400, &opening));
    }
    assert_int_equal(opening.start, at("2026-11-22T03:01:00Z"));
    calendar_free(calendar);
    buf_release(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_cases), cmocka_unit_test(test_closes), cmocka_unit_test(test_many)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
