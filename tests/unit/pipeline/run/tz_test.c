/* Zones in years with and without stored transitions, both DST directions, gaps, repeats, odd zones, damaged
 * files. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pipeline/base/buf.h"
#include "pipeline/base/clock.h"
#include "pipeline/base/mem.h"
#include "pipeline/io/fs.h"
#include "pipeline/run/tz.h"
#include "pipeline/run/tz_rule.h"

static int64_t at(const char *text)
{
    int64_t instant = 0;
    struct err err = {0};
    if (time_parse(text, &instant, &err)) {
        fail_msg("%s: %s", text, err.message);
    }
    return instant;
}

static struct tz *zone(const char *name)
{
    struct tz *tz = NULL;
    struct err err = {0};
    if (tz_load(name, &tz, &err)) {
        fail_msg("%s: %s", name, err.message);
    }
    return tz;
}

/* Wall clock → instant. The wall clock is written with Z because it is no instant. */
struct wall_case {
    const char *zone;
    const char *wall;
    const char *instant;
};

static const struct wall_case wall_cases[] = {
    {"UTC", "2026-02-28T23:59:00Z", "2026-02-28T23:59:00Z"},
    {"Europe/Berlin", "2026-01-15T12:00:00Z", "2026-01-15T11:00:00Z"},
    {"Europe/Berlin", "2026-07-15T12:00:00Z", "2026-07-15T10:00:00Z"},
    /* Berlin skips 02:00 to 03:00 on 29 March, repeats it on 25 October */
    {"Europe/Berlin", "2026-03-29T01:59:00Z", "2026-03-29T00:59:00Z"},
    {"Europe/Berlin", "2026-03-29T02:00:00Z", "2026-03-29T01:00:00Z"},
    {"Europe/Berlin", "2026-03-29T02:30:00Z", "2026-03-29T01:00:00Z"},
    {"Europe/Berlin", "2026-03-29T03:00:00Z", "2026-03-29T01:00:00Z"},
    {"Europe/Berlin", "2026-03-29T03:01:00Z", "2026-03-29T01:01:00Z"},
    {"Europe/Berlin", "2026-10-25T01:59:00Z", "2026-10-24T23:59:00Z"},
    {"Europe/Berlin", "2026-10-25T02:30:00Z", "2026-10-25T00:30:00Z"},
    {"Europe/Berlin", "2026-10-25T03:00:00Z", "2026-10-25T02:00:00Z"},
    {"America/New_York", "2026-03-08T02:30:00Z", "2026-03-08T07:00:00Z"},
    {"America/New_York", "2026-11-01T01:30:00Z", "2026-11-01T05:30:00Z"},
    {"America/New_York", "2026-11-01T02:00:00Z", "2026-11-01T07:00:00Z"},
    {"Europe/London", "2026-03-29T01:30:00Z", "2026-03-29T01:00:00Z"},
    {"Europe/London", "2026-10-25T01:30:00Z", "2026-10-25T00:30:00Z"},
    /* half an hour of daylight time */
    {"Australia/Lord_Howe", "2026-10-04T02:15:00Z", "2026-10-03T15:30:00Z"},
    {"Australia/Lord_Howe", "2026-04-05T01:45:00Z", "2026-04-04T14:45:00Z"},
    {"Australia/Lord_Howe", "2026-04-05T02:00:00Z", "2026-04-04T15:30:00Z"},
    {"Pacific/Auckland", "2026-09-27T02:30:00Z", "2026-09-26T14:00:00Z"},
    {"Pacific/Auckland", "2026-04-05T02:30:00Z", "2026-04-04T13:30:00Z"},
    /* the day begins at 01:00 */
    {"Asia/Beirut", "2026-03-29T00:00:00Z", "2026-03-28T22:00:00Z"},
    {"Asia/Beirut", "2026-03-29T00:30:00Z", "2026-03-28T22:00:00Z"},
    /* a whole day that never was */
    {"Pacific/Apia", "2011-12-30T12:00:00Z", "2011-12-30T10:00:00Z"},
    {"Pacific/Apia", "2011-12-31T00:00:00Z", "2011-12-30T10:00:00Z"},
    /* negative daylight time in winter */
    {"Europe/Dublin", "2026-01-15T12:00:00Z", "2026-01-15T12:00:00Z"},
    {"Europe/Dublin", "2026-07-15T12:00:00Z", "2026-07-15T11:00:00Z"},
    {"Asia/Kolkata", "2026-05-05T05:30:00Z", "2026-05-05T00:00:00Z"},
    {"Asia/Kathmandu", "2026-05-05T05:45:00Z", "2026-05-05T00:00:00Z"},
    {"America/St_Johns", "2026-03-08T02:30:00Z", "2026-03-08T05:30:00Z"},
    /* past the stored transitions: the rule of the footer */
    {"Europe/Berlin", "2090-03-26T02:30:00Z", "2090-03-26T01:00:00Z"},
    {"Europe/Berlin", "2090-10-29T02:30:00Z", "2090-10-29T00:30:00Z"},
    {"America/New_York", "2100-03-14T02:30:00Z", "2100-03-14T07:00:00Z"},
    {"Pacific/Auckland", "2099-12-31T23:59:00Z", "2099-12-31T10:59:00Z"},
    {"America/Sao_Paulo", "2090-01-01T00:00:00Z", "2090-01-01T03:00:00Z"},
    /* before the stored transitions: local mean time */
    {"Europe/Berlin", "1850-01-01T00:00:00Z", "1849-12-31T23:06:32Z"},
};

static void test_wall_clock(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(wall_cases); i++) {
        const struct wall_case *c = &wall_cases[i];
        struct tz *tz = zone(c->zone);
        char got[RFC3339_MAX];
        time_format(tz_instant(tz, at(c->wall)), got);
        if (strcmp(got, c->instant) != 0) {
            fail_msg("%s %s: got %s, want %s", c->zone, c->wall, got, c->instant);
        }
        tz_free(tz);
    }
}

static void test_offset_round_trip(void **state)
{
    (void)state;
    static const char *const zones[] = {"Europe/Berlin", "America/New_York", "Australia/Lord_Howe",
                                        "Africa/Casablanca"};
    for (size_t i = 0; i < ARRAY_COUNT(zones); i++) {
        struct tz *tz = zone(zones[i]);
        int64_t before = INT64_MIN;
        for (int64_t t = at("2020-01-01T00:00:00Z"); t < at("2045-01-01T00:00:00Z"); t += 1801) {
            int64_t wall = tz_wall_reached(tz, t);
            int64_t found = tz_instant(tz, wall);
            assert_true(found <= t && tz_instant(tz, wall + 1) > t);
            assert_true(found >= before);
            before = found;
        }
        tz_free(tz);
    }
}

static void test_wall_reached_after_set_back(void **state)
{
    (void)state;
    struct tz *tz = zone("Europe/Berlin");
    /* 02:15 the second time: 02:59:59 was shown before */
    assert_int_equal(tz_wall_reached(tz, at("2026-10-25T01:15:00Z")), at("2026-10-25T02:59:59Z"));
    assert_int_equal(tz_wall_reached(tz, at("2026-10-25T02:00:00Z")), at("2026-10-25T03:00:00Z"));
    tz_free(tz);
}

static void test_rules(void **state)
{
    (void)state;
    struct tz_rule rule;
    assert_int_equal(tz_rule_parse("UTC0", &rule), 0);
    assert_int_equal(tz_rule_offset(&rule, 0), 0);
    assert_int_equal(tz_rule_parse("<-03>3", &rule), 0);
    assert_int_equal(tz_rule_offset(&rule, 0), -3 * 3600);
    /* Godthab: the change is on the evening before */
    assert_int_equal(tz_rule_parse("<-02>2<-01>,M3.5.0/-1,M10.5.0/0", &rule), 0);
    assert_int_equal(tz_rule_offset(&rule, at("2050-03-27T00:59:59Z")), -7200);
    assert_int_equal(tz_rule_offset(&rule, at("2050-03-27T01:00:00Z")), -3600);
    /* daylight time all year */
    /* Changes of one year that lie in the next one's January. */
    assert_int_equal(tz_rule_parse("AAA0BBB-24,J365/120,J365/150", &rule), 0);
    assert_int_equal(tz_rule_offset(&rule, at("2050-01-01T00:00:00Z")), 0);
    assert_int_equal(tz_rule_offset(&rule, at("2050-01-05T03:00:00Z")), 24 * 3600);
    assert_int_equal(tz_rule_next(&rule, at("2050-01-01T00:00:00Z")), at("2050-01-05T00:00:00Z"));
    assert_int_equal(tz_rule_parse("XXX3EDT4,0/0,J365/23", &rule), 0);
    assert_int_equal(tz_rule_offset(&rule, at("2031-01-01T02:59:59Z")), -4 * 3600);
    assert_int_equal(tz_rule_offset(&rule, at("2031-01-01T03:00:00Z")), -4 * 3600);
    /* 1 March is J60 also in a leap year */
    assert_int_equal(tz_rule_parse("AAA0BBB,J60/0,J300/0", &rule), 0);
    assert_int_equal(tz_rule_offset(&rule, at("2028-02-29T23:59:59Z")), 0);
    assert_int_equal(tz_rule_offset(&rule, at("2028-03-01T00:00:00Z")), 3600);
    assert_int_equal(tz_rule_next(&rule, at("2028-03-01T00:00:00Z")), at("2028-10-26T23:00:00Z"));
    static const char *const bad[] = {"",
                                      "C",
                                      "CET",
                                      "CET-1CEST",
                                      "CET-1CEST,M3.5.0",
                                      "CET-1CEST,M13.5.0,M10.5.0",
                                      "CET-1CEST,M3.6.0,M10.5.0",
                                      "CET-1CEST,M3.5.0,M10.5.0x",
                                      "<CET-1",
                                      "CET-25",
                                      "CET-1CEST,J0,J300",
                                      "CET-1CEST,M3.5.0/168,M10.5.0"};
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        if (tz_rule_parse(bad[i], &rule) == 0) {
            fail_msg("\"%s\" was taken", bad[i]);
        }
    }
}

static void test_bad_names(void **state)
{
    (void)state;
    static const char *const bad[] = {"",
                                      "Europe",
                                      "Europe/Berln",
                                      "../zoneinfo/UTC",
                                      "/etc/localtime",
                                      "localtime",
                                      "posixrules",
                                      "Europe//Berlin",
                                      "Europe/Berlin/",
                                      "zone.tab",
                                      "right/Europe/Berlin",
                                      "europe/berlin",
                                      "CET-1CEST",
                                      "Europe/Berlin\n"};
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        struct tz *tz = NULL;
        struct err err = {0};
        if (tz_load(bad[i], &tz, &err) == 0) {
            fail_msg("\"%s\" was taken", bad[i]);
        }
        assert_int_equal(err.class, ERR_CONFIG);
    }
}

/* Every cut and every changed byte of a real file is read or refused, never more than that. */
static void test_damaged_files(void **state)
{
    (void)state;
    struct buf bytes;
    struct err err = {0};
    buf_init(&bytes, 65536);
    assert_int_equal(fs_read("/usr/share/zoneinfo/Europe/Berlin", &bytes, &err), 0);
    for (size_t length = 0; length < bytes.length; length++) {
        struct tz *tz = NULL;
        char *copy = xmalloc(length + 1);
        memcpy(copy, bytes.data, length);
        assert_int_equal(tz_parse(copy, length, "cut", &tz, &err), -1);
        free(copy);
    }
    for (size_t i = 0; i < bytes.length; i++) {
        char kept = bytes.data[i];
        struct tz *tz = NULL;
        bytes.data[i] = (char)(kept ^ 0x81);
        if (tz_parse(bytes.data, bytes.length, "changed", &tz, &err) == 0) {
            tz_instant(tz, at("2026-03-29T02:30:00Z"));
            tz_wall_reached(tz, at("2090-03-29T02:30:00Z"));
            tz_free(tz);
        }
        bytes.data[i] = kept;
    }
    buf_release(&bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_wall_clock),
        cmocka_unit_test(test_offset_round_trip),
        cmocka_unit_test(test_wall_reached_after_set_back),
        cmocka_unit_test(test_rules),
        cmocka_unit_test(test_bad_names),
        cmocka_unit_test(test_damaged_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
