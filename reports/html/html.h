#ifndef TARE_REPORTS_HTML_HTML_H
#define TARE_REPORTS_HTML_HTML_H

/* The sections of the report's page; only the files of this folder use them. */

#include "pipeline/base/buf.h"
#include "reports/html/page.h"
#include "reports/model/model.h"
#include "reports/text/sink.h"

/* Adds the summary: cards, the total in a sentence, what is not in the sums, what to look at first. */
void html_summary(const struct report *report, struct buf *out);

/* Adds the sums by namespace, team, class and cluster, in about `room` bytes: what is over that becomes one
 * part. */
void html_parts(const struct report *report, size_t room, struct buf *out);

/* Adds what the nodes come to; nothing where that was not computed. */
void html_nodes(const struct report *report, struct buf *out);

/* Adds the runs before this one, and what applied plans saved in fact; nothing where the ledger was not
 * asked. */
void html_past(const struct report *report, struct buf *out);

/* Adds where prices come from, how cost is computed, and what the words of the page mean. */
void html_method(const struct report *report, struct buf *out);

/* Adds what the page was made from and how to answer it: the content of its foot. */
void html_foot(const struct report *report, struct buf *out);

/* The workloads, the most money first, in as many bytes as `room`: each has its row; what else is told of it
 * is spent by rank. ERR_IO, ERR_CANTCREAT. */
int html_workloads(const struct report *report, size_t room, struct report_sink *sink, struct err *err);

/* Adds the notes and what could not be done, by kind, in about `room` bytes. ERR_IO. */
int html_notes(const struct report *report, size_t room, struct buf *out, struct err *err);

#endif
