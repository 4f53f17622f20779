#ifndef TARE_ANALYZE_FORECAST_SEASON_H
#define TARE_ANALYZE_FORECAST_SEASON_H

/* What the time of day tells of a row: profiles of a day that starts where the learned part ends. */

#include "stages/analyze/forecast/grid.h"

/* The part of a grid that is learned from: hours [from, to). */
struct span {
    const struct grid *grid;
    size_t from, to;
};

struct season {
    bool by_class;              /* [1] is for Saturdays and Sundays; else [0] is for all days */
    double step[2][GRID_DAY];   /* 24 × per_hour values */
    double hour[2][24];         /* median of each hour of them */
};

/* No season at all. */
void season_none(const struct span *span, struct season *out);

/* From the whole days of a span, at least three:
 * `slots`  the median over the days, each less its own level, of each step of the day; sharp, for jobs that come on the minute;
 * `smooth` the same as a moving average of an hour, made smaller by as much as the days do not bear each other out. */
void season_daily(const struct span *span, struct season *slots, struct season *smooth);

/* As `slots`, but working days and weekends apart and each day with its level. False where there is no step of the day with two
 * days of each kind; at least two weeks are needed for that. */
bool season_weekly(const struct span *span, struct season *out);

#endif
