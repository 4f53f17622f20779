/* The compact form of a row of numbers: how near they come back, and what is refused. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/rng.h"
#include "pipeline/run/series.h"

enum { MANY = 2000 };

/* Encodes, goes through text, decodes. */
static void go_round(const double *values, size_t count, double *out)
{
    json_t *made = series_json(values, count);
    char *text = json_text(made);
    json_t *read = json_read(text, strlen(text), "test", NULL);
    size_t got = 0;
    assert_int_equal(series_length(read), count);
    assert_int_equal(series_read(read, out, count, &got), 0);
    assert_int_equal(got, count);
    json_decref(read);
    free(text);
    json_decref(made);
}

static void test_text(void **state)
{
    const double values[] = {10, NAN, 0, 1000, 100};
    json_t *made = series_json(values, ARRAY_COUNT(values));
    char *text = json_text(made);
    /* 2 = AC, none = AA, 0 = AB, 4095 = __, the middle 2 + 2046.5 rounded up = 2049 = gB. */
    assert_string_equal(text, "{\"codes\":\"ACAAAB__gB\",\"high\":1000.0,\"low\":10.0}");
    free(text);
    json_decref(made);
    (void)state;
}

static void test_ends_and_bounds(void **state)
{
    double values[MANY];
    double back[MANY];
    rng_seed(5);
    for (int spread = 1; spread < 12; spread++) {
        for (size_t i = 0; i < MANY; i++) {
            values[i] = 3.25 * pow(10, spread * rng_unit());
        }
        values[7] = 3.25;
        values[MANY - 1] = 3.25 * pow(10, spread);
        go_round(values, MANY, back);
        double half = pow(10, spread / 4093.0 / 2) * (1 + 1e-9);
        for (size_t i = 0; i < MANY; i++) {
            assert_true(back[i] / values[i] < half && values[i] / back[i] < half);
        }
        assert_true(back[7] >= 3.25 && back[7] <= 3.25);
        assert_true(fabs(back[MANY - 1] / values[MANY - 1] - 1) < 1e-14);
    }
    (void)state;
}

static void test_odd_numbers(void **state)
{
    const double values[] = {-1, INFINITY, -INFINITY, NAN, 0, -0.0, 5, 5};
    double back[ARRAY_COUNT(values)];
    go_round(values, ARRAY_COUNT(values), back);
    for (size_t i = 0; i < 4; i++) {
        assert_true(isnan(back[i]));
    }
    assert_true(back[4] <= 0 && back[5] <= 0);
    assert_true(back[6] >= 5 && back[7] <= 5);
    json_t *none = series_json(values, 6);
    assert_true(json_is_null(json_object_get(none, "low")) && json_is_null(json_object_get(none, "high")));
    json_decref(none);
    go_round(values, 6, back);
    go_round(values, 0, back);
    (void)state;
}

/* Far ends, and neighbours that look the same once they are text. */
static void test_extremes(void **state)
{
    const double wide[] = {4.9e-324, 1.7976931348623157e308, 1, NAN};
    const double near[] = {1 + 0x1p-52, 1 + 0x1p-51, 1 + 3 * 0x1p-52};
    double back[4];
    json_t *made = series_json(wide, 4);
    size_t count;
    assert_int_equal(series_read(made, back, 4, &count), 0);
    assert_true(back[0] > 0 && back[0] < 1e-322 && back[1] > 1e308 && isfinite(back[1]));
    assert_true(back[2] > 0.7 && back[2] < 1.3 && isnan(back[3]));
    json_decref(made);
    go_round(near, 3, back);
    for (size_t i = 0; i < 3; i++) {
        assert_true(fabs(back[i] - 1) < 1e-14);
    }
    (void)state;
}

static void test_room(void **state)
{
    const double values[] = {1, 2, 3};
    double back[4] = {9, 9, 9, 9};
    size_t count = 0;
    json_t *made = series_json(values, 3);
    assert_int_equal(series_read(made, back, 2, &count), 0);
    assert_int_equal(count, 2);
    assert_true(back[2] >= 9);
    assert_int_equal(series_read(made, back, 0, &count), 0);
    assert_int_equal(count, 0);
    json_decref(made);
    (void)state;
}

static const char *const refused[] = {
    "[1,2,3]",
    "null",
    "\"AAAA\"",
    "{}",
    "{\"codes\":\"AC\",\"low\":1}",
    "{\"codes\":\"AC\",\"high\":1}",
    "{\"codes\":[\"AC\"],\"low\":1,\"high\":1}",
    "{\"codes\":\"ACA\",\"low\":1,\"high\":1}",
    "{\"codes\":\"A=\",\"low\":1,\"high\":1}",
    "{\"codes\":\"+A\",\"low\":1,\"high\":1}",
    "{\"codes\":\"A/\",\"low\":1,\"high\":1}",
    "{\"codes\":\"\\u00e9\",\"low\":1,\"high\":1}",
    "{\"codes\":\"AC\",\"low\":null,\"high\":null}",
    "{\"codes\":\"AC\",\"low\":null,\"high\":1}",
    "{\"codes\":\"AC\",\"low\":1,\"high\":null}",
    "{\"codes\":\"AC\",\"low\":0,\"high\":1}",
    "{\"codes\":\"AC\",\"low\":-1,\"high\":1}",
    "{\"codes\":\"AC\",\"low\":2,\"high\":1}",
    "{\"codes\":\"AC\",\"low\":\"1\",\"high\":1}",
};

static void test_refused(void **state)
{
    double values[8];
    size_t count;
    for (size_t i = 0; i < ARRAY_COUNT(refused); i++) {
        json_t *series = json_loads(refused[i], JSON_DECODE_ANY, NULL);
        assert_non_null(series);
        if (series_read(series, values, ARRAY_COUNT(values), &count) == 0) {
            fail_msg("%s was taken", refused[i]);
        }
        json_decref(series);
    }
    assert_int_equal(series_read(NULL, values, 8, &count), -1);
    assert_int_equal(series_length(NULL), 0);
    (void)state;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text),     cmocka_unit_test(test_ends_and_bounds),
        cmocka_unit_test(test_odd_numbers), cmocka_unit_test(test_extremes),
        cmocka_unit_test(test_room),     cmocka_unit_test(test_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
