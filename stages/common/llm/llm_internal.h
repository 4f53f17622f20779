#ifndef TARE_STAGES_COMMON_LLM_LLM_INTERNAL_H
#define TARE_STAGES_COMMON_LLM_LLM_INTERNAL_H

/* A client from inside, for what sends: llm.c, llm_pool.c, llm_batch.c. */

#include "pipeline/io/http.h"
#include "stages/common/llm/llm.h"

enum { LLM_BODY_MAX = 1024 * 1024 }; /* of an answer; a text is at most LLM_REPLY_MAX */

struct llm {
    const struct llm_provider *provider;
    char *model;
    char *path; /* of a question, after the base address */
    char *key;  /* secret: only to keep it out of messages */
    struct http_client *http; /* with the headers that every request needs; makes one try of each */
    struct llm_dialect dialect;
};

/* Takes the answer out of a message of the model: the body of a 200, or one result of a batch. Tokens that the server does not count are
 * estimated: `input_tokens` (llm_estimate_input of the question) go in. ERR_DATA where it is none. `reply` is filled but for latency_ms. */
int llm_take_message(const struct llm *llm, int64_t input_tokens, const json_t *message, struct llm_reply *reply, struct err *err);

/* llm_take_message of a 2xx body, which may be anything. */
int llm_take_reply(const struct llm *llm, const struct llm_prompt *prompt, const struct http_reply *http, struct llm_reply *reply,
                   struct err *err);

#endif
