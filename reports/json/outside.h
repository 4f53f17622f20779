#ifndef TARE_REPORTS_JSON_OUTSIDE_H
#define TARE_REPORTS_JSON_OUTSIDE_H

/* What stands beside the workloads in a JSON report: nodes, and what the ledger knows. */

#include "pipeline/io/json.h"
#include "pricing/packing/fleet.h"
#include "reports/past/past.h"

/* New object; null for NULL. What is not known is null. */
json_t *json_fleet(const struct fleet *fleet);

/* New object; null for NULL. */
json_t *json_past(const struct report_past *past);

#endif
