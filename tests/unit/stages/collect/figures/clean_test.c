/* Samples of a series come out in order, one a time, without what is no value: against a plain computation. */

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pipeline/base/rng.h"
#include "stages/collect/figures/clean.h"

static double of_bits(uint64_t bits)
{
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static void check(const struct points *points, size_t count, const int64_t *times, const double *values)
{
    assert_int_equal(points->count, count);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(points->items[i].time_ms, times[i]);
        assert_memory_equal(&points->items[i].value, &values[i], sizeof values[i]);
    }
}

static void test_odd_values(void **state)
{
    (void)state;
    struct points points = {0};
    struct oddities oddities = {0};
    points_add(&points, 1, 5);
    points_add(&points, 2, of_bits(0x7ff0000000000002)); /* stale */
    points_add(&points, 3, NAN);
    points_add(&points, 4, INFINITY);
    points_add(&points, 5, -INFINITY);
    points_add(&points, 6, -1e-300);
    points_add(&points, 7, -0.0);
    points_add(&points, 8, of_bits(0x7ff8000000000001));
    points_add(&points, 9, 1e300);
    points_add(&points, 10, 1e100);
    points_add(&points, INT64_MAX, 1);
    points_add(&points, INT64_MIN, 1);
    points_clean(&points, &oddities);
    check(&points, 3, (int64_t[]){1, 7, 10}, (double[]){5, 0, 1e100});
    assert_int_equal(oddities.dropped, 8);
    assert_int_equal(oddities.repeated, 0);
    points_release(&points);
}

static void test_only_odd(void **state)
{
    (void)state;
    struct points points = {0};
    struct oddities oddities = {0};
    points_clean(&points, &oddities);
    assert_int_equal(points.count, 0);
    points_add(&points, INT64_MAX, 1);
    points_clean(&points, &oddities);
    assert_int_equal(points.count, 0);
    points_add(&points, 1, -0.0);
    points_clean(&points, &oddities);
    check(&points, 1, (int64_t[]){1}, (double[]){0});
    assert_int_equal(oddities.dropped, 1);
    points_release(&points);
}

static void test_order(void **state)
{
    (void)state;
    struct points points = {0};
    struct oddities oddities = {0};
    int64_t times[] = {50, 60, 70, 10, 20, 30, 60, 20, 40};
    for (size_t i = 0; i < ARRAY_COUNT(times); i++) {
        points_add(&points, times[i], (double)i);
    }
    points_clean(&points, &oddities);
    check(&points, 7, (int64_t[]){10, 20, 30, 40, 50, 60, 70}, (double[]){3, 4, 5, 8, 0, 1, 2});
    assert_int_equal(oddities.repeated, 2);
    assert_int_equal(oddities.dropped, 0);
    points_release(&points);
}

/* Of every time in turn, the first that has it and is a value. */
static void check_random(size_t count, int64_t times)
{
    struct points points = {0};
    struct points wanted = {0};
    struct oddities oddities = {0};
    for (size_t i = 0; i < count; i++) {
        points_add(&points, (int64_t)(rng_next() % (uint64_t)times), rng_unit() < 0.1 ? -1 : rng_unit());
    }
    for (int64_t time = 0; time < times; time++) {
        for (size_t i = 0; i < count; i++) {
            if (points.items[i].time_ms == time && points.items[i].value >= 0) {
                points_add(&wanted, time, points.items[i].value);
                break;
            }
        }
    }
    points_clean(&points, &oddities);
    assert_int_equal(points.count, wanted.count);
    assert_int_equal(oddities.dropped + oddities.repeated + (int64_t)points.count, count);
    for (size_t i = 0; i < wanted.count; i++) {
        assert_int_equal(points.items[i].time_ms, wanted.items[i].time_ms);
        assert_memory_equal(&points.items[i].value, &wanted.items[i].value, sizeof(double));
    }
    points_release(&points);
    points_release(&wanted);
}

static void test_random(void **state)
{
    (void)state;
    rng_seed(51);
    for (size_t i = 0; i < 300; i++) {
        check_random(i, i % 3 == 0 ? 20 : 1 + (int64_t)i * 2);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_odd_values),
        cmocka_unit_test(test_only_odd),
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_random),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
