#ifndef TARE_ANALYZE_HISTORY_HISTORY_H
#define TARE_ANALYZE_HISTORY_HISTORY_H

/*
 * What a run learns for later runs (--history-out); past.h reads it. JSON Lines: a header
 * {"tare":"history","version":1}, then one row a line in the form that the ledger stores: the lowest and
 * highest five-minute mean of a series on a day (UTC),
 * {"container","day","kind","maximum","mean","minimum","name","namespace","samples","series"}, where samples
 * counts hours; and
 * {"llm":{…}} for an exchange with a model.
 */

#include "pipeline/base/err.h"
#include "stages/analyze/subject/model.h"

struct history_out;

/* New writer to a temporary file beside `path`, which replaces it in history_finish. NULL path: *out NULL,
 * and all calls below do nothing. ERR_CANTCREAT. */
int history_open(const char *path, struct history_out **out, struct err *err);

/* Adds the daily extremes of one workload. Errors are kept for history_finish. */
void history_add(struct history_out *history, const struct subject *subject);

/* Adds an exchange with a model (borrowed object in the form that the ledger keeps). */
void history_exchange(struct history_out *history, json_t *row);

/* Puts the file in place and frees. ERR_IO, ERR_CANTCREAT. */
int history_finish(struct history_out *history, struct err *err);

/* Frees and removes the temporary file; NULL is allowed. */
void history_drop(struct history_out *history);

#endif
