#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "stages/analyze/forecast/forecast.h"
#include "tests/unit/stages/analyze/forecast/rows.h"

static struct arena arena;
static struct forecaster *forecaster;

static int set_up(void **state)
{
    (void)state;
    arena_init(&arena);
    forecaster = forecaster_new(&arena);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    arena_release(&arena);
    return 0;
}

static struct forecast forecast_of(const double *row, size_t count)
{
    struct forecast out;
    forecast_make(forecaster, row, count, 300, ROW_END, &out);
    return out;
}

/* Largest distance from the course that `row_daily` gives without noise. */
static double worst_off(const struct forecast *forecast, double level, double swing)
{
    double course[ROW_DAY];
    double worst = 0;
    row_daily(course, ROW_DAY, level, swing, 0);
    for (size_t i = 0; i < forecast->count; i++) {
        worst = fmax(worst, fabs(forecast->values[i] - course[i]));
    }
    return worst;
}

static void a_daily_course_is_learned(void **state)
{
    (void)state;
    double row[ROW_WEEK];
    rng_seed(1);
    row_daily(row, ROW_WEEK, 500, 0.6, 20);
    struct forecast out = forecast_of(row, ROW_WEEK);
    assert_true(out.known);
    assert_int_equal(out.start, ROW_END);
    assert_int_equal(out.step_seconds, 300);
    assert_int_equal(out.count, 72);
    assert_string_equal(out.method, "daily");
    assert_true(worst_off(&out, 500, 0.6) < 30);
    assert_true(out.mase < 0.85);
    assert_true(out.rmae < 0.85);
    assert_true(out.coverage > 0.9);
    assert_true(out.origins > 16);
}

static void a_job_at_a_fixed_time_is_foreseen_to_the_minute(void **state)
{
    (void)state;
    double row[ROW_WEEK];
    rng_seed(2);
    for (size_t i = 0; i < ROW_WEEK; i++) {
        size_t slot = i % ROW_DAY;
        row[i] = 100 + 3 * row_noise() + (slot >= 30 && slot < 34 ? 900 : 0);
    }
    struct forecast out = forecast_of(row, ROW_WEEK);
    assert_string_equal(out.method, "slots");
    for (size_t i = 0; i < out.count; i++) {
        assert_true(fabs(out.values[i] - (i >= 30 && i < 34 ? 1000 : 100)) < 15);
    }
}

static void what_never_changes_stays(void **state)
{
    (void)state;
    double row[ROW_WEEK];
    static const double levels[] = {0, 250, 3e12};
    for (size_t l = 0; l < 3; l++) {
        for (size_t i = 0; i < ROW_WEEK; i++) {
            row[i] = levels[l];
        }
        struct forecast out = forecast_of(row, ROW_WEEK);
        assert_true(out.known);
        assert_true(isnan(out.mase));
        for (size_t i = 0; i < out.count; i++) {
            assert_true(fabs(out.values[i] - levels[l]) <= levels[l] * 1e-12);
            assert_true(fabs(out.lower[i] - levels[l]) <= levels[l] * 1e-12);
            assert_true(fabs(out.upper[i] - levels[l]) <= levels[l] * 1e-12);
        }
    }
}

/* Nobody has seen the new level go away, so it stays; with the course of the day too. */
static void a_new_level_is_kept(void **state)
{
    (void)state;
    static const double swings[] = {0, 0.2};
    for (size_t s = 0; s < 2; s++) {
        double row[ROW_WEEK];
        rng_seed(3);
        row_daily(row, ROW_WEEK, 300, swings[s], 5);
        for (size_t i = ROW_WEEK - 2 * ROW_HOUR; i < ROW_WEEK; i++) {
            row[i] += 900;
        }
        struct forecast out = forecast_of(row, ROW_WEEK);
        for (size_t i = 0; i < out.count; i++) {
            assert_true(out.values[i] > 1080);
            assert_true(out.values[i] < 1320);
        }
    }
}

/* Excursions that always were over within two hours are over soon this time too. */
static void an_excursion_of_a_known_kind_passes(void **state)
{
    (void)state;
    double row[ROW_WEEK];
    rng_seed(4);
    row_daily(row, ROW_WEEK, 300, 0, 5);
    for (size_t i = 0; i < ROW_WEEK; i++) {
        size_t back = ROW_WEEK - 1 - i;
        row[i] += back % 173 < ROW_HOUR ? 900 : 0;
    }
    struct forecast out = forecast_of(row, ROW_WEEK);
    assert_true(out.values[30] < 400);
    assert_true(out.values[71] < 400);
}

static void what_climbs_goes_on(void **state)
{
    (void)state;
    double row[ROW_WEEK];
    rng_seed(5);
    for (size_t i = 0; i < ROW_WEEK; i++) {
        row[i] = 5e8 + 1e8 * (double)i / ROW_DAY + 1e6 * row_noise();
    }
    struct forecast out = forecast_of(row, ROW_WEEK);
    assert_string_equal(out.method, "trend");
    assert_true(fabs(out.values[71] - (5e8 + 7.25e8)) < 0.02 * 1.2e9);
}

static void weekends_are_told_apart_from_two_weeks_on(void **state)
{
    (void)state;
    static double row[ROW_MAX];
    rng_seed(6);
    row_daily(row, ROW_MAX, 400, 0.3, 10);
    for (size_t i = 0; i < ROW_MAX; i++) {
        size_t day = i / ROW_DAY % 7; /* the row ends as a Sunday begins, and so began one */
        row[i] *= day == 0 || day == 6 ? 0.4 : 1;
    }
    /* From Saturday 00:00 less three hours on. */
    size_t count = ROW_MAX - ROW_DAY - 3 * ROW_HOUR;
    struct forecast out;
    forecast_make(forecaster, row, count, 300, ROW_END - 27 * 3600, &out);
    assert_string_equal(out.method, "weekdays");
    for (size_t i = 0; i < out.count; i++) {
        assert_true(fabs(out.values[i] - row[count + i]) < 60);
    }
}

static void short_gaps_do_not_matter_and_long_ones_are_survived(void **state)
{
    (void)state;
    double row[ROW_WEEK];
    double holed[ROW_WEEK];
    rng_seed(7);
    row_daily(row, ROW_WEEK, 500, 0.6, 10);
    memcpy(holed, row, sizeof row);
    for (size_t i = 50; i + 9 < ROW_WEEK; i += 211) {
        for (size_t j = 0; j < 9; j++) {
            holed[i + j] = j == 4 ? INFINITY : NAN;
        }
    }
    struct forecast whole = forecast_of(row, ROW_WEEK);
    struct forecast gaps = forecast_of(holed, ROW_WEEK);
    for (size_t i = 0; i < whole.count; i++) {
        assert_true(fabs(whole.values[i] - gaps.values[i]) < 15);
    }
    for (size_t i = 3 * ROW_DAY; i < 4 * ROW_DAY + 100; i++) {
        holed[i] = NAN;
    }
    gaps = forecast_of(holed, ROW_WEEK);
    assert_true(gaps.known);
    assert_true(worst_off(&gaps, 500, 0.6) < 40);
}

static void too_little_is_unknown(void **state)
{
    (void)state;
    double row[ROW_WEEK];
    rng_seed(8);
    row_daily(row, ROW_WEEK, 500, 0.1, 10);
    assert_false(forecast_of(row, 0).known);
    assert_false(forecast_of(row, 5).known);
    assert_false(forecast_of(row, 32 * ROW_HOUR).known);
    struct forecast out = forecast_of(row, 33 * ROW_HOUR);
    assert_true(out.known);
    assert_string_equal(out.method, "level");
    for (size_t i = 0; i < ROW_WEEK; i++) {
        row[i] = i % 2 == 0 ? row[i] : NAN;
    }
    assert_true(forecast_of(row, ROW_WEEK).known);
    for (size_t i = 0; i < ROW_WEEK; i++) {
        row[i] = i % 10 == 0 ? row[i] : NAN; /* a job that runs now and then */
    }
    assert_false(forecast_of(row, ROW_WEEK).known);
    row_daily(row, ROW_WEEK, 500, 0.1, 10);
    for (size_t i = ROW_WEEK - 6 * ROW_HOUR; i < ROW_WEEK; i++) {
        row[i] = NAN;
    }
    assert_false(forecast_of(row, ROW_WEEK).known);
}

/* Sums of these are past what a double holds. */
static void numbers_out_of_all_bounds_are_refused(void **state)
{
    (void)state;
    double row[ROW_WEEK];
    rng_seed(15);
    for (size_t i = 0; i < ROW_WEEK; i++) {
        row[i] = (rng_unit() < 0.5 ? 1.7e308 : 1) * (1 + rng_unit() / 100);
    }
    struct forecast out = forecast_of(row, ROW_WEEK);
    for (size_t i = 0; out.known && i < out.count; i++) {
        assert_true(isfinite(out.lower[i]) && isfinite(out.values[i]) && isfinite(out.upper[i]));
    }
    for (size_t i = 0; i < ROW_WEEK; i++) {
        row[i] = -row[i];
    }
    out = forecast_of(row, ROW_WEEK);
    for (size_t i = 0; out.known && i < out.count; i++) {
        assert_true(out.lower[i] >= 0 && out.values[i] >= 0 && isfinite(out.upper[i]));
    }
}

static void steps_of_other_lengths(void **state)
{
    (void)state;
    double row[ROW_WEEK];
    struct forecast out;
    rng_seed(9);
    row_daily(row, ROW_WEEK, 500, 0.1, 10);
    forecast_make(forecaster, row, ROW_WEEK, 600, ROW_END, &out);
    assert_true(out.known);
    assert_int_equal(out.count, 36);
    forecast_make(forecaster, row, ROW_WEEK, 3600, ROW_END, &out);
    assert_true(out.known);
    assert_int_equal(out.count, 6);
    static const int64_t wrong[] = {0, -300, 7, 60, 299, 301, 7000, 7200, 86400};
    for (size_t i = 0; i < 9; i++) {
        forecast_make(forecaster, row, ROW_WEEK, wrong[i], ROW_END, &out);
        assert_false(out.known);
    }
}

/* Rows of many kinds; `kind` chooses. */
static void row_of_kind(size_t kind, double *row)
{
    row_daily(row, ROW_WEEK, 300, kind % 3 == 0 ? 0.8 : 0, kind % 2 == 0 ? 4 : 60);
    double walk = 0;
    for (size_t i = 0; i < ROW_WEEK; i++) {
        walk += 3 * row_noise();
        row[i] += kind % 5 == 0 ? walk : 0;
        row[i] *= kind % 7 == 0 && rng_unit() < 0.03 ? 8 : 1;
        row[i] = kind % 11 == 0 && rng_unit() < 0.2 ? NAN : fmax(row[i], 0);
    }
}

static void value_lies_in_its_band(void **state)
{
    (void)state;
    double row[ROW_WEEK];
    rng_seed(10);
    for (size_t kind = 0; kind < 60; kind++) {
        row_of_kind(kind, row);
        struct forecast out = forecast_of(row, ROW_WEEK);
        assert_true(out.known);
        for (size_t i = 0; i < out.count; i++) {
            assert_true(out.lower[i] >= 0);
            assert_true(out.lower[i] <= out.values[i]);
            assert_true(out.values[i] <= out.upper[i]);
            assert_true(isfinite(out.upper[i]));
        }
        assert_true(out.coverage >= 0 && out.coverage <= 1);
    }
}

static void units_do_not_matter(void **state)
{
    (void)state;
    double row[ROW_WEEK];
    double other[ROW_WEEK];
    rng_seed(11);
    for (size_t kind = 0; kind < 30; kind++) {
        row_of_kind(kind, row);
        for (size_t i = 0; i < ROW_WEEK; i++) {
            other[i] = 1048576 * row[i]; /* a power of two: exactly the same numbers but for the exponent */
        }
        struct forecast small = forecast_of(row, ROW_WEEK);
        struct forecast large = forecast_of(other, ROW_WEEK);
        for (size_t i = 0; i < small.count; i++) {
            assert_true(fabs(1048576 * small.values[i] - large.values[i]) <= 1e-6 * large.upper[i]);
            assert_true(fabs(1048576 * small.lower[i] - large.lower[i]) <= 1e-6 * large.upper[i]);
        }
        assert_true(fabs(small.mase - large.mase) < 1e-9);
    }
}

/* Learns on a week, looks at the six hours after it, 250 times. */
static void the_band_holds_what_it_promises(void **state)
{
    (void)state;
    double row[ROW_WEEK + 72];
    double inside = 0;
    double promised = 0;
    rng_seed(12);
    for (size_t n = 0; n < 250; n++) {
        double level = 0;
        for (size_t i = 0; i < ROW_WEEK + 72; i++) {
            level = 0.95 * level + 10 * row_noise();
            row[i] = 500 + level + 20 * row_noise();
        }
        struct forecast out = forecast_of(row, ROW_WEEK);
        promised += out.coverage / 250;
        for (size_t i = 0; i < out.count; i++) {
            inside += (row[ROW_WEEK + i] >= out.lower[i] && row[ROW_WEEK + i] <= out.upper[i]) / (250.0 * 72);
        }
    }
    assert_true(inside > 0.93 && inside < 0.97);
    assert_true(fabs(inside - promised) < 0.02);
}

static void the_record_says_all_of_it(void **state)
{
    (void)state;
    double row[ROW_WEEK];
    rng_seed(13);
    row_daily(row, ROW_WEEK, 500, 0.6, 10);
    struct container container = {.name = "server"};
    struct subject subject = {.containers = &container, .container_count = 1};
    struct forecasts forecasts;
    forecasts_make(&subject, &arena, &forecasts);
    json_t *nothing = forecasts_json(&subject, &forecasts);
    assert_true(json_is_null(nothing));
    container.use[CPU].steps = (struct steps){ROW_END - 7 * 86400, 300, ROW_WEEK, row, row};
    forecasts_make(&subject, &arena, &forecasts);
    json_t *json = forecasts_json(&subject, &forecasts);
    const json_t *cpu = json_at(json, "containers.server.cpu_millicores");
    assert_null(json_at(json, "containers.server.memory_bytes"));
    assert_string_equal(json_string_or_null(cpu, "start"), "2026-11-22T00:00:00Z");
    assert_int_equal(json_int_or(cpu, "step_seconds", 0), 300);
    assert_int_equal(json_array_size(json_object_get(cpu, "values")), 72);
    assert_int_equal(json_array_size(json_object_get(cpu, "lower")), 72);
    assert_int_equal(json_array_size(json_object_get(cpu, "upper")), 72);
    assert_string_equal(json_string_or_null(cpu, "method"), "daily");
    assert_true(json_real_value(json_object_get(cpu, "mase")) < 1);
    assert_true(json_real_value(json_object_get(cpu, "rmae")) < 1);
    assert_true(json_real_value(json_object_get(cpu, "coverage")) > 0.9);
    assert_true(json_real_value(json_object_get(cpu, "nominal")) > 0.94);
    assert_int_equal(json_int_or(cpu, "origins", 0), 19);
    json_decref(json);
    json_decref(nothing);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_daily_course_is_learned),
        cmocka_unit_test(a_job_at_a_fixed_time_is_foreseen_to_the_minute),
        cmocka_unit_test(what_never_changes_stays),
        cmocka_unit_test(a_new_level_is_kept),
        cmocka_unit_test(an_excursion_of_a_known_kind_passes),
        cmocka_unit_test(what_climbs_goes_on),
        cmocka_unit_test(weekends_are_told_apart_from_two_weeks_on),
        cmocka_unit_test(short_gaps_do_not_matter_and_long_ones_are_survived),
        cmocka_unit_test(too_little_is_unknown),
        cmocka_unit_test(numbers_out_of_all_bounds_are_refused),
        cmocka_unit_test(steps_of_other_lengths),
        cmocka_unit_test(value_lies_in_its_band),
        cmocka_unit_test(units_do_not_matter),
        cmocka_unit_test(the_band_holds_what_it_promises),
        cmocka_unit_test(the_record_says_all_of_it),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
