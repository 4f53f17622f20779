#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "pipeline/base/rng.h"
#include "stages/analyze/forecast/season.c"

/* Against the median of the others, taken anew; with many equal values. */
static void a_median_without_one_value(void **state)
{
    (void)state;
    rng_seed(51);
    for (size_t round = 0; round < 4000; round++) {
        double values[GRID_DAYS];
        size_t count = 1 + round % GRID_DAYS;
        struct slot slot = {.count = 0};
        for (size_t i = 0; i < count; i++) {
            values[i] = floor(5 * rng_unit());
            slot_add(&slot, values[i]);
        }
        for (size_t without = 0; without < count; without++) {
            double others[GRID_DAYS];
            size_t n = 0;
            for (size_t i = 0; i < count; i++) {
                if (i != without) {
                    others[n++] = values[i];
                }
            }
            double expected = n > 0 ? order_median(others, n) : 0;
            assert_true(fabs(slot_median_without(&slot, values[without]) - expected) < 1e-12);
        }
        double all = order_median(values, count);
        assert_true(fabs(slot_median(&slot) - all) < 1e-12);
    }
}

static void a_moving_average_goes_around_the_clock(void **state)
{
    (void)state;
    double from[48] = {0};
    double out[48];
    from[0] = 15;
    smoothed(from, 48, 2, out); /* three steps */
    for (size_t i = 0; i < 48; i++) {
        assert_true(fabs(out[i] - (i < 2 || i == 47 ? 5 : 0)) < 1e-12);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_median_without_one_value),
        cmocka_unit_test(a_moving_average_goes_around_the_clock),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
