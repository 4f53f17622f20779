#ifndef TARE_RUN_CALENDAR_SET_H
#define TARE_RUN_CALENDAR_SET_H

/* Inside of calendar.h: how a calendar is held, for the reader (calendar.c) and the lookups (calendar_find.c). */

#include "pipeline/base/arena.h"
#include "pipeline/io/recur.h"
#include "pipeline/run/calendar.h"
#include "pipeline/run/ics_value.h"
#include "pipeline/run/ics_zone.h"

enum { CALENDAR_MEMO = 16 };

/* An event that recurs without COUNT: its starts are found when they are asked for. */
struct calendar_rule {
    struct recur *recur;
    const struct tz *tz;
    struct ics_length length;
    bool has_until;
    bool until_utc;      /* `until` is an instant, else a reading */
    int64_t until;
    int64_t *excluded;   /* instants, ascending */
    size_t excluded_count;
    /* The starts (readings, ascending) that were found last: all from `from` on, as far as they go. */
    bool filled;
    bool ended;          /* there are none after the last */
    int64_t from;
    int64_t *starts;
    size_t count;
    size_t capacity;
};

/* A single occurrence; `reach` is the index of the one that ends last among those up to here. */
struct calendar_time {
    int64_t start;
    int64_t end;
    size_t reach;
};

/* An answer that was given before. */
struct calendar_memo {
    bool known;
    bool found;
    int64_t instant;
    struct opening opening;
};

struct calendar {
    struct arena arena;
    struct ics ics;
    struct ics_zones *zones;
    const struct tz *zone; /* of what names none, in the first VCALENDAR */
    const char *zone_name;
    struct calendar_rule *rules;
    size_t rule_count;
    size_t rule_capacity;
    struct calendar_time *times; /* by start */
    size_t time_count;
    size_t time_capacity;
    struct calendar_memo open[CALENDAR_MEMO];
    struct calendar_memo next[CALENDAR_MEMO];
    struct opening run; /* openings without a break, as far as they were followed */
    bool run_ends;      /* they end there */
};

/* The end of an occurrence that starts with a reading; *start receives its instant. */
int64_t calendar_end(const struct tz *tz, const struct ics_length *length, int64_t wall, int64_t *start);

#endif
