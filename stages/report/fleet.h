#ifndef TARE_STAGES_REPORT_FLEET_H
#define TARE_STAGES_REPORT_FLEET_H

/* From an artifact to what its nodes come to: workloads are gathered while the report is read, then packed. */

#include "pricing/packing/fleet.h"
#include "reports/model/model.h"

struct fleet_gather;

/* New: for records under this header (borrowed). NULL where it knows no prices, and so no nodes. gather_free it. */
struct fleet_gather *gather_new(const json_t *header);

/* Frees; NULL is allowed. */
void gather_free(struct fleet_gather *gather);

/* Adds a workload; for report->watch, with the gather as context. */
report_visit gather_row;

/* New fleet of what was gathered. */
struct fleet *gather_finish(const struct fleet_gather *gather);

#endif
