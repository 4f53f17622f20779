#ifndef TARE_REPORTS_HTML_H
#define TARE_REPORTS_HTML_H

/* Pieces that the HTML page is made of; only html*.c use them. */

#include "pipeline/base/buf.h"
#include "reports/model.h"

/* Adds one workload as a <tbody> of two rows: its numbers, and the folded reasons, charts (where wanted) and
 * diff. */
void html_workload(const struct report_row *row, bool with_charts, struct buf *out);

/* Adds the opening of the table of workloads with its head. */
void html_workload_head(const char *caption, struct buf *out);

/* Adds a plain-text sentence as escaped HTML in an element of this name ("p", "li"); nothing when it is
 * empty. */
void html_sentence(struct buf *out, const char *element, const struct buf *text);

#endif
