#ifndef TARE_STAGES_COMMON_LLM_LLM_H
#define TARE_STAGES_COMMON_LLM_LLM_H

/*
 * A client of one model at one server: address, key, time-outs, and what was learned of the server's dialect. Questions go through
 * llm_pool.h (many side by side) or llm_batch.h; llm_ask is one question that is waited for.
 */

#include "stages/common/llm/llm_provider.h"

struct llm_options {
    const struct llm_provider *provider;
    const char *model;    /* NULL: the provider's default */
    const char *base_url; /* NULL: the provider's default */
    const char *key;      /* secret; NULL or "" for none */
    int64_t connect_timeout_seconds;
    int64_t timeout_seconds; /* of one answer */
};

struct llm;

/* New client; strings are copied. ERR_CONFIG where model or key is missing, the address is none, the key can stand in no header, or it
 * would go over plain http to another machine. Free with llm_free, after the pools that were asked with it. */
int llm_new(const struct llm_options *options, struct llm **out, struct err *err);

/* Frees; NULL is allowed. */
void llm_free(struct llm *llm);

/* Name of the provider and of the model asked. Borrowed. */
const char *llm_name(const struct llm *llm);
const char *llm_model(const struct llm *llm);

/* New text of the body that is sent for a question, in the dialect known so far; no key is in it. */
char *llm_body(const struct llm *llm, const struct llm_prompt *prompt);

/* Asks one question and waits, with further tries as llm_pool.h makes them. 0 with reply->text. -1: ERR_UNAVAILABLE (no connection,
 * refused, any status but 2xx), ERR_DATA (an answer that is none). Tokens spent are in *reply in both cases. *final is set where asking
 * again in this run is useless (LLM_GONE). Release with llm_reply_release. */
int llm_ask(struct llm *llm, const struct llm_prompt *prompt, struct llm_reply *reply, bool *final, struct err *err);

#endif
