#ifndef TARE_RUN_TZ_H
#define TARE_RUN_TZ_H

/*
 * IANA time zones, read from the system's TZif files (RFC 9636) without touching the process' own zone.
 * Beyond the last stored transition the file's POSIX footer rule counts. Instants are seconds since the epoch
 * in UTC; a wall clock reading is written the same way, as if it were UTC.
 */

#include <stddef.h>
#include <stdint.h>

#include "pipeline/base/err.h"

struct tz;

/* Reads the zone `name` ("Europe/Berlin") below $TZDIR, else /usr/share/zoneinfo. "UTC" needs no file.
 * ERR_CONFIG for a name that is no zone, or a file that is damaged or counts leap seconds. *out new, free
 * with tz_free. */
int tz_load(const char *name, struct tz **out, struct err *err);

/* Reads TZif bytes; `name` is what errors call them. For tests and fuzzing; tz_load uses it. ERR_CONFIG. */
int tz_parse(const void *bytes, size_t length, const char *name, struct tz **out, struct err *err);

/* A zone made of `count` changes: from at[i] on (ascending) clocks are offset[i] seconds east of UTC, before the first `initial`.
 * The arrays are copied. ERR_CONFIG where they are out of order or out of range. *out new, free with tz_free. */
int tz_make(int64_t initial, size_t count, const int64_t *at, const int64_t *offset, struct tz **out, struct err *err);

/* Frees; NULL is allowed. */
void tz_free(struct tz *tz);

/* The instant at which the zone's clocks show `wall`: of an ambiguous reading the first, for one that clocks
 * skip the first instant after the gap. Never decreases as `wall` grows. */
int64_t tz_instant(const struct tz *tz, int64_t wall);

/* The latest wall clock reading that was shown at or before an instant (more than the present one after
 * clocks were set back). tz_instant(wall) ≤ instant exactly where wall ≤ this. */
int64_t tz_wall_reached(const struct tz *tz, int64_t instant);

/* What the zone's clocks show at an instant. */
int64_t tz_wall(const struct tz *tz, int64_t instant);

#endif
