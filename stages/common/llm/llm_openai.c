/* OpenAI's chat completions, as Groq, Ollama, vLLM, llama.cpp and others speak it. Servers differ in what
 * they enforce, so a 400 about the answer's format takes a step down: json_schema, json_object, none. */

#include <stdio.h>

#include "pipeline/base/str.h"
#include "stages/common/llm/llm.h"

static const char *path(const char *base_url)
{
    (void)base_url;
    return "/chat/completions";
}

static void add_message(json_t *messages, const char *role, const char *text)
{
    json_t *message = json_object();
    json_object_set_new(message, "role", json_string(role));
    json_object_set_new(message, "content", json_string_safe(text));
    json_array_append_new(messages, message);
}

/* New response_format; only for the modes that have one. */
static json_t *format_new(const struct llm_prompt *prompt, enum llm_mode mode)
{
    json_t *format = json_object();
    json_object_set_new(format, "type", json_string(mode == LLM_JSON_SCHEMA ? "json_schema" : "json_object"));
    if (mode != LLM_JSON_SCHEMA)
        return format;
    json_t *schema = json_object();
    json_object_set_new(schema, "name", json_string(prompt->schema_name));
    json_object_set_new(schema, "strict", json_true());
    json_object_set_new(schema, "schema", json_deep_copy(prompt->schema));
    json_object_set_new(format, "json_schema", schema);
    return format;
}

static json_t *request(const struct llm_prompt *prompt, const char *model, const struct llm_dialect *dialect)
{
    json_t *messages = json_array();
    add_message(messages, "system", prompt->system);
    add_message(messages, "user", prompt->user);
    if (prompt->former_reply && *prompt->former_reply) {
        add_message(messages, "assistant", prompt->former_reply);
        add_message(messages, "user", prompt->complaint);
    }
    json_t *body = json_object();
    json_object_set_new(body, "model", json_string_safe(model));
    json_object_set_new(body, "messages", messages);
    json_object_set_new(body, dialect->max_completion_tokens ? "max_completion_tokens" : "max_tokens",
                        json_integer(prompt->max_tokens));
    if (!dialect->no_temperature)
        json_object_set_new(body, "temperature", json_integer(0));
    if (dialect->mode != LLM_PLAIN)
        json_object_set_new(body, "response_format", format_new(prompt, dialect->mode));
    return body;
}

static int reply(const json_t *body, struct llm_reply *out, struct err *err)
{
    const json_t *usage = json_object_get(body, "usage");
    out->input_tokens = json_int_or(usage, "prompt_tokens", 0);
    out->output_tokens = json_int_or(usage, "completion_tokens", 0);
    const char *model = json_string_or_null(body, "model");
    if (model)
        (void)snprintf(out->model, sizeof out->model, "%s", model);
    const json_t *choice = json_array_get(json_object_get(body, "choices"), 0);
    const json_t *message = json_object_get(choice, "message");
    const char *finish = json_string_or_null(choice, "finish_reason");
    const char *refusal = json_string_or_null(message, "refusal");
    const char *text = json_string_or_null(message, "content");
    if (refusal && *refusal)
        return err_set(err, ERR_DATA, "the model refused to answer");
    if (finish && !str_equal(finish, "stop"))
        return err_set(err, ERR_DATA, "the answer ended with finish_reason %.40s", finish);
    if (!text || !*text)
        return err_set(err, ERR_DATA, "the answer holds no text");
    struct buf copy;
    buf_init(&copy, LLM_REPLY_MAX);
    if (buf_add_str(&copy, text)) {
        buf_release(&copy);
        return err_set(err, ERR_DATA, "the answer is longer than %d bytes", LLM_REPLY_MAX);
    }
    out->text = buf_steal(&copy);
    return 0;
}

static bool adapt(const char *message, struct llm_dialect *dialect)
{
    if (!dialect->max_completion_tokens && str_glob("*max_completion_tokens*", message)) {
        dialect->max_completion_tokens = true;
        return true;
    }
    if (!dialect->no_temperature && str_glob("*temperature*", message)) {
        dialect->no_temperature = true;
        return true;
    }
    bool about_format = str_glob("*response_format*", message) || str_glob("*schema*", message) ||
                        str_glob("*grammar*", message) || str_glob("*json*", message);
    if (!about_format || dialect->mode == LLM_PLAIN)
        return false;
    dialect->mode = (enum llm_mode)(dialect->mode + 1);
    return true;
}

const struct llm_provider llm_openai = {
    .name = "openai",
    .default_url = "https://api.openai.com/v1",
    .default_model = NULL,
    .needs_key = false,
    .path = path,
    .request = request,
    .reply = reply,
    .adapt = adapt,
};
