#ifndef TARE_RUN_SERIES_H
#define TARE_RUN_SERIES_H

/*
 * A row of numbers ≥ 0 at equal distances, as the members `hourly` and `series` of a usage record keep them:
 * {"low":x,"high":y,"codes":"…"}, two characters of base64url (RFC 4648, the high six bits first) an entry. Code 0 is an
 * entry without a number, 1 the number 0, c ≥ 2 the number low · (high / low)^((c − 2) / 4093); low and high are
 * the least and the largest positive number, null where there is none. So both ends come back exact, any other number
 * within half a step of (high / low)^(1 / 4093), which is 0.09 % over a range of 1 to 1,000.
 */

#include <stddef.h>

#include "pipeline/io/json.h"

/* Encodes numbers; NaN is an entry without a number, and so is what is negative or infinite. Returns new. */
json_t *series_json(const double *values, size_t count);

/* Entries of an encoded series, 0 when it is none at all. What it says is not checked yet. */
size_t series_length(const json_t *series);

/* Decodes into `values`, which has room for `room`; entries past that are left out. Entries without a number are
 * NaN. Returns 0 with *count set, or -1 (nothing is to be read of `values` then) when it is no such series: a
 * member missing, a character outside the alphabet, half an entry, low and high that cannot be. */
int series_read(const json_t *series, double *values, size_t room, size_t *count);

#endif
