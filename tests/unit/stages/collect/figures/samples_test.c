/* Sums and extremes against long doubles in two passes; the window's edges; merging of many samples. */

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pipeline/base/rng.h"
#include "stages/collect/figures/samples.h"

enum { END = 1795305600, LENGTH = DAY };

static void check_near(double got, long double wanted, double tolerance)
{
    if (!(fabsl((long double)got - wanted) <= (long double)tolerance * fabsl(wanted))) {
        fail_msg("%.17g is not %.17g", got, (double)wanted);
    }
}

/* Adds a pod with samples every 10 s; what it adds goes into `all` too. */
static void add_pod(struct samples *samples, const struct window *window, uint32_t id, double base, double noise,
                    struct points *all)
{
    struct points points = {0};
    for (int64_t time = window->start * 1000 - 5000; time < window->end * 1000 + 60000; time += 10000) {
        double value = base + noise * rng_unit();
        points_add(&points, time, value);
        if (window_holds(window, time)) {
            points_add(all, time, value * 1000);
        }
    }
    samples_add(samples, window, id, &points, 1000);
    points_release(&points);
}

static void check_sums(const struct samples *samples, const struct points *all)
{
    long double sum = 0;
    long double spread = 0;
    double least = INFINITY;
    double most = -1;
    for (size_t i = 0; i < all->count; i++) {
        sum += (long double)all->items[i].value;
        least = fmin(least, all->items[i].value);
        most = fmax(most, all->items[i].value);
    }
    long double mean = sum / (long double)all->count;
    for (size_t i = 0; i < all->count; i++) {
        long double distance = (long double)all->items[i].value - mean;
        spread += distance * distance;
    }
    assert_int_equal(samples->total, all->count);
    check_near(samples->sum, sum, 1e-13);
    check_near(samples->mean, mean, 1e-13);
    check_near(samples->spread, spread, 1e-7); /* of values 1 in 10^7 apart; 1e-13 of others */
    assert_memory_equal(&samples->min, &least, sizeof least);
    assert_memory_equal(&samples->max, &most, sizeof most);
}

static void test_sums(void **state)
{
    (void)state;
    static const double bases[] = {0, 1, 1e9, 1e9, 3e-9};
    static const double noises[] = {1, 0.001, 100, 1e9, 1e-10};
    struct window window;
    struct samples samples;
    window_init(&window, END - LENGTH, END);
    samples_init(&samples);
    rng_seed(57);
    for (size_t i = 0; i < ARRAY_COUNT(bases); i++) {
        struct points all = {0};
        samples_clear(&samples);
        for (uint32_t pod = 0; pod < 3; pod++) {
            add_pod(&samples, &window, pod, bases[i], noises[i], &all);
        }
        check_sums(&samples, &all);
        points_release(&all);
    }
    samples_release(&samples);
    window_release(&window);
}

static void test_edges(void **state)
{
    (void)state;
    struct window window;
    struct samples samples;
    struct points points = {0};
    window_init(&window, END - LENGTH, END);
    samples_init(&samples);
    int64_t start = window.start * 1000;
    points_add(&points, start - 1, 7);
    points_add(&points, start, 7);
    samples_add(&samples, &window, 4, &points, 1);
    assert_int_equal(samples.total, 0);
    assert_int_equal(samples.pod_count, 0);
    points_add(&points, start + 1, 3);
    points_add(&points, start + STEP * 1000, 5);
    points_add(&points, start + STEP * 1000 + 1, 5);
    points_add(&points, window.end * 1000, 2);
    points_add(&points, window.end * 1000 + 1, 9);
    samples_add(&samples, &window, 4, &points, 1);
    assert_int_equal(samples.total, 4);
    assert_int_equal(samples.pods[0].id, 4);
    assert_int_equal(samples.pods[0].first, 1);
    assert_int_equal(samples.pods[0].last, LENGTH * 1000);
    assert_int_equal(samples.max_offset, STEP * 1000);
    assert_int_equal(samples.profile.steps[0].count, 2);
    assert_int_equal(samples.profile.steps[1].count, 1);
    assert_int_equal(samples.profile.steps[window.steps - 1].count, 1);
    points_release(&points);
    samples_release(&samples);
    window_release(&window);
}

/* Pods in parts, in any order, an earlier maximum that comes late. */
static void test_parts(void **state)
{
    (void)state;
    struct window window;
    struct samples samples;
    window_init(&window, END - LENGTH, END);
    samples_init(&samples);
    static const uint32_t ids[] = {5, 2, 5, 9, 2};
    static const uint32_t offsets[] = {50000, 40000, 10000, 90000, 20000};
    for (size_t i = 0; i < ARRAY_COUNT(ids); i++) {
        struct points points = {0};
        points_add(&points, window.start * 1000 + offsets[i], i == 2 ? 4 : 8);
        samples_add(&samples, &window, ids[i], &points, 1);
        points_release(&points);
    }
    assert_int_equal(samples.pod_count, 3);
    assert_int_equal(samples.pods[0].id, 5);
    assert_int_equal(samples.pods[0].first, 10000);
    assert_int_equal(samples.pods[0].last, 50000);
    assert_int_equal(samples.pods[0].count, 2);
    assert_int_equal(samples.pods[1].count, 2);
    assert_int_equal(samples.max_offset, 20000);
    samples_release(&samples);
    window_release(&window);
}

static void test_merging(void **state)
{
    (void)state;
    struct window window;
    struct samples samples;
    struct points all = {0};
    window_init(&window, END - LENGTH, END);
    samples_init(&samples);
    samples.limit = 3000;
    rng_seed(58);
    for (uint32_t pod = 0; pod < 4; pod++) {
        add_pod(&samples, &window, pod, 100, 20, &all);
    }
    check_sums(&samples, &all);
    assert_true(samples.approximate);
    assert_true(samples.count < all.count / 4);
    int64_t counted = 0;
    for (size_t i = 0; i < samples.count; i++) {
        counted += sample_count(&samples.items[i]);
        assert_true(samples.items[i].value > 99000 && samples.items[i].value < 121300);
    }
    assert_int_equal(counted, all.count);
    points_release(&all);
    samples_release(&samples);
    window_release(&window);
}

/* Numbers at the ends of what doubles hold, again and again. */
static void test_merging_extremes(void **state)
{
    (void)state;
    static const double values[] = {0, 5e-324, 3e-310, 1e-300, 1.01e-300, 1e-290, 1, 1e100, 2.5e120};
    struct window window;
    struct samples samples;
    struct points points = {0};
    window_init(&window, END - LENGTH, END);
    samples_init(&samples);
    samples.limit = 40;
    for (int64_t i = 1; i <= 10000; i++) {
        points_add(&points, window.start * 1000 + i * 100, values[i % (int64_t)ARRAY_COUNT(values)]);
    }
    samples_add(&samples, &window, 0, &points, 1000);
    int64_t counted = 0;
    for (size_t i = 0; i < samples.count; i++) {
        counted += sample_count(&samples.items[i]);
    }
    assert_int_equal(counted, 10000);
    assert_true(samples.count <= 40);
    points_release(&points);
    samples_release(&samples);
    window_release(&window);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sums),
        cmocka_unit_test(test_edges),
        cmocka_unit_test(test_parts),
        cmocka_unit_test(test_merging),
        cmocka_unit_test(test_merging_extremes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
