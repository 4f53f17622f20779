/* Rates against a slow transcription of what Prometheus 2.42 documents of `rate`: every range looked through. */

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pipeline/base/rng.h"
#include "stages/collect/figures/rates.h"

/* The rate at sample `at`; NAN when its range holds one sample only. */
static double slow_rate(const struct points *counter, size_t at, int64_t range_ms)
{
    const struct point *items = counter->items;
    int64_t start = items[at].time_ms - range_ms;
    size_t first = 0;
    while (items[first].time_ms <= start) {
        first++;
    }
    if (first == at) {
        return NAN;
    }
    double increase = items[at].value - items[first].value;
    for (size_t i = first + 1; i <= at; i++) {
        increase += items[i].value < items[i - 1].value ? items[i - 1].value : 0;
    }
    double to_start = (double)(items[first].time_ms - start) / 1000;
    double sampled = (double)(items[at].time_ms - items[first].time_ms) / 1000;
    double average = sampled / (double)(at - first);
    if (increase > 0 && sampled * (items[first].value / increase) < to_start) {
        to_start = sampled * (items[first].value / increase);
    }
    double covered = sampled + (to_start < average * 1.1 ? to_start : average / 2);
    return increase * (covered / sampled / ((double)range_ms / 1000));
}

static void check_against_slow(struct points *counter, int64_t range_ms)
{
    struct points wanted = {0};
    struct oddities oddities = {0};
    int64_t resets = 0;
    for (size_t i = 0; i < counter->count; i++) {
        double rate = slow_rate(counter, i, range_ms);
        resets += i > 0 && counter->items[i].value < counter->items[i - 1].value;
        if (!isnan(rate)) {
            points_add(&wanted, counter->items[i].time_ms, rate);
        }
    }
    int64_t increments = counter->count > 0 ? (int64_t)counter->count - 1 : 0;
    rates_make(counter, range_ms, &oddities);
    assert_int_equal(oddities.increments, increments);
    assert_int_equal(oddities.resets, resets);
    assert_int_equal(counter->count, wanted.count);
    for (size_t i = 0; i < wanted.count; i++) {
        assert_int_equal(counter->items[i].time_ms, wanted.items[i].time_ms);
        double got = counter->items[i].value;
        if (!(fabs(got - wanted.items[i].value) <= 1e-9 * (wanted.items[i].value + 1e-9))) {
            fail_msg("rate %zu is %.17g, not %.17g", i, got, wanted.items[i].value);
        }
    }
    points_release(&wanted);
}

/* One case: how samples lie, how often the counter falls. */
struct shape {
    int64_t interval;
    double jitter; /* of the interval */
    double gap;    /* chance that samples are missing */
    double reset;
    double start;
};

static void check_shape(const struct shape *shape, size_t count, int64_t range_ms)
{
    struct points counter = {0};
    int64_t time = INT64_C(1795305600000);
    double value = shape->start;
    for (size_t i = 0; i < count; i++) {
        time += shape->interval * (rng_unit() < shape->gap ? 1 + (int64_t)(rng_next() % 9) : 1);
        value = rng_unit() < shape->reset ? rng_unit() * 3 : value + (rng_unit() < 0.2 ? 0 : rng_unit() * 5);
        points_add(&counter, time + (int64_t)(rng_unit() * shape->jitter * (double)shape->interval), value);
    }
    check_against_slow(&counter, range_ms);
    points_release(&counter);
}

static void test_random(void **state)
{
    (void)state;
    static const struct shape shapes[] = {
        {30000, 0, 0, 0, 100},     {30000, 0, 0, 0, 0},       {30000, 0.9, 0, 0, 5},    {15000, 0.5, 0.1, 0, 0},
        {30000, 0, 0.1, 0.05, 10}, {60000, 0.3, 0.3, 0.3, 0}, {1000, 0.2, 0, 0.01, 50}, {300000, 0.1, 0, 0.5, 0},
        {30000, 0.01, 0, 1, 2},    {1, 0, 0.5, 0.2, 3},       {30000, 0, 0.2, 0, 1e9},
    };
    rng_seed(52);
    for (size_t i = 0; i < ARRAY_COUNT(shapes); i++) {
        for (size_t count = 0; count < 40; count++) {
            check_shape(&shapes[i], count * (count % 5 + 1), rates_range(shapes[i].interval));
        }
        check_shape(&shapes[i], 500, 7);
        check_shape(&shapes[i], 500, 100 * shapes[i].interval);
    }
}

/* Distances in whole seconds meet the threshold of 1.1 mean distances again and again. */
static void test_ties(void **state)
{
    (void)state;
    rng_seed(53);
    for (int64_t range = 60000; range <= 400000; range += 1000) {
        struct points counter = {0};
        for (int64_t i = 0; i < 60; i++) {
            points_add(&counter, i * 10000 + (int64_t)(rng_next() % 4) * 1000, (double)(1000 * i));
        }
        check_against_slow(&counter, range);
        points_release(&counter);
    }
}

/* Worked by hand. Four samples 30 s apart in a range of 120 s: the increase of 90 s stands for all of it. */
static void test_by_hand(void **state)
{
    (void)state;
    struct points counter = {0};
    struct oddities oddities = {0};
    for (int i = 0; i < 6; i++) {
        points_add(&counter, 1000000 + i * 30000, 1000 + i * 15);
    }
    rates_make(&counter, 120000, &oddities);
    assert_int_equal(counter.count, 5);
    assert_int_equal(counter.items[0].time_ms, 1030000);
    /* 15 in 30 s; the range began 90 s before the first sample, more than 1.1 × 30: half a distance is added. */
    assert_true(fabs(counter.items[0].value - 15.0 * 45 / 30 / 120) < 1e-12);
    assert_true(fabs(counter.items[4].value - 0.5) < 1e-12);
    points_release(&counter);
}

/* Without a fall the increase is the difference of two samples to the last bit, whatever fell before. */
static void test_resets_leave_no_dust(void **state)
{
    (void)state;
    struct points with = {0};
    struct points without = {0};
    struct oddities oddities = {0};
    points_add(&with, 0, 1e15 / 3);
    for (int i = 1; i < 50; i++) {
        points_add(&with, i * 30000, i * 0.1);
        points_add(&without, i * 30000, i * 0.1);
    }
    rates_make(&with, 120000, &oddities);
    assert_int_equal(oddities.resets, 1);
    rates_make(&without, 120000, &oddities);
    assert_int_equal(oddities.resets, 1);
    assert_int_equal(with.count, without.count + 1);
    assert_memory_equal(&with.items[4], &without.items[3], 45 * sizeof *with.items);
    points_release(&with);
    points_release(&without);
}

static void test_range(void **state)
{
    (void)state;
    assert_int_equal(rates_range(15000), 120000);
    assert_int_equal(rates_range(30000), 120000);
    assert_int_equal(rates_range(60000), 240000);
    assert_int_equal(rates_range(300000), 1200000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random),
        cmocka_unit_test(test_ties),
        cmocka_unit_test(test_by_hand),
        cmocka_unit_test(test_resets_leave_no_dust),
        cmocka_unit_test(test_range),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
