/* OpenAI's chat completions, as Groq, Ollama, vLLM, llama.cpp and others speak it. Servers differ in what
 * they enforce, so a 400 about the answer's format takes a step down: json_schema, json_object, none. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/buf.h"
#include "pipeline/base/str.h"
#include "stages/common/llm/llm_provider.h"

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
    if (mode != LLM_JSON_SCHEMA) {
        return format;
    }
    json_t *schema = json_object();
    json_object_set_new(schema, "name", json_string(prompt->schema_name));
    json_object_set_new(schema, "strict", json_true());
    json_object_set_new(schema, "schema", json_deep_copy(prompt->schema));
    json_object_set_new(format, "json_schema", schema);
    return format;
}

static json_t *messages_new(const struct llm_prompt *prompt, enum llm_mode mode)
{
    json_t *messages = json_array();
    char *rules = llm_rules(prompt, mode);
    add_message(messages, "system", rules);
    add_message(messages, "user", prompt->user);
    if (prompt->former_reply && *prompt->former_reply) {
        add_message(messages, "assistant", prompt->former_reply);
        add_message(messages, "user", prompt->complaint);
    }
    free(rules);
    return messages;
}

static json_t *request(const struct llm_prompt *prompt, const char *model, const struct llm_dialect *dialect)
{
    json_t *body = json_object();
    json_object_set_new(body, "model", json_string_safe(model));
    json_object_set_new(body, "messages", messages_new(prompt, dialect->mode));
    json_object_set_new(body, dialect->max_completion_tokens ? "max_completion_tokens" : "max_tokens",
                        json_integer(prompt->max_tokens));
    if (!dialect->no_temperature) {
        json_object_set_new(body, "temperature", json_integer(0));
    }
    if (dialect->mode != LLM_PLAIN && prompt->schema) {
        json_object_set_new(body, "response_format", format_new(prompt, dialect->mode));
    }
    return body;
}

/* The text of a message's content, which some servers send as parts. -1 where it is too long. */
static int add_content(const json_t *content, struct buf *out)
{
    size_t index;
    json_t *part;
    if (json_is_string(content)) {
        return buf_add_str(out, json_string_value(content));
    }
    json_array_foreach(content, index, part)
    {
        const char *text = json_string_or_null(part, "text");
        if (text && buf_add_str(out, text)) {
            return -1;
        }
    }
    return 0;
}

/* What stands behind a model's thinking, where a server leaves that in the text. */
static const char *thought_of(const char *text)
{
    static const char opening[] = "<think>";
    static const char closing[] = "</think>";
    const char *start = text + strspn(text, " \t\r\n");
    const char *end = str_starts(start, opening) ? strstr(start, closing) : NULL;
    if (!end) {
        return text;
    }
    end += sizeof closing - 1;
    return end + strspn(end, " \t\r\n");
}

static int take_text(const json_t *content, struct llm_reply *out, struct err *err)
{
    struct buf text;
    buf_init(&text, LLM_REPLY_MAX);
    int status = 0;
    if (add_content(content, &text)) {
        status = err_set(err, ERR_DATA, "the answer is longer than %d bytes", LLM_REPLY_MAX);
    } else if (*thought_of(buf_str(&text)) == '\0') {
        status = err_set(err, ERR_DATA, "the answer holds no text");
    }
    if (status == 0) {
        const char *rest = thought_of(text.data);
        memmove(text.data, rest, strlen(rest) + 1);
        out->text = buf_steal(&text);
    }
    buf_release(&text);
    return status;
}

static void take_usage(const json_t *body, struct llm_reply *out)
{
    const json_t *usage = json_object_get(body, "usage");
    out->input_tokens = llm_tokens(usage, "prompt_tokens");
    out->output_tokens = llm_tokens(usage, "completion_tokens");
    out->cache_read_tokens = llm_tokens(json_object_get(usage, "prompt_tokens_details"), "cached_tokens");
    out->cache_write_tokens = 0;
    if (out->cache_read_tokens > out->input_tokens) {
        out->cache_read_tokens = out->input_tokens;
    }
    const char *model = json_string_or_null(body, "model");
    if (model) {
        (void)snprintf(out->model, sizeof out->model, "%s", model);
    }
}

static int reply(const json_t *body, struct llm_reply *out, struct err *err)
{
    take_usage(body, out);
    const json_t *choice = json_array_get(json_object_get(body, "choices"), 0);
    const json_t *message = json_object_get(choice, "message");
    const char *finish = json_string_or_null(choice, "finish_reason");
    const char *refusal = json_string_or_null(message, "refusal");
    const char *told = json_string_or_null(json_object_get(body, "error"), "message");
    if (!choice && told) {
        return err_set(err, ERR_DATA, "the answer holds an error: %.200s", told);
    }
    if (refusal && *refusal) {
        return err_set(err, ERR_DATA, "the model refused to answer (refusal)");
    }
    if (str_equal(finish, "length")) {
        (void)take_text(json_object_get(message, "content"), out, NULL);
        return err_set(err, ERR_DATA, "the answer was cut at max_tokens (finish_reason length)");
    }
    if (finish && !str_equal(finish, "stop")) {
        return err_set(err, ERR_DATA, "the answer ended with finish_reason %.40s", finish);
    }
    return take_text(json_object_get(message, "content"), out, err);
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
    bool about_format = str_glob("*response_format*", message) || str_glob("*schema*", message) || str_glob("*rammar*", message) ||
                        str_glob("*json*", message) || str_glob("*JSON*", message);
    if (!about_format || dialect->mode == LLM_PLAIN) {
        return false;
    }
    dialect->mode = (enum llm_mode)(dialect->mode + 1);
    return true;
}

const struct llm_provider llm_openai = {
    .name = "openai",
    .default_url = "https://api.openai.com/v1",
    .default_model = NULL,
    .needs_key = false,
    .key_header = "Authorization",
    .key_prefix = "Bearer ",
    .path = path,
    .request = request,
    .reply = reply,
    .adapt = adapt,
};
