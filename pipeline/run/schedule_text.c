/* A schedule in the words of those who start programs: systemd, Kubernetes, cron. They may fire more often than the
 * rule says, since the ledger knows what is due, but never less. */

#include <string.h>

#include "pipeline/run/schedule.h"

enum {
    DAY = 86400,
    MINUTES = 1440,
    SAMPLES = 20000,             /* instants that are looked at … */
    LEAST_DAYS = 2 * 366,        /* … but no fewer than those of two years */
    MOST_DAYS = 28 * 366,        /* after 28 years dates and weekdays come in the same order again */
    LATER = 6 * 3600
};

/* Adds the set bits of [low, high] as a list with ranges; "*" where all are set. */
static void add_bits(struct buf *out, uint64_t bits, int low, int high, const char *range)
{
    bool all = true;
    for (int bit = low; bit <= high; bit++) {
        all = all && (bits >> bit & 1);
    }
    if (all) {
        buf_add_char(out, '*');
        return;
    }
    bool first = true;
    for (int bit = low; bit <= high; bit++) {
        if (!(bits >> bit & 1)) {
            continue;
        }
        int end = bit;
        while (end < high && (bits >> (end + 1) & 1)) {
            end++;
        }
        buf_printf(out, "%s%d", first ? "" : ",", bit);
        if (end > bit) {
            buf_printf(out, "%s%d", end > bit + 1 ? range : ",", end);
        }
        first = false;
        bit = end;
    }
}

static void add_weekdays(struct buf *out, uint32_t bits)
{
    static const char *const names[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    const char *comma = "";
    for (int day = 1; day <= 7; day++) {
        if (bits >> day % 7 & 1) {
            buf_printf(out, "%s%s", comma, names[day % 7]);
            comma = ",";
        }
    }
}

static int minute_of(int64_t wall)
{
    return (int)((wall % DAY + DAY) % DAY / 60);
}

/* Takes down the readings that the clocks of `tz` show at the rule's instants: a bit for each hour and minute where they are
 * `odd` (the rule does not name them: clocks jumped over the reading it names), or all of them. */
static void sample(const struct schedule_rule *rule, const struct tz *tz, int64_t from, bool odd, unsigned char seen[MINUTES])
{
    int64_t at = schedule_next(rule, from);
    for (int count = 0; at - from < (int64_t)MOST_DAYS * DAY && (count < SAMPLES || at - from < (int64_t)LEAST_DAYS * DAY); count++) {
        int64_t wall = tz_wall_reached(tz, at);
        int64_t reading = 0;
        if (!odd || !cron_next(&rule->cron, wall, wall + 1, &reading)) {
            seen[minute_of(wall)] = 1;
        }
        if (!odd) { /* after clocks were set back they show less than they did: what they show hours later */
            seen[minute_of(at + tz_wall_reached(tz, at + LATER) - (at + LATER))] = 1;
        }
        at = schedule_next(rule, at);
    }
}

/* The parts of one OnCalendar= line. */
static void add_calendar(const struct cron *cron, uint32_t days, uint32_t weekdays, const char *zone, struct buf *out)
{
    buf_add_str(out, "OnCalendar=");
    if ((weekdays & 0x7f) != 0x7f) {
        add_weekdays(out, weekdays);
        buf_add_char(out, ' ');
    }
    buf_add_str(out, "*-");
    add_bits(out, cron->months, 1, 12, "..");
    buf_add_char(out, '-');
    add_bits(out, days, 1, 31, "..");
    buf_add_char(out, ' ');
    add_bits(out, cron->hours, 0, 23, "..");
    buf_add_char(out, ':');
    add_bits(out, cron->minutes, 0, 59, "..");
    buf_printf(out, ":00 %s\n", zone);
}

void schedule_calendars(const struct schedule_rule *rule, const char *zone, int64_t from, struct buf *out)
{
    const struct cron *cron = &rule->cron;
    if (cron->either_day) {
        add_calendar(cron, cron->days, 0x7f, zone, out);
        add_calendar(cron, UINT32_MAX, cron->weekdays, zone, out);
    } else {
        add_calendar(cron, cron->days, cron->weekdays, zone, out);
    }
    unsigned char odd[MINUTES] = {0};
    sample(rule, rule->tz, from, true, odd);
    for (int minute = 0; minute < MINUTES; minute++) {
        if (odd[minute]) {
            buf_printf(out, "OnCalendar=*-*-* %02d:%02d:00 %s\n", minute / 60, minute % 60, zone);
        }
    }
}

static void add_cron(struct buf *out, uint64_t minutes, uint64_t hours, const struct cron *days)
{
    static const struct cron every = {0, 0, UINT32_MAX, UINT32_MAX, UINT32_MAX, false};
    days = days == NULL ? &every : days;
    add_bits(out, minutes, 0, 59, "-");
    buf_add_char(out, ' ');
    add_bits(out, hours, 0, 23, "-");
    buf_add_char(out, ' ');
    add_bits(out, days->days, 1, 31, "-");
    buf_add_char(out, ' ');
    add_bits(out, days->months, 1, 12, "-");
    buf_add_char(out, ' ');
    add_bits(out, days->weekdays, 0, 6, "-");
}

void schedule_kubernetes(const struct schedule_rule *rule, int64_t from, struct buf *out)
{
    unsigned char odd[MINUTES] = {0};
    uint64_t minutes = rule->cron.minutes;
    uint64_t hours = rule->cron.hours;
    sample(rule, rule->tz, from, true, odd);
    for (int minute = 0; minute < MINUTES; minute++) {
        if (odd[minute]) {
            hours |= UINT64_C(1) << minute / 60;
            minutes |= UINT64_C(1) << minute % 60;
        }
    }
    add_cron(out, minutes, hours, &rule->cron);
}

void schedule_crontab(const struct schedule_rule *rule, const struct tz *machine, int64_t from, struct buf *out)
{
    unsigned char seen[MINUTES] = {0};
    uint64_t by_hour[24] = {0};
    sample(rule, machine, from, false, seen);
    for (int minute = 0; minute < MINUTES; minute++) {
        by_hour[minute / 60] |= seen[minute] ? UINT64_C(1) << minute % 60 : 0;
    }
    for (int hour = 0; hour < 24; hour++) {
        uint64_t hours = 0;
        for (int other = hour; other < 24 && by_hour[hour] != 0; other++) {
            hours |= by_hour[other] == by_hour[hour] ? UINT64_C(1) << other : 0;
        }
        if (hours != 0) {
            uint64_t minutes = by_hour[hour];
            for (int other = hour; other < 24; other++) {
                by_hour[other] = hours >> other & 1 ? 0 : by_hour[other];
            }
            add_cron(out, minutes, hours, NULL);
            buf_add_char(out, '\n');
        }
    }
}
