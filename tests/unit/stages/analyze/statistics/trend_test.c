#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "pipeline/base/rng.h"
#include "stages/analyze/statistics/trend.c"

enum { HOURS = 168 };

static struct trend fit(const double *values, size_t count)
{
    struct arena arena;
    struct trend trend;
    arena_init(&arena);
    trend_fit(values, count, &arena, &trend);
    arena_release(&arena);
    return trend;
}

static void a_line_is_found_exactly(void **state)
{
    (void)state;
    double values[HOURS];
    for (int i = 0; i < HOURS; i++) {
        values[i] = i % 7 == 3 ? NAN : 100 + 2.5 * i;
    }
    struct trend trend = fit(values, HOURS);
    assert_true(trend.known);
    assert_true(fabs(trend.per_step - 2.5) < 1e-10);
    assert_true(trend.p < 1e-20);
}

static void outliers_do_not_tilt_it(void **state)
{
    (void)state;
    double values[HOURS];
    for (int i = 0; i < HOURS; i++) {
        values[i] = 100 + 2.5 * i + (i > 160 ? 1e6 : 0);
    }
    assert_true(fabs(fit(values, HOURS).per_step - 2.5) < 0.125);
}

static void flat_and_daily_have_no_trend(void **state)
{
    (void)state;
    double flat[HOURS];
    double daily[HOURS];
    rng_seed(7);
    for (int i = 0; i < HOURS; i++) {
        flat[i] = 100;
        daily[i] = 100 + 40 * sin(6.28318530717958 * i / 24) + rng_unit();
    }
    assert_true(fit(flat, HOURS).p > 0.99);
    assert_true(fabs(fit(flat, HOURS).per_step) < 1e-9);
    struct trend trend = fit(daily, HOURS);
    assert_true(fabs(24 * trend.per_step) < 0.05 * trend.median);
}

static void too_little_is_unknown(void **state)
{
    (void)state;
    double values[HOURS];
    for (int i = 0; i < HOURS; i++) {
        values[i] = i < 47 ? (double)i : (double)NAN;
    }
    assert_false(fit(values, HOURS).known);
    assert_false(fit(values, 0).known);
}

/* Worked by hand: 1..5 has S = 10, variance 5 × 4 × 15 / 18 = 16.67, z = 9 / 4.082 = 2.2045, p = 0.02749. */
static void kendall_by_hand(void **state)
{
    (void)state;
    const double values[] = {1, 2, 3, 4, 5};
    assert_true(fabs(kendall_p(10, values, 5) - 0.02749) < 1e-4);
    assert_true(fabs(kendall_p(-10, values, 5) - 0.02749) < 1e-4);
    assert_true(kendall_p(0, values, 5) > 0.999);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_is_found_exactly),      cmocka_unit_test(outliers_do_not_tilt_it),
        cmocka_unit_test(flat_and_daily_have_no_trend), cmocka_unit_test(too_little_is_unknown),
        cmocka_unit_test(kendall_by_hand)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
