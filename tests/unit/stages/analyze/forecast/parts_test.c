/* The parts of a forecast one by one: grid, season, level, band. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "stages/analyze/forecast/band.h"
#include "stages/analyze/forecast/level.h"
#include "stages/analyze/forecast/season.h"
#include "tests/unit/stages/analyze/forecast/rows.h"

static struct grid grid;
static struct season slots, smooth;
static struct trial trial;

static void gaps_of_an_hour_are_filled_longer_ones_are_not(void **state)
{
    (void)state;
    double row[ROW_DAY];
    for (size_t i = 0; i < ROW_DAY; i++) {
        row[i] = (double)i;
    }
    for (size_t i = 100; i < 112; i++) {
        row[i] = NAN;
    }
    for (size_t i = 150; i < 163; i++) {
        row[i] = NAN;
    }
    row[0] = NAN;
    assert_true(grid_make(row, ROW_DAY, 300, ROW_END, &grid));
    assert_int_equal(grid.hours, 24);
    assert_int_equal(grid.per_hour, 12);
    for (size_t i = 100; i < 112; i++) {
        assert_true(fabs(grid.step[i] - (double)i) < 1e-9);
    }
    assert_true(isnan(grid.step[0]));
    assert_true(isnan(grid.step[150]) && isnan(grid.step[162]));
    assert_true(isnan(grid.median[13])); /* steps 156 to 167: seven are missing */
    assert_true(fabs(grid.median[2] - 29.5) < 1e-9);
}

static void hours_end_where_the_row_ends(void **state)
{
    (void)state;
    double row[ROW_DAY + 5];
    for (size_t i = 0; i < ROW_DAY + 5; i++) {
        row[i] = (double)i;
    }
    assert_true(grid_make(row, ROW_DAY + 5, 300, ROW_END, &grid));
    assert_int_equal(grid.hours, 24);
    assert_true(fabs(grid.step[0] - 5) < 1e-9);
    /* The row is a Saturday, the day after it a Sunday. */
    assert_true(grid.weekend[0] && grid.weekend[23] && grid.weekend[24] && grid.weekend[47]);
    assert_true(grid_make(row, ROW_DAY, 300, ROW_END - 86400, &grid));
    assert_false(grid.weekend[23]);
    assert_true(grid.weekend[24]);
}

static void profiles_follow_the_day_and_shrink_without_one(void **state)
{
    (void)state;
    static double row[ROW_WEEK];
    rng_seed(41);
    row_daily(row, ROW_WEEK, 500, 0.4, 20);
    assert_true(grid_make(row, ROW_WEEK, 300, ROW_END, &grid));
    struct span span = {&grid, 0, grid.hours};
    season_daily(&span, &slots, &smooth);
    double shift = 0; /* where a profile's middle lies does not matter */
    for (size_t i = 0; i < ROW_DAY; i++) {
        shift += smooth.step[0][i] / ROW_DAY;
    }
    for (size_t i = 0; i < ROW_DAY; i++) {
        double course = 200 * sin(6.283185307179586 * (double)i / ROW_DAY) + shift;
        assert_true(fabs(slots.step[0][i] - course) < 45);
        assert_true(fabs(smooth.step[0][i] - course) < 12);
    }
    row_daily(row, ROW_WEEK, 500, 0, 20);
    assert_true(grid_make(row, ROW_WEEK, 300, ROW_END, &grid));
    season_daily(&span, &slots, &smooth);
    for (size_t i = 0; i < ROW_DAY; i++) {
        assert_true(fabs(smooth.step[0][i]) < 2);
    }
}

/* One value of one day, moved far off, does not move what the days say together. */
static void one_day_does_not_decide(void **state)
{
    (void)state;
    static double row[ROW_WEEK];
    rng_seed(42);
    for (size_t days = 3; days <= 7; days++) {
        row_daily(row, ROW_WEEK, 500, 0.1, 60);
        size_t count = days * ROW_DAY;
        assert_true(grid_make(row, count, 300, ROW_END, &grid));
        struct span span = {&grid, 0, grid.hours};
        season_daily(&span, &slots, &smooth);
        size_t slot = 77;
        double highest = -INFINITY;
        size_t place = 0;
        for (size_t d = 0; d < days; d++) {
            if (row[d * ROW_DAY + slot] > highest) {
                highest = row[d * ROW_DAY + slot];
                place = d * ROW_DAY + slot;
            }
        }
        double before = slots.step[0][slot];
        row[place] += 1e6;
        assert_true(grid_make(row, count, 300, ROW_END, &grid));
        season_daily(&span, &slots, &smooth);
        assert_true(fabs(slots.step[0][slot] - before) < 20);
    }
}

/* Going back hour by hour gives what a fresh start gives, and ends where there are not two days of each kind. */
static void weeks_are_taken_anew_only_where_they_changed(void **state)
{
    (void)state;
    static double row[ROW_MAX];
    static struct week kept, fresh;
    rng_seed(43);
    row_daily(row, ROW_MAX, 500, 0.1, 100);
    for (size_t i = 300; i < ROW_MAX; i += 97) {
        row[i] = NAN;
    }
    assert_true(grid_make(row, ROW_MAX, 300, ROW_END, &grid));
    struct span span = {&grid, 0, grid.hours};
    kept.to = 0;
    assert_true(season_weekly(&span, &kept, &slots));
    assert_true(slots.by_class);
    for (span.to -= 6; span.to > 24 * 14; span.to -= 5) {
        fresh.to = 0;
        assert_true(season_weekly(&span, &kept, &slots));
        assert_true(season_weekly(&span, &fresh, &smooth));
        assert_memory_equal(slots.step, smooth.step, sizeof slots.step);
        assert_memory_equal(slots.hour, smooth.hour, sizeof slots.hour);
    }
    span.to = 24 * 7; /* one Sunday, one Saturday: the row began with a Sunday */
    assert_true(season_weekly(&span, &kept, &slots));
    span.to = 24 * 6;
    assert_false(season_weekly(&span, &kept, &slots));
    span.to = 24 * 5;
    assert_false(season_weekly(&span, &kept, &slots));
}

/* 100 for days; three times 300 for one hour; now 300 again. */
static void what_came_after_such_hours_comes_again(void **state)
{
    (void)state;
    static double row[ROW_WEEK];
    double out[72];
    for (size_t i = 0; i < ROW_WEEK; i++) {
        size_t back = (ROW_WEEK - 1 - i) / ROW_HOUR;
        row[i] = back == 0 || back == 20 || back == 50 || back == 90 ? 300 : 100;
    }
    assert_true(grid_make(row, ROW_WEEK, 300, ROW_END, &grid));
    struct span span = {&grid, 0, grid.hours};
    season_none(&span, &slots);
    level_extend(&span, &slots, out);
    assert_true(fabs(out[11] - 100) < 1e-9);
    assert_true(fabs(out[71] - 100) < 1e-9);
    assert_true(out[0] > 250);
    /* The same, but those before stayed for good. */
    for (size_t i = 0; i < ROW_WEEK; i++) {
        row[i] = i >= ROW_WEEK - ROW_HOUR ? 300 : 100;
    }
    assert_true(grid_make(row, ROW_WEEK, 300, ROW_END, &grid));
    level_extend(&span, &slots, out);
    assert_true(fabs(out[71] - 300) < 1e-9);
}

/* A week at 100, then 14 hours at 200, then four nobody knows of: what is left is the base. */
static void the_base_lies_between_day_and_week(void **state)
{
    (void)state;
    static double row[ROW_WEEK];
    double out[72];
    for (size_t i = 0; i < ROW_WEEK; i++) {
        row[i] = i < ROW_WEEK - 18 * ROW_HOUR ? 100 : i < ROW_WEEK - 4 * ROW_HOUR ? 200 : NAN;
    }
    assert_true(grid_make(row, ROW_WEEK, 300, ROW_END, &grid));
    struct span span = {&grid, 0, grid.hours};
    season_none(&span, &slots);
    level_extend(&span, &slots, out);
    for (size_t i = 0; i < 72; i++) {
        assert_true(fabs(out[i] - 150) < 1e-9);
    }
}

/* Errors −1…1 evenly at each origin: the ends leave a fortieth beyond each. */
static void the_band_is_made_of_the_errors(void **state)
{
    (void)state;
    double lower[FORECAST_STEPS];
    double upper[FORECAST_STEPS];
    static double row[ROW_WEEK];
    for (size_t i = 0; i < ROW_WEEK; i++) {
        row[i] = 100;
    }
    assert_true(grid_make(row, ROW_WEEK, 300, ROW_END, &grid));
    trial = (struct trial){.count = 20, .steps = 72};
    for (size_t i = 0; i < 72; i++) {
        trial.next[i] = i < 36 ? 50 : 0.5;
        for (size_t o = 0; o < 20; o++) {
            trial.origins[o].error[i] = -1 + 2 * ((double)(i % 24) + (double)o / 20) / 24;
        }
    }
    double coverage = band_make(&grid, &trial, lower, upper);
    assert_true(fabs(lower[0] - 49.05) < 0.01);
    assert_true(fabs(upper[0] - 50.95) < 0.01);
    assert_true(lower[71] >= 0 && lower[71] < 1e-12);
    assert_true(fabs(coverage - 0.95) < 0.02);
    /* An origin that was off by far is outside of what the others give, each of its steps. */
    for (size_t i = 0; i < 72; i++) {
        trial.origins[3].error[i] = 10;
    }
    assert_true(band_make(&grid, &trial, lower, upper) < coverage - 0.015);
    for (size_t i = 0; i < 72; i++) {
        trial.origins[3].error[i] = trial.origins[2].error[i];
    }
    /* The last hours were unsteady as never before: wider by as much. */
    for (size_t i = ROW_WEEK - 72; i < ROW_WEEK; i++) {
        row[i] += i % 2 ? 7 : -7;
    }
    assert_true(grid_make(row, ROW_WEEK, 300, ROW_END, &grid));
    (void)band_make(&grid, &trial, lower, upper);
    assert_true(fabs(upper[0] - 50.95 - 7) < 0.01);
    assert_true(fabs(lower[0] - 49.05 + 7) < 0.01);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gaps_of_an_hour_are_filled_longer_ones_are_not),
        cmocka_unit_test(hours_end_where_the_row_ends),
        cmocka_unit_test(profiles_follow_the_day_and_shrink_without_one),
        cmocka_unit_test(one_day_does_not_decide),
        cmocka_unit_test(weeks_are_taken_anew_only_where_they_changed),
        cmocka_unit_test(what_came_after_such_hours_comes_again),
        cmocka_unit_test(the_base_lies_between_day_and_week),
        cmocka_unit_test(the_band_is_made_of_the_errors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
