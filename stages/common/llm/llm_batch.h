#ifndef TARE_STAGES_COMMON_LLM_LLM_BATCH_H
#define TARE_STAGES_COMMON_LLM_LLM_BATCH_H

/*
 * Anthropic's Message Batches: many questions sent at once, answered within a day at half the price. Questions are spooled to an unlinked
 * file as they come and results read as a stream: memory grows by 64 bytes a question, and one batch's body. What fits in no batch
 * (LLM_BATCH_MOST questions, LLM_BATCH_BYTES) goes into another, as does half of what the vendor finds too large.
 *
 * A question's custom_id is a digest of all that it asks. So an attempt that ended while it waited need not pay again: with what was told
 * when its batch was sent, another one with the very same questions takes the results.
 *
 * The key goes to the provider's address alone: where results lie is known from the batch's id, not from what an answer says.
 */

#include "stages/common/llm/llm_pool.h"

enum { LLM_BATCH_MOST = 100000, LLM_BATCH_BYTES = 16 * 1024 * 1024, LLM_BATCH_ID_MAX = 128 };

struct llm_batch;

/* New, empty; waits at most so long for results. `llm` (of a provider with batches) is borrowed. ERR_CANTCREAT for the spool,
 * ERR_CONFIG for a provider without batches. Free with llm_batch_free. */
int llm_batch_new(struct llm *llm, int64_t wait_seconds, struct llm_batch **out, struct err *err);

/* Frees; NULL is allowed. What is under way at the vendor stays so. */
void llm_batch_free(struct llm_batch *batch);

/* Adds a question under a number of the caller's. What `prompt` borrows is copied. ERR_IO. */
int llm_batch_add(struct llm_batch *batch, uint64_t number, const struct llm_prompt *prompt, struct err *err);

/* Names a batch that an earlier attempt sent, by what llm_batch_sent was told: it is waited for, and its results taken, before anything
 * is sent; what it had not answered when it was cancelled is sent again. One of other questions, or an id that is none, is passed over. */
void llm_batch_earlier(struct llm_batch *batch, const char *id, const char *questions);

/* Told of each result, in any order; as llm_done. Nothing may be sent in it. -1 with *err ends all. */
typedef int llm_batch_done(void *context, uint64_t number, const struct llm_reply *reply, enum llm_end end, const struct err *why,
                           struct err *err);

/* Told of each batch that the vendor took, before it is waited for: its id, and a digest of all questions of the run (not of this batch
 * alone), to be kept for llm_batch_earlier. -1 with *err ends all. */
typedef int llm_batch_sent(void *context, const char *id, const char *questions, struct err *err);

/* Sends what was added, waits (polling, ever more rarely, at most a minute apart) until it ended, and tells of every question exactly
 * once, those without a result too. `wake_fd` (-1: none) readable, or no end in time: the batch is cancelled at the vendor, what came is
 * told, the rest LLM_STOPPED or LLM_FAILED. 0 also where the vendor refuses: then each is told why. `sent` may be NULL. ERR_SOFTWARE,
 * ERR_IO, and what `done` and `sent` return. Run it once. */
int llm_batch_run(struct llm_batch *batch, int wake_fd, llm_batch_done *done, llm_batch_sent *sent, void *context, struct err *err);

#endif
