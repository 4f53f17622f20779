/* Providers as values: requests and replies without a server. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "stages/common/llm/llm_provider.h"

static json_t *schema;

static struct llm_prompt prompt_of(void)
{
    return (struct llm_prompt){.system = "rules",
                               .user = "{\"workload\":\"a\"}",
                               .schema = schema,
                               .schema_name = "recommendation",
                               .max_tokens = 500};
}

static void anthropic_request(void **state)
{
    (void)state;
    struct llm_prompt prompt = prompt_of();
    struct llm_dialect dialect = {.mode = LLM_JSON_SCHEMA};
    json_t *body = llm_anthropic.request(&prompt, "m", &dialect);
    char *text = json_text(body); /* sorted */
    assert_string_equal(
        text,
        "{\"max_tokens\":500,\"messages\":[{\"content\":\"{\\\"workload\\\":\\\"a\\\"}\",\"role\":\"user\"}],"
        "\"model\":\"m\",\"output_config\":{\"effort\":\"low\",\"format\":{\"schema\":{\"type\":\"object\"},\"type\":\"json_"
        "schema\"}},"
        "\"system\":[{\"cache_control\":{\"type\":\"ephemeral\"},\"text\":\"rules\",\"type\":\"text\"}]}");
    free(text);
    json_decref(body);
    assert_string_equal(llm_anthropic.path("https://api.example"), "/v1/messages");
    assert_string_equal(llm_anthropic.path("https://proxy.example/v1"), "/messages");
}

static void openai_request_in_each_dialect(void **state)
{
    (void)state;
    struct llm_prompt prompt = prompt_of();
    prompt.former_reply = "nonsense";
    prompt.complaint = "why";
    struct llm_dialect dialect = {.mode = LLM_JSON_SCHEMA};
    json_t *body = llm_openai.request(&prompt, "m", &dialect);
    assert_string_equal(json_string_value(json_at(body, "response_format.type")), "json_schema");
    assert_true(json_is_true(json_at(body, "response_format.json_schema.strict")));
    assert_int_equal(json_array_size(json_object_get(body, "messages")), 4);
    assert_int_equal(json_int_or(body, "temperature", -1), 0);
    json_decref(body);
    dialect = (struct llm_dialect){.mode = LLM_JSON_OBJECT, .max_completion_tokens = true, .no_temperature = true};
    body = llm_openai.request(&prompt, "m", &dialect);
    assert_string_equal(json_string_value(json_at(body, "response_format.type")), "json_object");
    assert_int_equal(json_int_or(body, "max_completion_tokens", 0), 500);
    assert_null(json_object_get(body, "max_tokens"));
    assert_null(json_object_get(body, "temperature"));
    json_decref(body);
    dialect.mode = LLM_PLAIN;
    body = llm_openai.request(&prompt, "m", &dialect);
    assert_null(json_object_get(body, "response_format"));
    json_decref(body);
}

static const struct reply_case {
    const char *what;
    const struct llm_provider *provider;
    const char *body;
    const char *text;    /* expected; NULL: refused */
    const char *message; /* part of the refusal */
} reply_cases[] = {
    {"text after thinking", &llm_anthropic,
     "{\"content\":[{\"type\":\"thinking\",\"thinking\":\"hm\"},{\"type\":\"text\",\"text\":\"{}\"}],\"stop_"
     "reason\":\"end_turn\"}",
     "{}", NULL},
    {"cut", &llm_anthropic,
     "{\"content\":[{\"type\":\"text\",\"text\":\"{\"}],\"stop_reason\":\"max_tokens\"}", NULL, "max_tokens"},
    {"refusal", &llm_anthropic, "{\"content\":[],\"stop_reason\":\"refusal\"}", NULL, "refusal"},
    {"no content", &llm_anthropic, "{\"content\":[],\"stop_reason\":\"end_turn\"}", NULL, "no text"},
    {"content of the wrong type", &llm_anthropic, "{\"content\":\"x\",\"stop_reason\":\"end_turn\"}", NULL,
     "no text"},
    {"an array", &llm_anthropic, "[1]", NULL, "stop_reason"},
    {"paused", &llm_anthropic, "{\"content\":[{\"type\":\"text\",\"text\":\"{}\"}],\"stop_reason\":\"pause_turn\"}", NULL, "pause_turn"},
    {"a tool", &llm_anthropic, "{\"content\":[{\"type\":\"tool_use\",\"input\":{}}],\"stop_reason\":\"tool_use\"}", NULL, "tool_use"},
    {"too long", &llm_anthropic,
     "{\"content\":[{\"type\":\"text\",\"text\":\"{}\"}],\"stop_reason\":\"model_context_window_exceeded\"}", NULL, "too long for the model"},
    {"a number as the reason", &llm_anthropic, "{\"content\":[{\"type\":\"text\",\"text\":\"{}\"}],\"stop_reason\":3}", NULL, "stop_reason"},
    {"two texts", &llm_anthropic,
     "{\"content\":[{\"type\":\"text\",\"text\":\"{\"},{\"type\":\"text\",\"text\":\"}\"}],\"stop_reason\":\"end_turn\"}", "{}", NULL},
    {"parts", &llm_openai, "{\"choices\":[{\"message\":{\"content\":[{\"type\":\"text\",\"text\":\"{\"},{\"text\":\"}\"},7]}}]}", "{}", NULL},
    {"thought aloud", &llm_openai, "{\"choices\":[{\"message\":{\"content\":\"\\n<think>\\nhm {}</think>\\n\\n{\\\"a\\\":1}\"}}]}", "{\"a\":1}", NULL},
    {"only thought", &llm_openai, "{\"choices\":[{\"message\":{\"content\":\"<think>hm</think> \"}}]}", NULL, "no text"},
    {"still thinking", &llm_openai, "{\"choices\":[{\"message\":{\"content\":\"<think>hm\"},\"finish_reason\":\"length\"}]}", NULL, "max_tokens"},
    {"a tool", &llm_openai, "{\"choices\":[{\"message\":{\"content\":null},\"finish_reason\":\"tool_calls\"}]}", NULL, "tool_calls"},
    {"an error with 200", &llm_openai, "{\"error\":{\"message\":\"no capacity\",\"code\":502}}", NULL, "no capacity"},
    {"text", &llm_openai, "{\"choices\":[{\"message\":{\"content\":\"{}\"},\"finish_reason\":\"stop\"}]}",
     "{}", NULL},
    {"no finish reason", &llm_openai, "{\"choices\":[{\"message\":{\"content\":\"{}\"}}]}", "{}", NULL},
    {"cut", &llm_openai, "{\"choices\":[{\"message\":{\"content\":\"{\"},\"finish_reason\":\"length\"}]}",
     NULL, "max_tokens"},
    {"refusal", &llm_openai,
     "{\"choices\":[{\"message\":{\"content\":null,\"refusal\":\"no\"},\"finish_reason\":\"stop\"}]}", NULL,
     "refused"},
    {"filtered", &llm_openai,
     "{\"choices\":[{\"message\":{\"content\":\"x\"},\"finish_reason\":\"content_filter\"}]}", NULL,
     "content_filter"},
    {"empty", &llm_openai, "{\"choices\":[{\"message\":{\"content\":\"\"},\"finish_reason\":\"stop\"}]}",
     NULL, "no text"},
    {"no choices", &llm_openai, "{\"choices\":[]}", NULL, "no text"},
    {"a number", &llm_openai, "7", NULL, "no text"},
};

static void replies(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(reply_cases); i++) {
        const struct reply_case *c = &reply_cases[i];
        struct llm_reply reply = {.text = NULL};
        struct err err = {0};
        json_t *body = json_loads(c->body, JSON_DECODE_ANY, NULL);
        assert_non_null(body);
        int status = c->provider->reply(body, &reply, &err);
        bool cut = c->message && str_equal(c->message, "max_tokens"); /* what came is handed out all the same */
        if ((status == 0) != (c->text != NULL) || (cut ? !reply.text : !str_equal(reply.text, c->text))) {
            fail_msg("%s %s: %d %s", c->provider->name, c->what, status, reply.text);
        }
        if (c->message && !strstr(err.message, c->message)) {
            fail_msg("%s %s: %s", c->provider->name, c->what, err.message);
        }
        json_decref(body);
        llm_reply_release(&reply);
    }
}

static void a_long_text_is_refused(void **state)
{
    (void)state;
    char *text = xcalloc(LLM_REPLY_MAX + 2);
    memset(text, 'x', LLM_REPLY_MAX + 1);
    json_t *body =
        json_pack("{s:[{s:{s:s},s:s}]}", "choices", "message", "content", text, "finish_reason", "stop");
    struct llm_reply reply = {.text = NULL};
    struct err err = {0};
    assert_int_equal(llm_openai.reply(body, &reply, &err), -1);
    assert_null(reply.text);
    json_decref(body);
    free(text);
}

/* Tokens of Anthropic's caches stand beside the others, those of OpenAI's within; nothing absurd is taken over. */
static void usage(void **state)
{
    (void)state;
    static const struct {
        const struct llm_provider *provider;
        const char *body;
        int64_t input, output, read, written;
    } cases[] = {
        {&llm_anthropic,
         "{\"usage\":{\"input_tokens\":412,\"output_tokens\":96,\"cache_creation_input_tokens\":100,\"cache_read_input_tokens\":2048}}", 2560, 96,
         2048, 100},
        {&llm_anthropic, "{\"usage\":{\"input_tokens\":7,\"cache_read_input_tokens\":null}}", 7, 0, 0, 0},
        {&llm_anthropic, "{\"usage\":{\"input_tokens\":-7,\"output_tokens\":1000000000000000000}}", 0, 0, 0, 0},
        {&llm_anthropic, "{\"usage\":[1]}", 0, 0, 0, 0},
        {&llm_openai, "{\"usage\":{\"prompt_tokens\":110,\"completion_tokens\":52,\"prompt_tokens_details\":{\"cached_tokens\":109}}}", 110, 52, 109,
         0},
        {&llm_openai, "{\"usage\":{\"prompt_tokens\":10,\"prompt_tokens_details\":{\"cached_tokens\":109}}}", 10, 0, 10, 0},
        {&llm_openai, "{\"usage\":{\"prompt_tokens\":\"10\",\"completion_tokens\":1.5}}", 0, 0, 0, 0},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct llm_reply reply = {.text = NULL};
        json_t *body = json_loads(cases[i].body, 0, NULL);
        (void)cases[i].provider->reply(body, &reply, NULL);
        assert_int_equal(reply.input_tokens, cases[i].input);
        assert_int_equal(reply.output_tokens, cases[i].output);
        assert_int_equal(reply.cache_read_tokens, cases[i].read);
        assert_int_equal(reply.cache_write_tokens, cases[i].written);
        llm_reply_release(&reply);
        json_decref(body);
    }
}

static void complaints(void **state)
{
    (void)state;
    struct llm_dialect dialect = {.mode = LLM_JSON_SCHEMA};
    assert_false(llm_openai.adapt("the request exceeds the available context size", &dialect));
    assert_true(llm_openai.adapt("'temperature' does not support 0 with this model", &dialect));
    assert_false(llm_openai.adapt("'temperature' does not support 0 with this model", &dialect)); /* it is not sent any more */
    assert_true(llm_openai.adapt("Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead.", &dialect));
    assert_true(llm_openai.adapt("invalid response_format", &dialect));
    assert_int_equal(dialect.mode, LLM_JSON_OBJECT);
    assert_true(llm_openai.adapt("Failed to parse grammar", &dialect));
    assert_int_equal(dialect.mode, LLM_PLAIN);
    assert_false(llm_openai.adapt("Failed to parse grammar", &dialect));
    dialect = (struct llm_dialect){.mode = LLM_JSON_SCHEMA};
    assert_true(llm_anthropic.adapt("This model does not support the effort parameter.", &dialect));
    assert_int_equal(dialect.mode, LLM_JSON_SCHEMA);
    assert_true(llm_anthropic.adapt("Compiled grammar is too large", &dialect));
    assert_int_equal(dialect.mode, LLM_PLAIN);
    assert_false(llm_anthropic.adapt("output_config.format: too large", &dialect));
    assert_false(llm_dialect_same(&dialect, &(struct llm_dialect){.mode = LLM_PLAIN}));
    assert_true(llm_dialect_same(&dialect, &(struct llm_dialect){.mode = LLM_PLAIN, .no_effort = true}));
}

/* A server that takes no schema is told it in words; Anthropic's request has nothing that its models refuse. */
static void requests_without_schemas(void **state)
{
    (void)state;
    const struct llm_provider *const rows[] = {&llm_anthropic, &llm_openai};
    struct llm_prompt prompt = prompt_of();
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct llm_dialect plain = {.mode = LLM_PLAIN, .no_effort = true};
        json_t *body = rows[i]->request(&prompt, "m", &plain);
        char *text = json_text(body);
        assert_non_null(strstr(text, "JSON schema"));
        assert_non_null(strstr(text, "{\\\"type\\\":\\\"object\\\"}"));
        assert_null(json_object_get(body, "output_config"));
        assert_null(json_object_get(body, "response_format"));
        free(text);
        json_decref(body);
        prompt.schema = NULL;
        body = rows[i]->request(&prompt, "m", &(struct llm_dialect){.mode = LLM_JSON_SCHEMA});
        text = json_text(body);
        assert_null(strstr(text, "schema"));
        free(text);
        json_decref(body);
        prompt = prompt_of();
    }
}

static void estimates(void **state)
{
    (void)state;
    struct llm_prompt prompt = prompt_of();
    int64_t first = llm_estimate_input(&prompt);
    assert_int_equal(first, (5 + 16 + 17) / 3 + 1);
    assert_int_equal(llm_estimate(&prompt), first + 500);
    prompt.former_reply = "0123456789";
    prompt.complaint = "01234";
    assert_int_equal(llm_estimate_input(&prompt), first + 5);
    assert_null(llm_provider_of("rules"));
    assert_null(llm_provider_of(NULL));
    assert_ptr_equal(llm_provider_of("openai"), &llm_openai);
    assert_ptr_equal(llm_provider_of("anthropic"), &llm_anthropic);
}

int main(void)
{
    json_init();
    schema = json_pack("{s:s}", "type", "object");
    const struct CMUnitTest tests[] = {cmocka_unit_test(anthropic_request), cmocka_unit_test(openai_request_in_each_dialect),
                                       cmocka_unit_test(replies),           cmocka_unit_test(a_long_text_is_refused),
                                       cmocka_unit_test(usage),             cmocka_unit_test(complaints),
                                       cmocka_unit_test(requests_without_schemas), cmocka_unit_test(estimates)};
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    json_decref(schema);
    return failed;
}
