#include "stages/analyze/sizing/hours.h"

#include <string.h>
#include <strings.h>

#include "pipeline/base/mem.h"
#include "pipeline/run/tz.h"

enum { DAYS = 7, MINUTES_A_DAY = 24 * 60, EVERY_DAY = 0x7f };

/* A schedule as it is read. */
struct stretch {
    unsigned days;  /* bit 0: Sunday */
    long from, end; /* minutes of the day; end ≤ from: past midnight */
};

/* Reads the name of a day at *text and moves past it; -1 when there is none. */
static int read_day(const char **text)
{
    static const char *const names[DAYS] = {"sun", "mon", "tue", "wed", "thu", "fri", "sat"};
    for (int i = 0; i < DAYS; i++) {
        if (strncasecmp(*text, names[i], 3) == 0) {
            *text += 3;
            return i;
        }
    }
    return -1;
}

/* Days as "Mon-Fri", "Mon,Wed,Fri", "Fri-Mon". */
static bool read_days(const char **text, unsigned *days)
{
    *days = 0;
    do {
        int first = read_day(text);
        int last = first;
        if (first >= 0 && **text == '-') {
            ++*text;
            last = read_day(text);
        }
        if (first < 0 || last < 0) {
            return false;
        }
        for (int day = first;; day = (day + 1) % DAYS) {
            *days |= 1U << (unsigned)day;
            if (day == last) {
                break;
            }
        }
    } while (**text == ',' && *(*text)++ != '\0');
    return true;
}

/* Two digits at *text, moved past; -1 when they are none. */
static long two_digits(const char **text)
{
    const char *at = *text;
    if (at[0] < '0' || at[0] > '9' || at[1] < '0' || at[1] > '9') {
        return -1;
    }
    *text += 2;
    return (at[0] - '0') * 10 + (at[1] - '0');
}

/* "08:00" to "24:00", in minutes; -1 when it is no time of a day. */
static long read_minute(const char **text)
{
    long hour = two_digits(text);
    if (hour < 0 || **text != ':') {
        return -1;
    }
    ++*text;
    long minute = two_digits(text);
    bool fits = minute >= 0 && minute < 60 && (hour < 24 || (hour == 24 && minute == 0));
    return fits ? hour * 60 + minute : -1;
}

static bool stretch_read(const char *text, struct stretch *out)
{
    *out = (struct stretch){.days = EVERY_DAY};
    if (strchr("0123456789", *text) == NULL || *text == '\0') {
        if (!read_days(&text, &out->days) || *text != ' ') {
            return false;
        }
        text += strspn(text, " ");
    }
    out->from = read_minute(&text);
    if (out->from < 0 || *text != '-') {
        return false;
    }
    text++;
    out->end = read_minute(&text);
    return out->end >= 0 && *text == '\0' && out->from != out->end && out->from < MINUTES_A_DAY;
}

static const char *zone_of(const struct business_hours *hours)
{
    return hours->timezone ? hours->timezone : "UTC";
}

int hours_check(const struct business_hours *hours, struct err *err)
{
    struct stretch stretch;
    struct tz *zone = NULL;
    if (!stretch_read(hours->schedule, &stretch)) {
        err_set(err, ERR_CONFIG, "\"%.60s\" are no business hours", hours->schedule);
        return err_hint(err, "write days and a stretch of the day, as in \"Mon-Fri 08:00-18:00\"");
    }
    int failed = tz_load(zone_of(hours), &zone, err);
    tz_free(zone);
    return failed;
}

/* Whether a reading of the clock (seconds, as if it were UTC) lies in the stretch. */
static bool stretch_holds(const struct stretch *stretch, int64_t wall)
{
    int64_t day = wall / 86400;
    long minute = (long)(wall % 86400 / 60);
    unsigned today = 1U << (unsigned)((day + 4) % DAYS); /* 1970-01-01 was a Thursday */
    unsigned before = 1U << (unsigned)((day + 3) % DAYS);
    if (stretch->from < stretch->end) {
        return (stretch->days & today) && minute >= stretch->from && minute < stretch->end;
    }
    return ((stretch->days & today) && minute >= stretch->from) || ((stretch->days & before) && minute < stretch->end);
}

const bool *hours_mask(const struct business_hours *hours, const struct steps *steps, struct arena *arena, size_t *counted)
{
    struct stretch stretch;
    struct tz *zone = NULL;
    struct err err;
    *counted = steps->count;
    if (!hours->schedule || !stretch_read(hours->schedule, &stretch) || tz_load(zone_of(hours), &zone, &err)) {
        return NULL;
    }
    bool *mask = arena_alloc_array(arena, steps->count + 1, sizeof *mask);
    *counted = 0;
    for (size_t i = 0; i < steps->count; i++) {
        int64_t middle = steps->start + (int64_t)i * steps->step_seconds + steps->step_seconds / 2;
        mask[i] = middle > 0 && stretch_holds(&stretch, tz_wall_reached(zone, middle));
        *counted += mask[i];
    }
    tz_free(zone);
    return mask;
}
