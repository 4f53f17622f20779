/* Increases of counters that several series tell of. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdlib.h>

#include "tests/unit/stages/collect/figures/told_builder.h"

/* Checks the increases of some series: pairs of seconds and value. */
static void expect(const struct told *series, size_t count, const double (*wanted)[2], size_t wanted_count)
{
    struct points out = {0};
    counter_increases(series, count, &out);
    assert_int_equal(out.count, wanted_count);
    for (size_t i = 0; i < wanted_count; i++) {
        assert_int_equal(out.items[i].time_ms, MADE_START * INT64_C(1000) + (int64_t)(wanted[i][0] * 1000));
        assert_true(out.items[i].value >= wanted[i][1] && out.items[i].value <= wanted[i][1]);
    }
    points_release(&out);
}

static void test_one(void **state)
{
    struct points grows = MADE({0, 5}, {30, 5}, {60, 7}, {90, 7}, {120, 2}, {150, 3});
    struct told told = {&grows, 1, SERIES_RAW};
    /* 5 at first is of before; the fall to 2 is a new beginning. */
    expect(&told, 1, (const double[][2]){{60, 2}, {120, 2}, {150, 1}}, 3);
    told.form = SERIES_INCREASE;
    expect(&told, 1, (const double[][2]){{0, 5}, {30, 5}, {60, 7}, {90, 7}, {120, 2}, {150, 3}}, 6);
    told.form = SERIES_RATE;
    expect(&told, 1, NULL, 0);
    expect(NULL, 0, NULL, 0);
    points_release(&grows);
    expect(&(struct told){&grows, 1, SERIES_RAW}, 1, NULL, 0);
    (void)state;
}

/* Two scrapers see one counter a moment apart; the second lags behind and must not look like a reset. */
static void test_two_scrapers(void **state)
{
    struct points fuller = MADE({0, 1}, {30, 2}, {60, 3}, {90, 4});
    struct points other = MADE({-30, 0}, {10, 1}, {40, 1}, {70, 2}, {100, 3}, {130, 9});
    struct points shorter = MADE({-30, 0}, {10, 1}, {130, 9});
    const struct told twice[] = {{&fuller, 7, SERIES_RAW}, {&shorter, 7, SERIES_RAW}};
    /* Of the other: what it saw before the first and after the last sample of the fuller one. */
    expect(twice, 2, (const double[][2]){{0, 1}, {30, 1}, {60, 1}, {90, 1}, {130, 5}}, 5);
    const struct told lag[] = {{&fuller, 7, SERIES_RAW}, {&other, 7, SERIES_RAW}};
    expect(lag, 2, (const double[][2]){{10, 1}, {70, 1}, {100, 1}, {130, 6}}, 4);
    points_release(&other);
    other = MADE({50, 0}, {100, 3}, {130, 4});
    /* 3 after 4 is a scrape that is late, not a new beginning. */
    expect(lag, 2, (const double[][2]){{30, 1}, {60, 1}, {90, 1}, {130, 1}}, 4);
    points_release(&fuller);
    points_release(&other);
    points_release(&shorter);
    (void)state;
}

/* Two runs of a container, told in any order. */
static void test_instances(void **state)
{
    struct points second = MADE({100, 0}, {130, 4});
    struct points first = MADE({0, 50}, {30, 51}, {120, 53});
    const struct told both[] = {{&second, 2, SERIES_RAW}, {&first, 1, SERIES_RAW}};
    expect(both, 2, (const double[][2]){{30, 1}, {120, 2}, {130, 4}}, 3);
    points_release(&first);
    points_release(&second);
    (void)state;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one),
        cmocka_unit_test(test_two_scrapers),
        cmocka_unit_test(test_instances),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
