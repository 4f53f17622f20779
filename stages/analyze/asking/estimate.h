#ifndef TARE_ANALYZE_ASKING_ESTIMATE_H
#define TARE_ANALYZE_ASKING_ESTIMATE_H

/* What asking would come to, for each provider of the chain as if it were the one to answer. */

#include <stdio.h>

#include "stages/analyze/asking/budget.h"
#include "stages/analyze/asking/call.h"

/* What one provider would be asked. */
struct estimate_row {
    int64_t known; /* workloads that what is kept answers, or passes on */
    int64_t asked; /* workloads in questions */
    int64_t questions;
    int64_t input_tokens;  /* by a rule of thumb that is rather too high */
    int64_t output_tokens; /* as answers usually are */
    int64_t microusd;
    bool batch; /* its questions go as batches, which cost half */
};

/* Adds a question (its prompt is written) to its provider's row. */
void estimate_add(struct estimate_row *row, const struct call *call);

/* Prints the table for a chain; `movable` of `workloads` can be asked about at all. */
void estimate_print(const struct chain *chain, const struct estimate_row *rows, int64_t workloads, int64_t movable, FILE *out);

/* Says where what a row comes to is more than the budget has left, and what a run does then: it ends (`refuse`), or the rules decide. */
void estimate_print_budget(const struct estimate_row *rows, size_t count, const struct budget *budget, bool refuse, FILE *out);

#endif
