/* Lines, values and zones of iCalendar files: read as the standard says them, or refused with their line. */
#include "pipeline/run/ics.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pipeline/base/clock.h"
#include "pipeline/base/mem.h"
#include "pipeline/run/ics_value.h"
#include "pipeline/run/ics_zone.h"

static void test_lines(void **state)
{
    static const char text[] = "BEGIN:VCALENDAR\r\nx-a;tzid=\"A:B\",C;X-P=1:va\r\n lue;more\r\nBEGIN:VEVENT\r\nUID:1\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";
    struct arena arena;
    struct ics ics;
    const struct ics_line *line = NULL;
    (void)state;
    arena_init(&arena);
    assert_int_equal(ics_read(text, sizeof text - 1, &arena, &ics, NULL), 0);
    assert_int_equal(ics.part_count, 2);
    assert_int_equal(ics_one(&ics, 0, "X-A", &line, NULL), 0);
    assert_string_equal(line->value, "value;more");
    assert_string_equal(line->tzid, "A:B");
    assert_int_equal(line->number, 2);
    assert_int_equal(ics_one(&ics, 0, "UID", &line, NULL), 0);
    assert_null(line);
    assert_int_equal(ics_one(&ics, 1, "UID", &line, NULL), 0);
    assert_int_equal(line->number, 5);
    ics_release(&ics);
    arena_release(&arena);
}

static void test_refused_lines(void **state)
{
    static const struct {
        const char *text;
        size_t line;
    } cases[] = {{"", 1},
                 {" BEGIN:VCALENDAR\n", 1},
                 {"BEGIN:VCALENDAR\nBEGIN:VEVENT\nEND:VCALENDAR\n", 3},
                 {"BEGIN:VCALENDAR\nA B:1\n", 2},
                 {"BEGIN:VCALENDAR\nA;B:1\n", 2},
                 {"BEGIN:VCALENDAR\nA;TZID=x;TZID=y:1\n", 2},
                 {"BEGIN:VCALENDAR\nEND:VCALENDAR\nA:1\n", 3},
                 {"BEGIN:VCALENDAR\n\n x\n", 3}};
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct arena arena;
        struct ics ics;
        struct err err = {0};
        arena_init(&arena);
        assert_int_equal(ics_read(cases[i].text, strlen(cases[i].text), &arena, &ics, &err), -1);
        assert_int_equal(err.class, ERR_CONFIG);
        assert_int_equal(ics.fault, cases[i].line);
        ics_release(&ics);
        arena_release(&arena);
    }
}

static void test_values(void **state)
{
    struct ics_time time;
    struct ics_length length;
    int64_t offset = 0;
    (void)state;
    assert_int_equal(ics_read_time("20240229T235959Z", NULL, NULL, &time, NULL), 0);
    assert_int_equal(time.form, ICS_UTC);
    assert_int_equal(time.wall, 1709251199);
    assert_int_equal(ics_read_time("20240229", "DATE", NULL, &time, NULL), 0);
    assert_int_equal(time.form, ICS_DATE);
    static const char *const times[] = {"", "2024", "20230229T000000", "20241301T000000", "20240101T250000", "20240101T0000", "20240101T000000ZZ", "20240101 000000"};
    for (size_t i = 0; i < ARRAY_COUNT(times); i++) {
        assert_int_equal(ics_read_time(times[i], NULL, NULL, &time, NULL), -1);
    }
    assert_int_equal(ics_read_length("P1DT2H3M4S", &length, NULL), 0);
    assert_int_equal(length.days, 1);
    assert_int_equal(length.seconds, 7384);
    assert_int_equal(ics_read_length("P2W", &length, NULL), 0);
    assert_int_equal(length.days, 14);
    static const char *const lengths[] = {"", "P", "PT", "1D", "P1WT1H", "PT1H1D", "PT1M1H", "P1H", "-P1D", "P1DT", "P9999999D"};
    for (size_t i = 0; i < ARRAY_COUNT(lengths); i++) {
        assert_int_equal(ics_read_length(lengths[i], &length, NULL), -1);
    }
    assert_int_equal(ics_read_offset("-023045", &offset, NULL), 0);
    assert_int_equal(offset, -9045);
    static const char *const offsets[] = {"", "0100", "+1", "+2400", "+0160", "+010", "+01000"};
    for (size_t i = 0; i < ARRAY_COUNT(offsets); i++) {
        assert_int_equal(ics_read_offset(offsets[i], &offset, NULL), -1);
    }
}

/* A name of the IANA database counts as such, whatever the file says of it; another one is what the file says. */
static void test_zones(void **state)
{
#define ZONE(name) "BEGIN:VTIMEZONE\nTZID:" name "\nBEGIN:STANDARD\nDTSTART:20000101T000000\nTZOFFSETFROM:+0500\nTZOFFSETTO:+0500\nEND:STANDARD\nEND:VTIMEZONE\n"
    static const char text[] = "BEGIN:VCALENDAR\n" ZONE("Europe/Berlin") ZONE("Office") "END:VCALENDAR\n";
    struct arena arena;
    struct ics ics;
    struct err err = {0};
    const struct tz *tz = NULL;
    (void)state;
    arena_init(&arena);
    assert_int_equal(ics_read(text, sizeof text - 1, &arena, &ics, NULL), 0);
    struct ics_zones *zones = ics_zones_new(&ics, &arena);
    assert_int_equal(ics_zone(zones, 0, "Europe/Berlin", 1, &tz, NULL), 0);
    assert_int_equal(tz_wall(tz, 1767225600), 1767225600 + 3600);
    assert_int_equal(ics_zone(zones, 0, "Office", 1, &tz, NULL), 0);
    assert_int_equal(tz_wall(tz, 1767225600), 1767225600 + 5 * 3600);
    assert_int_equal(ics_zone(zones, 0, "Elsewhere", 7, &tz, &err), -1);
    assert_int_equal(ics.fault, 7);
    ics_zones_free(zones);
    ics_release(&ics);
    arena_release(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_lines), cmocka_unit_test(test_refused_lines), cmocka_unit_test(test_values), cmocka_unit_test(test_zones)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
