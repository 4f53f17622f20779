#ifndef TARE_REPORTS_PROMETHEUS_FAMILIES_H
#define TARE_REPORTS_PROMETHEUS_FAMILIES_H

/*
 * Metric families on their way into the text format, which wants all samples of a family together while workloads are read one at
 * a time: each family gathers in a spool file of its own.
 */

#include "pipeline/base/buf.h"
#include "pipeline/base/err.h"
#include "reports/text/sink.h"

/* A family: name, and what HELP says of it. All are gauges. */
struct family_text {
    const char *name;
    const char *help;
};

struct family;

struct families {
    struct family *items;
    size_t count;
};

/* Prepares empty families, one for each text (borrowed). Release them in any case. */
void families_init(struct families *families, const struct family_text *texts, size_t count);

/* Frees them and closes their files. */
void families_release(struct families *families);

/* Adds a sample to a family: `labels` ("" none, else without braces) and its value as text. ERR_IO. */
int families_add(struct families *families, size_t family, const char *labels, const char *value, struct err *err);

/* Writes the families that have samples, each after its HELP and TYPE. ERR_IO, ERR_CANTCREAT. */
int families_write(struct families *families, struct report_sink *sink, struct err *err);

#endif
