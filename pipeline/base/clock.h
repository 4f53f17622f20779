#ifndef TARE_BASE_CLOCK_H
#define TARE_BASE_CLOCK_H

/*
 * The one clock. TARE_NOW (RFC 3339) is where the clock of an executable starts; it runs on from there. Instants
 * are whole seconds since 1970-01-01T00:00:00Z, in UTC.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pipeline/base/err.h"

enum { RFC3339_MAX = 32 };

/* Reads TARE_NOW once; call it first in main. ERR_USAGE when it is not a time. */
int clock_init(struct err *err);

/* Seconds since the epoch, from where TARE_NOW put it. */
int64_t clock_now(void);

/* Whether TARE_NOW set the clock, and the very instant it named. */
bool clock_is_set(int64_t *start);

/* Milliseconds on a clock that never steps; for measuring and time-outs. */
int64_t clock_monotonic_ms(void);

/* Sleeps at least `milliseconds` (a signal may end it early). */
void clock_sleep_ms(int64_t milliseconds);

/* Writes "2026-11-22T03:00:00Z" for an instant between the years 0 and 9999. Returns `out`. */
char *time_format(int64_t instant, char out[RFC3339_MAX]);

/* Reads RFC 3339 ("…Z" or "…+02:00"; a fraction of a second is cut off). ERR_DATA with a sentence when it is not. */
int time_parse(const char *text, int64_t *instant, struct err *err);

/* Days since the epoch of a date in the Gregorian calendar; month 1..12, day 1..31.
 * Source: H. Hinnant's days_from_civil identity over 400-year eras. */
int64_t date_to_days(int64_t year, int month, int day);

/* The date of a day since the epoch. */
void days_to_date(int64_t days, int64_t *year, int *month, int *day);

/* Reads a duration of one number and one unit (30s 15m 6h 7d), in seconds, 0 ≤ value ≤ 10 years. ERR_DATA. */
int duration_parse(const char *text, int64_t *seconds, struct err *err);

/* Writes the shortest exact form ("7d", "36h", "90s"). Returns `out`. */
char *duration_format(int64_t seconds, char out[RFC3339_MAX]);

#endif
