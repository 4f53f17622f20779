#ifndef TARE_ANALYZE_RULES_ROUNDING_H
#define TARE_ANALYZE_RULES_ROUNDING_H

/* Amounts as people write them: the unit is a hundredth or less of large amounts, and 5m or 4 MiB of small ones. */

#include "stages/analyze/subject/model.h"

/* The unit in which an amount of about this size is written. */
int64_t rounding_unit(enum resource resource, int64_t amount);

/* The amount up to its unit. */
int64_t rounded_up(enum resource resource, int64_t amount);

/* `value` up to its unit, or down where up would pass the range; with smaller units where neither fits, at last as it is. */
int64_t rounded_within(enum resource resource, int64_t value, int64_t min, int64_t max);

#endif
