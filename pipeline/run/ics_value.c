#include "pipeline/run/ics_value.h"

#include <stdio.h>
#include <string.h>

#include "pipeline/base/clock.h"
#include "pipeline/base/str.h"

enum { DAY = 86400, LENGTH_DIGITS = 6 };

/* Reads YYYYMMDD as days since the epoch; a date that does not exist is none. */
static bool read_date(const char **text, int64_t *days)
{
    int year = str_digits(text, 4);
    int month = year < 0 ? -1 : str_digits(text, 2);
    int day = month < 1 || month > 12 ? -1 : str_digits(text, 2);
    if (year < 1 || day < 1 || day > 31) {
        return false;
    }
    int64_t again_year = 0;
    int again_month = 0;
    int again_day = 0;
    *days = date_to_days(year, month, day);
    days_to_date(*days, &again_year, &again_month, &again_day);
    return again_month == month && again_day == day;
}

/* Reads THHMMSS as seconds of the day. */
static bool read_clock(const char **text, int64_t *seconds)
{
    if (*(*text)++ != 'T') {
        return false;
    }
    int hour = str_digits(text, 2);
    int minute = hour < 0 || hour > 23 ? -1 : str_digits(text, 2);
    int second = minute < 0 || minute > 59 ? -1 : str_digits(text, 2);
    *seconds = (int64_t)hour * 3600 + minute * 60 + second;
    return second >= 0 && second <= 59;
}

static int bad_form(const char *text, const char *type, bool date, struct err *err)
{
    if (type != NULL && !str_equal(type, "DATE") && !str_equal(type, "DATE-TIME")) {
        return err_set(err, ERR_CONFIG, "values of the type %.40s are not taken here", type);
    }
    return err_set(err, ERR_CONFIG, "\"%.40s\" is %s", text,
                   date ? "a date, and the parameter VALUE=DATE is missing" : "no date, which VALUE=DATE promises");
}

int ics_read_time(const char *text, const char *type, const char *tzid, struct ics_time *out, struct err *err)
{
    const char *p = text;
    int64_t days = 0;
    int64_t seconds = 0;
    if (!read_date(&p, &days) || (*p != '\0' && !read_clock(&p, &seconds))) {
        return err_set(err, ERR_CONFIG, "\"%.40s\" is neither a date nor a time", text);
    }
    bool utc = *p == 'Z';
    p += utc ? 1 : 0;
    if (*p != '\0') {
        return err_set(err, ERR_CONFIG, "\"%.40s\" is neither a date nor a time", text);
    }
    bool date = strchr(text, 'T') == NULL;
    if ((date && utc) || (type != NULL && !str_equal(type, date ? "DATE" : "DATE-TIME")) || (date && type == NULL)) {
        return bad_form(text, type, date, err);
    }
    if (tzid != NULL && (date || utc)) {
        return err_set(err, ERR_CONFIG, "\"%.40s\" is %s, to which a TZID does not belong", text, date ? "a date" : "in UTC");
    }
    out->wall = days * DAY + seconds;
    out->form = date ? ICS_DATE : utc ? ICS_UTC : tzid != NULL ? ICS_ZONED : ICS_FLOATING;
    out->tzid = tzid;
    return 0;
}

/* Reads a number and its unit, of those in `units` from *unit on. */
static int read_part(const char **text, const char *units, size_t *unit, int64_t *value)
{
    const char *start = *text;
    *value = 0;
    while (**text >= '0' && **text <= '9' && *text - start < LENGTH_DIGITS) {
        *value = *value * 10 + (*(*text)++ - '0');
    }
    const char *found = **text == '\0' ? NULL : strchr(units + *unit, **text);
    if (*text == start || found == NULL) {
        return -1;
    }
    (*text)++;
    *unit = (size_t)(found - units) + 1;
    return 0;
}

/* Reads what follows the T: hours, minutes, seconds, in this order and at least one of them. */
static int read_clock_parts(const char **text, int64_t *seconds)
{
    static const int64_t sizes[] = {3600, 60, 1};
    size_t unit = 0;
    do {
        int64_t value = 0;
        if (read_part(text, "HMS", &unit, &value)) {
            return -1;
        }
        *seconds += value * sizes[unit - 1];
    } while (**text != '\0');
    return 0;
}

int ics_read_length(const char *text, struct ics_length *out, struct err *err)
{
    const char *p = *text == '+' ? text + 1 : text;
    size_t unit = 0;
    int64_t value = 0;
    *out = (struct ics_length){0, 0};
    bool good = *p++ == 'P';
    if (good && *p != 'T') {
        good = read_part(&p, "WD", &unit, &value) == 0 && (*p == '\0' || (*p == 'T' && unit == 2));
        out->days = value * (unit == 1 ? 7 : 1);
    }
    if (good && *p == 'T') {
        p++;
        good = read_clock_parts(&p, &out->seconds) == 0;
    }
    if (!good) {
        err_set(err, ERR_CONFIG, "\"%.40s\" is not a duration that a window can have", text);
        return err_hint(err, "write it as P1D, PT6H or P1DT12H");
    }
    return 0;
}

int ics_read_offset(const char *text, int64_t *out, struct err *err)
{
    const char *p = text;
    char sign = *p == '\0' ? '\0' : *p++;
    int hours = str_digits(&p, 2);
    int minutes = hours < 0 ? -1 : str_digits(&p, 2);
    int seconds = minutes < 0 ? -1 : *p == '\0' ? 0 : str_digits(&p, 2);
    if ((sign != '+' && sign != '-') || seconds < 0 || *p != '\0' || hours > 23 || minutes > 59 || seconds > 59) {
        return err_set(err, ERR_CONFIG, "\"%.40s\" is not an offset from UTC as +0100", text);
    }
    *out = (sign == '-' ? -1 : 1) * ((int64_t)hours * 3600 + minutes * 60 + seconds);
    return 0;
}
