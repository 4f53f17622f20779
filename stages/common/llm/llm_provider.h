#ifndef TARE_STAGES_COMMON_LLM_LLM_PROVIDER_H
#define TARE_STAGES_COMMON_LLM_LLM_PROVIDER_H

/*
 * What models' APIs have in common, without a server: a question with a schema, an answer, and a provider as a row of functions from
 * values to values. Providers: Anthropic's Messages API (llm_anthropic.c) and any server that speaks OpenAI's chat completions
 * (llm_openai.c). What comes back is untrusted text: the caller checks it.
 *
 * To add one: write such a row and list it in llm_provider_of.
 */

#include <stdbool.h>
#include <stdint.h>

#include "pipeline/base/err.h"
#include "pipeline/io/json.h"

enum { LLM_REPLY_MAX = 64 * 1024, LLM_MODEL_MAX = 128 };

/* One question. Strings are borrowed. */
struct llm_prompt {
    const char *system;       /* fixed rules: the same for all questions of a run, so that servers can cache them */
    const char *user;         /* the question itself: data */
    const json_t *schema;     /* JSON schema of the answer; NULL: any text will do */
    const char *schema_name;  /* letters, digits, '_' and '-', at most 64 */
    int64_t max_tokens;       /* of the answer, what the model thinks before it included */
    const char *former_reply; /* for a second attempt: the answer that was refused, and why; NULL for a first one */
    const char *complaint;
};

/* An answer. `text` is new. Tokens are as the server counts them, else estimated. */
struct llm_reply {
    char *text;
    int64_t input_tokens; /* all of them, those from and to a cache too */
    int64_t output_tokens;
    int64_t cache_read_tokens;  /* of input_tokens */
    int64_t cache_write_tokens; /* of input_tokens */
    char model[LLM_MODEL_MAX];  /* as the server names it, else as asked */
    int64_t latency_ms;         /* of the last try, from sending to the whole answer */
    int tries;                  /* how often a pool sent the question; 0: never */
};

/* How far a server's support for structured answers goes: each refusal (400) takes one step down. Below LLM_JSON_SCHEMA the schema
 * stands in the rules instead. */
enum llm_mode { LLM_JSON_SCHEMA = 0, LLM_JSON_OBJECT, LLM_PLAIN, LLM_MODES };

/* What was learned of a server in this run; all zero: nothing yet. */
struct llm_dialect {
    enum llm_mode mode;
    bool max_completion_tokens; /* wants this name for max_tokens */
    bool no_temperature;
    bool no_effort;
};

struct llm_provider {
    const char *name;
    const char *default_url;
    const char *default_model; /* NULL: must be named */
    bool needs_key;
    bool limits_by_use;     /* its limits count what was written, not max_tokens */
    const char *key_header; /* the header that carries the key, and what stands before it there */
    const char *key_prefix;
    const char *version_header; /* another header of every request, NULL for none */
    const char *version;
    /* Path after the base address. Borrowed, static. */
    const char *(*path)(const char *base_url);
    /* New body of a request. */
    json_t *(*request)(const struct llm_prompt *prompt, const char *model, const struct llm_dialect *dialect);
    /* Takes the answer from a 200 body. ERR_DATA with a sentence where there is none (cut, refused, empty). The tokens are filled in
     * both cases, and so is the text of an answer that was cut at max_tokens, as far as it came. */
    int (*reply)(const json_t *body, struct llm_reply *out, struct err *err);
    /* Adapts to what a 400 complains of; false when there is nothing to adapt. */
    bool (*adapt)(const char *message, struct llm_dialect *dialect);
};

/* The row of a provider's name ("anthropic", "openai"), NULL when unknown. Borrowed, static. */
const struct llm_provider *llm_provider_of(const char *name);

/* Whether two dialects are the same. */
bool llm_dialect_same(const struct llm_dialect *a, const struct llm_dialect *b);

/* Frees the text; the reply can be used again. */
void llm_reply_release(struct llm_reply *reply);

/* Tokens that a question may cost at most: its bytes by a rule of thumb (three a token), the schema's too, and the answer's limit. */
int64_t llm_estimate(const struct llm_prompt *prompt);

/* The part of llm_estimate that is the question itself. */
int64_t llm_estimate_input(const struct llm_prompt *prompt);

/* A count of tokens as a server tells it: 0 where it is missing, negative or absurd. */
int64_t llm_tokens(const json_t *usage, const char *key);

/* New text of the rules as a provider sends them in `mode`: below LLM_JSON_SCHEMA with the schema. */
char *llm_rules(const struct llm_prompt *prompt, enum llm_mode mode);

/* New text of the body of a request: its members in the order in which they were set, and so the schema's, which is the order in which a
 * model writes its answer. */
char *llm_request_text(const struct llm_provider *provider, const struct llm_prompt *prompt, const char *model,
                       const struct llm_dialect *dialect);

/* The rows, for tests. */
extern const struct llm_provider llm_anthropic;
extern const struct llm_provider llm_openai;

#endif
