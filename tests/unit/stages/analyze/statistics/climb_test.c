/* Climbs: lines, saws, levels, caches. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "pipeline/base/rng.h"
#include "stages/analyze/statistics/climb.h"

enum { HOURS = 168 };

static struct climb fit_ends(const double *values, size_t count, double ends)
{
    struct arena arena;
    struct climb climb;
    arena_init(&arena);
    climb_fit(values, count, ends, &arena, &climb);
    arena_release(&arena);
    return climb;
}

static struct climb fit(const double *values, size_t count)
{
    return fit_ends(values, count, 8);
}

static void a_line(void **state)
{
    double values[HOURS];
    (void)state;
    for (int i = 0; i < HOURS; i++) {
        values[i] = i % 9 == 4 ? NAN : 100 + 2.5 * i;
    }
    struct climb climb = fit(values, HOURS);
    assert_true(climb.known && climb.lives == 1);
    assert_true(fabs(climb.per_step - 2.5) < 1e-9 && fabs(climb.late_per_step - 2.5) < 1e-9);
    assert_true(climb_lasts(&climb, 0.05, 24));
}

/* 3 an hour for 40 hours, then from the start again: a straight line through it all would be nearly flat. */
static void a_saw(void **state)
{
    double values[HOURS];
    (void)state;
    rng_seed(3);
    for (int i = 0; i < HOURS; i++) {
        values[i] = 100 + 3 * (i % 40) + rng_unit();
    }
    struct climb climb = fit(values, HOURS);
    assert_int_equal(climb.lives, 4); /* the last one has only 8 hours */
    assert_true(fabs(climb.per_step - 3) < 0.05);
    assert_true(climb_lasts(&climb, 0.05, 24));
}

/* A leak that a new version brought in on the third day. */
static void a_late_start(void **state)
{
    double values[HOURS];
    (void)state;
    rng_seed(5);
    for (int i = 0; i < HOURS; i++) {
        values[i] = 300 + 2 * rng_unit() + (i > 60 ? 3 * (i - 60) : 0);
    }
    struct climb climb = fit(values, HOURS);
    assert_true(climb_lasts(&climb, 0.05, 24));
}

static void what_levels_off(void **state)
{
    double values[HOURS];
    (void)state;
    for (double hours = 2; hours < 60; hours *= 1.5) {
        for (int i = 0; i < HOURS; i++) {
            values[i] = 300 + 600 * (1 - exp(-i / hours));
        }
        struct climb climb = fit(values, HOURS);
        assert_false(climb_lasts(&climb, 0.05, 24));
    }
}

static void no_trend(void **state)
{
    double values[HOURS];
    (void)state;
    rng_seed(4);
    for (int k = 0; k < 200; k++) {
        for (int i = 0; i < HOURS; i++) {
            values[i] = 300 + 20 * rng_unit() + 40 * sin(i / 24.0 * 6.283185307179586);
        }
        struct climb climb = fit(values, HOURS);
        assert_false(climb_lasts(&climb, 0.05, 24));
    }
}

/* Low at night, high by day, with noise: each evening's fall looks like the end of a life, each morning like
 * a climb. */
static void office_hours(void **state)
{
    double values[HOURS];
    (void)state;
    rng_seed(8);
    for (int k = 0; k < 500; k++) {
        double noise = 0.06 * rng_unit();
        int opens = 5 + (int)(6 * rng_unit());
        for (int i = 0; i < HOURS; i++) {
            int open = i % 24 - opens;
            double level = open < 0 || open >= 10 ? 150 : k % 2 ? 220 : 150 + 10 * open;
            values[i] = level * (1 + noise * (rng_unit() + rng_unit() - 1));
        }
        struct climb climb = fit(values, HOURS);
        assert_false(climb_lasts(&climb, 0.05, 24));
    }
}

/* A saw without restarts is a collector at work; one whose lows rise too is a leak all the same. */
static void a_collector(void **state)
{
    double values[HOURS];
    (void)state;
    rng_seed(6);
    for (int i = 0; i < HOURS; i++) {
        values[i] = 300 + 320 * (i % 23) / 23.0 + 5 * rng_unit();
    }
    struct climb saw = fit_ends(values, HOURS, 1);
    struct climb restarts = fit_ends(values, HOURS, 7);
    assert_false(climb_lasts(&saw, 0.05, 24));
    assert_true(climb_lasts(&restarts, 0.05, 24));
    for (int i = 0; i < HOURS; i++) {
        values[i] += 4 * i;
    }
    saw = fit_ends(values, HOURS, 1);
    assert_true(climb_lasts(&saw, 0.05, 24));
}

static void too_little(void **state)
{
    double values[HOURS];
    (void)state;
    for (int i = 0; i < HOURS; i++) {
        values[i] = 10 + 5 * (i % 5); /* lives of five hours */
    }
    assert_false(fit_ends(values, HOURS, 40).known);
    for (int i = 0; i < HOURS; i++) {
        values[i] = i;
    }
    assert_false(fit(values, 47).known);
    assert_false(fit(values, 0).known);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line),          cmocka_unit_test(a_saw),       cmocka_unit_test(a_late_start),
        cmocka_unit_test(what_levels_off), cmocka_unit_test(no_trend),    cmocka_unit_test(too_little),
        cmocka_unit_test(office_hours),    cmocka_unit_test(a_collector),
    };
    return cmocka_run_group_tests_name("climb", tests, NULL, NULL);
}
