#ifndef TARE_REPORTS_TEXT_INSIGHT_H
#define TARE_REPORTS_TEXT_INSIGHT_H

/* What the analysis says of a workload beside its numbers: findings, backtest, outlook, scaling; the same in
 * every format. Text is plain and not escaped yet; text from outside may be in it. */

#include "pipeline/base/buf.h"
#include "reports/text/figures.h"
#include "reports/model/model.h"

enum { INSIGHT_CONTENDERS = 4, INSIGHT_FORECAST_MAX = 512 };

/* One contender's numbers over the days that were not learned from; NaN unknown. */
struct insight_verdict {
    double time_above; /* share of the time with use above the request */
    double slack;      /* request over mean use */
    double hit;        /* CPU: share of the time throttled; memory: OOM kills */
};

/* How bad a finding is: 0 nothing said, 1 low, up to 4 critical. */
int insight_severity(const json_t *finding);

/* The worst finding of a record, the first of equals; NULL: it has none. Borrowed from the record. */
const json_t *insight_worst_finding(const json_t *record);

/* The worst severity of a workload's findings by name, NULL where there is none; *count (may be NULL)
 * receives their number. Borrowed, static. */
const char *insight_worst(const struct report_row *row, size_t *count);

/* What the gate has against a workload's change, or asks for, at an index from 0; what merely passed is not among it. NULL after the
 * last. Borrowed. */
const char *insight_objection(const struct report_row *row, size_t index);

/* "tare", "today", "KRR" or "VPA". Borrowed, static. */
const char *insight_contender(int contender);

/* What a contender's numbers would have done; false where that was not judged. `cpu` or memory. */
bool insight_verdict(const struct report_row *row, const char *container, bool cpu, int contender,
                     struct insight_verdict *out);

/* "2.3% · 2.03×", and what happened at the limit where something did. Returns `out`. */
char *insight_verdict_text(const struct insight_verdict *verdict, bool cpu, char out[2 * FIGURE_MAX]);

/* How the days were parted ("5 d learned, the next 2 d judged"); nothing where nothing was judged. */
void insight_backtest(const struct report_row *row, struct buf *out);

/* When use meets request, limit or quota: a line each. */
void insight_outlook(const struct report_row *row, struct buf *out);

/* What is advised about replicas and autoscalers, and what stands against each other: a line each. */
void insight_scaling(const struct report_row *row, struct buf *out);

/* The forecast of a resource of a container, NULL where there is none. Borrowed. */
const json_t *insight_forecast(const struct report_row *row, const char *container, bool cpu);

/* The forecast in a sentence. Returns `out`, NULL where there is no forecast. */
char *insight_forecast_text(const struct report_row *row, const struct report_container *container, bool cpu,
                            char out[INSIGHT_FORECAST_MAX]);

/* The advised manifest at an index, from 0, of those that may be applied together without choosing; NULL
 * after the last. Borrowed. */
const json_t *insight_manifest(const struct report_row *row, size_t index);

#endif
