/* Signals while questions are under way: the first is noted, the next does what it did before. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include "pipeline/base/clock.h"
#include "stages/analyze/flow/interrupt.h"

static volatile sig_atomic_t former;

static void on_former(int number)
{
    former = number;
}

static bool readable(int fd)
{
    struct pollfd polled = {.fd = fd, .events = POLLIN};
    return poll(&polled, 1, 0) == 1;
}

static void test_first_and_second(void **state)
{
    (void)state;
    struct err err;
    const int signals[] = {SIGINT, SIGTERM};
    for (int i = 0; i < 2; i++) {
        former = 0;
        (void)signal(signals[i], on_former);
        (void)signal(signals[1 - i], on_former);
        assert_int_equal(interrupt_watch(&err), 0);
        assert_false(interrupt_came());
        assert_false(readable(interrupt_fd()));
        (void)raise(signals[i]);
        assert_true(interrupt_came());
        assert_true(readable(interrupt_fd()));
        assert_int_equal(former, 0);
        (void)raise(signals[1 - i]);
        assert_int_equal(former, signals[1 - i]);
        interrupt_end();
        assert_int_equal(interrupt_fd(), -1);
    }
}

static void test_end_puts_back(void **state)
{
    (void)state;
    struct err err;
    former = 0;
    (void)signal(SIGTERM, on_former);
    assert_int_equal(interrupt_watch(&err), 0);
    interrupt_end();
    interrupt_end();
    (void)raise(SIGTERM);
    assert_int_equal(former, SIGTERM);
    assert_false(interrupt_came());
}

/* A wait ends with a signal, with something to read, or in time. */
static void test_wait(void **state)
{
    (void)state;
    struct err err;
    int ends[2];
    int64_t far = clock_monotonic_ms() + 50 * 1000;
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(interrupt_watch(&err), 0);
    interrupt_wait(ends[0], clock_monotonic_ms() - 5);
    assert_int_equal(write(ends[1], "x", 1), 1);
    interrupt_wait(ends[0], far);
    (void)raise(SIGINT);
    char byte;
    assert_int_equal(read(ends[0], &byte, 1), 1);
    interrupt_wait(ends[0], far);
    assert_true(clock_monotonic_ms() < far);
    interrupt_end();
    (void)close(ends[0]);
    (void)close(ends[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_first_and_second),
        cmocka_unit_test(test_end_puts_back),
        cmocka_unit_test(test_wait),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
