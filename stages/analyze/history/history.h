#ifndef TARE_ANALYZE_HISTORY_HISTORY_H
#define TARE_ANALYZE_HISTORY_HISTORY_H

/*
 * What a run learns for later runs (--history-out); past.h reads it. JSON Lines: a header
 * {"tare":"history","version":1}, then one row a line in the form that the ledger stores: the lowest and
 * highest five-minute mean of a series on a day (UTC),
 * {"container","day","kind","maximum","mean","minimum","name","namespace","samples","series"}, where samples
 * counts hours;
 * {"llm":{…}} for a call to a model (history_exchange), and {"answer":{…}} for what came of asking about one workload (answers.h).
 * {"batch":{"at","id","model","provider","questions"}} for questions that a vendor took as a batch.
 * Rows about models are flushed as they come: what was paid for is in the temporary file even if the program is killed.
 */

#include "pipeline/base/err.h"
#include "stages/analyze/history/answers.h"
#include "stages/analyze/subject/model.h"

struct history_out;

/* New writer to a temporary file beside `path`, which replaces it in history_finish. NULL path: *out NULL,
 * and all calls below do nothing. ERR_CANTCREAT. */
int history_open(const char *path, struct history_out **out, struct err *err);

/* Adds the daily extremes of one workload. Errors are kept for history_finish. */
void history_add(struct history_out *history, const struct subject *subject);

/*
 * Adds one call to a model, failed ones too (borrowed object in the form that the ledger keeps):
 * key (history_call_key), prompt_digest (sha256 hex of what was sent), provider, model, outcome ("answered", "repaired" after a complaint,
 * "refused" where the reply did not hold, "failed" where there was none), reply (its text, at most 64 KiB; null for none), error (a
 * sentence; null for none), workloads (number it was about), input_tokens, output_tokens, cache_read_tokens, cache_write_tokens (both of
 * input_tokens), cost_microusd (null: price not known), latency_ms, batch (of Message Batches: bool), at (RFC 3339).
 */
void history_exchange(struct history_out *history, json_t *row);

/* A key for one call that no other call of any run has: 64 digits of hex. Random. */
void history_call_key(char out[DIGEST_HEX]);

/* Adds a batch that a vendor took, before it is waited for. */
void history_batch(struct history_out *history, const struct sent_batch *batch);

/* Adds what came of asking one provider about one workload. Bytes of `reason` that are no UTF-8 become '?'. */
void history_answer(struct history_out *history, const struct subject *subject, const struct told *told);

/* Puts the file in place and frees. ERR_IO, ERR_CANTCREAT. */
int history_finish(struct history_out *history, struct err *err);

/* Frees and removes the temporary file; NULL is allowed. */
void history_drop(struct history_out *history);

#endif
