#ifndef TARE_ANALYZE_FINDINGS_UNUSUAL_H
#define TARE_ANALYZE_FINDINGS_UNUSUAL_H

/*
 * What a series did that it had not done before: cpu-spike, memory-spike, cpu-drop, memory-drop, level-shift,
 * pattern-change from the detector of record, usage-drift and level-shift from change. How severe it is, is a
 * matter of what follows from it: above the request for long, or at the limit.
 */

#include "stages/analyze/findings/rhythms.h"
#include "stages/analyze/findings/sheet.h"

/* Adds those of one resource of the sheet's container; what `rhythms` explains is left out. */
void find_unusual(const struct sheet *sheet, enum resource resource, const struct profile *profile,
                  const struct rhythms *rhythms);

#endif
