/* What headers say is left of a server's limits, and how long a question waits for it. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "pipeline/base/mem.h"
#include "stages/common/llm/llm_limits.h"

static const int64_t now = 1000000;
static const int64_t date = 1795318046; /* 2026-11-22T03:27:26Z */

static bool read_headers(struct llm_limits *limits, const char *text)
{
    struct http_reply reply;
    http_reply_init(&reply);
    reply.date = date;
    assert_int_equal(buf_add_str(&reply.headers, text), 0);
    bool any = llm_limits_read(limits, &reply, now);
    http_reply_release(&reply);
    return any;
}

/* How long one request waits after such a reset, with nothing left; -1 where the header is not understood. */
static int64_t wait_for(const char *vendor_line)
{
    char text[256];
    struct llm_limits limits = {.meters = {{.known = false}}};
    struct llm_need need = {.of = {1, 1, 1, 1}};
    (void)snprintf(text, sizeof text, "HTTP/1.1 200 OK\r\nx-ratelimit-remaining-requests: 0\r\nanthropic-ratelimit-tokens-remaining: 0\r\n%s\r\n",
                   vendor_line);
    return read_headers(&limits, text) ? llm_limits_until(&limits, &need, now) - now : -1;
}

static void resets(void **state)
{
    (void)state;
    static const struct {
        const char *value;
        int64_t ms;
    } cases[] = {{"1s", 1000},      {"6m0s", 60000},    {"120ms", 120}, {"1.5s", 1500},          {"7.66s", 7660},    {"12", 12000},     {"0.25", 250},
                 {"1m2.5s", 60000}, {"2m59.56s", 60000}, {"0s", 0},      {"1795318056", 10000}, {"1h", 60000},      {"20us", 0},       {"", -1},
                 {"soon", -1},      {"-5s", -1},         {"1x", -1},     {"1s2", 3000},         {"1e9", -1},        {"nan", -1},       {"inf", -1},
                 {"1.2.3s", -1},    {"99999999999999999999", 60000},                             {"s", -1},          {"1795318000", 0}};
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        char line[128];
        (void)snprintf(line, sizeof line, "x-ratelimit-reset-requests: %s", cases[i].value);
        int64_t ms = wait_for(line);
        if (ms != cases[i].ms) {
            fail_msg("%s: %lld", cases[i].value, (long long)ms);
        }
    }
    assert_int_equal(wait_for("anthropic-ratelimit-tokens-reset: 2026-11-22T03:27:36Z"), 11000);
    assert_int_equal(wait_for("anthropic-ratelimit-tokens-reset: 2026-11-22T03:20:00Z"), 0); /* over already */
    assert_int_equal(wait_for("anthropic-ratelimit-tokens-reset: 2027-11-22T03:20:00Z"), 60000);
    assert_int_equal(wait_for("x-other: 1"), -1);
}

static const char full[] = "HTTP/1.1 200 OK\r\nanthropic-ratelimit-requests-limit: 50\r\nanthropic-ratelimit-requests-remaining: 49\r\n"
                           "anthropic-ratelimit-requests-reset: 2026-11-22T03:27:27Z\r\nanthropic-ratelimit-input-tokens-limit: 1000\r\n"
                           "anthropic-ratelimit-input-tokens-remaining: 700\r\nanthropic-ratelimit-input-tokens-reset: 2026-11-22T03:27:30Z\r\n";

static void enough_for_some(void **state)
{
    (void)state;
    struct llm_limits limits = {.meters = {{.known = false}}};
    struct llm_need need = {.of = {1, 500, 300, 200}};
    struct llm_need huge = {.of = {1, 500, 5000, 200}};
    assert_true(read_headers(&limits, full));
    assert_false(limits.meters[LLM_TOKENS].known);
    assert_int_equal(llm_limits_until(&limits, &need, now), now);
    llm_limits_take(&limits, &need, now);
    llm_limits_take(&limits, &need, now);
    assert_int_equal(llm_limits_until(&limits, &need, now), now + 5000); /* 100 of 300 are left until the reset */
    assert_int_equal(llm_limits_until(&limits, &need, now + 5000), now + 5000);
    llm_limits_take(&limits, &need, now + 5000); /* full again: 1000 - 300 */
    assert_int_equal(limits.meters[LLM_INPUT_TOKENS].remaining, 700);
    assert_true(read_headers(&limits, full));
    assert_int_equal(llm_limits_until(&limits, &huge, now), now + 5000); /* more than there ever is: when it is full */
    assert_int_equal(llm_limits_until(&limits, &huge, now + 5001), now + 5001);
}

/* A reset that is far off is tried out with one question a minute. */
static void a_far_reset(void **state)
{
    (void)state;
    struct llm_limits limits = {.meters = {{.known = false}}};
    struct llm_need need = {.of = {1, 1, 1, 1}};
    assert_true(read_headers(&limits, "x-ratelimit-limit-requests: 14400\r\nx-ratelimit-remaining-requests: 0\r\nx-ratelimit-reset-requests: 12h0m0s\r\n"));
    assert_int_equal(llm_limits_until(&limits, &need, now), now + 60000);
    assert_int_equal(llm_limits_until(&limits, &need, now + 60000), now + 60000);
    llm_limits_take(&limits, &need, now + 60000);
    assert_int_equal(llm_limits_until(&limits, &need, now + 60001), now + 120000);
}

static void what_is_no_limit(void **state)
{
    (void)state;
    struct llm_limits limits = {.meters = {{.known = false}}};
    struct llm_need need = {.of = {1, 1, 1, 1}};
    assert_false(read_headers(&limits, "x-ratelimit-remaining-requests: -1\r\nx-ratelimit-reset-requests: 1s\r\n"));
    assert_false(read_headers(&limits, "x-ratelimit-remaining-requests: many\r\nx-ratelimit-reset-requests: 1s\r\n"));
    assert_false(read_headers(&limits, "x-ratelimit-remaining-requests: 0\r\n")); /* until when? a 429 will tell */
    assert_false(read_headers(&limits, ""));
    for (int i = 0; i < 1000; i++) {
        llm_limits_take(&limits, &need, now);
    }
    assert_int_equal(llm_limits_until(&limits, &need, now), now);
}

static void needs(void **state)
{
    (void)state;
    struct llm_prompt prompt = {.system = "123456", .user = "789", .max_tokens = 100};
    struct llm_need need = llm_need_of(&prompt);
    assert_int_equal(need.of[LLM_REQUESTS], 1);
    assert_int_equal(need.of[LLM_INPUT_TOKENS], 4);
    assert_int_equal(need.of[LLM_OUTPUT_TOKENS], 100);
    assert_int_equal(need.of[LLM_TOKENS], llm_estimate(&prompt));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(resets), cmocka_unit_test(enough_for_some), cmocka_unit_test(a_far_reset),
                                       cmocka_unit_test(what_is_no_limit), cmocka_unit_test(needs)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
