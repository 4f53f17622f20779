/* The detector of record on made series: what it must see, what it must not, what stored days change; and its
 * parts by hand. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "pipeline/base/rng.h"
#include "stages/analyze/detect/alarms.h"
#include "stages/analyze/detect/novelty.h"

enum { STEP = 300, DAY = 288, COUNT = 7 * DAY };
#define START INT64_C(1794700800)

static double values[COUNT];

static double noise(void)
{
    return (rng_unit() + rng_unit() + rng_unit() + rng_unit() - 2) / 2;
}

/* 100 with noise, and a wave of the day of height `wave`. */
static void fill(double wave)
{
    rng_seed(5);
    for (size_t i = 0; i < COUNT; i++) {
        values[i] = 100 + 5 * noise() + wave * (1 + cos((double)(i % DAY) / DAY * 6.283185307179586)) / 2;
    }
}

static void find(const struct past_days *past, struct alarms *out)
{
    struct arena arena;
    struct profile profile;
    arena_init(&arena);
    profile_make(values, COUNT, START, STEP, &arena, &profile);
    alarms_find(values, COUNT, START, STEP, &profile, past, &arena, out, NULL);
    arena_release(&arena);
}

static void test_quiet(void **state)
{
    struct alarms alarms;
    (void)state;
    for (double wave = 0; wave <= 800; wave += 100) {
        fill(wave);
        find(NULL, &alarms);
        for (size_t i = 0; i < alarms.count; i++) {
            assert_true(alarms.items[i].excess < 0.5);
        }
    }
}

/* A peak that stays below the day's own highest: seen only because the profile is taken off. */
static void test_peak_at_night(void **state)
{
    struct alarms alarms;
    (void)state;
    fill(400);
    for (size_t i = 5 * DAY + 140; i < 5 * DAY + 146; i++) {
        values[i] += 300;
    }
    find(NULL, &alarms);
    assert_int_equal(alarms.count, 1);
    assert_int_equal(alarms.items[0].start, START + (5 * DAY + 140) * STEP);
    assert_int_equal(alarms.items[0].end, START + (5 * DAY + 146) * STEP);
    assert_true(alarms.items[0].up);
    assert_true(alarms.items[0].excess >= 1);
}

/* One alarm for one event, and none again for less within a day, though single peaks do not widen the range.
 */
static void test_suppression(void **state)
{
    struct alarms alarms;
    (void)state;
    fill(0);
    values[4 * DAY] = 400;
    values[4 * DAY + 20] = 390;
    values[4 * DAY + 120] = 380;
    find(NULL, &alarms);
    assert_int_equal(alarms.count, 1);
    assert_true(alarms.items[0].extreme >= 400);
    values[5 * DAY + 130] = 800;
    find(NULL, &alarms);
    assert_int_equal(alarms.count, 2);
}

static void test_drop(void **state)
{
    struct alarms alarms;
    (void)state;
    fill(0);
    for (size_t i = 0; i < 6; i++) {
        values[4 * DAY + i] = 1;
    }
    find(NULL, &alarms);
    assert_int_equal(alarms.count, 1);
    assert_false(alarms.items[0].up);
}

/* Earlier days that went as high take an alarm away. Without any, the first two days are judged by what came
 * after: a peak that is far out is told, one that is not, or with which it all begins, is not. */
static void test_past(void **state)
{
    static const int32_t day[] = {1, 2, 3};
    static const float low[] = {90, 90, 90};
    static const float high[] = {430, 110, 430};
    static const float calm[] = {110, 110, 110};
    const struct past_days busy = {3, day, low, high};
    const struct past_days quiet = {3, day, low, calm};
    struct alarms alarms;
    (void)state;
    fill(0);
    for (size_t i = 0; i < 6; i++) {
        values[DAY + i] = 400;
    }
    find(NULL, &alarms);
    assert_int_equal(alarms.count, 1);
    assert_int_equal(alarms.items[0].start, START + DAY * STEP);
    assert_int_equal(alarms.items[0].end, START + (DAY + 6) * STEP);
    find(&quiet, &alarms);
    assert_int_equal(alarms.count, 1);
    find(&busy, &alarms);
    assert_int_equal(alarms.count, 0);
    fill(0);
    for (size_t i = 0; i < 6; i++) {
        values[i] = 400;
        values[DAY + i] = 108;
    }
    find(NULL, &alarms);
    assert_int_equal(alarms.count, 0);
}

/* Gaps, too little, nothing at all, numbers beyond use. */
static void test_edges(void **state)
{
    struct alarms alarms;
    (void)state;
    for (size_t i = 0; i < COUNT; i++) {
        values[i] = NAN;
    }
    find(NULL, &alarms);
    assert_int_equal(alarms.count, 0);
    fill(0);
    for (size_t i = 0; i < COUNT; i += 2) {
        values[i] = NAN;
    }
    values[5 * DAY + 1] = 900;
    find(NULL, &alarms);
    assert_int_equal(alarms.count, 1);
    for (size_t i = 0; i < COUNT; i++) {
        values[i] = i % 3 ? 1e308 : 0;
    }
    find(NULL, &alarms);
    struct arena arena;
    struct profile profile = {.agreement = 0};
    arena_init(&arena);
    alarms_find(values, 0, START, STEP, &profile, NULL, &arena, &alarms, NULL);
    alarms_find(values, 1, START, STEP, &profile, NULL, &arena, &alarms, NULL);
    alarms_find(values, COUNT, START, 0, &profile, NULL, &arena, &alarms, NULL);
    assert_int_equal(alarms.count, 0);
    arena_release(&arena);
}

/* The search that ends early gives the same as one that looks everywhere. */
static void test_novelty_is_exact(void **state)
{
    enum { QUARTERS = 672 };
    static double quarters[QUARTERS];
    static double fast[QUARTERS];
    static double slow[QUARTERS];
    static bool exact[QUARTERS];
    struct arena arena;
    (void)state;
    arena_init(&arena);
    rng_seed(9);
    for (size_t i = 0; i < QUARTERS; i++) {
        quarters[i] = 50 + 20 * noise() + (i > 500 && i < 520 ? 90 : 0);
    }
    novelty(quarters, QUARTERS, exact, &arena, fast);
    for (size_t i = 0; i < QUARTERS; i++) {
        exact[i] = true;
    }
    novelty(quarters, QUARTERS, exact, &arena, slow);
    for (size_t i = 0; i < QUARTERS; i++) {
        assert_true(slow[i] >= 1 ? fabs(fast[i] - slow[i]) < 1e-5 * slow[i]
                                 : fast[i] < 1.0001 && fast[i] > slow[i] - 1e-5);
    }
    arena_release(&arena);
}

/* By hand: 2,000 values of 0 to 999 and back, then 1,500: half a range above. */
static void test_range_by_hand(void **state)
{
    static double ramp[2001];
    static double scores[2001];
    static struct range ranges[2001];
    const struct profile flat = {.agreement = 0};
    struct arena arena;
    (void)state;
    arena_init(&arena);
    for (size_t i = 0; i < 2000; i++) {
        ramp[i] = i < 1000 ? (double)i : (double)(1999 - i);
    }
    ramp[2000] = 1500;
    range_excess(ramp, 2001, 0, 300, &flat, NULL, &arena, scores, ranges);
    assert_true(fabs(ranges[2000].high - 999) < 1 && fabs(ranges[2000].low) < 1);
    /* The width is twice the scale there: 2 × 1.4826 × MAD of 250 = 741 is less than the range itself. */
    assert_true(fabs(ranges[2000].width - 999) < 2);
    assert_true(fabs(scores[2000] - 501.0 / 999) < 0.01);
    arena_release(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_quiet),
        cmocka_unit_test(test_peak_at_night),
        cmocka_unit_test(test_suppression),
        cmocka_unit_test(test_drop),
        cmocka_unit_test(test_past),
        cmocka_unit_test(test_edges),
        cmocka_unit_test(test_novelty_is_exact),
        cmocka_unit_test(test_range_by_hand),
    };
    return cmocka_run_group_tests_name("alarms", tests, NULL, NULL);
}
