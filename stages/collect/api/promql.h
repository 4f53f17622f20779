#ifndef TARE_COLLECT_PROMQL_H
#define TARE_COLLECT_PROMQL_H

/* The questions, as PromQL text. Names from manifests and labels are untrusted: they are quoted here and
 * nowhere else. */

#include <stddef.h>
#include <stdint.h>

#include "pipeline/base/buf.h"

/* Adds `,name<op>"value"` with the value escaped as a PromQL string. Returns like buf_add. */
int promql_match(struct buf *out, const char *name, const char *op, const char *value);

/* Adds text escaped so that a regular expression (RE2) matches exactly it. Returns like buf_add. */
int promql_literal(struct buf *out, const char *text);

/* A range that holds exactly the instants in (t − seconds, t] at the resolution of a millisecond: Prometheus
 * 2 counts both ends of
 * `[60s]`, Prometheus 3 only the right one. Adds "[59999ms]". Returns like buf_add. */
int promql_range(struct buf *out, int64_t seconds);

#endif
