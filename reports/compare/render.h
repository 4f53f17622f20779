#ifndef TARE_REPORTS_COMPARE_RENDER_H
#define TARE_REPORTS_COMPARE_RENDER_H

/* The formats of a comparison. To add one: a file with a function of this form, and a row in render.c. */

#include "reports/compare/compare.h"
#include "reports/text/sink.h"

typedef int compare_renderer(const struct compare *compare, int64_t max_bytes, struct report_sink *sink, struct err *err);

/* Renderer of a format; ERR_USAGE where a comparison has no such form, or the format is unknown. `max_bytes` is 0 where none is given.
 * *out borrowed, static. */
int compare_format_find(const char *name, bool limited, int64_t max_bytes, compare_renderer **out, struct err *err);

/* For a comment on a pull request. ERR_IO, ERR_CANTCREAT, as all of these. */
int compare_markdown(const struct compare *compare, int64_t max_bytes, struct report_sink *sink, struct err *err);

/* One self-contained HTML file. */
int compare_html(const struct compare *compare, int64_t max_bytes, struct report_sink *sink, struct err *err);

/* One row a workload, those that are as before too: the sums are those of both runs. */
int compare_csv(const struct compare *compare, int64_t max_bytes, struct report_sink *sink, struct err *err);

/* Totals, namespaces and the workloads that differ as one JSON object. */
int compare_json(const struct compare *compare, int64_t max_bytes, struct report_sink *sink, struct err *err);

/* For a terminal. */
int compare_table(const struct compare *compare, int64_t max_bytes, struct report_sink *sink, struct err *err);

#endif
