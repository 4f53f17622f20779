#ifndef TARE_REPORTS_RENDER_H
#define TARE_REPORTS_RENDER_H

/*
 * The renderers: each prints the same model. To add a format: a file reports/<name>.c with a function of this
 * form, and a row in reports/render.c.
 */

#include <stdbool.h>

#include "pipeline/base/err.h"
#include "reports/model/model.h"
#include "reports/text/sink.h"

typedef int report_renderer(const struct report *report, struct report_sink *sink, struct err *err);

/* What a report takes at least that leaves out what does not fit. */
enum { MARKDOWN_MIN_BYTES = 4096, HTML_MIN_BYTES = 262144 };

/* A renderer and how it is asked for. */
struct report_format {
    const char *name;
    bool charts;       /* wants hourly profiles and forecasts in the model */
    int64_t min_bytes; /* smallest report->max_bytes; 0: it is never cut */
    report_renderer *render;
};

/* A format by name; ERR_USAGE with the nearest known one. *out borrowed, static. */
int report_format_find(const char *name, const struct report_format **out, struct err *err);

/* Refuses a largest size that the format cannot keep to. ERR_USAGE. */
int report_format_check(const struct report_format *format, int64_t max_bytes, struct err *err);

/* GitHub-flavoured Markdown for a pull request. ERR_IO, ERR_CANTCREAT, as all of these. */
int report_markdown(const struct report *report, struct report_sink *sink, struct err *err);

/* One self-contained HTML file. */
int report_html(const struct report *report, struct report_sink *sink, struct err *err);

/* One row a container. */
int report_csv(const struct report *report, struct report_sink *sink, struct err *err);

/* Totals, namespaces, workloads and notes as one JSON object. */
int report_json(const struct report *report, struct report_sink *sink, struct err *err);

/* Test results for CI: a suite a namespace, a case a workload. */
int report_junit(const struct report *report, struct report_sink *sink, struct err *err);

/* Metrics in Prometheus' text format. */
int report_prometheus(const struct report *report, struct report_sink *sink, struct err *err);

/* A table for a terminal. */
int report_table(const struct report *report, struct report_sink *sink, struct err *err);

#endif
