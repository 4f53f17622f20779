#ifndef TARE_REPORTS_MODEL_SUMS_H
#define TARE_REPORTS_MODEL_SUMS_H

/* Adding workloads up: in all, and by namespace, team, cluster and class. */

#include "reports/model/model.h"

/* Adds a row to the totals and to its part of each dimension, and counts why it has no price. ERR_DATA where a sum would be past
 * REPORT_MONEY_MAX. */
int sums_add_row(struct report *report, const struct report_row *row, struct err *err);

/* Orders the parts, most money first, and drops what only adding needs. */
void sums_finish(struct report *report);

/* Frees parts and reasons. */
void sums_release(struct report *report);

#endif
