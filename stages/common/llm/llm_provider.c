#include "stages/common/llm/llm_provider.h"

#include <stdlib.h>
#include <string.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"

enum { BYTES_A_TOKEN = 3, TOKENS_MAX = 100 * 1000 * 1000 };

const struct llm_provider *llm_provider_of(const char *name)
{
    static const struct llm_provider *const rows[] = {&llm_anthropic, &llm_openai};
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        if (str_equal(rows[i]->name, name)) {
            return rows[i];
        }
    }
    return NULL;
}

bool llm_dialect_same(const struct llm_dialect *a, const struct llm_dialect *b)
{
    return a->mode == b->mode && a->max_completion_tokens == b->max_completion_tokens && a->no_temperature == b->no_temperature &&
           a->no_effort == b->no_effort;
}

void llm_reply_release(struct llm_reply *reply)
{
    free(reply->text);
    *reply = (struct llm_reply){.text = NULL};
}

int64_t llm_estimate_input(const struct llm_prompt *prompt)
{
    size_t bytes = strlen(prompt->system) + strlen(prompt->user);
    if (prompt->schema) {
        bytes += json_dumpb(prompt->schema, NULL, 0, JSON_COMPACT);
    }
    if (prompt->former_reply) {
        bytes += strlen(prompt->former_reply) + strlen(prompt->complaint);
    }
    return (int64_t)(bytes / BYTES_A_TOKEN) + 1;
}

int64_t llm_estimate(const struct llm_prompt *prompt)
{
    return llm_estimate_input(prompt) + prompt->max_tokens;
}

int64_t llm_tokens(const json_t *usage, const char *key)
{
    int64_t count = json_int_or(usage, key, 0);
    return count < 0 || count > TOKENS_MAX ? 0 : count;
}

char *llm_rules(const struct llm_prompt *prompt, enum llm_mode mode)
{
    if (mode == LLM_JSON_SCHEMA || !prompt->schema) {
        return xstrdup(prompt->system);
    }
    char *schema = json_dumps(prompt->schema, JSON_COMPACT); /* in its own order */
    char *rules = xasprintf("%s\nAnswer with one JSON object that fits this JSON schema, and nothing else:\n%s", prompt->system, schema);
    free(schema);
    return rules;
}

char *llm_request_text(const struct llm_provider *provider, const struct llm_prompt *prompt, const char *model,
                       const struct llm_dialect *dialect)
{
    json_t *body = provider->request(prompt, model, dialect);
    char *text = json_dumps(body, JSON_COMPACT | JSON_REAL_PRECISION(15));
    json_decref(body);
    return text;
}
