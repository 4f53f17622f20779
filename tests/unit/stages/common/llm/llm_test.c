/* Providers as values (requests and replies without a server), then the client against a scripted server. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "stages/common/llm/llm.h"
#include "tests/harness/http_script.h"

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
    char *text = json_text(body);
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
    {"text", &llm_openai, "{\"choices\":[{\"message\":{\"content\":\"{}\"},\"finish_reason\":\"stop\"}]}",
     "{}", NULL},
    {"no finish reason", &llm_openai, "{\"choices\":[{\"message\":{\"content\":\"{}\"}}]}", "{}", NULL},
    {"cut", &llm_openai, "{\"choices\":[{\"message\":{\"content\":\"{\"},\"finish_reason\":\"length\"}]}",
     NULL, "length"},
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
        if ((status == 0) != (c->text != NULL) || !str_equal(reply.text, c->text))
            fail_msg("%s %s: %d %s", c->provider->name, c->what, status, reply.text);
        if (c->message && !strstr(err.message, c->message))
            fail_msg("%s %s: %s", c->provider->name, c->what, err.message);
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

/* One question to a scripted server. Returns 0 or -1; *text receives the answer (free it), *err the failure.
 */
static int ask(const struct llm_provider *provider, const char *script, int *count, char **text, bool *final,
               struct err *err)
{
    struct http_script *server = http_script_start(script);
    char url[64];
    struct llm *llm = NULL;
    struct llm_prompt prompt = prompt_of();
    struct llm_reply reply = {.text = NULL};
    (void)snprintf(url, sizeof url, "http://127.0.0.1:%d", http_script_port(server));
    struct llm_options options = {.provider = provider,
                                  .model = "m",
                                  .base_url = url,
                                  .key = "secret-key",
                                  .connect_timeout_seconds = 5,
                                  .timeout_seconds = 2};
    assert_int_equal(llm_new(&options, &llm, err), 0);
    int status = llm_ask(llm, &prompt, &reply, final, err);
    *text = xstrdup_null(reply.text);
    *count = http_script_count(server);
    llm_reply_release(&reply);
    llm_free(llm);
    http_script_stop(server);
    return status;
}

#define GOOD_OPENAI \
    "body " \
    "{\"choices\":[{\"message\":{\"content\":\"{}\"},\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_" \
    "tokens\":5,\"completion_tokens\":2}}\n"

static void a_server_without_schemas(void **state)
{
    (void)state;
    int count;
    char *text;
    bool final;
    struct err err = {0};
    assert_int_equal(ask(&llm_openai,
                         "on POST /chat/completions\nmatch json_schema\nstatus 400\nbody "
                         "{\"error\":{\"message\":\"response_format json_schema is not supported\"}}\n"
                         "on POST /chat/completions\nmatch json_object\nstatus 400\nbody "
                         "{\"error\":{\"message\":\"response_format is not supported\"}}\n"
                         "on POST /chat/completions\n" GOOD_OPENAI,
                         &count, &text, &final, &err),
                     0);
    assert_string_equal(text, "{}");
    assert_int_equal(count, 3);
    free(text);
}

static void refusals(void **state)
{
    (void)state;
    static const struct {
        const char *status;
        bool final;
    } cases[] = {{"401", true}, {"402", true}, {"403", true}, {"404", true}, {"413", false}, {"400", false}};
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        char script[300];
        int count;
        char *text;
        bool final;
        struct err err = {0};
        (void)snprintf(script, sizeof script,
                       "on POST /v1/messages\nstatus %s\nbody "
                       "{\"type\":\"error\",\"error\":{\"message\":\"bad secret-key\"}}\n",
                       cases[i].status);
        assert_int_equal(ask(&llm_anthropic, script, &count, &text, &final, &err), -1);
        assert_int_equal(err.class, ERR_UNAVAILABLE);
        assert_int_equal(final, cases[i].final);
        assert_int_equal(count, 1);
        assert_null(strstr(err.message, "secret-key"));
        free(text);
    }
}

static void answers_that_are_none(void **state)
{
    (void)state;
    static const char *const scripts[] = {
        "on POST /\nheader Content-Type: text/html\nbody <html>welcome</html>\n",
        "on POST /\nbody {\"choices\":[{\"message\":\ncut 12\n",
        "on POST /\nbody \n",
        "on POST /\nrepeat 1200000 x\n",
    };
    for (size_t i = 0; i < ARRAY_COUNT(scripts); i++) {
        int count;
        char *text;
        bool final;
        struct err err = {0};
        assert_int_equal(ask(&llm_openai, scripts[i], &count, &text, &final, &err), -1);
        assert_null(text);
        assert_false(final);
        assert_true(err.class == ERR_DATA || err.class == ERR_UNAVAILABLE);
    }
}

static void what_cannot_be_opened(void **state)
{
    (void)state;
    struct llm *llm = NULL;
    struct err err = {0};
    struct llm_options no_model = {.provider = &llm_openai};
    struct llm_options no_key = {.provider = &llm_anthropic};
    struct llm_options bad_url = {.provider = &llm_openai, .model = "m", .base_url = "ftp://x"};
    struct llm_options bad_key = {.provider = &llm_openai, .model = "m", .key = "a\r\nX-Evil: 1"};
    assert_int_equal(llm_new(&no_model, &llm, &err), -1);
    assert_int_equal(err.class, ERR_CONFIG);
    assert_int_equal(llm_new(&no_key, &llm, &err), -1);
    assert_int_equal(llm_new(&bad_url, &llm, &err), -1);
    assert_int_equal(llm_new(&bad_key, &llm, &err), -1);
    assert_null(strstr(err.message, "X-Evil"));
    assert_null(llm);
    assert_null(llm_provider_of("rules"));
    assert_ptr_equal(llm_provider_of("openai"), &llm_openai);
}

int main(void)
{
    json_init();
    schema = json_pack("{s:s}", "type", "object");
    const struct CMUnitTest tests[] = {cmocka_unit_test(anthropic_request),
                                       cmocka_unit_test(openai_request_in_each_dialect),
                                       cmocka_unit_test(replies),
                                       cmocka_unit_test(a_long_text_is_refused),
                                       cmocka_unit_test(a_server_without_schemas),
                                       cmocka_unit_test(refusals),
                                       cmocka_unit_test(answers_that_are_none),
                                       cmocka_unit_test(what_cannot_be_opened)};
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    json_decref(schema);
    return failed;
}
