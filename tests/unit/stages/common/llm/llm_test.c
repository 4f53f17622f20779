/* A client of one model: what cannot be opened, and one question that is waited for. */

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
}

/* A key goes over plain http to this machine only; without a key any address will do. */
static void a_key_on_plain_http(void **state)
{
    (void)state;
    static const struct {
        const char *url;
        const char *key;
        bool opened;
    } cases[] = {{"http://llm.example/v1", "k", false},      {"http://llm.example/v1", NULL, true},      {"http://llm.example/v1", "", true},
                 {"http://127.0.0.1:8080/v1", "k", true},    {"http://localhost:8080/v1", "k", true},    {"http://[::1]:8080/v1", "k", true},
                 {"http://127.0.0.1.example/v1", "k", false}, {"HTTP://llm.example/v1", "k", false}, {"https://llm.example/v1", "k", true}};
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct llm *llm = NULL;
        struct err err = {0};
        struct llm_options options = {.provider = &llm_openai, .model = "m", .base_url = cases[i].url, .key = cases[i].key};
        if ((llm_new(&options, &llm, &err) == 0) != cases[i].opened) {
            fail_msg("%s: %s", cases[i].url, err.message);
        }
        if (!cases[i].opened) {
            assert_int_equal(err.class, ERR_CONFIG);
        }
        llm_free(llm);
    }
}

/* What is shown beforehand is what is sent, to the byte, and no key is in it. */
static void the_body_is_the_one_that_is_sent(void **state)
{
    (void)state;
    struct http_script *server = http_script_start("on POST /chat/completions\n" GOOD_OPENAI);
    char url[64];
    struct llm *llm = NULL;
    struct err err = {0};
    struct llm_prompt prompt = prompt_of();
    struct llm_reply reply;
    bool final;
    (void)snprintf(url, sizeof url, "http://127.0.0.1:%d", http_script_port(server));
    struct llm_options options = {.provider = &llm_openai, .model = "m", .base_url = url, .key = "secret-key"};
    assert_int_equal(llm_new(&options, &llm, &err), 0);
    assert_string_equal(llm_name(llm), "openai");
    assert_string_equal(llm_model(llm), "m");
    char *body = llm_body(llm, &prompt);
    assert_int_equal(llm_ask(llm, &prompt, &reply, &final, &err), 0);
    char *requests = http_script_requests(server);
    assert_non_null(strstr(requests, body));
    assert_non_null(strstr(requests, "Authorization: Bearer secret-key"));
    assert_null(strstr(body, "secret-key"));
    assert_int_equal(reply.input_tokens, 5);
    assert_int_equal(reply.output_tokens, 2);
    free(requests);
    free(body);
    llm_reply_release(&reply);
    llm_free(llm);
    http_script_stop(server);
}

int main(void)
{
    json_init();
    schema = json_pack("{s:s}", "type", "object");
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_server_without_schemas),
                                       cmocka_unit_test(refusals),
                                       cmocka_unit_test(answers_that_are_none),
                                       cmocka_unit_test(what_cannot_be_opened),
                                       cmocka_unit_test(a_key_on_plain_http),
                                       cmocka_unit_test(the_body_is_the_one_that_is_sent)};
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    json_decref(schema);
    return failed;
}
