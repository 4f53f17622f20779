/* Inquiries against a scripted model server: how they are gathered, what becomes of each whatever the server does, and what it may cost. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "pipeline/base/log.h"
#include "pipeline/base/rng.h"
#include "pipeline/base/str.h"
#include "tests/harness/llm_server.h"
#include "tests/unit/stages/analyze/asking/asking_builder.h"

enum { ROUNDS = 12 };

static struct llm_server *server;

/* Starts the server with rules, and an analyst of `analysis` whose provider openai is that server. */
static void begin(struct made_asking *made, const char *rules, const char *analysis, size_t count)
{
    char text[512];
    server = llm_server_start(&(struct llm_server_options){.rules = rules});
    (void)snprintf(text, sizeof text, "providers: [openai], openai: {model: m, base_url: 'http://127.0.0.1:%d/v1'}%s%s",
                   llm_server_port(server), *analysis ? ", " : "", analysis);
    made_settings(made, text, NULL);
    made_workloads(made, count);
    assert_int_equal(made_analyst(made, NULL), 0);
}

static void end(struct made_asking *made)
{
    made_release(made);
    llm_server_stop(server);
}

static size_t by_model(const struct made_asking *made)
{
    size_t count = 0;
    for (size_t i = 0; i < made->count; i++) {
        count += made->inquiries[i].opinion.source != NULL;
    }
    return count;
}

static void test_neighbours_share_a_question(void **state)
{
    (void)state;
    struct made_asking made;
    begin(&made, NULL, "workloads_per_call: 4", 10);
    made_ask_all(&made);
    assert_int_equal(by_model(&made), 10);
    assert_int_equal(llm_server_stat(server, "calls"), 3);
    assert_string_equal(made.inquiries[9].opinion.provider, "openai");
    assert_string_equal(made.inquiries[9].opinion.model, "m");
    assert_null(made.inquiries[9].opinion.fallback_from);
    end(&made);
}

/* A question that does not fill is sent once its first workload has waited for the span, not before. */
static void test_no_group_waits_for_ever(void **state)
{
    (void)state;
    struct made_asking made;
    begin(&made, NULL, "workloads_per_call: 4", 1);
    analyst_take(made.analyst, &made.inquiries[0]);
    for (int64_t number = 0; number < ANALYST_SPAN - 1; number++) {
        analyst_passed(made.analyst, number);
        assert_int_equal(analyst_open(made.analyst), 0);
    }
    analyst_passed(made.analyst, ANALYST_SPAN - 1);
    assert_int_equal(analyst_open(made.analyst), 1);
    assert_true(analyst_window(made.analyst) > ANALYST_SPAN);
    made_wait(&made);
    end(&made);
}

/* Two workloads of one name are asked about apart. */
static void test_twins(void **state)
{
    (void)state;
    struct made_asking made;
    begin(&made, NULL, "workloads_per_call: 4", 2);
    made.plans[1].subject.name = made.plans[0].subject.name;
    made_ask_all(&made);
    assert_int_equal(by_model(&made), 2);
    assert_int_equal(llm_server_stat(server, "calls"), 2);
    end(&made);
}

static void test_gone_for_all(void **state)
{
    (void)state;
    struct made_asking made;
    begin(&made, "status=401", "workloads_per_call: 1, parallel: 2", 20);
    made_ask_all(&made);
    assert_int_equal(by_model(&made), 0);
    assert_true(llm_server_stat(server, "calls") <= 3);
    for (size_t i = 0; i < made.count; i++) {
        assert_string_equal(made.inquiries[i].opinion.fallback_from, "openai");
        assert_string_equal(made.inquiries[i].opinion.fallback_reason, made.inquiries[0].opinion.fallback_reason);
    }
    end(&made);
}

static void test_refuses_beyond_the_budget(void **state)
{
    (void)state;
    struct made_asking made;
    begin(&made, NULL, "max_tokens_per_run: 100, over_budget: refuse", 3);
    for (size_t i = 0; i < made.count; i++) {
        analyst_take(made.analyst, &made.inquiries[i]);
    }
    analyst_flush(made.analyst);
    assert_int_equal(analyst_turn(made.analyst, clock_monotonic_ms(), -1, &made.err), -1);
    assert_int_equal(made.err.class, ERR_REFUSED);
    assert_int_equal(llm_server_stat(server, "calls"), 0);
    end(&made);
}

static void test_stopped(void **state)
{
    (void)state;
    struct made_asking made;
    begin(&made, "hang", "workloads_per_call: 1, parallel: 4", 20);
    for (size_t i = 0; i < made.count; i++) {
        analyst_take(made.analyst, &made.inquiries[i]);
        analyst_passed(made.analyst, (int64_t)i);
    }
    while (llm_server_stat(server, "open") < 4) {
        assert_int_equal(analyst_turn(made.analyst, clock_monotonic_ms() + 10, -1, &made.err), 0);
    }
    analyst_stop(made.analyst);
    assert_int_equal(analyst_open(made.analyst), 0);
    assert_int_equal(by_model(&made), 0);
    end(&made);
}

static void test_nothing_to_move(void **state)
{
    (void)state;
    struct made_asking made;
    begin(&made, NULL, "", 1);
    made.plans[0].plan.refusal = "no-usage";
    analyst_take(made.analyst, &made.inquiries[0]);
    assert_true(made.inquiries[0].done);
    assert_null(made.inquiries[0].opinion.source);
    assert_null(made.inquiries[0].opinion.fallback_from);
    end(&made);
}

/* One rule of a server that goes wrong somewhere. */
static void random_rule(char *out, size_t size)
{
    static const char *const wrongs[] = {"say=missing",  "say=swapped", "say=duplicate",  "say=negative", "say=huge",    "say=prose",
                                         "say=broken",   "say=cut",     "say=refusal",    "say=extra",    "say=empty",   "status=500",
                                         "status=529",   "latency=5",   "say=units",      "close=100",    "garbage",     "say=blank",
                                         "status=400",   "say=types",   "status=429 retry-after=0"};
    size_t at = strlen(out);
    (void)snprintf(out + at, size - at, "workload=*/w%d times=%d %s\n", (int)(rng_next() % 24), (int)(rng_next() % 3) + 1,
                   wrongs[rng_next() % ARRAY_COUNT(wrongs)]);
}

/* Whatever goes wrong, each inquiry ends with a model's opinion or with a reason, and its numbers within their bounds. */
static void test_every_inquiry_ends(void **state)
{
    (void)state;
    rng_seed(11);
    for (int round = 0; round < ROUNDS; round++) {
        struct made_asking made;
        char rules[600] = "";
        for (int i = 0; i < 6; i++) {
            random_rule(rules, sizeof rules);
        }
        begin(&made, rules, "workloads_per_call: 5, parallel: 3", 24);
        made_ask_all(&made);
        for (size_t i = 0; i < made.count; i++) {
            const struct opinion *opinion = &made.inquiries[i].opinion;
            assert_true(opinion->source != NULL || (opinion->fallback_from != NULL && *opinion->fallback_reason != '\0'));
            const struct field_plan *field = &made.plans[i].plan.containers[0].fields[CPU_REQUEST];
            assert_true(field->value < 0 || (field->value >= field->min && field->value <= field->max));
        }
        end(&made);
    }
}

int main(void)
{
    json_init();
    log_init("test", LOG_TEXT, LOG_ERROR);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_neighbours_share_a_question), cmocka_unit_test(test_no_group_waits_for_ever),
        cmocka_unit_test(test_twins),                       cmocka_unit_test(test_gone_for_all),
        cmocka_unit_test(test_refuses_beyond_the_budget),   cmocka_unit_test(test_stopped),
        cmocka_unit_test(test_nothing_to_move),             cmocka_unit_test(test_every_inquiry_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
