/* Where the learned days end: counted by the data, or by the runs of a batch kind. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "pipeline/base/mem.h"
#include "stages/analyze/backtest/split.h"
#include "stages/analyze/rules/figures.h"
#include "tests/unit/stages/analyze/backtest/steps_builder.h"

static struct made_row row;

static struct split parted(bool batch)
{
    struct split split;
    struct steps steps = made_steps(&row);
    split_steps(&steps, batch, &split);
    return split;
}

/* {hours of data at the end of the window, learned steps, judged steps}; 0 and 0: too little. */
static void days_are_parted(void **state)
{
    (void)state;
    static const struct {
        size_t steps, learned, judged;
    } rows[] = {
        {WEEK_STEPS, 5 * DAY_STEPS, 2 * DAY_STEPS},
        {28 * DAY_STEPS, 26 * DAY_STEPS, 2 * DAY_STEPS},
        {6 * DAY_STEPS, 4 * DAY_STEPS, 2 * DAY_STEPS},
        {6 * DAY_STEPS - 3, 4 * DAY_STEPS - 2, 2 * DAY_STEPS - 1},
        {3 * DAY_STEPS, 2 * DAY_STEPS, DAY_STEPS},
        {DAY_STEPS + 150, DAY_STEPS + 4, 146},
        {DAY_STEPS + 144, DAY_STEPS, 144},
        {DAY_STEPS + 143, 0, 0},
        {1, 0, 0},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        row.count = 0;
        made_fill(&row, 0, 28 * DAY_STEPS - rows[i].steps, NAN, NAN);
        made_fill(&row, 28 * DAY_STEPS - rows[i].steps, 28 * DAY_STEPS, 7, 8);
        struct split split = parted(false);
        assert_int_equal(split.learned, rows[i].learned);
        assert_int_equal(split.judged, rows[i].judged);
        assert_int_equal(split.reason == NULL, rows[i].judged > 0);
        if (!split.reason) {
            assert_int_equal(split.end, 28 * DAY_STEPS);
            assert_int_equal(split.at, 28 * DAY_STEPS - rows[i].judged);
        }
    }
}

/* Switched off for half of each day: a week of the calendar holds three and a half days. */
static void days_count_where_there_is_data(void **state)
{
    (void)state;
    row.count = 0;
    for (size_t day = 0; day < 7; day++) {
        made_fill(&row, day * DAY_STEPS, day * DAY_STEPS + 144, 7, 8);
        made_fill(&row, day * DAY_STEPS + 144, (day + 1) * DAY_STEPS, NAN, NAN);
    }
    struct split split = parted(false);
    assert_null(split.reason);
    assert_int_equal(split.judged, 7 * 144 / 3);
    assert_int_equal(split.learned, 7 * 144 - 7 * 144 / 3);
    assert_int_equal(split.end, 6 * DAY_STEPS + 144);
}

/* `hours` apart, each an hour long, the second step of each lost. */
static void make_runs(size_t runs, size_t hours)
{
    row.count = 0;
    made_fill(&row, 0, WEEK_STEPS, NAN, NAN);
    for (size_t run = 0; run < runs; run++) {
        size_t from = run * hours * HOUR_STEPS;
        made_fill(&row, from, from + HOUR_STEPS, 500, 600);
        made_fill(&row, from + 1, from + 2, NAN, NAN);
    }
}

static void runs_are_parted(void **state)
{
    (void)state;
    static const struct {
        size_t runs, learned, judged;
    } rows[] = {{7, 5, 2}, {6, 4, 2}, {5, 4, 1}, {3, 2, 1}, {2, 1, 1}};
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        make_runs(rows[i].runs, 24);
        struct split split = parted(true);
        assert_null(split.reason);
        assert_true(split.by_runs);
        assert_int_equal(split.at, rows[i].learned * DAY_STEPS);
        assert_int_equal(split.learned, rows[i].learned * (HOUR_STEPS - 1));
        assert_int_equal(split.judged, rows[i].judged * (HOUR_STEPS - 1));
    }
    make_runs(1, 24);
    struct split few = parted(true);
    assert_non_null(few.reason);
    /* The same rows of a kind that is no batch have too little data. */
    make_runs(7, 24);
    few = parted(false);
    assert_non_null(few.reason);
}

/* One long run is judged by its time. */
static void a_long_run_is_parted_by_time(void **state)
{
    (void)state;
    row.count = 0;
    made_fill(&row, 0, WEEK_STEPS, 7, 8);
    made_fill(&row, 100, 101, NAN, NAN);
    struct split split = parted(true);
    assert_null(split.reason);
    assert_false(split.by_runs);
    assert_int_equal(split.judged, 2 * DAY_STEPS);
    /* A longer gap makes two runs of it, but not two that are alike. */
    made_fill(&row, WEEK_STEPS - 9, WEEK_STEPS - 4, NAN, NAN);
    split = parted(true);
    assert_false(split.by_runs);
    assert_int_equal(split.judged, 2 * DAY_STEPS);
}

static void nothing_is_not_parted(void **state)
{
    (void)state;
    struct split split;
    struct steps none = {.step_seconds = 300};
    split_steps(&none, true, &split);
    assert_non_null(split.reason);
    row.count = 0;
    made_fill(&row, 0, WEEK_STEPS, NAN, NAN);
    split = parted(false);
    assert_non_null(split.reason);
    struct steps odd = made_steps(&row);
    odd.step_seconds = 0;
    split_steps(&odd, false, &split);
    assert_non_null(split.reason);
}

static void parts_stay_inside(void **state)
{
    (void)state;
    row.count = 0;
    made_fill(&row, 0, 10, 7, 8);
    struct steps steps = made_steps(&row);
    struct steps part = steps_part(&steps, 4, 99);
    assert_int_equal(part.count, 6);
    assert_int_equal(part.start, made_start + 4 * 300);
    assert_ptr_equal(part.mean, row.mean + 4);
    assert_int_equal(steps_part(&steps, 20, 30).count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(days_are_parted),
        cmocka_unit_test(days_count_where_there_is_data),
        cmocka_unit_test(runs_are_parted),
        cmocka_unit_test(a_long_run_is_parted_by_time),
        cmocka_unit_test(nothing_is_not_parted),
        cmocka_unit_test(parts_stay_inside),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
