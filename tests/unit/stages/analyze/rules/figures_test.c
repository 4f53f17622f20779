#include "tests/unit/stages/analyze/rules/rules_builder.h"

#include <stdlib.h>

#include "pipeline/base/mem.h"
#include "stages/analyze/statistics/order.h"

static void percentiles_of_few(void **state)
{
    (void)state;
    const double values[] = {7, 3, 10, 1, 9, 2, 8, 4, 6, 5};
    struct steps steps = steps_of(values, 10);
    struct arena arena;
    struct figures out;
    arena_init(&arena);
    figures_of_steps(&steps, 0, 10, NULL, &arena, &out);
    assert_true(out.known);
    NEAR(out.samples, 10);
    NEAR(out.mean, 5.5);
    NEAR(out.p50, 5);
    NEAR(out.p90, 9);
    NEAR(out.p95, 10);
    NEAR(out.max, 10);
    NEAR(out.p95_before, 10);  /* of 7 3 10 1 9 2 8 4 */
    NEAR(out.p95_recent, 6);   /* of 6 5: the last 2/7 of ten steps */
    NEAR(out.recent_p50, 5);
    NEAR(out.recent_p90, 9);
    assert_true(isnan(out.day_p99_second)); /* no day has steps for a quarter of it */
    arena_release(&arena);
}

static void old_values_weigh_less(void **state)
{
    (void)state;
    const double values[] = {4, 3, 2, 1}; /* three days apart: weights 1/8, 1/4, 1/2, 1 of 15/8 */
    struct steps steps = {.step_seconds = 3 * 86400, .count = 4, .mean = values, .high = values};
    struct arena arena;
    struct figures out;
    arena_init(&arena);
    figures_of_steps(&steps, 0, 4, NULL, &arena, &out);
    NEAR(out.weighted_p50, 1);
    NEAR(out.p50, 2);
    NEAR(out.weighted_p95, 4); /* 14/8 of 15/8 are 93 % */
    figures_of_steps(&steps, 0, 3, NULL, &arena, &out);
    NEAR(out.weighted_p50, 2); /* ages count to the end of the part */
    arena_release(&arena);
}

static int by_value(const void *a, const void *b)
{
    const double *x = a;
    const double *y = b;
    return (*x > *y) - (*x < *y);
}

/* Every figure once more, slowly. */
static void against_definitions(void **state)
{
    (void)state;
    static double values[WEEK];
    struct weighted *entries = xcalloc_array(WEEK, sizeof *entries);
    double *plain = xcalloc_array(WEEK, sizeof *plain);
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct arena arena;
        struct figures out;
        arena_init(&arena);
        fill_week(values, seed);
        struct steps steps = steps_of(values, WEEK);
        size_t to = WEEK - 37 * (size_t)(seed % 5);
        figures_of_steps(&steps, 0, to, NULL, &arena, &out);
        double busiest = 0;
        for (int hour = -1; hour < 24; hour++) {
            size_t count = 0;
            for (size_t i = 0; i < to; i++) {
                if (isfinite(values[i]) && (hour < 0 || (steps.start + (int64_t)i * 300) / 3600 % 24 == hour)) {
                    plain[count] = values[i];
                    entries[count++] = (struct weighted){values[i], exp2(-(double)(to - i) * 300 / (3 * 86400.0))};
                }
            }
            if (hour >= 0) {
                busiest = fmax(busiest, order_weighted(entries, count, 0.9));
                continue;
            }
            NEAR(out.weighted_p50, order_weighted(entries, count, 0.50));
            NEAR(out.weighted_p95, order_weighted(entries, count, 0.95));
            NEAR(out.weighted_p98, order_weighted(entries, count, 0.98));
            NEAR(out.weighted_p99, order_weighted(entries, count, 0.99));
            qsort(plain, count, sizeof *plain, by_value);
            NEAR(out.p50, plain[(size_t)ceil(0.50 * (double)count) - 1]);
            NEAR(out.p90, plain[(size_t)ceil(0.90 * (double)count) - 1]);
            NEAR(out.p995, plain[(size_t)ceil(0.995 * (double)count) - 1]);
            NEAR(out.max, plain[count - 1]);
        }
        NEAR(out.busy_hour_p90, busiest);
        arena_release(&arena);
    }
    free(entries);
    free(plain);
}

static void a_day_that_stands_alone(void **state)
{
    (void)state;
    static double values[WEEK];
    struct arena arena;
    struct figures out;
    struct steps steps = steps_of(values, WEEK);
    arena_init(&arena);
    for (size_t i = 0; i < WEEK; i++) {
        values[i] = i / DAY == 3 && i % DAY < 36 ? 800 : 100;
    }
    figures_of_steps(&steps, 0, WEEK, NULL, &arena, &out);
    NEAR(out.weighted_p99, 800); /* three hours of 168 are 1.8 % */
    NEAR(out.day_p99_second, 100);
    for (size_t at = 0; at + 36 <= WEEK; at += 25) { /* whenever it was, across midnight too */
        for (size_t i = 0; i < WEEK; i++) {
            values[i] = i >= at && i < at + 36 ? 800 : 100;
        }
        figures_of_steps(&steps, 0, WEEK, NULL, &arena, &out);
        NEAR(out.day_p99_second, 100);
    }
    for (size_t i = 0; i < WEEK; i++) {
        values[i] = i / DAY == 3 && i % DAY < 36 ? 800 : i / DAY == 5 && i % DAY < 12 ? 500 : 100; /* and an hour of another day */
    }
    figures_of_steps(&steps, 0, WEEK, NULL, &arena, &out);
    NEAR(out.day_p99_second, 500);
    figures_of_steps(&steps, 3 * DAY, 4 * DAY, NULL, &arena, &out);
    NEAR(out.day_p99_second, 800); /* of one day its own */
    arena_release(&arena);
}

static void only_what_counts(void **state)
{
    (void)state;
    static double values[WEEK];
    static bool only[WEEK];
    struct arena arena;
    struct figures out;
    struct steps steps = steps_of(values, WEEK);
    arena_init(&arena);
    for (size_t i = 0; i < WEEK; i++) {
        only[i] = i % DAY >= 108 && i % DAY < 216;
        values[i] = only[i] ? 50 : 5;
    }
    figures_of_steps(&steps, 0, WEEK, only, &arena, &out);
    NEAR(out.samples, 7 * 108);
    NEAR(out.p50, 50);
    NEAR(out.recent_p50, 50); /* the last hour that counts */
    NEAR(out.day_p99_second, 50);
    memset(only, 0, sizeof only);
    figures_of_steps(&steps, 0, WEEK, only, &arena, &out);
    assert_false(out.known);
    assert_true(isnan(out.p95) && isnan(out.recent_p90));
    arena_release(&arena);
}

static void figures_scale_with_values(void **state)
{
    (void)state;
    static double values[WEEK];
    static double larger[WEEK];
    struct arena arena;
    struct figures a;
    struct figures b;
    arena_init(&arena);
    fill_week(values, 5);
    for (size_t i = 0; i < WEEK; i++) {
        larger[i] = 32 * values[i];
    }
    struct steps small = steps_of(values, WEEK);
    struct steps big = steps_of(larger, WEEK);
    figures_of_steps(&small, 0, WEEK, NULL, &arena, &a);
    figures_of_steps(&big, 0, WEEK, NULL, &arena, &b);
    NEAR(b.weighted_p95, 32 * a.weighted_p95);
    NEAR(b.busy_hour_p90, 32 * a.busy_hour_p90);
    NEAR(b.day_p99_second, 32 * a.day_p99_second);
    NEAR(b.recent_p90, 32 * a.recent_p90);
    arena_release(&arena);
}

static void brought_to_the_scale_of_samples(void **state)
{
    (void)state;
    static double values[WEEK];
    struct arena arena;
    struct figures whole;
    struct figures part;
    arena_init(&arena);
    fill_week(values, 9);
    struct steps steps = steps_of(values, WEEK);
    figures_of_steps(&steps, 0, WEEK, NULL, &arena, &whole);
    figures_of_steps(&steps, 0, 5 * DAY, NULL, &arena, &part);
    part.max *= 3; /* of samples, which steps know apart from their means */
    struct figures raw = part;
    struct figures native = whole;
    native.weighted_p95 *= 1.5;
    native.weighted_p99 *= 1.5;
    native.pod_p95_max = 2 * whole.pod_p95_max;
    native.busy_hour_p90 *= 1000;
    native.pods = 4;
    figures_calibrate(&native, &whole, &part);
    NEAR(part.weighted_p95, 1.5 * raw.weighted_p95);
    NEAR(part.day_p99_second, 1.5 * raw.day_p99_second);
    NEAR(part.pod_p95_max, 2 * raw.pod_p95_max);
    NEAR(part.busy_hour_p90, 1.5 * raw.busy_hour_p90); /* no further than p95 and p99 */
    NEAR(part.max, raw.max);
    NEAR(part.pods, 4);
    assert_true(part.p50 <= part.p90 && part.p90 <= part.p95 && part.p95 <= part.p99 && part.p99 <= part.p995);
    assert_true(part.weighted_p95 <= part.weighted_p98 && part.weighted_p98 <= part.weighted_p99);
    arena_release(&arena);
}

/* Use that jumps from 40 to 900 for one step in twenty: by samples p95 lies above the jump, by steps below it. */
static void a_jump_is_no_scale(void **state)
{
    (void)state;
    static double values[WEEK];
    static double highs[WEEK];
    struct arena arena;
    struct figures whole;
    struct figures part;
    arena_init(&arena);
    for (size_t i = 0; i < WEEK; i++) {
        bool busy = i < 5 * DAY ? i % 18 == 0 : i % 60 == 0; /* oftener in the first days */
        values[i] = busy ? 900 : 40;
        highs[i] = busy ? 1000 : 44;
    }
    struct steps steps = {.step_seconds = 300, .count = WEEK, .mean = values, .high = highs};
    figures_of_steps(&steps, 0, WEEK, NULL, &arena, &whole);
    figures_of_steps(&steps, 0, 5 * DAY, NULL, &arena, &part);
    NEAR(whole.p95, 40);
    NEAR(part.p95, 900);
    struct figures native = whole;
    native.p90 = native.p50 = 42;
    native.p95 = 300;
    native.p99 = native.p995 = 930;
    native.pod_p95_max = 800;
    figures_calibrate(&native, &whole, &part);
    NEAR(part.p95, 900 * 42.0 / 40);
    assert_true(part.pod_p95_max <= 1000 && part.p99 <= 1000);
    arena_release(&arena);
}

static void the_window_is_completed(void **state)
{
    (void)state;
    static double values[WEEK];
    struct arena arena;
    struct figures native;
    arena_init(&arena);
    fill_week(values, 3);
    static double highs[WEEK];
    for (size_t i = 0; i < WEEK; i++) {
        highs[i] = 2 * values[i];
    }
    struct steps steps = steps_of(values, WEEK);
    steps.high = highs;
    figures_of_steps(&steps, 0, WEEK, NULL, &arena, &native);
    double second = native.day_p99_second;
    native.weighted_p99 *= 1.25;
    native.p995 *= 1.25;
    native.day_p99_second = native.recent_p90 = NAN;
    figures_complete(&native, &arena);
    NEAR(native.day_p99_second, 1.25 * second);
    assert_true(native.recent_p90 > 0);
    assert_non_null(native.by_steps);
    struct figures bare = {.known = true, .day_p99_second = NAN};
    figures_complete(&bare, &arena);
    assert_true(isnan(bare.day_p99_second));
    assert_null(bare.by_steps);
    arena_release(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(percentiles_of_few),     cmocka_unit_test(old_values_weigh_less),
        cmocka_unit_test(against_definitions),    cmocka_unit_test(a_day_that_stands_alone),
        cmocka_unit_test(only_what_counts),       cmocka_unit_test(figures_scale_with_values),
        cmocka_unit_test(brought_to_the_scale_of_samples), cmocka_unit_test(a_jump_is_no_scale), cmocka_unit_test(the_window_is_completed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
