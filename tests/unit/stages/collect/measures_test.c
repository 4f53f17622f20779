/* Figures of samples against a slow and plain computation; merging of many samples stays near it. */

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/rng.h"
#include "stages/collect/measures.h"

enum { END = 1795305600, WINDOW = 7 * DAY };

static const char *const names[] = {"pod-a", "pod-b", "pod-c", "pod-d"};

/* One sample as the test keeps it. */
struct plain {
    double value;
    double weight;
    int64_t time;
};

struct fixture {
    struct grid grid;
    struct samples samples;
    struct plain *all;
    size_t count;
};

static void start(struct fixture *f, int64_t step)
{
    memset(f, 0, sizeof *f);
    grid_init(&f->grid, END - WINDOW, END, step);
    samples_init(&f->samples);
    f->all = xcalloc_array((size_t)f->grid.count * 4, sizeof *f->all);
}

static void stop(struct fixture *f)
{
    grid_release(&f->grid);
    samples_release(&f->samples);
    free(f->all);
}

static void add(struct fixture *f, uint32_t pod, uint32_t point, double value)
{
    uint32_t place = samples_pod(&f->samples, pod);
    if (samples_add(&f->samples, &f->grid, place, point, value)) {
        f->all[f->count++] = (struct plain){value, f->grid.weights[point], grid_time(&f->grid, point)};
    }
}

static int compare(const void *a, const void *b)
{
    double x = ((const struct plain *)a)->value;
    double y = ((const struct plain *)b)->value;
    return (x > y) - (x < y);
}

/* The definition, word by word: the first sorted sample with at least q of all (or of the weight) at or below
 * it. */
static double percentile(struct fixture *f, double q, bool weighted, int hour)
{
    double all = 0;
    double sum = 0;
    qsort(f->all, f->count, sizeof *f->all, compare);
    for (size_t i = 0; i < f->count; i++) {
        bool counts = hour < 0 || f->all[i].time % DAY / HOUR == hour;
        all += !counts ? 0 : weighted ? f->all[i].weight : 1;
    }
    for (size_t i = 0; i < f->count; i++) {
        bool counts = hour < 0 || f->all[i].time % DAY / HOUR == hour;
        sum += !counts ? 0 : weighted ? f->all[i].weight : 1;
        if (counts && sum >= q * all * (1 - 1e-12)) {
            return f->all[i].value;
        }
    }
    return NAN;
}

static double number(const json_t *figures, const char *name)
{
    double value = NAN;
    json_get_number(figures, name, &value);
    return value;
}

static void check(const json_t *figures, const char *name, double wanted, double tolerance)
{
    double got = number(figures, name);
    if (!(fabs(got - wanted) <= tolerance * fabs(wanted))) {
        fail_msg("%s is %.17g, not %.17g", name, got, wanted);
    }
}

static double busy_hour(struct fixture *f)
{
    double most = 0;
    for (int hour = 0; hour < 24; hour++) {
        most = fmax(most, percentile(f, 0.9, true, hour));
    }
    return most;
}

static void check_all(struct fixture *f, const json_t *figures, double tolerance)
{
    check(figures, "p50", percentile(f, 0.5, false, -1), tolerance);
    check(figures, "p90", percentile(f, 0.9, false, -1), tolerance);
    check(figures, "p95", percentile(f, 0.95, false, -1), tolerance);
    check(figures, "p99", percentile(f, 0.99, false, -1), tolerance);
    check(figures, "p99_5", percentile(f, 0.995, false, -1), tolerance);
    check(figures, "wp50", percentile(f, 0.5, true, -1), tolerance);
    check(figures, "wp95", percentile(f, 0.95, true, -1), tolerance);
    check(figures, "wp99", percentile(f, 0.99, true, -1), tolerance);
    check(figures, "bh90", busy_hour(f), tolerance);
}

/* A day with a busy time, noise and rare peaks. */
static double daily(int64_t time)
{
    double angle = (double)(time % DAY) / DAY * 6.283185307179586;
    return 100 + 50 * sin(angle) + 20 * rng_unit() + (rng_unit() > 0.995 ? 400 : 0);
}

static void fill(struct fixture *f)
{
    for (uint32_t pod = 0; pod < 3; pod++) {
        for (uint32_t point = 0; point < f->grid.count; point++) {
            if (rng_unit() > 0.01) {
                add(f, pod, point, daily(grid_time(&f->grid, point)) * (1 + pod * 0.1));
            }
        }
    }
}

static void test_exact(void **state)
{
    (void)state;
    struct fixture f;
    rng_seed(7);
    start(&f, 60);
    fill(&f);
    json_t *figures = measures_json(&f.samples, &f.grid, true, names);
    check_all(&f, figures, 0);
    double sum = 0;
    for (size_t i = 0; i < f.count; i++) {
        sum += f.all[i].value;
    }
    check(figures, "mean", sum / (double)f.count, 1e-12);
    check(figures, "max", f.all[f.count - 1].value, 0);
    check(figures, "min", f.all[0].value, 0);
    assert_int_equal(json_int_or(figures, "samples", 0), f.count);
    assert_int_equal(json_int_or(figures, "pods", 0), 3);
    assert_false(json_bool_or(figures, "approximate", true));
    assert_int_equal(json_array_size(json_at(figures, "hourly.mean")), 168);
    json_decref(figures);
    stop(&f);
}

static void test_merged_is_near(void **state)
{
    (void)state;
    struct fixture f;
    rng_seed(8);
    start(&f, 60);
    f.samples.limit = 5000;
    fill(&f);
    json_t *figures = measures_json(&f.samples, &f.grid, true, names);
    assert_true(json_bool_or(figures, "approximate", false));
    assert_true(f.samples.count < f.count);
    check_all(&f, figures, 0.02);
    check(figures, "max", f.all[f.count - 1].value, 0);
    assert_int_equal(json_int_or(figures, "samples", 0), f.count);
    json_decref(figures);
    stop(&f);
}

static void test_few(void **state)
{
    (void)state;
    struct fixture f;
    start(&f, 60);
    json_t *none = measures_json(&f.samples, &f.grid, true, names);
    assert_true(json_is_null(none));
    add(&f, 0, 5, 3);
    add(&f, 0, 5, 9); /* not later: dropped */
    add(&f, 0, 4, 9);
    add(&f, 0, 6, NAN);
    add(&f, 0, 7, INFINITY);
    add(&f, 0, 8, -1);
    add(&f, 0, 9, -0.0);
    json_t *figures = measures_json(&f.samples, &f.grid, true, names);
    assert_int_equal(json_int_or(figures, "samples", 0), 2);
    assert_int_equal(json_int_or(figures, "expected", 0), 5);
    check(figures, "p50", 0, 0);
    check(figures, "p90", 3, 0);
    check(figures, "wp50", percentile(&f, 0.5, true, -1), 0);
    assert_true(json_is_null(json_object_get(figures, "startup_p99")));
    json_decref(none);
    json_decref(figures);
    stop(&f);
}

/* The first three minutes of a pod that starts in the window count, but not in the weighted figures of CPU.
 */
static void test_startup(void **state)
{
    (void)state;
    struct fixture f;
    start(&f, 60);
    for (uint32_t point = 1000; point < 3000; point++) {
        add(&f, 0, point, point < 1003 ? 5000 : 100);
    }
    json_t *cpu = measures_json(&f.samples, &f.grid, true, names);
    check(cpu, "max", 5000, 0);
    check(cpu, "startup_p99", 5000, 0);
    check(cpu, "wp99", 100, 0);
    check(cpu, "wmean", 100, 1e-12);
    json_t *memory = measures_json(&f.samples, &f.grid, false, names);
    assert_true(number(memory, "wmean") > 100);
    json_decref(cpu);
    json_decref(memory);
    stop(&f);
}

static void test_hot_pod(void **state)
{
    (void)state;
    struct fixture f;
    start(&f, 60);
    for (uint32_t pod = 0; pod < 3; pod++) {
        for (uint32_t point = 0; point < 1000; point++) {
            add(&f, pod, point, pod == 1 ? 300 : 100 + pod);
        }
    }
    add(&f, 3, 0, 9000); /* one sample says nothing */
    json_t *figures = measures_json(&f.samples, &f.grid, true, names);
    assert_string_equal(json_string_or_null(figures, "hot_pod"), "pod-b");
    check(figures, "pod_wp95_max", 300, 0);
    check(figures, "pod_wp95_median", 102, 0);
    json_decref(figures);
    stop(&f);
}

static void test_stability(void **state)
{
    (void)state;
    struct fixture f;
    start(&f, 300);
    for (uint32_t point = 0; point < f.grid.count; point++) {
        add(&f, 0, point, grid_time(&f.grid, point) > END - 2 * DAY ? 20 : 10);
    }
    json_t *figures = measures_json(&f.samples, &f.grid, true, names);
    check(figures, "p95_recent", 20, 0);
    check(figures, "p95_earlier", 10, 0);
    json_decref(figures);
    stop(&f);
}

static void test_rank(void **state)
{
    (void)state;
    assert_int_equal(measures_rank(20, 950), 19);
    assert_int_equal(measures_rank(21, 950), 20);
    assert_int_equal(measures_rank(1, 500), 1);
    assert_int_equal(measures_rank(1000, 995), 995);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exact),   cmocka_unit_test(test_merged_is_near),
        cmocka_unit_test(test_few),     cmocka_unit_test(test_startup),
        cmocka_unit_test(test_hot_pod), cmocka_unit_test(test_stability),
        cmocka_unit_test(test_rank),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
