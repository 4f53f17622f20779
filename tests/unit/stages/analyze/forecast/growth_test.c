#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "stages/analyze/forecast/growth.h"
#include "tests/unit/stages/analyze/forecast/rows.h"

static struct growth growth_of(const double *row, size_t count, enum resource resource, const struct climb *climb)
{
    struct arena arena;
    struct growth out;
    struct steps steps = {ROW_END - (int64_t)count * 300, 300, count, row, row};
    arena_init(&arena);
    growth_read(&steps, resource, climb, &arena, &out);
    arena_release(&arena);
    return out;
}

static void a_line_is_measured(void **state)
{
    (void)state;
    double row[ROW_WEEK];
    rng_seed(21);
    row_daily(row, ROW_WEEK, 400, 0.5, 10);
    for (size_t i = 0; i < ROW_WEEK; i++) {
        row[i] += 30.0 * (double)i / ROW_DAY;
    }
    for (int r = 0; r < RESOURCES; r++) {
        struct growth out = growth_of(row, ROW_WEEK, (enum resource)r, NULL);
        assert_true(out.known && out.sure);
        assert_true(fabs(out.per_day - 30) < 1.5);
        assert_true(out.p < 0.01);
    }
    /* The peak of the last day: 600 by its course, noise, and six and a quarter days' growth. */
    assert_true(fabs(growth_of(row, ROW_WEEK, MEMORY, NULL).now - 810) < 25);
    /* 95 % of the steps of a sine lie below 0.988 of its height. */
    assert_true(fabs(growth_of(row, ROW_WEEK, CPU, NULL).now - 790) < 15);
    for (size_t i = 0; i < ROW_WEEK; i++) {
        row[i] = 1000 - row[i];
    }
    struct growth falls = growth_of(row, ROW_WEEK, CPU, NULL);
    assert_true(falls.sure && fabs(falls.per_day + 30) < 1.5);
}

static void chance_and_shifts_are_no_trend(void **state)
{
    (void)state;
    double row[ROW_WEEK];
    rng_seed(22);
    size_t sure = 0;
    for (size_t n = 0; n < 200; n++) {
        row_daily(row, ROW_WEEK, 400, 0.5, 40);
        sure += growth_of(row, ROW_WEEK, CPU, NULL).sure;
    }
    assert_true(sure <= 4);
    row_daily(row, ROW_WEEK, 400, 0, 40);
    for (size_t i = 3 * ROW_DAY; i < ROW_WEEK; i++) {
        row[i] *= 2;
    }
    assert_false(growth_of(row, ROW_WEEK, CPU, NULL).sure);
}

static void what_levels_off_is_no_trend(void **state)
{
    (void)state;
    double row[ROW_WEEK];
    for (size_t i = 0; i < ROW_WEEK; i++) {
        row[i] = 1e9 * (1 - exp(-0.6 * (double)i / ROW_DAY));
    }
    struct growth out = growth_of(row, ROW_WEEK, MEMORY, NULL);
    assert_true(out.p < 0.01);
    assert_true(7 * out.per_day > 0.05e9);
    assert_false(out.sure);
}

static void what_does_not_matter_is_no_trend(void **state)
{
    (void)state;
    double row[ROW_WEEK];
    for (size_t i = 0; i < ROW_WEEK; i++) {
        row[i] = 1e9 * (1 + 0.001 * (double)i / ROW_DAY);
    }
    assert_false(growth_of(row, ROW_WEEK, MEMORY, NULL).sure);
}

static void a_climb_counts_where_days_show_nothing(void **state)
{
    (void)state;
    double row[3 * ROW_DAY];
    struct climb climb = {.known = true, .lives = 1, .per_step = 2e6, .late_per_step = 2e6, .p = 1e-9, .median = 3e8};
    for (size_t i = 0; i < 3 * ROW_DAY; i++) {
        row[i] = 2e8 + 2e6 * (double)i / ROW_HOUR;
    }
    struct growth out = growth_of(row, 3 * ROW_DAY, MEMORY, &climb);
    assert_true(out.known && out.sure);
    assert_true(fabs(out.per_day - 48e6) < 1);
    assert_true(fabs(out.now - (2e8 + 144e6)) < 1e6);
    climb.p = 0.2;
    out = growth_of(row, 3 * ROW_DAY, MEMORY, &climb);
    assert_false(out.known);
    assert_false(growth_of(row, 3 * ROW_DAY, CPU, NULL).known);
    assert_true(isnan(growth_of(row, 0, CPU, NULL).now));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_is_measured),
        cmocka_unit_test(chance_and_shifts_are_no_trend),
        cmocka_unit_test(what_levels_off_is_no_trend),
        cmocka_unit_test(what_does_not_matter_is_no_trend),
        cmocka_unit_test(a_climb_counts_where_days_show_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
