/* How fast a model is asked after what its server answered. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "pipeline/base/rng.h"
#include "stages/common/llm/llm_pace.h"

static const struct llm_need need = {.of = {1, 10, 5, 5}};

static uint64_t send_some(struct llm_pace *pace, int count, int64_t now)
{
    uint64_t number = 0;
    for (int i = 0; i < count; i++) {
        number = llm_pace_sent(pace, &need, now);
    }
    return number;
}

static void the_window(void **state)
{
    (void)state;
    struct llm_pace pace;
    llm_pace_init(&pace, 16);
    assert_true(llm_pace_room(&pace, 15));
    assert_false(llm_pace_room(&pace, 16));
    uint64_t last = send_some(&pace, 16, 0);
    for (uint64_t number = 1; number <= last; number++) { /* sixteen answers of one event cut it once */
        llm_pace_throttled(&pace, number, (size_t)(last - number), -1, 0);
    }
    assert_true(llm_pace_room(&pace, 7));
    assert_false(llm_pace_room(&pace, 8));
    for (int i = 0; i < 9; i++) { /* about a window of good answers: one more at once */
        llm_pace_answered(&pace, 100);
    }
    assert_true(llm_pace_room(&pace, 8));
    assert_false(llm_pace_room(&pace, 9));
    for (int i = 0; i < 1000; i++) {
        llm_pace_answered(&pace, 100);
    }
    assert_true(llm_pace_room(&pace, 15));
    assert_false(llm_pace_room(&pace, 16));
    for (int i = 0; i < 20; i++) {
        last = send_some(&pace, 1, 0);
        llm_pace_throttled(&pace, last, 0, 0, 0);
    }
    assert_true(llm_pace_room(&pace, 0)); /* never none at all */
    assert_false(llm_pace_room(&pace, 1));
}

static void the_hold(void **state)
{
    (void)state;
    struct llm_pace pace;
    llm_pace_init(&pace, 4);
    assert_int_equal(llm_pace_until(&pace, &need, 100), 100);
    llm_pace_throttled(&pace, send_some(&pace, 1, 100), 0, 2000, 100);
    assert_in_range((uintmax_t)llm_pace_until(&pace, &need, 100), 2100, 2350);
    llm_pace_throttled(&pace, 1, 0, 0, 100); /* a shorter wait does not shorten it */
    assert_true(llm_pace_until(&pace, &need, 100) >= 2100);
    assert_int_equal(llm_pace_until(&pace, &need, 5000), 5000);
}

/* Without a word from the server the waits double, up to a minute, with half of it left to chance. */
static void waits_double(void **state)
{
    (void)state;
    struct llm_pace pace;
    int64_t now = 0;
    int64_t base = 1000;
    rng_seed(7);
    llm_pace_init(&pace, 4);
    for (int i = 0; i < 12; i++) {
        llm_pace_throttled(&pace, send_some(&pace, 1, now), 0, -1, now);
        assert_in_range((uintmax_t)(pace.held_until - now), (uintmax_t)base / 2, (uintmax_t)base);
        now = pace.held_until;
        base = base * 2 > 60000 ? 60000 : base * 2;
    }
    llm_pace_answered(&pace, 100);
    llm_pace_throttled(&pace, send_some(&pace, 1, now), 0, -1, now);
    assert_true(pace.held_until - now <= 1000);
    for (unsigned tries = 0; tries < 100; tries++) {
        assert_in_range((uintmax_t)llm_pace_backoff(tries), 250, 30000);
    }
}

/* Limits that count what was written are not waited for because of what might be written. */
static void likely_lengths(void **state)
{
    (void)state;
    struct llm_pace pace;
    struct llm_need most = {.of = {1, 5000, 1000, 4000}};
    llm_pace_init(&pace, 4);
    assert_int_equal(llm_pace_likely(&pace, &most).of[LLM_OUTPUT_TOKENS], 4000);
    for (int i = 0; i < 100; i++) {
        llm_pace_answered(&pace, 300);
    }
    assert_int_equal(llm_pace_likely(&pace, &most).of[LLM_OUTPUT_TOKENS], 600);
    assert_int_equal(llm_pace_likely(&pace, &most).of[LLM_TOKENS], 1600);
    assert_int_equal(llm_pace_likely(&pace, &most).of[LLM_REQUESTS], 1);
    for (int i = 0; i < 100; i++) {
        llm_pace_answered(&pace, 9000);
    }
    assert_int_equal(llm_pace_likely(&pace, &most).of[LLM_OUTPUT_TOKENS], 4000);
    assert_int_equal(llm_pace_likely(&pace, &most).of[LLM_TOKENS], 5000);
}

/* A server that asks for a short wait again and again is believed less each time. */
static void short_waits_in_a_row(void **state)
{
    (void)state;
    struct llm_pace pace;
    int64_t now = 0;
    llm_pace_init(&pace, 4);
    for (int i = 0; i < 8; i++) {
        llm_pace_throttled(&pace, send_some(&pace, 1, now), 0, 0, now);
        now = pace.held_until;
    }
    assert_in_range((uintmax_t)now, 7 * 1000, 250 * 8 + 7 * 2000);
}

static int failures_until_the_end(struct llm_pace *pace, bool none)
{
    int count = 1;
    while (!llm_pace_failed(pace, none) && count < 1000) {
        count++;
    }
    return count;
}

/* How often in a row a server may throttle before it is given up. */
static int throttles_until_the_end(struct llm_pace *pace)
{
    int count = 0;
    while (!llm_pace_hopeless(pace) && count < 1000) {
        uint64_t last = send_some(pace, 3, 0);
        for (uint64_t number = last - 2; number <= last; number++) {
            llm_pace_throttled(pace, number, 0, 0, 0);
        }
        count++;
    }
    return count;
}

static void the_end(void **state)
{
    (void)state;
    struct llm_pace pace;
    llm_pace_init(&pace, 4);
    assert_int_equal(throttles_until_the_end(&pace), 6);
    llm_pace_answered(&pace, 1);
    assert_int_equal(throttles_until_the_end(&pace), 12);
    llm_pace_init(&pace, 4);
    assert_int_equal(failures_until_the_end(&pace, false), 1); /* never reached */
    llm_pace_init(&pace, 4);
    pace.reached = true;
    assert_int_equal(failures_until_the_end(&pace, false), 3);
    llm_pace_init(&pace, 4);
    llm_pace_answered(&pace, 100);
    assert_int_equal(failures_until_the_end(&pace, false), 20);
    llm_pace_init(&pace, 4);
    assert_int_equal(failures_until_the_end(&pace, true), 20);
    llm_pace_init(&pace, 4);
    llm_pace_answered(&pace, 100);
    assert_int_equal(failures_until_the_end(&pace, true), 1000); /* some questions have no answer */
    llm_pace_init(&pace, 4);
    llm_pace_answered(&pace, 100);
    for (int i = 0; i < 100; i++) { /* one that comes through now and then */
        assert_false(llm_pace_failed(&pace, false));
        if (i % 10 == 0) {
            llm_pace_answered(&pace, 100);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(the_window), cmocka_unit_test(the_hold), cmocka_unit_test(waits_double),
                                       cmocka_unit_test(likely_lengths), cmocka_unit_test(short_waits_in_a_row), cmocka_unit_test(the_end)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
