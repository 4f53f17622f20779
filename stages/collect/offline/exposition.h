#ifndef TARE_COLLECT_EXPOSITION_H
#define TARE_COLLECT_EXPOSITION_H

/*
 * Lines of OpenMetrics (openmetrics.io, 1.0.0) and of Prometheus' text format (prometheus.io/docs, "Exposition formats"):
 *   name{label="value",…} value time
 * Times are seconds in the former and milliseconds in the latter. Text is untrusted.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pipeline/base/buf.h"
#include "pipeline/base/err.h"
#include "stages/collect/labels.h"

enum { EXPOSITION_LINE_MAX = 1024 * 1024 };

/* What one line is. */
enum exposition_line {
    EXPOSITION_BAD,    /* *err says why (ERR_DATA) */
    EXPOSITION_NOTHING, /* empty, a comment, a sample of a series that is not wanted */
    EXPOSITION_SERIES, /* a sample of another series than that of the line before: `labels` are new */
    EXPOSITION_SAMPLE  /* a further sample of the same series */
};

struct exposition {
    bool seconds;                      /* the unit of times */
    bool (*wants)(const char *metric); /* samples of other metrics are passed over */
    struct labels labels;              /* of the series in work, in `text` */
    struct buf text;
    struct buf same; /* how the line of the series in work begins */
    bool wanted;
    int64_t time_ms; /* of the sample */
    double value;
};

/* Prepares to read lines. */
void exposition_init(struct exposition *exposition, bool seconds, bool (*wants)(const char *metric));

/* Frees. */
void exposition_release(struct exposition *exposition);

/* Reads one line, without its newline. */
enum exposition_line exposition_read(struct exposition *exposition, const char *line, size_t length, struct err *err);

#endif
