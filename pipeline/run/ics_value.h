#ifndef TARE_RUN_ICS_VALUE_H
#define TARE_RUN_ICS_VALUE_H

/* Values of iCalendar properties (RFC 5545 §3.3), read strictly: what is not said as the standard says it is refused, since a
 * library that guesses would open a window at another time. Sentences name the value; the caller adds the line. */

#include <stdbool.h>
#include <stdint.h>

#include "pipeline/base/arena.h"
#include "pipeline/base/err.h"

enum ics_form { ICS_DATE, ICS_FLOATING, ICS_ZONED, ICS_UTC };

/* A DATE or DATE-TIME: a reading of the wall clock (of a date midnight). */
struct ics_time {
    int64_t wall;
    enum ics_form form;
    const char *tzid; /* where zoned; borrowed */
};

/* How long: days as a calendar counts them, then seconds that pass. */
struct ics_length {
    int64_t days;
    int64_t seconds;
};

/* A recurrence rule without its UNTIL, for recur_new. */
struct ics_rule {
    const char *text; /* the arena's */
    int64_t count;    /* 0: none */
    bool has_until;
    struct ics_time until;
};

enum { ICS_COUNT_MAX = 100000, ICS_TIMES_MAX = 24 };

/* Reads "20261220", "20261220T180000" or "20261220T180000Z"; `type` is the parameter VALUE, `tzid` TZID (each NULL: not given;
 * tzid is borrowed by *out). ERR_CONFIG. */
int ics_read_time(const char *text, const char *type, const char *tzid, struct ics_time *out, struct err *err);

/* Reads "P1DT2H" or "P2W". ERR_CONFIG. */
int ics_read_length(const char *text, struct ics_length *out, struct err *err);

/* Reads "+0100" or "-023000" as seconds east of UTC. ERR_CONFIG. */
int ics_read_offset(const char *text, int64_t *out, struct err *err);

/* Checks the parts of a RECUR value: each known and given once, numbers in their range, together as RFC 5545 permits, FREQ a day
 * or longer, at most ICS_TIMES_MAX openings a day. `date`: it is the rule of an all-day event. ERR_CONFIG. */
int ics_read_rule(const char *text, bool date, struct arena *arena, struct ics_rule *out, struct err *err);

#endif
