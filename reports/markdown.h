#ifndef TARE_REPORTS_MARKDOWN_H
#define TARE_REPORTS_MARKDOWN_H

/* Pieces that the Markdown report is made of; only markdown*.c use them. */

#include <stdbool.h>

#include "pipeline/base/buf.h"
#include "reports/model.h"

/* Adds a fold with what the analysis says of a workload beside its numbers: findings, backtest, forecast, outlook, scaling and its
 * manifests. False (and nothing added) where it says nothing. */
bool markdown_insight(const struct report_row *row, struct buf *out);

#endif
