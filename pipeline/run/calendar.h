#ifndef TARE_RUN_CALENDAR_H
#define TARE_RUN_CALENDAR_H

/*
 * The events of an iCalendar file (RFC 5545) as openings of a window: DTSTART with DTEND or DURATION, all-day events, RRULE,
 * RDATE, EXDATE, changed and cancelled occurrences. Each start is a reading of the wall clock in the event's own zone, converted
 * at its own date by the rules of tz.h; all-day events and floating times are in the window's zone, else the calendar's
 * (X-WR-TIMEZONE), else UTC. What could be understood in two ways is refused, not guessed.
 *
 * Bounds: ICS_BYTES_MAX, CALENDAR_EVENTS_MAX events, CALENDAR_TIMES_MAX occurrences that are listed (COUNT, RDATE, EXDATE, single
 * events); rules without COUNT are followed from near the instant that is asked about.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pipeline/base/err.h"
#include "pipeline/run/tz.h"

enum { CALENDAR_EVENTS_MAX = 20000, CALENDAR_TIMES_MAX = 500000, CALENDAR_LENGTH_MAX = 31 * 86400 };

struct calendar;

/* One opening: [start, end). */
struct opening {
    int64_t start;
    int64_t end;
};

/* Reads a calendar; `zone` is the window's, NULL where it has none. ERR_CONFIG with a sentence that begins with the line of the
 * calendar. *out new, free with calendar_free. */
int calendar_read(const char *text, size_t length, const char *zone, struct calendar **out, struct err *err);

/* Frees; NULL is allowed. */
void calendar_free(struct calendar *calendar);

/* The zone of floating times and all-day events of its first VCALENDAR, and its name. Borrowed. */
const struct tz *calendar_zone(const struct calendar *calendar, const char **name);

/* Of the openings in which an instant lies the one that ends last. Returns false where there is none. */
bool calendar_open(struct calendar *calendar, int64_t instant, struct opening *out);

/* The first opening that begins after an instant and at most `horizon` seconds after it; of several that begin together the one
 * that ends last. Returns false where there is none. */
bool calendar_next(struct calendar *calendar, int64_t instant, int64_t horizon, struct opening *out);

/* The instant at which openings that overlap or touch end, from one at which the calendar is open (else that instant). Not
 * looked for past `limit`. */
int64_t calendar_closes(struct calendar *calendar, int64_t instant, int64_t limit);

#endif
