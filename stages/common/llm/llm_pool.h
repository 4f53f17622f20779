#ifndef TARE_STAGES_COMMON_LLM_LLM_POOL_H
#define TARE_STAGES_COMMON_LLM_LLM_POOL_H

/*
 * Many questions to models side by side, on one thread: so many at once, within what a server says of its limits (retry-after,
 * headers that tell what is left of requests and tokens), with further tries after what passes (408, 409, 429, 498, 5xx, a broken
 * connection), never after what does not (400, 401, 402, 403, 404, 413, a spend limit). A server that throttles is asked by nobody for as
 * long as it says, then by half as many at once, then by more again (llm_pace.h). A 400 about what was asked for (schema, temperature)
 * teaches the client to leave it out, once for all questions. An answer that does not come in time is not asked for again.
 */

#include "stages/common/llm/llm.h"

struct llm_pool;

/* How a question ended. */
enum llm_end {
    LLM_ANSWERED, /* reply->text holds the answer: untrusted text */
    LLM_NO_ANSWER, /* the server answered, and it is none: cut at the limit, refused, empty, not JSON, too large, 400 or 413 about this very
                      question; asking this again is useless */
    LLM_FAILED, /* no answer in spite of further tries: time-out, 5xx, a broken connection, limits that do not end */
    LLM_GONE, /* the provider is of no use any more in this run: 401, 402, 403, 404, a spend limit, no connection at all, or too many
                 questions in a row that came to nothing (llm_pace_failed); what waits for it ends so, too, without being sent */
    LLM_STOPPED /* llm_pool_stop: it was not asked, or its answer was not waited for */
};

/* Told once of each question, from llm_pool_turn only; other questions may be begun in it. `reply` (borrowed) has tokens, model and
 * latency in every case, and a text with LLM_ANSWERED and, as far as it came, where an answer was cut at max_tokens (LLM_NO_ANSWER); `why`
 * (borrowed) is NULL with LLM_ANSWERED. Tokens of an answer that broke off or came too late are estimates: they are paid for. */
typedef void llm_done(void *context, const struct llm_reply *reply, enum llm_end end, const struct err *why);

/* New pool for at most `parallel` questions at once. ERR_SOFTWARE. Free with llm_pool_free: nobody is told of what is under way. */
int llm_pool_new(int parallel, struct llm_pool **out, struct err *err);
void llm_pool_free(struct llm_pool *pool);

/* Queues a question (first come, first asked, for each model); what `prompt` borrows, and the client, must live until it is done (the
 * client as long as the pool). */
void llm_pool_ask(struct llm_pool *pool, struct llm *llm, const struct llm_prompt *prompt, llm_done *done, void *context);

/* Questions that are not done. */
size_t llm_pool_open(const struct llm_pool *pool);

/* Waits until something happens or until the instant `until_ms` (clock_monotonic_ms) or until `wake_fd` (-1: none) can be read.
 * ERR_SOFTWARE. */
int llm_pool_turn(struct llm_pool *pool, int64_t until_ms, int wake_fd, struct err *err);

/* Ends all: what waits or is under way is told LLM_STOPPED in the next turn. */
void llm_pool_stop(struct llm_pool *pool);

#endif
