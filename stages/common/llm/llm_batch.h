#ifndef TARE_STAGES_COMMON_LLM_LLM_BATCH_H
#define TARE_STAGES_COMMON_LLM_LLM_BATCH_H

/*
 * Anthropic's Message Batches: many questions sent at once, answered within a day at half the price. Requests are spooled to an unlinked
 * file as they come and results read as a stream: memory does not grow with their number. What fits in no batch (100,000 requests,
 * 256 MB) goes into another.
 */

#include "stages/common/llm/llm_pool.h"

struct llm_batch;

/* New, empty. ERR_CANTCREAT for the spool. Free with llm_batch_free. */
int llm_batch_new(struct llm *llm, int64_t wait_seconds, struct llm_batch **out, struct err *err);
void llm_batch_free(struct llm_batch *batch);

/* Adds a question under a number of the caller's (its custom_id is made from it). What `prompt` borrows is copied. ERR_IO. */
int llm_batch_add(struct llm_batch *batch, uint64_t number, const struct llm_prompt *prompt, struct err *err);

/* Told of each result, in any order; as llm_done. */
typedef int llm_batch_done(void *context, uint64_t number, const struct llm_reply *reply, enum llm_end end, const struct err *why,
                           struct err *err);

/* Sends what was added, waits (polling, ever more rarely, at most a minute apart) until it ended, and tells of every question exactly
 * once, those without a result too. `wake_fd` readable: the batch is cancelled at the vendor, what came is told, the rest LLM_STOPPED.
 * 0 also where the vendor refuses: then each is told why. ERR_SOFTWARE, ERR_IO, and what `done` returns. */
int llm_batch_run(struct llm_batch *batch, int wake_fd, llm_batch_done *done, void *context, struct err *err);

#endif
