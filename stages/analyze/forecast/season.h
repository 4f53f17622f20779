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

/* Medians of the steps of the day (of the grid's first hour and on), over all working days and over all days of weekends before hour
 * `to`, each day with its level. */
struct week {
    size_t to;   /* 0: nothing yet */
    bool enough; /* each step has two days of either kind */
    double step[2][GRID_DAY];
    double hour[2][24]; /* median of each hour of them */
};

/* Sets `week` to what is known before the span's end, where `out` turns it to; calls for one grid must go back in time, so that only
 * the hours in between are taken anew. False where there are too few days; at least two weeks are needed. */
bool season_weekly(const struct span *span, struct week *week, struct season *out);

#endif
