#ifndef TARE_IO_RECUR_H
#define TARE_IO_RECUR_H

/*
 * Recurrence rules of iCalendar (RFC 5545 §3.3.10), expanded by libical on the wall clock: readings are seconds since the
 * epoch as if UTC, zones are the caller's. libical looks on until it finds the next date (to the year 2582), so the caller
 * keeps frequencies of less than a day away from it, and asks first whether the rule begins at its own start.
 */

#include <stdbool.h>
#include <stdint.h>

#include "pipeline/base/err.h"

struct recur;

/* A rule ("FREQ=WEEKLY;BYDAY=MO,TU;COUNT=9", without UNTIL) that counts from the reading `first`. ERR_CONFIG where libical
 * refuses it. *out new, free with recur_free. */
int recur_new(const char *rule, int64_t first, struct recur **out, struct err *err);

/* Frees; NULL is allowed. */
void recur_free(struct recur *recur);

/* The next recur_next gives the first reading at or after `wall`. */
void recur_seek(struct recur *recur, int64_t wall);

/* The next reading, in ascending order. Returns false where there is none any more. */
bool recur_next(struct recur *recur, int64_t *wall);

#endif
