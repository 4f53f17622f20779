#ifndef TARE_COLLECT_FIGURES_COUNTER_H
#define TARE_COLLECT_FIGURES_COUNTER_H

/*
 * What the series of one metric, pod and container tell together. A container that started anew has a series of its own
 * (another `instance`): their increases add up. Two scrapers make two series of one instance: the fuller one counts,
 * and the other before its first and after its last sample.
 */

#include <stddef.h>
#include <stdint.h>

#include "stages/collect/points.h"
#include "stages/collect/store.h"

/* One series; its points are clean and in order of time, LOOKBACK included. Borrowed. */
struct told {
    const struct points *points;
    uint64_t instance;
    enum series_form form;
};

/* Puts the increases of a counter into `out`, which is empty, in order of time: each point is how much it grew, more than 0,
 * at the sample where that was seen. A counter that fell began anew at 0, except from one series to the next of an
 * instance, which may be late by a scrape. What it had at its first sample is not counted, as Prometheus does not:
 * nobody knows when it came. A series of rates tells of no increases. */
void counter_increases(const struct told *series, size_t count, struct points *out);

#endif
