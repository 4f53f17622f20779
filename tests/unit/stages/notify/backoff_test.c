/* When a message is tried again, and when it is given up. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pipeline/base/mem.h"
#include "stages/notify/backoff.h"

static const struct receiver receiver = {.tries = 10, .give_up_seconds = 86400};

static struct backoff after(enum attempt_outcome outcome, int64_t retry_after, int64_t attempts, int64_t age, double chance)
{
    struct attempt attempt = {.outcome = outcome, .retry_after_seconds = retry_after};
    return backoff_after(&receiver, &attempt, attempts, age, chance);
}

static void test_schedule(void **state)
{
    (void)state;
    static const int64_t bases[] = {2000, 6000, 18000, 54000, 162000, 486000, 1458000, 3600000, 3600000};
    for (size_t i = 0; i < ARRAY_COUNT(bases); i++) {
        struct backoff least = after(ATTEMPT_AGAIN, -1, (int64_t)i + 1, 0, 0);
        struct backoff most = after(ATTEMPT_AGAIN, -1, (int64_t)i + 1, 0, 0.999999);
        assert_string_equal(least.outcome, "waiting");
        assert_int_equal(least.wait_ms, bases[i] / 2);
        assert_true(most.wait_ms > bases[i] * 9 / 10 && most.wait_ms <= bases[i]);
        assert_int_equal(most.pause_ms, 0);
    }
    assert_int_equal(after(ATTEMPT_AGAIN, -1, INT64_MAX, 0, 0).wait_ms, 1800000);
}

static void test_retry_after(void **state)
{
    (void)state;
    struct backoff next = after(ATTEMPT_AGAIN, 30, 1, 0, 0.5);
    assert_string_equal(next.outcome, "waiting");
    assert_int_equal(next.wait_ms, 30500);
    assert_int_equal(next.pause_ms, 30000);
    next = after(ATTEMPT_AGAIN, 0, 1, 0, 0);
    assert_int_equal(next.wait_ms, 0);
    /* Longer than its life: it is given up, and the receiver left alone for a day at most. */
    next = after(ATTEMPT_AGAIN, INT64_MAX, 1, 0, 0.5);
    assert_int_equal(next.pause_ms, (int64_t)86400 * 1000);
    assert_string_equal(after(ATTEMPT_AGAIN, 86400, 1, 10, 0).outcome, "given-up");
}

static void test_ends(void **state)
{
    (void)state;
    assert_string_equal(after(ATTEMPT_SENT, -1, 1, 0, 0).outcome, "sent");
    assert_string_equal(after(ATTEMPT_SENT, -1, 99, 999999, 0).outcome, "sent");
    assert_string_equal(after(ATTEMPT_NEVER, -1, 1, 0, 0).outcome, "given-up");
    assert_string_equal(after(ATTEMPT_AGAIN, -1, 9, 0, 0).outcome, "waiting");
    assert_string_equal(after(ATTEMPT_AGAIN, -1, 10, 0, 0).outcome, "given-up");
    assert_string_equal(after(ATTEMPT_AGAIN, -1, 1, 86398, 0).outcome, "waiting");
    assert_string_equal(after(ATTEMPT_AGAIN, -1, 1, 86400, 0).outcome, "given-up");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_schedule), cmocka_unit_test(test_retry_after), cmocka_unit_test(test_ends)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
