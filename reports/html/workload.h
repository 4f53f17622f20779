#ifndef TARE_REPORTS_HTML_WORKLOAD_H
#define TARE_REPORTS_HTML_WORKLOAD_H

/* The pieces that a workload is told in, each by itself, because the budget decides which of them the page
 * has room for. Closing tags that HTML does without are left out: there may be ten thousand. */

#include "reports/html/html.h"
#include "reports/html/plot.h"

/* Opens the table of a group of workloads with its head; html_workloads_end closes it. */
void html_workloads_begin(struct buf *out, const char *caption);
void html_workloads_end(struct buf *out);

/* Opens the workload's <tbody> with the row of its numbers. What is not followed by details is complete. */
void html_workload_row(const struct report_row *row, struct buf *out);

/* Opens the row of details, closed until somebody opens it: containers, reasons, findings. */
void html_details_begin(const struct report_row *row, struct buf *out);

/* Charts and forecasts: the large part, which may be left out. */
void html_drawings(const struct report_row *row, const struct plot_axis *shared, struct buf *out);

/* The rest of the details: gate, backtest, outlook, scaling, diff, problems, how the money came about; closes
 * them. `passed_named`: what the gate checked and found good is named, too, and not only counted. */
void html_details_end(const struct report_row *row, bool passed_named, struct buf *out);

/* Lines of plain text as a list, under a heading where one is given; nothing without lines. */
void html_list(const char *heading, const struct buf *lines, struct buf *out);

/* What the analysis says beside the numbers: backtest, outlook, scaling with its manifests. */
void html_insight(const struct report_row *row, struct buf *out);

/* Charts of the forecasts. */
void html_forecasts(const struct report_row *row, struct buf *out);

/* How the workload's money came about, from amount, unit price, hours and replicas. */
void html_money(const struct report_row *row, struct buf *out);

#endif
