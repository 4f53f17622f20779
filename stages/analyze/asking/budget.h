#ifndef TARE_ANALYZE_ASKING_BUDGET_H
#define TARE_ANALYZE_ASKING_BUDGET_H

/* Tokens that a run and a calendar month may spend. What a question may cost at most is set aside before it is asked, and given back for
 * what it did cost: the budget holds however many are under way. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pipeline/base/err.h"

struct budget {
    int64_t run, month; /* most tokens; negative: no limit */
    int64_t before;     /* of the month, spent by earlier runs */
    int64_t spent;      /* by this run */
    int64_t reserved;   /* for what is under way */
};

/* Sets tokens aside; false, and nothing is set aside, where that could pass a limit. */
bool budget_take(struct budget *budget, int64_t tokens);

/* Gives back what was set aside for a question that came to cost `spent`. */
void budget_settle(struct budget *budget, int64_t reserved, int64_t spent);

/* Why budget_take says no to `tokens`: one sentence without its full stop, cut to `size`. Returns `out`. */
const char *budget_reason(const struct budget *budget, int64_t tokens, char *out, size_t size);

/* The error that ends a run for that reason: ERR_REFUSED. Returns -1. */
int budget_refuse(const char *reason, struct err *err);

#endif
