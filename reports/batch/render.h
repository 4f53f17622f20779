#ifndef TARE_REPORTS_BATCH_RENDER_H
#define TARE_REPORTS_BATCH_RENDER_H

/* The formats of several runs together. To add one: a file with a function of this form, and a row in render.c. */

#include "reports/batch/batch.h"
#include "reports/text/sink.h"

typedef int batch_renderer(const struct batch_report *batch, struct report_sink *sink, struct err *err);

/* Renderer of a format; ERR_USAGE where several runs have no such form, or the format is unknown. *out borrowed, static. */
int batch_format_find(const char *name, batch_renderer **out, struct err *err);

/* For people who read text. ERR_IO, ERR_CANTCREAT, as all of these. */
int batch_markdown(const struct batch_report *batch, struct report_sink *sink, struct err *err);

/* One self-contained HTML file. */
int batch_html(const struct batch_report *batch, struct report_sink *sink, struct err *err);

/* One row a run. */
int batch_csv(const struct batch_report *batch, struct report_sink *sink, struct err *err);

/* Totals, runs, largest savings and critical findings as one JSON object. */
int batch_json(const struct batch_report *batch, struct report_sink *sink, struct err *err);

/* For a terminal. */
int batch_table(const struct batch_report *batch, struct report_sink *sink, struct err *err);

#endif
