#ifndef TARE_REPORTS_COMPARE_WORDS_H
#define TARE_REPORTS_COMPARE_WORDS_H

/* What every format says of a comparison, as plain text: text from outside is not escaped yet. */

#include "pipeline/base/buf.h"
#include "reports/compare/compare.h"

/* What it comes to: a sentence on workloads, one on money; "nothing changed" where that is so. */
void compare_total(const struct compare *compare, struct buf *out);

/* What is to be known of the comparison itself (artifacts of different stages, workloads that cannot be told apart, notes); a line each. */
void compare_remarks(const struct compare *compare, struct buf *out);

/* In what a workload differs, a line each: numbers, money, risk, verdict, findings. What was added or is gone has its money. */
void compare_lines(const struct compare *compare, const struct compare_pair *pair, struct buf *out);

/* "run 12" or "the artifact 3f2a9c…"; *out receives it after what is there. */
void compare_side(const struct report *report, struct buf *out);

/* Calls `line` for each line of `text`, without its end. */
void compare_split(const struct buf *text, void (*line)(const char *text, void *context), void *context);

#endif
