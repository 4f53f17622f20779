#ifndef TARE_ANALYZE_FINDINGS_RHYTHMS_H
#define TARE_ANALYZE_FINDINGS_RHYTHMS_H

/*
 * What comes back: busy hours of a day (daily-peak), quiet weekends (weekend-low), one burst a week
 * (weekly-batch). None of them is a fault; they say why a number is what it is, and what a schedule could do.
 */

#include "stages/analyze/detect/profile.h"
#include "stages/analyze/findings/sheet.h"

enum { BURSTS_MAX = 32 };

/* Bursts that belong to a weekly rhythm. */
struct rhythms {
    size_t count;
    struct span bursts[BURSTS_MAX];
};

/* Adds those of one resource of the sheet's container. *out receives what they explain. */
void find_rhythms(const struct sheet *sheet, enum resource resource, const struct profile *profile,
                  struct rhythms *out);

#endif
