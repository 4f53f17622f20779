/* Order statistics: against a sort, and by hand. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#include "pipeline/base/rng.h"
#include "stages/analyze/statistics/order.h"

static int compare_doubles(const void *a, const void *b)
{
    const double *x = a;
    const double *y = b;
    return (*x > *y) - (*x < *y);
}

static bool same(double a, double b)
{
    return fabs(a - b) < 1e-12;
}

static void selecting_is_like_sorting(void **state)
{
    (void)state;
    rng_seed(11);
    for (int round = 0; round < 20000; round++) {
        double values[400];
        double sorted[400];
        size_t count = 1 + (size_t)(rng_next() % (round % 10 ? 40 : 400));
        uint64_t range = 1 + rng_next() % (round % 3 ? 30 : 1000000); /* many ties, or few */
        for (size_t i = 0; i < count; i++) {
            values[i] = sorted[i] = (double)(rng_next() % range);
        }
        qsort(sorted, count, sizeof *sorted, compare_doubles);
        size_t k = (size_t)(rng_next() % count);
        assert_true(same(order_select(values, count, k), sorted[k]));
        for (size_t i = 0; i < count; i++) {
            assert_true(i < k ? values[i] <= sorted[k] : values[i] >= sorted[k]);
        }
        double middle = (sorted[count / 2] + sorted[(count - 1) / 2]) / 2;
        assert_true(same(order_median(values, count), middle));
    }
}

static void quantiles_by_hand(void **state)
{
    (void)state;
    double values[] = {5, 1, 4, 2, 3};
    assert_true(same(order_quantile(values, 5, 0), 1));
    assert_true(same(order_quantile(values, 5, 0.2), 1));
    assert_true(same(order_quantile(values, 5, 0.21), 2));
    assert_true(same(order_quantile(values, 5, 0.5), 3));
    assert_true(same(order_quantile(values, 5, 1), 5));
    assert_true(isnan(order_quantile(values, 0, 0.5)));
    assert_true(same(order_median(values, 5), 3));
    double even[] = {4, 1, 3, 2};
    assert_true(same(order_median(even, 4), 2.5));
    assert_true(isnan(order_median(even, 0)));
}

static void weights_by_hand(void **state)
{
    (void)state;
    struct weighted entries[] = {{10, 1}, {20, 1}, {30, 8}};
    assert_true(same(order_weighted(entries, 3, 0.1), 10));
    assert_true(same(order_weighted(entries, 3, 0.2), 20));
    assert_true(same(order_weighted(entries, 3, 0.2001), 30));
    assert_true(same(order_weighted(entries, 3, 1), 30));
    assert_true(isnan(order_weighted(entries, 0, 0.5)));
}

/* With weights that are all the same it is the plain quantile. */
static void equal_weights_are_none(void **state)
{
    (void)state;
    rng_seed(5);
    for (int round = 0; round < 2000; round++) {
        double values[50];
        struct weighted entries[50];
        size_t count = 1 + (size_t)(rng_next() % 50);
        for (size_t i = 0; i < count; i++) {
            values[i] = (double)(rng_next() % 20);
            entries[i] = (struct weighted){values[i], 0.37};
        }
        double q = (double)(rng_next() % 101) / 100;
        assert_true(same(order_weighted(entries, count, q), order_quantile(values, count, q)));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(selecting_is_like_sorting), cmocka_unit_test(quantiles_by_hand),
                                       cmocka_unit_test(weights_by_hand), cmocka_unit_test(equal_weights_are_none)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
