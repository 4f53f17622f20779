#ifndef TARE_ANALYZE_SCALING_SHAPE_H
#define TARE_ANALYZE_SCALING_SHAPE_H

/* What a load does over days: which patterns it shows, and on how many days. Definitions and cuts: README.md. */

#include "stages/analyze/scaling/load/calendar.h"

/* In the order in which one of them names the kind of load. */
enum pattern { WEEKEND_PATTERN = 0, WEEKLY_PATTERN, DAILY_PATTERN, LEVEL_SHIFT, GROWING, SPIKES, BURSTS, HOURLY_PATTERN, PATTERNS };

enum { SPIKES_MAX = 8 };

/* A time at which the load was far above what its days usually reach. */
struct spike {
    int64_t start, seconds;
    double times; /* its highest step ÷ what the days usually reach */
};

struct shape {
    bool known; /* there are three whole days to compare */
    bool shows[PATTERNS];
    size_t days; /* whole ones */
    double agreement;      /* share of the days that follow the daily curve; NaN unknown */
    double weekend_ratio;  /* a day of the weekend ÷ a working day; NaN unknown */
    double growth_per_day; /* share of the load, NaN where there is no trend */
    double usual_top;      /* what the days usually reach at most; NaN unknown */
    double usual_peak;     /* what the level reaches for half an hour in sum, spikes apart */
    struct spike spikes[SPIKES_MAX];
    size_t spike_count;
    int hourly_minute, hourly_minutes; /* from which on the load of an hour peaks, and for how long */
    double wave_low, wave_high; /* least and most of the hours of a day, middles over days that are alike; NaN unknown */
    unsigned weekly_days; /* that stand out: bit 0 is Sunday */
};

/* Judges a known load; uses `arena` for scratch. */
void shape_make(const struct load *load, const struct calendar *calendar, const struct tz *tz, struct arena *arena, struct shape *out);

/* The weekdays that differ from the others: the weekend, those that stand out, or none. */
unsigned shape_days_apart(const struct shape *shape);

/* The word for a pattern: "daily", "weekend" … Borrowed, static. */
const char *pattern_name(enum pattern pattern);

/* The kind of load: the first pattern that it shows, else "steady", "unknown" where the days are too few. Borrowed, static. */
const char *shape_kind(const struct shape *shape);

#endif
