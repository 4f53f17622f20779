#include "pipeline/run/cron.h"

#include <ctype.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

#include "pipeline/base/clock.h"
#include "pipeline/base/mem.h"

enum {
    DAY = 86400,
    HOUR = 3600,
    MINUTE = 60,
    FIELDS = 5,
    TEXT_MAX = 256,
    LEAP_CYCLE_YEARS = 400 /* every combination of date and weekday comes within it */
};

struct field {
    const char *name;
    int min;
    int max;
    const char *names; /* three letters each, from `min` on */
};

static const struct field fields[FIELDS] = {
    {"minute", 0, 59, ""},
    {"hour", 0, 23, ""},
    {"day of month", 1, 31, ""},
    {"month", 1, 12, "janfebmaraprmayjunjulaugsepoctnovdec"},
    {"day of week", 0, 7, "sunmontuewedthufrisat"},
};

static int bad_field(const struct field *field, const char *text, size_t length, struct err *err)
{
    err_set(err, ERR_CONFIG, "\"%.*s\" does not fit the field %s", (int)length, text, field->name);
    return err_hint(
        err,
        "a schedule is five fields: minute hour day-of-month month day-of-week, such as \"0 22 * * 1-5\"");
}

/* Reads a number or a name. */
static int read_value(const struct field *field, const char **text, const char *end, int *out)
{
    const char *p = *text;
    int value = 0;
    while (p < end && isdigit((unsigned char)*p) && p - *text < 3) {
        value = value * 10 + (*p++ - '0');
    }
    if (p == *text && end - p >= 3) {
        size_t count = strlen(field->names) / 3;
        for (size_t i = 0; i < count && p == *text; i++) {
            if (strncasecmp(p, field->names + 3 * i, 3) == 0) {
                value = field->min + (int)i;
                p += 3;
            }
        }
    }
    if (p == *text || value < field->min || value > field->max) {
        return -1;
    }
    *text = p;
    *out = value;
    return 0;
}

/* Reads one item of a list: "*", "a", "a-b", each with "/step", and sets its bits. "a/step" runs to the
 * field's end. */
static int read_item(const struct field *field, const char *text, const char *end, uint64_t *bits)
{
    bool weekday = field->max == 7;
    int low = field->min;
    int high = weekday ? 6 : field->max;
    int step = 1;
    const char *p = text;
    if (p < end && *p == '*') {
        p++;
    } else {
        if (read_value(field, &p, end, &low)) {
            return -1;
        }
        if (p < end && *p == '-') {
            p++;
            if (read_value(field, &p, end, &high)) {
                return -1;
            }
            high = weekday && high == 0 && low > 0 ? 7 : high; /* FRI-SUN */
        } else if (p == end || *p != '/') {
            high = low;
        }
    }
    if (p < end && *p == '/') {
        static const struct field steps = {"step", 1, 59, ""};
        p++;
        if (read_value(&steps, &p, end, &step)) {
            return -1;
        }
    }
    if (p != end || low > high) {
        return -1;
    }
    for (int value = low; value <= high; value += step) {
        *bits |= UINT64_C(1) << (weekday ? value % 7 : value);
    }
    return 0;
}

static int read_field(const struct field *field, const char *text, size_t length, uint64_t *bits,
                      struct err *err)
{
    const char *end = text + length;
    const char *item = text;
    *bits = 0;
    for (;;) {
        const char *comma = memchr(item, ',', (size_t)(end - item));
        const char *stop = comma == NULL ? end : comma;
        if (item == stop || read_item(field, item, stop, bits)) {
            return bad_field(field, text, length, err);
        }
        if (comma == NULL) {
            return 0;
        }
        item = comma + 1;
    }
}

/* Splits at spaces and tabs; more or fewer than five fields are refused. */
static int split(const char *text, const char *starts[FIELDS], size_t lengths[FIELDS], struct err *err)
{
    size_t count = 0;
    const char *p = text;
    for (;;) {
        p += strspn(p, " \t");
        if (*p == '\0') {
            break;
        }
        size_t length = strcspn(p, " \t");
        if (count < FIELDS) {
            starts[count] = p;
            lengths[count] = length;
        }
        count++;
        p += length;
    }
    if (count == FIELDS) {
        return 0;
    }
    err_set(err, ERR_CONFIG, "the schedule \"%s\" has %zu field%s, not five", text, count,
            count == 1 ? "" : "s");
    return err_hint(err, "write minute hour day-of-month month day-of-week, such as \"0 22 * * 1-5\"");
}

int cron_parse(const char *text, struct cron *out, struct err *err)
{
    if (strlen(text) > TEXT_MAX) {
        return err_set(err, ERR_CONFIG, "the schedule is longer than %d bytes", TEXT_MAX);
    }
    const char *starts[FIELDS];
    size_t lengths[FIELDS];
    uint64_t bits[FIELDS];
    if (split(text, starts, lengths, err)) {
        return -1;
    }
    for (size_t i = 0; i < FIELDS; i++) {
        if (read_field(&fields[i], starts[i], lengths[i], &bits[i], err)) {
            return err_prefix(err, "the schedule \"%s\"", text);
        }
    }
    struct cron cron = {bits[0],           (uint32_t)bits[1], (uint32_t)bits[2],
                        (uint32_t)bits[3], (uint32_t)bits[4], *starts[2] != '*' && *starts[4] != '*'};
    int64_t first = 0;
    if (!cron_next(&cron, 0, date_to_days(1970 + LEAP_CYCLE_YEARS, 1, 1) * DAY, &first)) {
        return err_set(err, ERR_CONFIG, "the schedule \"%s\" never comes: no such date exists", text);
    }
    *out = cron;
    return 0;
}

static int64_t floor_div(int64_t value, int64_t by)
{
    return value / by - (value % by < 0 ? 1 : 0);
}

static bool day_matches(const struct cron *cron, int64_t days)
{
    int64_t year = 0;
    int month = 0;
    int day = 0;
    days_to_date(days, &year, &month, &day);
    int weekday = (int)(((days + 4) % 7 + 7) % 7); /* day 0 was a Thursday */
    bool by_day = cron->days >> day & 1;
    bool by_weekday = cron->weekdays >> weekday & 1;
    return (cron->months >> month & 1) && (cron->either_day ? by_day || by_weekday : by_day && by_weekday);
}

/* Lowest bit at or above `from`, -1 where there is none. */
static int bit_from(uint64_t bits, int from)
{
    for (int bit = from; bit < 64; bit++) {
        if (bits >> bit & 1) {
            return bit;
        }
    }
    return -1;
}

/* Highest bit at or below `from`, -1 where there is none. */
static int bit_until(uint64_t bits, int from)
{
    int bit = from;
    while (bit >= 0 && !(bits >> bit & 1)) {
        bit--;
    }
    return bit;
}

/* First time of day at or after `second`, -1 where there is none. */
static int64_t time_from(const struct cron *cron, int64_t second)
{
    int64_t minute = (second + MINUTE - 1) / MINUTE;
    int from_hour = (int)(minute / 60);
    int hour = from_hour > 23 ? -1 : bit_from(cron->hours, from_hour);
    int in_hour = hour == from_hour ? bit_from(cron->minutes, (int)(minute % 60)) : -1;
    if (hour == from_hour && hour >= 0 && in_hour < 0) {
        hour = hour == 23 ? -1 : bit_from(cron->hours, hour + 1);
    }
    if (hour < 0) {
        return -1;
    }
    return (int64_t)hour * HOUR + (int64_t)(in_hour >= 0 ? in_hour : bit_from(cron->minutes, 0)) * MINUTE;
}

/* Last time of day at or before `second`, -1 where there is none. */
static int64_t time_until(const struct cron *cron, int64_t second)
{
    int from_hour = (int)(second / HOUR);
    int hour = bit_until(cron->hours, from_hour);
    int in_hour = hour == from_hour ? bit_until(cron->minutes, (int)(second % HOUR / MINUTE)) : -1;
    if (hour == from_hour && in_hour < 0) {
        hour = hour <= 0 ? -1 : bit_until(cron->hours, hour - 1);
    }
    if (hour < 0) {
        return -1;
    }
    return (int64_t)hour * HOUR + (int64_t)(in_hour >= 0 ? in_hour : bit_until(cron->minutes, 59)) * MINUTE;
}

bool cron_next(const struct cron *cron, int64_t wall, int64_t limit, int64_t *out)
{
    int64_t day = floor_div(wall, DAY);
    for (int64_t second = wall - day * DAY; day * DAY < limit; day++, second = 0) {
        int64_t time = day_matches(cron, day) ? time_from(cron, second) : -1;
        if (time >= 0) {
            *out = day * DAY + time;
            return *out < limit;
        }
    }
    return false;
}

bool cron_previous(const struct cron *cron, int64_t wall, int64_t limit, int64_t *out)
{
    int64_t day = floor_div(wall, DAY);
    for (int64_t second = wall - day * DAY; (day + 1) * DAY > limit; day--, second = DAY - 1) {
        int64_t time = day_matches(cron, day) ? time_until(cron, second) : -1;
        if (time >= 0) {
            *out = day * DAY + time;
            return *out > limit;
        }
    }
    return false;
}
