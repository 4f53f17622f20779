#include "tests/harness/llm_vendor.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/clock.h"
#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "pipeline/io/json.h"

enum { BYTES_A_TOKEN = 4, PAD_DEFAULT = 100 * 1024 * 1024 };

static const struct {
    int status;
    const char *type;
} error_types[] = {{400, "invalid_request_error"}, {401, "authentication_error"}, {402, "billing_error"},    {403, "permission_error"},
                   {404, "not_found_error"},       {409, "conflict_error"},       {413, "request_too_large"}, {429, "rate_limit_error"},
                   {500, "api_error"},             {504, "timeout_error"},        {529, "overloaded_error"}};

void llm_vendor_body(struct llm_call *call, json_t *value)
{
    char *text = json_dumps(value, JSON_COMPACT);
    (void)buf_add_str(&call->answer->body, text);
    free(text);
    json_decref(value);
}

void llm_vendor_error(struct llm_call *call, int status, const char *type, const char *message)
{
    const char *text = message ? message : "scripted";
    bool openai = str_equal(call->api, "openai") || str_equal(call->api, "models");
    for (size_t i = 0; !type && i < ARRAY_COUNT(error_types); i++) {
        if (error_types[i].status == status) {
            type = error_types[i].type;
        }
    }
    type = type ? type : "api_error";
    call->answer->status = status;
    if (openai) {
        llm_vendor_body(call, json_pack("{s:{s:s, s:s, s:n, s:s?}}", "error", "message", text, "type", type, "param", "code",
                                        status == 401 ? "invalid_api_key" : NULL));
        return;
    }
    json_t *error = json_pack("{s:s, s:s}", "type", type, "message", text);
    if (llm_act_number(&call->act, RULE_SPEND_LIMIT, 0) > 0) {
        json_object_set_new(error, "details", json_pack("{s:s}", "error_code", "enforced_spend_limit_reached"));
    }
    llm_vendor_body(call, json_pack("{s:s, s:o, s:s}", "type", "error", "error", error, "request_id", "req_scripted"));
}

void llm_call_ask(struct llm_call *call, const json_t *params)
{
    size_t index;
    json_t *one;
    json_decref(call->evidence);
    call->evidence = llm_mind_evidence(json_object_get(params, "messages"));
    call->asked = (struct llm_asked){.api = call->api, .raw = ""};
    json_array_foreach(call->evidence, index, one)
    {
        if (call->asked.workload_count < LLM_WORKLOADS_MAX) {
            call->asked.workloads[call->asked.workload_count++] = json_string_or_null(one, "workload");
        }
    }
}

/* Whether every object of a schema forbids other members and no word is in it that the vendor does not know. */
static const char *wrong_schema(const json_t *schema, bool anthropic)
{
    static const char *const unknown[] = {"minimum", "maximum", "maxLength", "minLength", "maxItems", "multipleOf", "pattern"};
    const char *key, *wrong = NULL;
    json_t *member;
    if (!json_is_object(schema)) {
        return "schema: it is no object";
    }
    for (size_t i = 0; anthropic && i < ARRAY_COUNT(unknown); i++) {
        if (json_object_get(schema, unknown[i])) {
            return "output_config.format.schema: a property of it is not supported";
        }
    }
    const json_t *properties = json_object_get(schema, "properties");
    if (str_equal(json_string_or_null(schema, "type"), "object") &&
        (!json_is_false(json_object_get(schema, "additionalProperties")) ||
         json_array_size(json_object_get(schema, "required")) != json_object_size(properties))) {
        return "schema: for an object additionalProperties must be false, and all properties required";
    }
    json_object_foreach((json_t *)(uintptr_t)properties, key, member)
    {
        if (!wrong) {
            wrong = wrong_schema(member, anthropic);
        }
    }
    return wrong || !json_object_get(schema, "items") ? wrong : wrong_schema(json_object_get(schema, "items"), anthropic);
}

static const json_t *schema_of(const char *api, const json_t *params)
{
    if (str_equal(api, "openai")) {
        return json_object_get(json_object_get(json_object_get(params, "response_format"), "json_schema"), "schema");
    }
    return json_object_get(json_object_get(json_object_get(params, "output_config"), "format"), "schema");
}

static const char *wrong_anthropic(const json_t *params)
{
    const json_t *messages = json_object_get(params, "messages");
    size_t index;
    json_t *message;
    if (json_int_or(params, "max_tokens", 0) < 1) {
        return "max_tokens: Field required";
    }
    if (json_object_get(params, "temperature") || json_object_get(params, "top_p") || json_object_get(params, "top_k")) {
        return "temperature, top_p and top_k are not supported for this model";
    }
    if (json_object_get(params, "response_format") || json_object_get(params, "output_format")) {
        return "response_format: Extra inputs are not permitted";
    }
    json_array_foreach(messages, index, message)
    {
        if (!str_equal(json_string_or_null(message, "role"), index % 2 == 0 ? "user" : "assistant")) {
            return "messages: roles must take turns, and the first must be user";
        }
    }
    return index % 2 == 0 ? "messages: prefilling the assistant's answer is not supported for this model" : NULL;
}

const char *llm_vendor_wrong(const char *api, const json_t *params)
{
    bool openai = str_equal(api, "openai");
    const char *wrong = NULL;
    if (!json_is_object(params)) {
        return "the body is no JSON object";
    }
    if (!json_string_or_null(params, "model")) {
        return "model: Field required";
    }
    if (json_array_size(json_object_get(params, "messages")) == 0) {
        return "messages: Field required";
    }
    if (!openai) {
        wrong = wrong_anthropic(params);
    }
    const json_t *schema = schema_of(api, params);
    return wrong || !schema ? wrong : wrong_schema(schema, !openai);
}

static uint64_t digest(const char *text)
{
    uint64_t out = 14695981039346656037u; /* FNV-1a */
    for (; *text; text++) {
        out = (out ^ (unsigned char)*text) * 1099511628211u;
    }
    return out;
}

/* Whether a prefix was seen before; it is from now on. */
static bool cached(struct llm_world *world, uint64_t prefix)
{
    for (size_t i = 0; i < world->prefix_count; i++) {
        if (world->prefixes[i] == prefix) {
            return true;
        }
    }
    GROW(world->prefixes, world->prefix_capacity, world->prefix_count + 1);
    world->prefixes[world->prefix_count++] = prefix;
    return false;
}

static long tokens_of(const json_t *value)
{
    char *text = value ? json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;
    long tokens = text ? (long)strlen(text) / BYTES_A_TOKEN + 1 : 0;
    free(text);
    return tokens;
}

/* New `usage` of a message; counts. The caller holds no lock. */
static json_t *usage_new(struct llm_world *world, const json_t *params, long output)
{
    const json_t *system = json_object_get(params, "system");
    long fixed = tokens_of(system), input = tokens_of(json_object_get(params, "messages")), read = 0, written = 0;
    const json_t *block = json_array_get(system, json_array_size(system) - 1);
    char *text = json_dumps(system, JSON_COMPACT | JSON_ENCODE_ANY);
    pthread_mutex_lock(&world->lock);
    if (text && json_object_get(block, "cache_control") && fixed >= world->options.cache_floor) {
        read = cached(world, digest(text)) ? fixed : 0;
        written = fixed - read;
    } else {
        input += fixed;
    }
    world->stats.input_tokens += input + read + written;
    world->stats.output_tokens += output;
    world->stats.cache_read_tokens += read;
    world->stats.cache_write_tokens += written;
    world->window_tokens += input + written + output;
    pthread_mutex_unlock(&world->lock);
    free(text);
    return json_pack("{s:I, s:I, s:I, s:I, s:{s:I, s:i}, s:s}", "input_tokens", (json_int_t)input, "output_tokens", (json_int_t)output,
                     "cache_creation_input_tokens", (json_int_t)written, "cache_read_input_tokens", (json_int_t)read, "cache_creation",
                     "ephemeral_5m_input_tokens", (json_int_t)written, "ephemeral_1h_input_tokens", 0, "service_tier", "standard");
}

/* New text that the model says; padded where it is to be a flood. */
static char *text_of(struct llm_call *call, const json_t *params)
{
    if (llm_act_says(&call->act, "flood")) {
        call->answer->pad = (size_t)llm_act_number(&call->act, RULE_BYTES, PAD_DEFAULT);
        return xstrdup(WIRE_PAD);
    }
    return llm_mind_answer(call->evidence, schema_of(call->api, params), &call->act);
}

json_t *llm_vendor_message(struct llm_call *call, const json_t *params)
{
    json_t *content = json_array();
    const char *stop = llm_act_says(&call->act, "refusal") ? "refusal" : llm_act_says(&call->act, "cut") ? "max_tokens" : "end_turn";
    char *text = text_of(call, params);
    long output = (long)strlen(text) / BYTES_A_TOKEN + 1;
    if (str_equal(stop, "end_turn") && output > json_int_or(params, "max_tokens", 0)) {
        stop = "max_tokens";
        text[json_int_or(params, "max_tokens", 0) * BYTES_A_TOKEN] = '\0';
        output = (long)json_int_or(params, "max_tokens", 0);
    }
    if (llm_act_says(&call->act, "thinking")) {
        json_array_append_new(content, json_pack("{s:s, s:s, s:s}", "type", "thinking", "thinking", "Let me see.", "signature", "c2ln"));
    }
    if (!llm_act_says(&call->act, "empty") && !str_equal(stop, "refusal")) {
        json_array_append_new(content, json_pack("{s:s, s:o}", "type", "text", "text", json_string_safe(text)));
    }
    free(text);
    json_t *out = json_pack("{s:s, s:s, s:s, s:s, s:o, s:s, s:n, s:o}", "id", "msg_scripted", "type", "message", "role", "assistant", "model",
                            json_string_or_null(params, "model"), "content", content, "stop_reason", stop, "stop_sequence", "usage",
                            usage_new(call->world, params, output));
    if (str_equal(stop, "refusal")) {
        json_object_set_new(out, "stop_details", json_pack("{s:s, s:n}", "type", "refusal", "category"));
    }
    return out;
}

static json_t *completion_new(struct llm_call *call)
{
    const json_t *params = call->body;
    bool refusal = llm_act_says(&call->act, "refusal");
    char *text = text_of(call, params);
    const char *finish = llm_act_says(&call->act, "cut") ? "length" : "stop";
    json_int_t limit = json_int_or(params, "max_tokens", json_int_or(params, "max_completion_tokens", 1 << 20));
    long input = tokens_of(json_object_get(params, "messages")), output = (long)strlen(text) / BYTES_A_TOKEN + 1;
    if (output > limit) {
        finish = "length";
        text[limit * BYTES_A_TOKEN] = '\0';
        output = (long)limit;
    }
    pthread_mutex_lock(&call->world->lock);
    call->world->stats.input_tokens += input;
    call->world->stats.output_tokens += output;
    call->world->window_tokens += input + output;
    pthread_mutex_unlock(&call->world->lock);
    json_t *said = refusal || llm_act_says(&call->act, "empty") ? json_null() : json_string_safe(text);
    free(text);
    return json_pack("{s:s, s:s, s:I, s:s, s:[{s:i, s:{s:s, s:o, s:s?}, s:s}], s:{s:I, s:I, s:I}}", "id", "chatcmpl-scripted", "object",
                     "chat.completion", "created", (json_int_t)clock_now(), "model", json_string_or_null(params, "model"), "choices", "index", 0,
                     "message", "role", "assistant", "content", said, "refusal", refusal ? "I cannot help with that." : NULL, "finish_reason",
                     finish, "usage", "prompt_tokens", (json_int_t)input, "completion_tokens", (json_int_t)output, "total_tokens",
                     (json_int_t)(input + output));
}

/* Adds the headers that tell what is left of a window; false where nothing is (then 429 is the answer). */
static bool within_limits(struct llm_call *call)
{
    struct llm_world *world = call->world;
    const struct llm_server_options *limits = &world->options;
    bool openai = str_equal(call->api, "openai");
    int64_t now = clock_monotonic_ms();
    char reset[RFC3339_MAX];
    if (limits->limit_ms <= 0) {
        return true;
    }
    pthread_mutex_lock(&world->lock);
    if (now - world->window_start >= limits->limit_ms) {
        world->window_start = now;
        world->window_requests = world->window_tokens = 0;
    }
    bool good = (limits->limit_requests <= 0 || world->window_requests < limits->limit_requests) &&
                (limits->limit_tokens <= 0 || world->window_tokens < limits->limit_tokens);
    world->window_requests += good;
    long requests = limits->limit_requests - world->window_requests, tokens = limits->limit_tokens - world->window_tokens;
    long seconds = (long)(limits->limit_ms - (now - world->window_start) + 999) / 1000;
    pthread_mutex_unlock(&world->lock);
    const char *prefix = openai ? "x-ratelimit" : "anthropic-ratelimit";
    struct buf *out = &call->answer->headers;
    if (openai) {
        (void)snprintf(reset, sizeof reset, "%lds", seconds);
    } else {
        (void)time_format(clock_now() + seconds, reset);
    }
    for (int i = 0; i < 2; i++) {
        long limit = i ? limits->limit_tokens : limits->limit_requests, left = i ? tokens : requests;
        const char *what = i ? "tokens" : "requests";
        if (limit > 0 && openai) {
            (void)buf_printf(out, "%s-limit-%s: %ld\r\n%s-remaining-%s: %ld\r\n%s-reset-%s: %s\r\n", prefix, what, limit, prefix, what,
                             left < 0 ? 0 : left, prefix, what, reset);
        } else if (limit > 0) {
            (void)buf_printf(out, "%s-%s-limit: %ld\r\n%s-%s-remaining: %ld\r\n%s-%s-reset: %s\r\n", prefix, what, limit, prefix, what,
                             left < 0 ? 0 : left, prefix, what, reset);
        }
    }
    if (!good) {
        (void)buf_printf(out, "retry-after: %ld\r\n", seconds);
    }
    return good;
}

void llm_vendor_answer(struct llm_call *call)
{
    const char *wrong = llm_vendor_wrong(call->api, call->body);
    if (!within_limits(call)) {
        llm_vendor_error(call, 429, NULL, "This request would exceed your rate limit");
    } else if (wrong) {
        llm_vendor_error(call, 400, NULL, wrong);
    } else {
        llm_vendor_body(call, str_equal(call->api, "openai") ? completion_new(call) : llm_vendor_message(call, call->body));
    }
}
