#ifndef TARE_REPORTS_TEXT_WORTH_H
#define TARE_REPORTS_TEXT_WORTH_H

/* What a plan is worth, in sentences that every report for people carries under its headline; plain text, what comes from outside is not
 * escaped yet. */

#include "pipeline/base/buf.h"
#include "reports/model/model.h"

/* Adds the sentence at an index, from 0, or nothing: cash by nodes beside what the requests are worth, waste, what the analysis cost, what
 * earlier plans saved in fact, the other currency's rate. Returns 0 past the last. */
int summary_worth(const struct report *report, int index, struct buf *out);

#endif
