#ifndef TARE_DRIVER_TOTALS_H
#define TARE_DRIVER_TOTALS_H

/* The sums over the flat rows of a run. */

#include <stdint.h>

#include "pipeline/io/json.h"

struct totals {
    int64_t workloads; /* records: two of one identity are two, as in the report */
    int64_t objects;   /* identities */
    int64_t changes;   /* allowed, waiting or blocked: anything but unchanged */
    int64_t waiting;
    int64_t blocked;
    int64_t unpriced;
    int64_t before;
    int64_t after;
    int64_t saving;
    int64_t held_back; /* saving of the blocked ones … */
    int64_t unwritten; /* … and of those that no manifest takes */
    int64_t critical;  /* findings of that severity */
};

/* a + b; amounts may come from anywhere: a sum stays at the most, or the least, that there is. */
int64_t add_amounts(int64_t a, int64_t b);

/* Sums of what ledger_results_get gives; money in micro-USD a month. */
struct totals totals_of(const json_t *rows);

#endif
