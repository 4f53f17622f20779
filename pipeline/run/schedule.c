#include "pipeline/run/schedule.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"

/* Longer than the 400 years within which every date comes on every weekday. */
static const int64_t REACH = INT64_C(401) * 366 * 86400;

int schedule_rule_read(const char *cron, const char *zone, struct schedule_rule *out, struct err *err)
{
    *out = (struct schedule_rule){.tz = NULL};
    return cron_parse(cron, &out->cron, err) || tz_load(zone, &out->tz, err) ? -1 : 0;
}

void schedule_rule_release(struct schedule_rule *rule)
{
    tz_free(rule->tz);
    rule->tz = NULL;
}

int64_t schedule_next(const struct schedule_rule *rule, int64_t after)
{
    int64_t wall = tz_wall_reached(rule->tz, after) + 1;
    int64_t reading = wall;
    cron_next(&rule->cron, wall, wall + REACH, &reading);
    return tz_instant(rule->tz, reading);
}

/* The last instant at or before `at`. */
static int64_t previous(const struct schedule_rule *rule, int64_t at)
{
    int64_t wall = tz_wall_reached(rule->tz, at);
    int64_t reading = wall;
    cron_previous(&rule->cron, wall, wall - REACH, &reading);
    return tz_instant(rule->tz, reading);
}

struct schedule_answer schedule_judge(const struct schedule_rule *rule, int64_t handled, int64_t now, int64_t grace, bool late_runs)
{
    struct schedule_answer answer = {.verdict = SCHEDULE_NOT_DUE};
    int64_t due = previous(rule, now);
    if (due <= handled) {
        return answer;
    }
    answer.due = due;
    for (int64_t at = schedule_next(rule, handled); at < due && answer.missed < SCHEDULE_MISSED_MAX; at = schedule_next(rule, at)) {
        answer.missed++;
    }
    answer.verdict = late_runs || now - due <= grace ? SCHEDULE_DUE : SCHEDULE_LATE;
    return answer;
}

/* "HH:MM" as minute and hour. */
static int time_of_day(const char *text, int *hour, int *minute)
{
    size_t digits = strspn(text, "0123456789");
    int64_t h;
    int64_t m;
    if (digits < 1 || digits > 2 || text[digits] != ':' || strlen(text + digits + 1) != 2 || !isdigit((unsigned char)text[digits + 1]) ||
        str_int64(text + digits + 1, 0, 59, &m)) {
        return -1;
    }
    char *left = xstrndup(text, digits);
    int failed = str_int64(left, 0, 23, &h);
    free(left);
    if (failed) {
        return -1;
    }
    *hour = (int)h;
    *minute = (int)m;
    return 0;
}

int schedule_daily(const char *text, char **out, struct err *err)
{
    int hour;
    int minute;
    if (time_of_day(text, &hour, &minute)) {
        err_set(err, ERR_USAGE, "--daily is \"%s\", it must be a time of day", text);
        return err_hint(err, "as in --daily 03:00");
    }
    *out = xasprintf("%d %d * * *", minute, hour);
    return 0;
}

/* Whether all parts of "mon,thu" are names of weekdays. */
static bool are_weekdays(const char *text, size_t length)
{
    static const char names[] = "sun mon tue wed thu fri sat";
    for (size_t at = 0; at < length; at += 4) {
        char name[4] = {0};
        for (size_t i = 0; i < 3 && at + i < length; i++) {
            name[i] = (char)tolower((unsigned char)text[at + i]);
        }
        if (strlen(name) != 3 || strstr(names, name) == NULL || strchr(name, ' ') != NULL || at + 4 == length ||
            (at + 3 < length && text[at + 3] != ',')) {
            return false;
        }
    }
    return length > 0;
}

int schedule_weekly(const char *text, char **out, struct err *err)
{
    int hour;
    int minute;
    size_t length = strcspn(text, "@");
    if (text[length] != '@' || length > 27 || !are_weekdays(text, length) || time_of_day(text + length + 1, &hour, &minute)) {
        err_set(err, ERR_USAGE, "--weekly is \"%s\", it must be a weekday and a time of day", text);
        return err_hint(err, "as in --weekly mon@03:00, or mon,thu@03:00");
    }
    *out = xasprintf("%d %d * * %.*s", minute, hour, (int)length, text);
    return 0;
}

int schedule_monthly(const char *text, char **out, struct err *err)
{
    int hour;
    int minute;
    int64_t day;
    size_t length = strcspn(text, "@");
    char *left = xstrndup(text, length);
    int failed = text[length] != '@' || !isdigit((unsigned char)text[0]) || str_int64(left, 1, 31, &day) ||
                 time_of_day(text + length + 1, &hour, &minute);
    free(left);
    if (failed) {
        err_set(err, ERR_USAGE, "--monthly is \"%s\", it must be a day of the month and a time of day", text);
        return err_hint(err, "as in --monthly 1@03:00");
    }
    if (day > 28) {
        err_set(err, ERR_USAGE, "--monthly: not every month has a day %" PRId64, day);
        return err_hint(err, "take a day up to 28, or --cron \"%d %d %" PRId64 " * *\", which leaves the other months out", minute, hour,
                        day);
    }
    *out = xasprintf("%d %d %" PRId64 " * *", minute, hour, day);
    return 0;
}

int schedule_name(const char *name, struct err *err)
{
    size_t length = strlen(name);
    if (length > 0 && length <= SCHEDULE_NAME_MAX && name[0] >= 'a' && name[0] <= 'z' && name[length - 1] != '-' &&
        strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") == length) {
        return 0;
    }
    err_set(err, ERR_USAGE, "\"%s\" is no name for a schedule: small letters, digits and inner dashes, a letter first, at most %d", name,
            SCHEDULE_NAME_MAX);
    return err_hint(err, "as in nightly, or shop-weekly");
}
