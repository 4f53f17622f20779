#ifndef TARE_ANALYZE_DETECT_NOVELTY_H
#define TARE_ANALYZE_DETECT_NOVELTY_H

/*
 * How unlike everything before the last hour looks: the distance of its four quarter-hour means to the second
 * nearest earlier hour, in units of the 99th percentile of such distances so far (README.md;
 * on quarters of an hour). It tells changes of level and of shape that stay inside of the range of the past.
 */

#include <stdbool.h>
#include <stddef.h>

#include "pipeline/base/arena.h"

/* Scores of `count` means of quarters of an hour (no NaN) into scores[count]. Where `exact` is false and the
 * score is below 1 it may come out larger than it is, up to 1, which saves most of the time. */
void novelty(const double *quarters, size_t count, const bool *exact, struct arena *arena, double *scores);

#endif
