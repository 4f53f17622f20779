#ifndef TARE_REPORTS_HTML_H
#define TARE_REPORTS_HTML_H

/* Pieces that the HTML page is made of; only html*.c use them. */

#include "pipeline/base/buf.h"
#include "reports/model.h"

/* How much of a workload is drawn: with its usage by hour, with forecasts and manifests too. */
enum html_depth { HTML_BRIEF, HTML_CHARTS, HTML_FULL };

/* Adds one workload as a <tbody> of two rows: its numbers, and the folded reasons, charts (by depth) and diff. */
void html_workload(const struct report_row *row, enum html_depth depth, struct buf *out);

/* Adds what the analysis says beside the numbers: backtest, forecast, outlook, scaling with its manifests. */
void html_insight(const struct report_row *row, enum html_depth depth, struct buf *out);

/* Adds the opening of the table of workloads with its head. */
void html_workload_head(const char *caption, struct buf *out);

/* Adds a plain-text sentence as escaped HTML in an element of this name ("p", "li"); nothing when it is
 * empty. */
void html_sentence(struct buf *out, const char *element, const struct buf *text);

#endif
