#ifndef TARE_PRICING_COST_ENGINE_H
#define TARE_PRICING_COST_ENGINE_H

/*
 * Monthly cost of a workload: max(request, mean usage) × unit price × 730 h × replicas, for each container
 * and resource, rounded once, half up; everything else is a sum of those integers. "Before" takes today's
 * request, "after" the recommended one with the same usage, so that no saving is imagined below what is
 * really used. Where only a limit is set Kubernetes takes it as the request, and so does this. Init
 * containers cost nothing, sidecars do. Waste is (that larger one − mean usage), priced in the same way. A year is
 * twelve months. README.md lists the members of `cost`.
 */

#include <stdbool.h>

#include "pipeline/base/buf.h"
#include "pipeline/io/json.h"
#include "pricing/unit/unit.h"

enum { HOURS_PER_MONTH = 730 };

/* What there is to say about a cost besides its numbers. */
struct cost_notes {
    bool replicas_unknown; /* one was taken */
    bool duration_unknown; /* a Job without usage: its pods were taken to run all month */
    struct buf unpriced;   /* why it could not be priced, for each container; empty when it could */
    struct buf unlisted;   /* containers that ran and stand in no manifest, so that they are in no sum; else empty */
};

/* Prepares and frees the notes. */
void cost_notes_init(struct cost_notes *notes);
void cost_notes_release(struct cost_notes *notes);

/* New `cost` member of a record (a recommendation may be missing: then nothing changes), or NULL when the
 * workload cannot be priced; `notes` says why. */
json_t *cost_of_record(const json_t *record, const struct unit_price *unit, struct cost_notes *notes);

/* New `cost.price` member: the unit prices and how they were found. */
json_t *cost_price_member(const struct unit_price *unit);

#endif
