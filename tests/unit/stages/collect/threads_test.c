/* Several threads at one work, and the one that keeps the time. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdatomic.h>

#include "pipeline/base/clock.h"
#include "stages/collect/threads.h"
#include "stages/collect/window.h"

enum { WORK = 1000, THREADS = 7 };

struct shared {
    atomic_int next;
    atomic_int done[WORK];
    atomic_int threads;
    atomic_int ticks;
    bool slow;
};

static void run(void *context, size_t thread)
{
    struct shared *shared = context;
    assert_true(thread < THREADS);
    atomic_fetch_add(&shared->threads, 1);
    for (int i = 0; shared->slow && i < 6000 && atomic_load(&shared->ticks) < 2; i++) {
        clock_sleep_ms(10);
    }
    for (int i = atomic_fetch_add(&shared->next, 1); i < WORK; i = atomic_fetch_add(&shared->next, 1)) {
        atomic_fetch_add(&shared->done[i], 1);
    }
}

static void tick(void *context)
{
    atomic_fetch_add(&((struct shared *)context)->ticks, 1);
}

static void test_each_work_once(void **state)
{
    static struct shared shared;
    (void)state;
    threads_run(THREADS, &(struct threads_work){.run = run, .context = &shared});
    for (int i = 0; i < WORK; i++) {
        assert_int_equal(atomic_load(&shared.done[i]), 1);
    }
    assert_int_equal(atomic_load(&shared.threads), THREADS);
}

/* A tick each quarter of a second, not more. */
static void test_time_is_kept(void **state)
{
    static struct shared shared = {.slow = true};
    (void)state;
    int64_t start = clock_monotonic_ms();
    threads_run(1, &(struct threads_work){.run = run, .context = &shared, .tick = tick, .tick_context = &shared});
    int ticks = atomic_load(&shared.ticks);
    assert_true(ticks >= 2);
    assert_true(clock_monotonic_ms() - start >= ticks * 200);
    assert_int_equal(atomic_load(&shared.done[WORK - 1]), 1);
}

static void test_window(void **state)
{
    struct window window;
    (void)state;
    window_init(&window, 1000000, 1000000 + 7 * DAY + 1);
    assert_int_equal(window.hours, 169);
    assert_int_equal(window.steps, 2017);
    assert_false(window_holds(&window, 1000000 * INT64_C(1000)));
    assert_true(window_holds(&window, 1000000 * INT64_C(1000) + 1));
    assert_true(window_holds(&window, window.end * 1000));
    assert_false(window_holds(&window, window.end * 1000 + 1));
    assert_int_equal(window_hour(HOUR * 1000), 0);
    assert_int_equal(window_hour(HOUR * 1000 + 1), 1);
    assert_int_equal(window_step(STEP * 1000), 0);
    assert_int_equal(window_step(STEP * 1000 + 1), 1);
    assert_true(window_weight(&window, window_offset(&window, window.end * 1000)) >= 1);
    double half = window_weight(&window, window_offset(&window, (window.end - WEIGHT_HALF_LIFE) * 1000));
    assert_true(half > 0.5 - 1e-15 && half < 0.5 + 1e-15);
    double odd = window_weight(&window, window_offset(&window, (window.end - 12345) * 1000 - 678));
    assert_true(odd > 0.967523 && odd < 0.967525); /* 2^(-12345.678 / 259200) */
    window_release(&window);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_work_once),
        cmocka_unit_test(test_time_is_kept),
        cmocka_unit_test(test_window),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
