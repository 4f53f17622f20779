/* What statuses, bodies and broken connections mean. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "stages/common/llm/llm_verdict.h"

static struct llm *llm;

/* A reply of `status`; release it. */
static struct http_reply reply_of(long status, const char *headers, const char *body)
{
    struct http_reply reply;
    http_reply_init(&reply);
    reply.status = status;
    assert_int_equal(buf_printf(&reply.headers, "HTTP/1.1 %ld\r\n%s", status, headers), 0);
    assert_int_equal(buf_add_str(&reply.body, body), 0);
    return reply;
}

static void statuses(void **state)
{
    (void)state;
    static const struct {
        long status;
        enum llm_verdict verdict;
    } cases[] = {{200, LLM_READ},   {201, LLM_READ},    {304, LLM_USELESS}, {400, LLM_NEVER},  {401, LLM_USELESS}, {402, LLM_USELESS},
                 {403, LLM_USELESS}, {404, LLM_USELESS}, {405, LLM_USELESS}, {408, LLM_AGAIN},  {409, LLM_AGAIN},   {413, LLM_NEVER},
                 {422, LLM_NEVER},  {429, LLM_SLOWER},  {498, LLM_SLOWER},  {500, LLM_AGAIN},  {501, LLM_NEVER},   {502, LLM_AGAIN},
                 {503, LLM_SLOWER}, {504, LLM_AGAIN},   {505, LLM_NEVER},   {520, LLM_AGAIN},  {529, LLM_SLOWER}};
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct err err = {0};
        struct http_reply reply = reply_of(cases[i].status, "", "");
        if (llm_verdict_of(llm, &reply, &err) != cases[i].verdict) {
            fail_msg("%ld", cases[i].status);
        }
        assert_int_equal(err.class, cases[i].verdict == LLM_READ ? ERR_NONE : ERR_UNAVAILABLE);
        http_reply_release(&reply);
    }
}

static void money(void **state)
{
    (void)state;
    static const struct {
        long status;
        const char *body;
        enum llm_verdict verdict;
    } cases[] = {
        {429, "{\"error\":{\"type\":\"rate_limit_error\",\"message\":\"x\",\"details\":{\"error_code\":\"enforced_spend_limit_reached\"}}}", LLM_USELESS},
        {429, "{\"error\":{\"message\":\"You exceeded your current quota, see billing details\",\"code\":\"insufficient_quota\"}}", LLM_USELESS},
        {429, "{\"error\":{\"message\":\"Rate limit reached; see your billing page for a higher tier\",\"code\":\"rate_limit_exceeded\"}}", LLM_SLOWER},
        {429, "{\"error\":{\"message\":\"slow down\",\"code\":429}}", LLM_SLOWER},
        {429, "{\"error\":{\"message\":\"slow down\",\"code\":null,\"details\":[]}}", LLM_SLOWER},
        {400, "{\"error\":{\"message\":\"You have reached your specified API usage limits.\"}}", LLM_USELESS},
        {400, "{\"error\":{\"message\":\"Your Credit Balance is too low to access the API\"}}", LLM_USELESS},
        {500, "{\"error\":{\"message\":\"the billing service is down\"}}", LLM_AGAIN},
        {429, "[[[", LLM_SLOWER},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct http_reply reply = reply_of(cases[i].status, "", cases[i].body);
        if (llm_verdict_of(llm, &reply, NULL) != cases[i].verdict) {
            fail_msg("%ld %s", cases[i].status, cases[i].body);
        }
        http_reply_release(&reply);
    }
}

static void failures(void **state)
{
    (void)state;
    struct err unreachable = {.class = ERR_UNAVAILABLE};
    struct err too_large = {.class = ERR_DATA};
    struct http_reply reply = reply_of(0, "", "");
    assert_int_equal(llm_verdict_of_failure(&reply, &unreachable), LLM_USELESS); /* a certificate, a redirect */
    assert_int_equal(llm_verdict_of_failure(&reply, &too_large), LLM_NEVER);
    reply.broken = true;
    assert_int_equal(llm_verdict_of_failure(&reply, &unreachable), LLM_AGAIN);
    reply.broken = false;
    reply.timed_out = true;
    assert_int_equal(llm_verdict_of_failure(&reply, &unreachable), LLM_AGAIN); /* no connection in time */
    reply.sent = true;
    assert_int_equal(llm_verdict_of_failure(&reply, &unreachable), LLM_LATE);
    http_reply_release(&reply);
}

static int64_t wait_of(const char *headers, int64_t seconds)
{
    struct http_reply reply = reply_of(429, headers, "");
    reply.retry_after_seconds = seconds;
    int64_t wait = llm_verdict_wait(&reply);
    http_reply_release(&reply);
    return wait;
}

static void waits(void **state)
{
    (void)state;
    assert_int_equal(wait_of("", -1), -1);
    assert_int_equal(wait_of("", 0), 0);
    assert_int_equal(wait_of("", 7), 7000);
    assert_int_equal(wait_of("retry-after-ms: 250.5\r\n", 7), 250);
    assert_int_equal(wait_of("retry-after-ms: soon\r\n", 7), 7000);
    assert_int_equal(wait_of("retry-after-ms: nan\r\n", 7), 7000);
    assert_int_equal(wait_of("retry-after-ms: -1\r\n", -1), -1);
    assert_true(wait_of("retry-after-ms: 1e300\r\n", -1) > 0);
    assert_true(wait_of("", INT64_MAX) > 0);
}

/* Of questions under way together the first answer teaches, the others follow. */
static void adapting(void **state)
{
    (void)state;
    struct http_reply reply = reply_of(400, "", "{\"error\":{\"message\":\"no\",\"param\":\"response_format\"}}");
    struct http_reply other = reply_of(400, "", "{\"error\":{\"message\":\"too long\"}}");
    struct http_reply unread = reply_of(404, "", "{\"error\":{\"message\":\"response_format\"}}");
    struct http_reply crash = reply_of(500, "", "{\"error\":{\"message\":\"json: unexpected end\"}}");
    struct http_reply grammar = reply_of(500, "", "{\"error\":{\"message\":\"Failed to initialize samplers: failed to parse Grammar\"}}");
    struct llm_dialect first = llm->dialect;
    struct llm_dialect second = llm->dialect;
    assert_true(llm_verdict_adapt(llm, &reply, &first));
    assert_int_equal(first.mode, LLM_JSON_OBJECT);
    assert_int_equal(llm->dialect.mode, LLM_JSON_OBJECT);
    assert_true(llm_verdict_adapt(llm, &reply, &second));
    assert_int_equal(second.mode, LLM_JSON_OBJECT);
    assert_int_equal(llm->dialect.mode, LLM_JSON_OBJECT);
    assert_false(llm_verdict_adapt(llm, &other, &first));
    assert_false(llm_verdict_adapt(llm, &unread, &first));
    assert_false(llm_verdict_adapt(llm, &crash, &first));
    assert_true(llm_verdict_adapt(llm, &grammar, &first));
    assert_false(llm_verdict_adapt(llm, &reply, &first));
    assert_int_equal(llm->dialect.mode, LLM_PLAIN);
    http_reply_release(&crash);
    http_reply_release(&grammar);
    http_reply_release(&reply);
    http_reply_release(&other);
    http_reply_release(&unread);
}

/* One question goes without a schema because of what the model wrote; what it learns besides does not take the schema from the others. */
static void adapting_alone(void **state)
{
    (void)state;
    struct http_reply failed = reply_of(400, "", "{\"error\":{\"message\":\"Failed to generate JSON\",\"code\":\"json_validate_failed\"}}");
    struct http_reply warm = reply_of(400, "", "{\"error\":{\"message\":\"no temperature, please\"}}");
    llm->dialect = (struct llm_dialect){.mode = LLM_JSON_SCHEMA};
    struct llm_dialect own = llm->dialect;
    assert_true(llm_verdict_adapt(llm, &failed, &own));
    assert_int_equal(own.mode, LLM_PLAIN);
    assert_int_equal(llm->dialect.mode, LLM_JSON_SCHEMA);
    assert_true(llm_verdict_adapt(llm, &warm, &own));
    assert_int_equal(own.mode, LLM_PLAIN);
    assert_true(own.no_temperature && llm->dialect.no_temperature);
    assert_int_equal(llm->dialect.mode, LLM_JSON_SCHEMA);
    assert_false(llm_verdict_adapt(llm, &warm, &own));
    assert_false(llm_verdict_adapt(llm, &failed, &own));
    http_reply_release(&failed);
    http_reply_release(&warm);
}

int main(void)
{
    json_init();
    struct llm_options options = {.provider = &llm_openai, .model = "m", .base_url = "http://127.0.0.1:9", .key = "secret-key"};
    if (llm_new(&options, &llm, NULL)) {
        return 1;
    }
    const struct CMUnitTest tests[] = {cmocka_unit_test(statuses), cmocka_unit_test(money), cmocka_unit_test(failures),
                                       cmocka_unit_test(waits), cmocka_unit_test(adapting), cmocka_unit_test(adapting_alone)};
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    llm_free(llm);
    return failed;
}
