#ifndef TARE_ANALYZE_SIZING_HOURS_H
#define TARE_ANALYZE_SIZING_HOURS_H

/*
 * Business hours: which steps of the window are learned from. "Mon-Fri 08:00-18:00": days (a range, a list with commas, or
 * none: every day) and a stretch of the day on the zone's own clocks; one that ends before it starts runs past midnight and
 * belongs to the day on which it starts.
 */

#include "pipeline/base/err.h"
#include "stages/analyze/subject/model.h"
#include "stages/common/policy.h"

/* Whether the text can be read and the zone is there. ERR_CONFIG with a sentence that says what is wrong. */
int hours_check(const struct business_hours *hours, struct err *err);

/* For each step whether its middle lies in these hours; *counted receives how many do. New in the arena; NULL where nothing
 * is asked for, or what is cannot be read. */
const bool *hours_mask(const struct business_hours *hours, const struct steps *steps, struct arena *arena, size_t *counted);

#endif
