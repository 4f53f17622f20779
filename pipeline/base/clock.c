#include "pipeline/base/clock.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "pipeline/base/str.h"

enum { DAY = 86400 };

static bool fixed;
static int64_t fixed_start;
static int64_t fixed_since_ms;

int clock_init(struct err *err)
{
    const char *text = getenv("TARE_NOW");
    if (text == NULL || *text == '\0') {
        return 0;
    }
    struct err inner = {0};
    if (time_parse(text, &fixed_start, &inner)) {
        err_set(err, ERR_USAGE, "the environment variable TARE_NOW is not a time: \"%s\"", text);
        return err_hint(err, "write it as in 2026-11-22T03:00:00Z, or unset it");
    }
    fixed_since_ms = clock_monotonic_ms();
    fixed = true;
    return 0;
}

int64_t clock_now(void)
{
    if (fixed) {
        return fixed_start + (clock_monotonic_ms() - fixed_since_ms) / 1000;
    }
    return (int64_t)time(NULL);
}

bool clock_is_set(int64_t *start)
{
    if (fixed) {
        *start = fixed_start;
    }
    return fixed;
}

int64_t clock_monotonic_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void clock_sleep_ms(int64_t milliseconds)
{
    struct timespec pause = {.tv_sec = (time_t)(milliseconds / 1000), .tv_nsec = (long)(milliseconds % 1000) * 1000000};
    nanosleep(&pause, NULL);
}

int64_t date_to_days(int64_t year, int month, int day)
{
    year -= month <= 2;
    int64_t era = (year >= 0 ? year : year - 399) / 400;
    int64_t year_of_era = year - era * 400;
    int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + day_of_era - 719468;
}

void days_to_date(int64_t days, int64_t *year, int *month, int *day)
{
    days += 719468;
    int64_t era = (days >= 0 ? days : days - 146096) / 146097;
    int64_t doe = days - era * 146097;
    int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    int64_t shifted = (5 * doy + 2) / 153;
    *day = (int)(doy - (153 * shifted + 2) / 5 + 1);
    *month = (int)(shifted < 10 ? shifted + 3 : shifted - 9);
    *year = yoe + era * 400 + (*month <= 2);
}

char *time_format(int64_t instant, char out[RFC3339_MAX])
{
    int64_t days = instant / DAY - (instant % DAY < 0);
    int64_t rest = instant - days * DAY;
    int64_t year;
    int month;
    int day;
    days_to_date(days, &year, &month, &day);
    snprintf(out, RFC3339_MAX, "%04d-%02d-%02dT%02d:%02d:%02dZ", (int)year, month, day, (int)(rest / 3600),
             (int)(rest / 60 % 60), (int)(rest % 60));
    return out;
}

static bool expect(const char **text, char c)
{
    return *(*text)++ == c;
}

static int days_in_month(int year, int month)
{
    static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return month == 2 && leap ? 29 : lengths[month - 1];
}

/* "Z" or "+hh:mm"; *offset in seconds east of UTC. */
static int parse_zone(const char **p, int64_t *offset)
{
    char sign = *(*p)++;
    if (sign == 'Z' || sign == 'z') {
        *offset = 0;
        return 0;
    }
    int hours = sign == '+' || sign == '-' ? str_digits(p, 2) : -1;
    if (hours < 0 || hours > 23 || !expect(p, ':')) {
        return -1;
    }
    int minutes = str_digits(p, 2);
    if (minutes < 0 || minutes > 59) {
        return -1;
    }
    *offset = (sign == '-' ? -1 : 1) * (hours * 3600 + minutes * 60);
    return 0;
}

static int parse_instant(const char *p, int64_t *instant)
{
    int year = str_digits(&p, 4);
    int month = year < 0 || !expect(&p, '-') ? -1 : str_digits(&p, 2);
    int day = month < 1 || month > 12 || !expect(&p, '-') ? -1 : str_digits(&p, 2);
    if (day < 1 || day > days_in_month(year, month) || (*p != 'T' && *p != 't' && *p != ' ')) {
        return -1;
    }
    p++;
    int hour = str_digits(&p, 2);
    int minute = hour < 0 || hour > 23 || !expect(&p, ':') ? -1 : str_digits(&p, 2);
    int second = minute < 0 || minute > 59 || !expect(&p, ':') ? -1 : str_digits(&p, 2);
    if (second < 0 || second > 60) {
        return -1;
    }
    if (*p == '.') {
        p++;
        size_t fraction = strspn(p, "0123456789");
        if (fraction == 0) {
            return -1;
        }
        p += fraction;
    }
    int64_t offset;
    if (parse_zone(&p, &offset) || *p != '\0') {
        return -1;
    }
    *instant = date_to_days(year, month, day) * DAY + hour * 3600 + minute * 60 + second - offset;
    return 0;
}

int time_parse(const char *text, int64_t *instant, struct err *err)
{
    if (parse_instant(text, instant)) {
        err_set(err, ERR_DATA, "\"%s\" is not a time", text);
        return err_hint(err, "write it as in 2026-11-22T03:00:00Z");
    }
    return 0;
}

int duration_parse(const char *text, int64_t *seconds, struct err *err)
{
    static const struct {
        char unit;
        int64_t seconds;
    } units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', DAY}};
    size_t length = strlen(text);
    char number[20];
    if (length >= 2 && length < sizeof number) {
        memcpy(number, text, length - 1);
        number[length - 1] = '\0';
        int64_t value;
        for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
            int64_t max = (int64_t)3650 * DAY / units[i].seconds;
            if (text[length - 1] == units[i].unit && number[0] >= '0' && str_int64(number, 0, max, &value) == 0) {
                *seconds = value * units[i].seconds;
                return 0;
            }
        }
    }
    err_set(err, ERR_DATA, "\"%s\" is not a duration", text);
    return err_hint(err, "write one number and one unit: 30s, 15m, 6h or 7d; at most 3650d");
}

char *duration_format(int64_t seconds, char out[RFC3339_MAX])
{
    const char *unit = "s";
    if (seconds != 0 && seconds % DAY == 0) {
        unit = "d";
        seconds /= DAY;
    } else if (seconds != 0 && seconds % 3600 == 0) {
        unit = "h";
        seconds /= 3600;
    } else if (seconds != 0 && seconds % 60 == 0) {
        unit = "m";
        seconds /= 60;
    }
    snprintf(out, RFC3339_MAX, "%" PRId64 "%s", seconds, unit);
    return out;
}
