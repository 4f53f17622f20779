#ifndef TARE_RUN_TZ_RULE_H
#define TARE_RUN_TZ_RULE_H

/* The POSIX TZ string in the footer of a TZif file ("CET-1CEST,M3.5.0,M10.5.0/3"): which offset counts in the
 * years after the stored transitions. Source: POSIX.1-2017 §8.3 with the hours of -167 to 167 of RFC 9636
 * §3.3.1. */

#include <stdbool.h>
#include <stdint.h>

/* One day of the year and a time on it, in seconds from midnight. */
struct tz_rule_date {
    char form; /* 'M' month.week.weekday, 'J' day 1..365 without 29 February, '0' day 0..365 */
    int month;
    int week;
    int day;
    int64_t seconds;
};

struct tz_rule {
    int64_t standard; /* seconds east of UTC */
    int64_t daylight;
    bool has_daylight;
    struct tz_rule_date start;
    struct tz_rule_date end;
};

/* Reads a TZ string. Returns 0, or -1 where it is not one. */
int tz_rule_parse(const char *text, struct tz_rule *out);

/* Seconds east of UTC at an instant. */
int64_t tz_rule_offset(const struct tz_rule *rule, int64_t instant);

/* The first change of offset after an instant; INT64_MAX where the rule has none. */
int64_t tz_rule_next(const struct tz_rule *rule, int64_t instant);

#endif
