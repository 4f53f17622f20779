#ifndef TARE_ANALYZE_SCALING_BUDGETS_H
#define TARE_ANALYZE_SCALING_BUDGETS_H

/* Below how many replicas a workload must not come: two where there are two today, and what its PodDisruptionBudgets need so
 * that a pod can still be evicted. */

#include <stdbool.h>

#include "pipeline/io/json.h"

/* That number for a workload with `now` replicas (0 unknown), 1 and more; *by tells what asks for it (static). A budget that
 * lets no pod go, however many there are, keeps the present number. */
int64_t budgets_floor(const json_t *workload, int64_t now, const char **by);

/* The name of a budget that lets no pod go at `replicas`, NULL for none. Borrowed. */
const char *budgets_blocked(const json_t *workload, int64_t replicas);

#endif
