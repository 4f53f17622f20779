/* Two series of one container against a slow merge: every pair of samples compared. */

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pipeline/base/rng.h"
#include "stages/collect/figures/merge.h"

enum { INTERVAL = 1000 };

static bool is_near(const struct points *points, int64_t time_ms)
{
    for (size_t i = 0; i < points->count; i++) {
        int64_t distance = llabs(points->items[i].time_ms - time_ms);
        if (distance < INTERVAL * 9 / 10) {
            return true;
        }
    }
    return false;
}

static int compare(const void *a, const void *b)
{
    int64_t x = ((const struct point *)a)->time_ms;
    int64_t y = ((const struct point *)b)->time_ms;
    return (x > y) - (x < y);
}

static void check(struct points *into, const struct points *from)
{
    struct points wanted = {0};
    for (size_t i = 0; i < into->count; i++) {
        points_add(&wanted, into->items[i].time_ms, into->items[i].value);
    }
    for (size_t i = 0; i < from->count; i++) {
        if (!is_near(into, from->items[i].time_ms)) {
            points_add(&wanted, from->items[i].time_ms, from->items[i].value);
        }
    }
    if (wanted.count > 0) {
        qsort(wanted.items, wanted.count, sizeof *wanted.items, compare);
    }
    points_merge(into, from, INTERVAL);
    assert_int_equal(into->count, wanted.count);
    for (size_t i = 0; i < wanted.count; i++) {
        assert_int_equal(into->items[i].time_ms, wanted.items[i].time_ms);
        assert_memory_equal(&into->items[i].value, &wanted.items[i].value, sizeof(double));
    }
    points_release(&wanted);
}

static void fill(struct points *points, size_t count, int64_t farthest)
{
    int64_t time = (int64_t)(rng_next() % 5000);
    for (size_t i = 0; i < count; i++) {
        points_add(points, time, rng_unit());
        time += 1 + (int64_t)(rng_next() % (uint64_t)farthest);
    }
}

static void test_random(void **state)
{
    (void)state;
    rng_seed(54);
    for (size_t round = 0; round < 600; round++) {
        struct points into = {0};
        struct points from = {0};
        fill(&into, rng_next() % 80, round % 2 == 0 ? 2000 : 12000);
        fill(&from, rng_next() % 80, round % 3 == 0 ? 2000 : round % 3 == 1 ? 12000 : 300);
        check(&into, &from);
        points_release(&into);
        points_release(&from);
    }
}

/* At 0.9 intervals it is another sample, a millisecond nearer it is the same one told twice. */
static void test_edges(void **state)
{
    (void)state;
    struct points into = {0};
    struct points from = {0};
    points_add(&into, 10000, 1);
    points_add(&from, 9100, 2);
    points_add(&from, 9101, 3);
    points_add(&from, 10000, 4);
    points_add(&from, 10899, 5);
    points_add(&from, 10900, 6);
    points_merge(&into, &from, INTERVAL);
    assert_int_equal(into.count, 3);
    assert_int_equal(into.items[0].time_ms, 9100);
    assert_int_equal(into.items[1].time_ms, 10000);
    assert_true(into.items[1].value > 0.5 && into.items[1].value < 1.5);
    assert_int_equal(into.items[2].time_ms, 10900);
    points_release(&into);
    points_release(&from);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random),
        cmocka_unit_test(test_edges),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
