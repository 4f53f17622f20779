#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/rng.h"
#include "reports/html/plot.h"
#include "tests/harness/rounds.h"

enum { TEXT_MAX = 64 * 1024, VALUES = 200 };

static void check(struct buf *out, const char *wanted)
{
    assert_string_equal(buf_str(out), wanted);
    buf_release(out);
}

static void test_top_is_round_and_holds_the_peak(void **state)
{
    (void)state;
    assert_float_equal(plot_top(500, true), 600, 1e-9);
    assert_float_equal(plot_top(1111, true), 1200, 1e-9);
    assert_float_equal(plot_top(400, true), 400, 1e-9);
    assert_float_equal(plot_top(0, true), 4, 1e-9);
    assert_float_equal(plot_top(NAN, false), 4, 1e-9);
    assert_float_equal(plot_top(247.0 * 1024 * 1024, false), 256.0 * 1024 * 1024, 1e-3);
    for (double peak = 1; peak < 1e15; peak *= 1.37) {
        for (int cpu = 0; cpu < 2; cpu++) {
            double top = plot_top(peak, cpu == 1);
            assert_true(top >= peak * (1 - 1e-6) && top <= peak * 1.5);
        }
    }
}

static void test_curve_merges_what_goes_on_alike(void **state)
{
    (void)state;
    struct buf out;
    const double values[] = {0, 10, 20, 30, 30, 30, 0};
    buf_init(&out, TEXT_MAX);
    plot_curve(&out, "u", values, ARRAY_COUNT(values), PLOT_TALL);
    check(&out, "<path class=u d=\"M0 116l3-30 2 0 1 30\"/>");
}

static void test_curve_breaks_where_nothing_is_known(void **state)
{
    (void)state;
    struct buf out;
    const double values[] = {NAN, 16, NAN, NAN, 16, 26, NAN};
    const double unknown[] = {NAN, NAN};
    buf_init(&out, TEXT_MAX);
    plot_curve(&out, "m", values, ARRAY_COUNT(values), PLOT_TALL);
    check(&out, "<path class=m d=\"M1 100h.5M4 100l1-10\"/>");
    buf_init(&out, TEXT_MAX);
    plot_area(&out, "a", values, ARRAY_COUNT(values), PLOT_TALL);
    check(&out, "<path class=a d=\"M1 116V100V116zM4 116V100l1-10V116z\"/>");
    buf_init(&out, TEXT_MAX);
    plot_curve(&out, "m", unknown, ARRAY_COUNT(unknown), PLOT_TALL);
    check(&out, "<path class=m d=\"\"/>");
}

static void test_band_and_levels(void **state)
{
    (void)state;
    struct buf out;
    const double lower[] = {16, 16};
    const double upper[] = {36, 46};
    struct plot_axis axis = {.count = 2};
    buf_init(&out, TEXT_MAX);
    plot_band(&out, "b", lower, upper, 2, PLOT_TALL);
    plot_level(&out, "rn", 58, &axis, PLOT_TALL);
    plot_level(&out, "ln", 117, &axis, PLOT_TALL);
    plot_level(&out, "lx", -1, &axis, PLOT_TALL);
    check(&out, "<path class=b d=\"M0 80l1-10L1 100L0 100z\"/><path class=rn d=\"M0 58h1\"/>");
}

/* Adds up the strokes of a path without gaps: the y at each entry. */
static void follow(const char *path, int *y, size_t count)
{
    const char *at = strchr(path, 'M') + 1;
    char *end = NULL;
    size_t x = (size_t)strtol(at, &end, 10);
    y[x] = (int)strtol(end, &end, 10);
    assert_true(*end == 'l');
    end++;
    while (*end != '"') {
        long across = strtol(end, &end, 10);
        long down = strtol(end, &end, 10);
        assert_true(across > 0 && x + (size_t)across < count && down % across == 0);
        for (long i = 1; i <= across; i++) {
            y[x + (size_t)i] = y[x] + (int)(down / across * i);
        }
        x += (size_t)across;
    }
    assert_int_equal(x, count - 1);
}

static void test_random_curves_are_what_they_were(void **state)
{
    (void)state;
    rng_seed(7);
    for (int round = 0; round < rounds_of(200); round++) {
        double values[VALUES];
        int y[VALUES];
        struct buf out;
        for (size_t i = 0; i < VALUES; i++) {
            values[i] = rng_next() % 3 == 0 && i > 0 ? values[i - 1] : (double)(rng_next() % (PLOT_TALL + 1));
        }
        buf_init(&out, TEXT_MAX);
        plot_curve(&out, "u", values, VALUES, PLOT_TALL);
        follow(buf_str(&out), y, VALUES);
        for (size_t i = 0; i < VALUES; i++) {
            assert_int_equal(y[i], PLOT_TALL - (int)values[i]);
        }
        buf_release(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_top_is_round_and_holds_the_peak),
        cmocka_unit_test(test_curve_merges_what_goes_on_alike),
        cmocka_unit_test(test_curve_breaks_where_nothing_is_known),
        cmocka_unit_test(test_band_and_levels),
        cmocka_unit_test(test_random_curves_are_what_they_were),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
