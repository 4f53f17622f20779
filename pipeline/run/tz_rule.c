#include "pipeline/run/tz_rule.h"

#include <ctype.h>
#include <stddef.h>
#include <string.h>

#include "pipeline/base/clock.h"
#include "pipeline/base/str.h"

/* The changes of five years are looked at: one may lie a week and more outside of its year. */
enum { DAY = 86400, CHANGES = 10, OFFSET_HOURS = 24, TIME_HOURS = 167 };

/* A change of offset that the rule makes. */
struct change {
    int64_t at;
    int64_t offset;
};

/* Reads a decimal number of at most 3 digits in [min, max]. */
static int read_number(const char **text, int min, int max, int *out)
{
    int value = 0;
    const char *p = *text;
    while (isdigit((unsigned char)*p) && p - *text < 3) {
        value = value * 10 + (*p++ - '0');
    }
    if (p == *text || value < min || value > max) {
        return -1;
    }
    *text = p;
    *out = value;
    return 0;
}

/* Reads [+-]hh[:mm[:ss]]. */
static int read_time(const char **text, int max_hours, int64_t *seconds)
{
    int sign = **text == '-' ? -1 : 1;
    if (**text == '-' || **text == '+') {
        (*text)++;
    }
    int parts[3] = {0, 0, 0};
    for (int i = 0; i < 3; i++) {
        if (i > 0 && *(*text)++ != ':') {
            return -1;
        }
        if (read_number(text, 0, i == 0 ? max_hours : 59, &parts[i])) {
            return -1;
        }
        if (**text != ':') {
            break;
        }
    }
    *seconds = sign * ((int64_t)parts[0] * 3600 + parts[1] * 60 + parts[2]);
    return 0;
}

/* Skips a name: letters, or anything between "<" and ">". */
static int skip_name(const char **text)
{
    const char *p = *text;
    if (*p == '<') {
        const char *end = strchr(p, '>');
        *text = end == NULL ? p : end + 1;
        return end == NULL ? -1 : 0;
    }
    while (isalpha((unsigned char)*p)) {
        p++;
    }
    bool named = p - *text >= 3;
    *text = p;
    return named ? 0 : -1;
}

static int read_day(const char **text, struct tz_rule_date *out)
{
    if (**text == 'M') {
        out->form = 'M';
        (*text)++;
        if (read_number(text, 1, 12, &out->month) || *(*text)++ != '.' ||
            read_number(text, 1, 5, &out->week) || *(*text)++ != '.') {
            return -1;
        }
        return read_number(text, 0, 6, &out->day);
    }
    if (**text == 'J') {
        out->form = 'J';
        (*text)++;
        return read_number(text, 1, 365, &out->day);
    }
    out->form = '0';
    return read_number(text, 0, 365, &out->day);
}

/* Reads ",date[/time]". */
static int read_date(const char **text, struct tz_rule_date *out)
{
    if (*(*text)++ != ',' || read_day(text, out)) {
        return -1;
    }
    out->seconds = 2 * 3600;
    if (**text != '/') {
        return 0;
    }
    (*text)++;
    return read_time(text, TIME_HOURS, &out->seconds);
}

int tz_rule_parse(const char *text, struct tz_rule *out)
{
    *out = (struct tz_rule){0};
    int64_t west = 0;
    if (skip_name(&text) || read_time(&text, OFFSET_HOURS, &west)) {
        return -1;
    }
    out->standard = -west;
    if (*text == '\0') {
        return 0;
    }
    out->has_daylight = true;
    out->daylight = out->standard + 3600;
    if (skip_name(&text)) {
        return -1;
    }
    if (*text != ',' && *text != '\0') {
        if (read_time(&text, OFFSET_HOURS, &west)) {
            return -1;
        }
        out->daylight = -west;
    }
    return read_date(&text, &out->start) || read_date(&text, &out->end) || *text != '\0' ? -1 : 0;
}

static bool is_leap(int64_t year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

/* Days since the epoch of a date of the rule in a year. */
static int64_t date_in(const struct tz_rule_date *date, int64_t year)
{
    int64_t new_year = date_to_days(year, 1, 1);
    if (date->form == '0') {
        return new_year + date->day;
    }
    if (date->form == 'J') {
        return new_year + date->day - 1 + (is_leap(year) && date->day >= 60 ? 1 : 0);
    }
    int64_t first = date_to_days(year, date->month, 1);
    int64_t next = date->month == 12 ? date_to_days(year + 1, 1, 1) : date_to_days(year, date->month + 1, 1);
    int64_t weekday = ((first + 4) % 7 + 7) % 7; /* day 0 was a Thursday */
    int64_t day = first + (date->day - weekday + 7) % 7 + (date->week - 1) * 7;
    return day >= next ? day - 7 : day; /* week 5 means the last one */
}

/* The changes of the year of an instant and of two years on either side, in order. A change at the instant of
 * another one stays after it, so that daylight time all year (end and start together) has no gap. */
static void changes_around(const struct tz_rule *rule, int64_t instant, struct change out[CHANGES])
{
    int64_t shifted = instant + rule->standard;
    int64_t days = shifted / DAY - (shifted % DAY < 0 ? 1 : 0);
    int64_t year = 0;
    int month = 0;
    int day = 0;
    days_to_date(days, &year, &month, &day);
    for (int i = 0; i < CHANGES; i++) {
        const struct tz_rule_date *date = i % 2 == 0 ? &rule->start : &rule->end;
        int64_t before = i % 2 == 0 ? rule->standard : rule->daylight;
        struct change made = {date_in(date, year - 2 + i / 2) * DAY + date->seconds - before,
                              i % 2 == 0 ? rule->daylight : rule->standard};
        int place = i;
        for (; place > 0 && out[place - 1].at > made.at; place--) {
            out[place] = out[place - 1];
        }
        out[place] = made;
    }
}

int64_t tz_rule_offset(const struct tz_rule *rule, int64_t instant)
{
    if (!rule->has_daylight) {
        return rule->standard;
    }
    struct change changes[CHANGES];
    changes_around(rule, instant, changes);
    int64_t offset = changes[0].offset;
    for (int i = 0; i < CHANGES && changes[i].at <= instant; i++) {
        offset = changes[i].offset;
    }
    return offset;
}

int64_t tz_rule_next(const struct tz_rule *rule, int64_t instant)
{
    if (!rule->has_daylight) {
        return INT64_MAX;
    }
    struct change changes[CHANGES];
    changes_around(rule, instant, changes);
    for (int i = 0; i < CHANGES; i++) {
        if (changes[i].at > instant) {
            return changes[i].at;
        }
    }
    return INT64_MAX;
}
