/* Anthropic's Messages API (version 2023-06-01): structured answers by output_config.format, rules marked for
 * caching. No temperature and no prefilled answer: current models refuse both. */

#include <stdio.h>
#include <stdlib.h>

#include "pipeline/base/buf.h"
#include "pipeline/base/str.h"
#include "stages/common/llm/llm_provider.h"

static const char *path(const char *base_url)
{
    return str_ends(base_url, "/v1") || str_ends(base_url, "/v1/") ? "/messages" : "/v1/messages";
}

/* New {role,content}. */
static json_t *message_new(const char *role, const char *text)
{
    json_t *message = json_object();
    json_object_set_new(message, "role", json_string(role));
    json_object_set_new(message, "content", json_string_safe(text));
    return message;
}

static json_t *system_new(const struct llm_prompt *prompt, enum llm_mode mode)
{
    char *rules = llm_rules(prompt, mode);
    json_t *cache = json_object();
    json_object_set_new(cache, "type", json_string("ephemeral"));
    json_t *block = json_object();
    json_object_set_new(block, "type", json_string("text"));
    json_object_set_new(block, "text", json_string_safe(rules));
    json_object_set_new(block, "cache_control", cache);
    json_t *blocks = json_array();
    json_array_append_new(blocks, block);
    free(rules);
    return blocks;
}

/* New output_config; an empty object where there is nothing to say. Little thinking will do for answers that are clamped anyway. */
static json_t *config_new(const struct llm_prompt *prompt, const struct llm_dialect *dialect)
{
    json_t *config = json_object();
    if (!dialect->no_effort) {
        json_object_set_new(config, "effort", json_string("low"));
    }
    if (dialect->mode == LLM_JSON_SCHEMA && prompt->schema) {
        json_t *format = json_object();
        json_object_set_new(format, "type", json_string("json_schema"));
        json_object_set_new(format, "schema", json_deep_copy(prompt->schema));
        json_object_set_new(config, "format", format);
    }
    return config;
}

static json_t *request(const struct llm_prompt *prompt, const char *model, const struct llm_dialect *dialect)
{
    json_t *body = json_object();
    json_object_set_new(body, "model", json_string_safe(model));
    json_object_set_new(body, "max_tokens", json_integer(prompt->max_tokens));
    json_object_set_new(body, "system", system_new(prompt, dialect->mode));
    json_t *messages = json_array();
    json_array_append_new(messages, message_new("user", prompt->user));
    if (prompt->former_reply && *prompt->former_reply) {
        json_array_append_new(messages, message_new("assistant", prompt->former_reply));
        json_array_append_new(messages, message_new("user", prompt->complaint));
    }
    json_object_set_new(body, "messages", messages);
    json_t *config = config_new(prompt, dialect);
    if (json_object_size(config) > 0) {
        json_object_set(body, "output_config", config);
    }
    json_decref(config);
    return body;
}

/* The text of all text blocks (thinking may come first), as one new string; NULL when there is none. */
static char *text_of(const json_t *content)
{
    struct buf text;
    buf_init(&text, LLM_REPLY_MAX);
    size_t index;
    json_t *block;
    json_array_foreach(content, index, block)
    {
        const char *part = json_string_or_null(block, "text");
        if (part && str_equal(json_string_or_null(block, "type"), "text")) {
            (void)buf_add_str(&text, part);
        }
    }
    bool usable = text.length > 0 && !text.overflow;
    char *out = usable ? buf_steal(&text) : NULL;
    buf_release(&text);
    return out;
}

/* Why an answer that did not end by itself is none. */
static int stopped(const char *reason, struct err *err)
{
    if (!reason) {
        return err_set(err, ERR_DATA, "the answer does not say how it ended (stop_reason)");
    }
    if (str_equal(reason, "max_tokens")) {
        return err_set(err, ERR_DATA, "the answer was cut at max_tokens");
    }
    if (str_equal(reason, "refusal")) {
        return err_set(err, ERR_DATA, "the model refused to answer (refusal)");
    }
    if (str_equal(reason, "model_context_window_exceeded")) {
        return err_set(err, ERR_DATA, "the question and its answer are too long for the model (model_context_window_exceeded)");
    }
    return err_set(err, ERR_DATA, "the answer ended with stop_reason %.40s", reason);
}

static int reply(const json_t *body, struct llm_reply *out, struct err *err)
{
    const json_t *usage = json_object_get(body, "usage");
    out->cache_write_tokens = llm_tokens(usage, "cache_creation_input_tokens");
    out->cache_read_tokens = llm_tokens(usage, "cache_read_input_tokens");
    out->input_tokens = llm_tokens(usage, "input_tokens") + out->cache_write_tokens + out->cache_read_tokens;
    out->output_tokens = llm_tokens(usage, "output_tokens");
    const char *model = json_string_or_null(body, "model");
    if (model) {
        (void)snprintf(out->model, sizeof out->model, "%s", model);
    }
    const char *reason = json_string_or_null(body, "stop_reason");
    if (str_equal(reason, "end_turn") || str_equal(reason, "max_tokens")) {
        out->text = text_of(json_object_get(body, "content"));
    }
    if (!str_equal(reason, "end_turn")) {
        return stopped(reason, err);
    }
    if (!out->text) {
        return err_set(err, ERR_DATA, "the answer holds no text, or more than %d bytes", LLM_REPLY_MAX);
    }
    return 0;
}

static bool adapt(const char *message, struct llm_dialect *dialect)
{
    if (!dialect->no_effort && str_glob("*effort*", message)) {
        dialect->no_effort = true;
        return true;
    }
    bool about_format = str_glob("*output_config*", message) || str_glob("*output_format*", message) ||
                        str_glob("*schema*", message) || str_glob("*rammar*", message);
    if (dialect->mode == LLM_PLAIN || !about_format) {
        return false;
    }
    dialect->mode = LLM_PLAIN;
    return true;
}

const struct llm_provider llm_anthropic = {
    .name = "anthropic",
    .default_url = "https://api.anthropic.com",
    .default_model = "claude-haiku-5-5",
    .needs_key = true,
    .limits_by_use = true,
    .key_header = "x-api-key",
    .key_prefix = "",
    .version_header = "anthropic-version",
    .version = "2023-06-01",
    .path = path,
    .request = request,
    .reply = reply,
    .adapt = adapt,
};
