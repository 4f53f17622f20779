#ifndef TARE_RUN_CRON_H
#define TARE_RUN_CRON_H

/*
 * Five-field cron schedules on the wall clock: minute hour day-of-month month day-of-week. Numbers, names
 * (JAN, SUN; any case), ranges, lists, steps; 7 is Sunday too. Where both day fields are restricted either
 * may match; a field that begins with "*" is not restricted (Vixie cron). Wall clock readings are seconds
 * since the epoch as if UTC.
 */

#include <stdbool.h>
#include <stdint.h>

#include "pipeline/base/err.h"

struct cron {
    uint64_t minutes; /* bit n: minute n */
    uint32_t hours;
    uint32_t days;     /* bits 1..31 */
    uint32_t months;   /* bits 1..12 */
    uint32_t weekdays; /* bits 0..6, Sunday 0 */
    bool either_day;   /* both day fields are restricted */
};

/* Reads a schedule; one that never comes (30 February) is refused. ERR_CONFIG with a sentence naming the
 * field. */
int cron_parse(const char *text, struct cron *out, struct err *err);

/* The first reading of the schedule at or after `wall`. Returns false where there is none before `limit`
 * (excluded). */
bool cron_next(const struct cron *cron, int64_t wall, int64_t limit, int64_t *out);

/* The last reading of the schedule at or before `wall`. Returns false where there is none after `limit`
 * (excluded). */
bool cron_previous(const struct cron *cron, int64_t wall, int64_t limit, int64_t *out);

#endif
