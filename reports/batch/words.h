#ifndef TARE_REPORTS_BATCH_WORDS_H
#define TARE_REPORTS_BATCH_WORDS_H

/* What every format says of several runs together, as plain text: text from outside is not escaped yet. */

#include "pipeline/base/buf.h"
#include "reports/batch/batch.h"

/* Takes a sentence. */
typedef void batch_line(const char *text, void *context);

/* What they come to, in one sentence. */
void batch_total(const struct batch_report *batch, struct buf *out);

/* What is not in the sums, and why: each run that is left out with its reason, what has no price, what is held back, what is not seen. */
void batch_gaps(const struct batch_report *batch, batch_line *line, void *context);

/* The prices of each counted run, one sentence where all have the same; and what is saved in the currency that a run states. */
void batch_prices(const struct batch_report *batch, batch_line *line, void *context);

#endif
