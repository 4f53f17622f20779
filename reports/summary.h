#ifndef TARE_REPORTS_SUMMARY_H
#define TARE_REPORTS_SUMMARY_H

/* The sentences that every report carries, as plain text: what it comes to, what is not in the sum, where the
 * numbers come from. Each adds one sentence (or nothing) to `out`; text from outside is not escaped yet. */

#include "pipeline/base/buf.h"
#include "reports/model.h"

/* What it comes to, in one sentence. */
void summary_total(const struct report *report, struct buf *out);

/* What is left out of the sums and why; `index` from 0; returns 0 when there is no such line. */
int summary_gap(const struct report *report, int index, struct buf *out);

/* The prices that were used, their date and how they were found. */
void summary_prices(const struct report *report, struct buf *out);

/* How a month's cost is computed. */
void summary_method(struct buf *out);

/* Whose policy the gate applied; nothing before the gate. */
void summary_policy(const struct report *report, struct buf *out);

/* The window that usage was read over, and from where. */
void summary_window(const struct report *report, struct buf *out);

#endif
