#ifndef TARE_ANALYZE_DETECT_CHANGE_H
#define TARE_ANALYZE_DETECT_CHANGE_H

/*
 * Whether a series came to another level in the window, at once or bit by bit. Told from medians of three
 * hours, freed of the daily profile: the best single step against the best straight line, whichever explains
 * more of them.
 */

#include "stages/analyze/detect/profile.h"

enum change_kind { CHANGE_NONE = 0, CHANGE_STEP, CHANGE_SLOPE };

struct change {
    enum change_kind kind;
    int64_t at;           /* of a step, epoch seconds, to three hours; of a slope its start */
    double before, after; /* level on either side of a step; at either end of a slope */
    double per_day;       /* of a slope */
    double explained;     /* share of the variance that it explains, 0..1 */
    double p;             /* of a slope: Mann and Kendall */
};

/* The change of `count` values (NaN = gap), one each `step_seconds` from `start`. At least three days, a
 * quarter of the level. */
void change_find(const double *values, size_t count, int64_t start, int64_t step_seconds,
                 const struct profile *profile, struct arena *arena, struct change *out);

#endif
