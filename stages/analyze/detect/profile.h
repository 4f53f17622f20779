#ifndef TARE_ANALYZE_DETECT_PROFILE_H
#define TARE_ANALYZE_DETECT_PROFILE_H

/*
 * What a day usually looks like: for each quarter of an hour the median, over the days, of how far usage lay
 * from that day's own median, smoothed over five quarters, and shrunk by how well the odd and the even days
 * agree. So a pattern that does not come back takes nothing away, and one odd day does not make a pattern.
 * How it is used: README.md.
 */

#include <stddef.h>
#include <stdint.h>

#include "pipeline/base/arena.h"

enum { PROFILE_SLOTS = 96, PROFILE_SLOT_SECONDS = 86400 / PROFILE_SLOTS };

struct profile {
    double slots[PROFILE_SLOTS]; /* 0 throughout where there is no pattern; in the unit of the values */
    double lowest, highest;      /* of the slots */
    double agreement;            /* 0..1: correlation of the odd and the even days, 0 with fewer than three */
};

/* The profile of `count` values (NaN = gap), one each `step_seconds` from `start` (epoch seconds). Scratch in
 * `arena`. */
void profile_make(const double *values, size_t count, int64_t start, int64_t step_seconds,
                  struct arena *arena, struct profile *out);

/* What the profile adds at an instant. */
double profile_at(const struct profile *profile, int64_t instant);

#endif
