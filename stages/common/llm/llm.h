#ifndef TARE_STAGES_COMMON_LLM_LLM_H
#define TARE_STAGES_COMMON_LLM_LLM_H

/*
 * A language model behind one small interface: a question with a schema in, text out. Providers: Anthropic's
 * Messages API and any server that speaks OpenAI's chat completions. What comes back is untrusted text: the
 * caller checks it.
 *
 * A provider is a row of functions from values to values (llm_anthropic.c, llm_openai.c), so that tests need
 * no server; llm.c sends. To add one: write such a row and list it in llm_provider_of.
 */

#include <stdbool.h>
#include <stdint.h>

#include "pipeline/base/err.h"
#include "pipeline/io/json.h"

enum { LLM_REPLY_MAX = 64 * 1024, LLM_MODEL_MAX = 128 };

/* One question. Strings are borrowed. */
struct llm_prompt {
    const char *system; /* fixed rules: the same for all questions of a run, so that servers can cache them */
    const char *user;   /* the question itself: data */
    const json_t *schema; /* JSON schema of the answer */
    const char *schema_name;
    int64_t max_tokens; /* of the answer */
    const char
        *former_reply; /* for a second attempt: the answer that was refused, and why; NULL for a first one */
    const char *complaint;
};

/* An answer. `text` is new. Tokens are as the server counts them, else estimated. */
struct llm_reply {
    char *text;
    int64_t input_tokens;       /* all of them, those from and to a cache too */
    int64_t output_tokens;
    int64_t cache_read_tokens;  /* of input_tokens */
    int64_t cache_write_tokens; /* of input_tokens */
    char model[LLM_MODEL_MAX]; /* as the server names it, else as asked */
    int64_t latency_ms;
};

/* How far a server's support for structured answers goes: each refusal (400) takes one step down. */
enum llm_mode { LLM_JSON_SCHEMA = 0, LLM_JSON_OBJECT, LLM_PLAIN, LLM_MODES };

/* What was learned of a server in this run. */
struct llm_dialect {
    enum llm_mode mode;
    bool max_completion_tokens; /* wants this name for max_tokens */
    bool no_temperature;
};

struct llm_provider {
    const char *name;
    const char *default_url;
    const char *default_model; /* NULL: must be named */
    bool needs_key;
    /* Path after the base address. Borrowed, static. */
    const char *(*path)(const char *base_url);
    /* New body of a request. */
    json_t *(*request)(const struct llm_prompt *prompt, const char *model, const struct llm_dialect *dialect);
    /* Takes the answer from a 200 body. ERR_DATA with a sentence where there is none (cut, refused, empty).
     * The tokens are filled in both cases. */
    int (*reply)(const json_t *body, struct llm_reply *out, struct err *err);
    /* Adapts to what a 400 complains of; false when there is nothing to adapt. */
    bool (*adapt)(const char *message, struct llm_dialect *dialect);
};

/* The row of a provider's name ("anthropic", "openai"), NULL when unknown. Borrowed, static. */
const struct llm_provider *llm_provider_of(const char *name);

struct llm_options {
    const struct llm_provider *provider;
    const char *model;    /* NULL: the provider's default */
    const char *base_url; /* NULL: the provider's default */
    const char *key;      /* secret; NULL or "" for none */
    int64_t connect_timeout_seconds;
    int64_t timeout_seconds;
};

struct llm;

/* New client; strings are copied. ERR_CONFIG where model or key is missing or the address is none. Free with
 * llm_free. */
int llm_new(const struct llm_options *options, struct llm **out, struct err *err);

/* Frees; NULL is allowed. */
void llm_free(struct llm *llm);

/* Name of the provider and of the model asked. Borrowed. */
const char *llm_name(const struct llm *llm);
const char *llm_model(const struct llm *llm);

/* Asks one question. 0 with reply->text. -1: ERR_UNAVAILABLE (no connection, refused, any status but 2xx),
 * ERR_DATA (an answer that is none). Tokens spent are in *reply in both cases. *final is set where asking
 * again in this run is useless (401, 402, 403, 404). Release with llm_reply_release. */
int llm_ask(struct llm *llm, const struct llm_prompt *prompt, struct llm_reply *reply, bool *final,
            struct err *err);

/* Frees the text; the reply can be used again. */
void llm_reply_release(struct llm_reply *reply);

/* Tokens that a question may cost at most: its bytes by a rule of thumb (three a token), and the answer's
 * limit. */
int64_t llm_estimate(const struct llm_prompt *prompt);

/* The rows, for tests. */
extern const struct llm_provider llm_anthropic;
extern const struct llm_provider llm_openai;

#endif
