#ifndef TARE_ANALYZE_SCALING_CALENDAR_H
#define TARE_ANALYZE_SCALING_CALENDAR_H

/* A load by days and hours as the clocks of a time zone show them. */

#include "pipeline/run/tz.h"
#include "stages/analyze/scaling/load/load.h"

enum { DAY_HOURS = 24, DAY_WHOLE_HOURS = 20, WEEK_DAYS = 7 };

struct day {
    int64_t number; /* days since the epoch, by the clocks of the zone */
    int weekday;    /* 0 is Sunday */
    size_t hours;   /* that are told */
    double mean;    /* of its hours */
    double typical; /* median of its hours */
    double top;     /* highest step */
    double hour_mean[DAY_HOURS], hour_top[DAY_HOURS]; /* mean of `total`, highest `level`; NaN untold */
};

struct calendar {
    struct day *days;
    size_t count; /* days that the window touches */
};

/* Sorts a load into days and hours; lives in `arena`. */
void calendar_make(const struct load *load, const struct tz *tz, struct arena *arena, struct calendar *out);

/* Whether nearly all hours of a day are told, so that it can be compared with others. */
bool day_is_whole(const struct day *day);

/* Saturday or Sunday. */
bool day_is_weekend(const struct day *day);

/* The day and the hour at which clocks of the zone stand at an instant. */
int64_t calendar_day(const struct tz *tz, int64_t instant, int *hour);

#endif
