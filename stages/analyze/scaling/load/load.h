#ifndef TARE_ANALYZE_SCALING_LOAD_H
#define TARE_ANALYZE_SCALING_LOAD_H

/* The load that all replicas carry together, step by step: CPU of the container that uses most of it, mean of the pods times
 * how many of them ran. Millicores; NaN where nobody tells. */

#include "stages/analyze/subject/model.h"

struct load {
    bool known;       /* at least LOAD_STEPS_MIN steps */
    size_t container; /* its place among the subject's */
    int64_t start, step_seconds;
    size_t count, told; /* steps, and those with a number */
    const double *total;
    const double *level;    /* running median over 25 minutes: what lasts long enough for an autoscaler to see */
    const double *replicas; /* hour by hour, NaN unknown; `hours` of them */
    size_t hours;
    double mean;
    double trough; /* the tenth part of `level` from below */
    double peak;   /* what `level` reaches for half an hour in sum */
    double top;    /* what `total` reaches for ten minutes in sum */
    double rise;   /* by what factor it grows within ten minutes, but for one time in a hundred; 1 and more */
};

enum { LOAD_STEPS_MIN = 12 };

/* Reads it from the usage; everything lives in `arena`. */
void load_make(const struct subject *subject, struct arena *arena, struct load *out);

/* Replicas that ran in the latest hour that is told, rounded; 0 unknown. */
int64_t load_replicas_now(const struct load *load);

/* Seconds, back from the end of the window, in which the number of replicas did not change; 0 unknown. */
int64_t load_replicas_unchanged(const struct load *load);

/* Share of the hours in which at least (`above`) or at most so many replicas ran; NaN when fewer than a day is told. */
double load_replicas_share(const struct load *load, double replicas, bool above);

/* Whether the level stays at or above `level` for `seconds` on end at least once. */
bool load_holds(const struct load *load, double level, int64_t seconds);

#endif
