#ifndef TARE_REPORTS_TEXT_SUMMARY_H
#define TARE_REPORTS_TEXT_SUMMARY_H

/* The sentences that every report carries, as plain text: what it comes to, what is not in the sum, where the
 * numbers come from. Each adds one sentence (or nothing) to `out`; text from outside is not escaped yet. */

#include <stdbool.h>

#include "pipeline/base/buf.h"
#include "reports/model/model.h"

/* What it comes to, in one sentence. */
void summary_total(const struct report *report, struct buf *out);

/* What is left out of the sums and why; `index` from 0; returns 0 when there is no such line. */
int summary_gap(const struct report *report, int index, struct buf *out);

/* The prices that were used, their date and how they were found. */
void summary_prices(const struct report *report, struct buf *out);

/* Why changes are held back, with how many of each, where any are: "3 blocked by the gate, 1 that saves too little". */
void summary_held_why(const struct report_sums *t, struct buf *out);

/* How a month's cost is computed. */
void summary_method(struct buf *out);

/* Whose policy the gate applied; nothing before the gate. */
void summary_policy(const struct report *report, struct buf *out);

/* The command that approves exactly the plan that the report is about. Returns false, and adds nothing, where there is no run or plan
 * to name, or the plan was acted on. */
bool summary_approve(const struct report *report, struct buf *out);

/* The window that usage was read over, and from where. */
void summary_window(const struct report *report, struct buf *out);

#endif
