/* Steps and slopes: planted ones are told apart and found where they are; what comes back or levels off is
 * neither. */
#include <math.h>
#include <stdlib.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "pipeline/base/rng.h"
#include "stages/analyze/detect/change.h"

enum { STEP = 300, DAY = 288, HOUR = 12, COUNT = 7 * DAY };
#define START INT64_C(1794700800)

static double values[COUNT];

static double noise(void)
{
    return (rng_unit() + rng_unit() + rng_unit() + rng_unit() - 2) / 2;
}

static double wave(size_t i)
{
    return (1 + cos((double)(i % DAY) / DAY * 6.283185307179586)) / 2;
}

static struct change find(void)
{
    struct arena arena;
    struct profile profile;
    struct change change;
    arena_init(&arena);
    profile_make(values, COUNT, START, STEP, &arena, &profile);
    change_find(values, COUNT, START, STEP, &profile, &arena, &change);
    arena_release(&arena);
    return change;
}

static void test_step(void **state)
{
    (void)state;
    for (size_t at = 2 * DAY; at <= COUNT - DAY / 2; at += 5 * HOUR) {
        rng_seed(at);
        for (size_t i = 0; i < COUNT; i++) {
            values[i] = (i < at ? 100 : 180) * (1 + 0.1 * noise());
        }
        struct change change = find();
        assert_int_equal(change.kind, CHANGE_STEP);
        assert_true(llabs(change.at - START - (int64_t)at * STEP) <= 3 * 3600);
        assert_true(fabs(change.before - 100) < 10 && fabs(change.after - 180) < 20);
    }
}

static void test_slope(void **state)
{
    (void)state;
    for (double height = 0; height <= 200; height += 50) {
        rng_seed(2);
        for (size_t i = 0; i < COUNT; i++) {
            values[i] = (100 + height * wave(i)) * (1 + (double)i / COUNT) * (1 + 0.1 * noise());
        }
        struct change change = find();
        assert_int_equal(change.kind, CHANGE_SLOPE);
        assert_true(change.per_day > 0 && change.after > 1.3 * change.before);
    }
}

static void test_down(void **state)
{
    (void)state;
    rng_seed(2);
    for (size_t i = 0; i < COUNT; i++) {
        values[i] = 300 * (1 - 0.6 * (double)i / COUNT) * (1 + 0.1 * noise());
    }
    struct change change = find();
    assert_int_equal(change.kind, CHANGE_SLOPE);
    assert_true(change.per_day < 0);
}

static void test_none(void **state)
{
    (void)state;
    for (int kind = 0; kind < 6; kind++) {
        rng_seed(3);
        for (size_t i = 0; i < COUNT; i++) {
            double growth = kind == 2   ? 1 - exp(-(double)i / (30 * HOUR))
                            : kind == 5 ? 1 - exp(-(double)i / (48 * HOUR))
                                        : 0;
            double peak = kind == 3 && i >= 4 * DAY && i < 4 * DAY + 5 * HOUR ? 500 : 0;
            double small = kind == 4 && i >= 4 * DAY ? 15 : 0;
            values[i] =
                (100 + (kind == 1 ? 400 * wave(i) : 0) + 300 * growth + peak + small) * (1 + 0.1 * noise());
        }
        assert_int_equal(find().kind, CHANGE_NONE);
    }
    for (size_t i = 0; i < COUNT; i++) {
        values[i] = NAN;
    }
    assert_int_equal(find().kind, CHANGE_NONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_step),
        cmocka_unit_test(test_slope),
        cmocka_unit_test(test_down),
        cmocka_unit_test(test_none),
    };
    return cmocka_run_group_tests_name("change", tests, NULL, NULL);
}
