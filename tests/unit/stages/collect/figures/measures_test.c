/* All figures against the definitions word by word: samples sorted and walked for each percentile. */

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pipeline/base/clock.h"
#include "pipeline/base/mem.h"
#include "pipeline/base/rng.h"
#include "pipeline/run/series.h"
#include "stages/collect/figures/measures.h"

enum { END = 1795305600, PODS_MAX = 40 };

struct fixture {
    struct window window;
    struct samples samples;
    int64_t interval_ms;
    char names[PODS_MAX][8];
    const char *name_list[PODS_MAX];
};

static void start(struct fixture *f, int64_t length, int64_t interval_ms)
{
    memset(f, 0, sizeof *f);
    window_init(&f->window, END - length, END);
    samples_init(&f->samples);
    f->interval_ms = interval_ms;
    for (int i = 0; i < PODS_MAX; i++) {
        f->names[i][0] = (char)('A' + i);
        f->name_list[i] = f->names[i];
    }
}

static void stop(struct fixture *f)
{
    window_release(&f->window);
    samples_release(&f->samples);
}

/* ---- The slow computation ---- */

/* One sample with all that decides where it belongs. */
struct plain {
    double value;
    double count;
    double weight;
    int hour;
    uint32_t pod;
    bool recent;
    bool steady;
};

struct slow {
    struct plain *all;
    size_t count;
};

static int compare(const void *a, const void *b)
{
    double x = ((const struct plain *)a)->value;
    double y = ((const struct plain *)b)->value;
    return (x > y) - (x < y);
}

static bool is_steady(const struct fixture *f, bool drop_startup, const struct sample *sample)
{
    const struct sample_pod *pod = &f->samples.pods[sample_place(sample)];
    int64_t range = 4 * f->interval_ms > 120000 ? 4 * f->interval_ms : 120000;
    bool started = drop_startup && pod->first > range && pod->last - pod->first >= 3600000;
    return !started || sample->offset >= (int64_t)pod->first + 180000;
}

static struct slow slow_of(const struct fixture *f, bool drop_startup)
{
    struct slow slow = {xcalloc_array(f->samples.count, sizeof *slow.all), f->samples.count};
    int64_t length = (f->window.end - f->window.start) * 1000;
    for (size_t i = 0; i < slow.count; i++) {
        const struct sample *sample = &f->samples.items[i];
        int64_t time_ms = f->window.start * 1000 + sample->offset;
        slow.all[i] = (struct plain){.value = sample->value,
                                     .count = sample_count(sample),
                                     .weight = window_weight(&f->window, sample->offset) * sample_count(sample),
                                     .hour = (int)(time_ms / 3600000 % 24),
                                     .pod = sample_place(sample),
                                     .recent = sample->offset > length - length * 2 / 7,
                                     .steady = is_steady(f, drop_startup, sample)};
    }
    qsort(slow.all, slow.count, sizeof *slow.all, compare);
    return slow;
}

/* Which samples a percentile is of: −1 for any. */
struct filter {
    int steady;
    int recent;
    int hour;
    int pod;
};

static const struct filter any = {-1, -1, -1, -1};
static const struct filter steady = {1, -1, -1, -1};

static bool passes(const struct plain *plain, const struct filter *filter)
{
    return (filter->steady < 0 || plain->steady == (filter->steady == 1)) &&
           (filter->recent < 0 || plain->recent == (filter->recent == 1)) &&
           (filter->hour < 0 || plain->hour == filter->hour) && (filter->pod < 0 || plain->pod == (uint32_t)filter->pod);
}

/* The first sorted sample with at least q of all (or of the weight) at or below it; NAN where there is none. */
static double percentile(const struct slow *slow, const struct filter *filter, bool weighted, int64_t thousandths)
{
    long double all = 0;
    long double sum = 0;
    for (size_t i = 0; i < slow->count; i++) {
        const struct plain *plain = &slow->all[i];
        all += !passes(plain, filter) ? 0 : weighted ? (long double)plain->weight : (long double)plain->count;
    }
    for (size_t i = 0; i < slow->count; i++) {
        const struct plain *plain = &slow->all[i];
        if (passes(plain, filter)) {
            sum += weighted ? (long double)plain->weight : (long double)plain->count;
            if (sum * 1000 >= (long double)thousandths * all * (1 - 1e-12L)) {
                return plain->value;
            }
        }
    }
    return NAN;
}

/* ---- Comparison ---- */

static void check(const json_t *figures, const char *name, double wanted, double tolerance)
{
    double got = NAN;
    json_get_number(figures, name, &got);
    if (isnan(wanted) ? !json_is_null(json_object_get(figures, name)) : !(fabs(got - wanted) <= tolerance * fabs(wanted))) {
        fail_msg("%s is %.17g, not %.17g", name, got, wanted);
    }
}

static void check_percentiles(const json_t *figures, const struct slow *slow)
{
    check(figures, "p50", percentile(slow, &any, false, 500), 0);
    check(figures, "p90", percentile(slow, &any, false, 900), 0);
    check(figures, "p95", percentile(slow, &any, false, 950), 0);
    check(figures, "p99", percentile(slow, &any, false, 990), 0);
    check(figures, "p99_5", percentile(slow, &any, false, 995), 0);
    check(figures, "wp50", percentile(slow, &steady, true, 500), 0);
    check(figures, "wp90", percentile(slow, &steady, true, 900), 0);
    check(figures, "wp95", percentile(slow, &steady, true, 950), 0);
    check(figures, "wp99", percentile(slow, &steady, true, 990), 0);
    check(figures, "p95_recent", percentile(slow, &(struct filter){-1, 1, -1, -1}, false, 950), 0);
    check(figures, "p95_earlier", percentile(slow, &(struct filter){-1, 0, -1, -1}, false, 950), 0);
    check(figures, "startup_p99", percentile(slow, &(struct filter){0, -1, -1, -1}, false, 990), 0);
    check(figures, "startup_max", percentile(slow, &(struct filter){0, -1, -1, -1}, false, 1000), 0);
}

static void check_busiest(const json_t *figures, const struct slow *slow)
{
    double most = NAN;
    int busiest = -1;
    for (int hour = 0; hour < 24; hour++) {
        double value = percentile(slow, &(struct filter){1, -1, hour, -1}, true, 900);
        if (!isnan(value) && (busiest < 0 || value > most)) {
            most = value;
            busiest = hour;
        }
    }
    check(figures, "bh90", most, 0);
    check(figures, "bh90_hour", busiest < 0 ? NAN : (double)busiest, 0);
}

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

static double steady_count(const struct slow *slow, uint32_t pod)
{
    double count = 0;
    for (size_t i = 0; i < slow->count; i++) {
        count += slow->all[i].pod == pod && slow->all[i].steady ? slow->all[i].count : 0;
    }
    return count;
}

static void check_pods(const json_t *figures, const struct fixture *f, const struct slow *slow)
{
    double values[PODS_MAX];
    size_t count = 0;
    int hottest = 0;
    int longest = 0;
    for (int i = 0; i < (int)f->samples.pod_count; i++) {
        longest = steady_count(slow, (uint32_t)i) > steady_count(slow, (uint32_t)longest) ? i : longest;
        if (steady_count(slow, (uint32_t)i) >= 30) {
            double value = percentile(slow, &(struct filter){1, -1, -1, i}, true, 950);
            hottest = count == 0 || value > percentile(slow, &(struct filter){1, -1, -1, hottest}, true, 950) ? i : hottest;
            values[count++] = value;
        }
    }
    if (count == 0) {
        values[count++] = percentile(slow, &(struct filter){1, -1, -1, longest}, true, 950);
    }
    qsort(values, count, sizeof *values, compare_doubles);
    double median = values[(count + 1) / 2 - 1];
    check(figures, "pod_wp95_max", values[count - 1], 0);
    check(figures, "pod_wp95_median", median, 0);
    check(figures, "pod_wp95_p95", values[(count * 95 + 99) / 100 - 1], 0);
    const char *hot = json_string_or_null(figures, "hot_pod");
    if (count >= 3 && values[count - 1] > 1.5 * median) {
        assert_string_equal(hot, f->names[f->samples.pods[hottest].id]);
    } else {
        assert_null(hot);
    }
}

static void check_sums(const json_t *figures, const struct fixture *f, const struct slow *slow)
{
    long double weight = 0;
    long double weighted = 0;
    for (size_t i = 0; i < slow->count; i++) {
        weight += slow->all[i].steady ? (long double)slow->all[i].weight : 0;
        weighted += slow->all[i].steady ? (long double)(slow->all[i].weight * slow->all[i].value) : 0;
    }
    check(figures, "wmean", weight > 0 ? (double)(weighted / weight) : NAN, 1e-12);
    check(figures, "mean", f->samples.sum / (double)f->samples.total, 1e-14);
    assert_int_equal(json_int_or(figures, "samples", 0), f->samples.total);
    assert_int_equal(json_int_or(figures, "pods", 0), f->samples.pod_count);
}

static void check_all(struct fixture *f, bool drop_startup)
{
    struct slow slow = slow_of(f, drop_startup);
    json_t *figures = measures_json(&f->samples, &f->window, f->interval_ms, drop_startup, f->name_list);
    check_percentiles(figures, &slow);
    check_busiest(figures, &slow);
    check_pods(figures, f, &slow);
    check_sums(figures, f, &slow);
    json_decref(figures);
    free(slow.all);
}

/* ---- Cases ---- */

enum kind { CONSTANT, ZEROS, NOISE, STEPS, DAILY, WIDE, MOSTLY_ZERO, CONVERGED, KINDS };

static double value_of(enum kind kind, int64_t time, uint32_t pod)
{
    double angle = (double)(time % DAY) / DAY * 6.283185307179586;
    double unit = rng_unit();
    switch (kind) {
    case CONSTANT:
        return 35;
    case ZEROS:
        return 0;
    case NOISE:
        return unit * (pod == 1 ? 900 : 100);
    case STEPS:
        return floor(unit * 12) * 4096;
    case DAILY:
        return 100 + 50 * sin(angle) + 20 * unit + (rng_unit() > 0.995 ? 400 : 0);
    case WIDE:
        return exp(200 * unit - 100);
    case MOSTLY_ZERO:
        return rng_unit() < 0.93 ? 0 : unit;
    default:
        return 1e9 + floor(unit * 3) + pod;
    }
}

static void fill(struct fixture *f, enum kind kind, uint32_t pods, double chance)
{
    int64_t length = (f->window.end - f->window.start) * 1000;
    for (uint32_t pod = 0; pod < pods; pod++) {
        struct points points = {0};
        int64_t first = pod % 3 == 1 ? (int64_t)(rng_unit() * (double)length) : 0;
        int64_t last = pod % 5 == 2 ? first + (int64_t)(rng_unit() * (double)length) : length;
        for (int64_t at = first; at <= last; at += f->interval_ms) {
            if (rng_unit() < chance) {
                int64_t time_ms = f->window.start * 1000 + at + (int64_t)(rng_next() % 20);
                points_add(&points, time_ms, value_of(kind, time_ms / 1000, pod));
            }
        }
        samples_add(&f->samples, &f->window, pod, &points, 1);
        points_release(&points);
    }
}

static void check_filled(enum kind kind, uint32_t pods, int64_t length, int64_t interval_ms, double chance)
{
    struct fixture f;
    start(&f, length, interval_ms);
    fill(&f, kind, pods, chance);
    if (f.samples.total > 0) {
        check_all(&f, pods % 2 == 0);
        check_all(&f, pods % 2 == 1);
    }
    stop(&f);
}

static void test_against_slow(void **state)
{
    (void)state;
    rng_seed(7);
    for (enum kind kind = 0; kind < KINDS; kind++) {
        check_filled(kind, 1, 7 * DAY, 60000, 1);
        check_filled(kind, 3, 7 * DAY - 1234, 300000, 0.97);
        check_filled(kind, 7, DAY + 77, 60000, 0.9);
        check_filled(kind, 20, 3 * HOUR, 60000, 0.5);
        check_filled(kind, 4, 2 * HOUR, 15000, 1);
    }
}

static void test_small_sets(void **state)
{
    (void)state;
    rng_seed(9);
    for (size_t round = 0; round < 400; round++) {
        check_filled((enum kind)(round % KINDS), 1 + round % 4, WINDOW_MIN + (int64_t)(rng_next() % DAY), 900000, rng_unit());
    }
}

static void test_merged(void **state)
{
    (void)state;
    rng_seed(8);
    for (enum kind kind = 0; kind < KINDS; kind++) {
        struct fixture f;
        start(&f, 2 * DAY, 60000);
        f.samples.limit = 1500;
        fill(&f, kind, 4, 0.95);
        assert_true(f.samples.approximate);
        check_all(&f, true);
        stop(&f);
    }
}

/* Merging moves percentiles by no more than the buckets are wide. */
static void test_merged_is_near(void **state)
{
    (void)state;
    static const char *const names[] = {"p50", "p90", "p95", "p99", "p99_5", "wp50", "wp90", "wp95", "wp99", "bh90", "wmean"};
    struct fixture exact;
    struct fixture merged;
    start(&exact, 7 * DAY, 60000);
    start(&merged, 7 * DAY, 60000);
    merged.samples.limit = 5000;
    rng_seed(10);
    fill(&exact, DAILY, 3, 0.99);
    rng_seed(10);
    fill(&merged, DAILY, 3, 0.99);
    json_t *wanted = measures_json(&exact.samples, &exact.window, 60000, true, exact.name_list);
    json_t *got = measures_json(&merged.samples, &merged.window, 60000, true, merged.name_list);
    assert_false(json_bool_or(wanted, "approximate", true));
    assert_true(json_bool_or(got, "approximate", false));
    for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
        double value = NAN;
        json_get_number(wanted, names[i], &value);
        check(got, names[i], value, 0.02);
    }
    assert_true(json_equal(json_object_get(wanted, "hourly"), json_object_get(got, "hourly")));
    assert_true(json_equal(json_object_get(wanted, "series"), json_object_get(got, "series")));
    assert_true(json_equal(json_object_get(wanted, "max_at"), json_object_get(got, "max_at")));
    json_decref(wanted);
    json_decref(got);
    stop(&exact);
    stop(&merged);
}

static void add(struct fixture *f, uint32_t pod, int64_t offset_ms, double value)
{
    struct points points = {0};
    points_add(&points, f->window.start * 1000 + offset_ms, value);
    samples_add(&f->samples, &f->window, pod, &points, 1);
    points_release(&points);
}

static void test_few(void **state)
{
    (void)state;
    struct fixture f;
    start(&f, DAY, 60000);
    json_t *none = measures_json(&f.samples, &f.window, 60000, true, f.name_list);
    assert_true(json_is_null(none));
    add(&f, 0, 300000, 3);
    check_all(&f, true);
    add(&f, 0, 541500, 0);
    check_all(&f, true);
    json_t *figures = measures_json(&f.samples, &f.window, 60000, true, f.name_list);
    assert_int_equal(json_int_or(figures, "samples", 0), 2);
    assert_int_equal(json_int_or(figures, "expected", 0), 5); /* 241.5 s are four intervals */
    check(figures, "p50", 0, 0);
    check(figures, "p90", 3, 0);
    check(figures, "stddev", 1.5, 1e-15);
    char text[RFC3339_MAX];
    assert_string_equal(json_string_or_null(figures, "max_at"), time_format(f.window.start + 300, text));
    assert_true(json_is_null(json_object_get(figures, "startup_p99")));
    json_decref(none);
    json_decref(figures);
    stop(&f);
}

/* The first three minutes of a pod that starts in the window count, but not in the weighted figures of CPU. */
static void test_startup(void **state)
{
    (void)state;
    struct fixture f;
    start(&f, DAY, 60000);
    for (int64_t i = 100; i < 300; i++) {
        add(&f, 0, i * 60000, i < 103 ? 5000 : 100);
    }
    json_t *cpu = measures_json(&f.samples, &f.window, 60000, true, f.name_list);
    check(cpu, "max", 5000, 0);
    check(cpu, "startup_p99", 5000, 0);
    check(cpu, "startup_max", 5000, 0);
    check(cpu, "wp99", 100, 0);
    check(cpu, "wmean", 100, 1e-12);
    json_t *memory = measures_json(&f.samples, &f.window, 60000, false, f.name_list);
    check(memory, "wp99", 5000, 0);
    check(memory, "startup_max", NAN, 0);
    json_decref(cpu);
    json_decref(memory);
    stop(&f);
}

/* Where all weigh the same, weighted percentiles are the plain ones: sums that miss each other by rounding do not matter. */
static void test_equal_weights(void **state)
{
    (void)state;
    for (int64_t offset = 1000; offset < DAY * 1000; offset += 3333333) {
        struct fixture f;
        start(&f, DAY, 60000);
        for (uint32_t pod = 0; pod < PODS_MAX; pod++) {
            add(&f, pod, offset, (pod * 7) % PODS_MAX + 1);
        }
        json_t *figures = measures_json(&f.samples, &f.window, 60000, true, f.name_list);
        check(figures, "wp50", 20, 0);
        check(figures, "wp90", 36, 0);
        check(figures, "bh90", 36, 0);
        check(figures, "wp95", 38, 0);
        check(figures, "wp99", 40, 0);
        json_decref(figures);
        stop(&f);
    }
}

static void test_recent_edge(void **state)
{
    (void)state;
    struct fixture f;
    start(&f, 7 * DAY, 60000);
    add(&f, 0, 5 * DAY * 1000, 10);
    add(&f, 0, 5 * DAY * 1000 + 1, 20);
    json_t *figures = measures_json(&f.samples, &f.window, 60000, true, f.name_list);
    check(figures, "p95_earlier", 10, 0);
    check(figures, "p95_recent", 20, 0);
    json_decref(figures);
    stop(&f);
}

/* Of pods that are as hot as each other the first is named; a pod with one sample says nothing. */
static void test_hot_pod(void **state)
{
    (void)state;
    struct fixture f;
    start(&f, DAY, 60000);
    for (uint32_t pod = 0; pod < 6; pod++) {
        for (int64_t i = 1; i < 100; i++) {
            add(&f, pod, i * 60000, pod == 2 || pod == 4 ? 300 : 100 + pod);
        }
    }
    add(&f, 6, 60000, 9000);
    json_t *figures = measures_json(&f.samples, &f.window, 60000, true, f.name_list);
    assert_string_equal(json_string_or_null(figures, "hot_pod"), f.names[2]);
    check(figures, "pod_wp95_max", 300, 0);
    check(figures, "pod_wp95_median", 103, 0);
    json_decref(figures);
    stop(&f);
}

/* Hours and steps of the window, those without samples among them. */
static void test_profile(void **state)
{
    (void)state;
    struct fixture f;
    double values[36];
    size_t count = 0;
    start(&f, 2 * HOUR + 600, 60000);
    add(&f, 0, 1, 10);
    add(&f, 0, 300000, 20);
    add(&f, 0, 300001, 30);
    add(&f, 0, 3600000, 40);
    add(&f, 1, 7200001, 50);
    json_t *figures = measures_json(&f.samples, &f.window, 60000, true, f.name_list);
    assert_int_equal(json_int_or(json_object_get(figures, "hourly"), "step_seconds", 0), 3600);
    assert_int_equal(json_int_or(json_object_get(figures, "series"), "step_seconds", 0), 300);
    assert_int_equal(series_read(json_at(figures, "hourly.mean"), values, 36, &count), 0);
    assert_int_equal(count, 3);
    assert_true(fabs(values[0] - 25) < 0.02 && isnan(values[1]) && fabs(values[2] - 50) < 0.02);
    assert_int_equal(series_read(json_at(figures, "hourly.min"), values, 36, &count), 0);
    assert_true(fabs(values[0] - 10) < 0.01);
    assert_int_equal(series_read(json_at(figures, "hourly.max"), values, 36, &count), 0);
    assert_true(fabs(values[0] - 40) < 0.03);
    assert_int_equal(series_read(json_at(figures, "series.mean"), values, 36, &count), 0);
    assert_int_equal(count, 26);
    assert_true(fabs(values[0] - 15) < 0.01 && fabs(values[1] - 30) < 0.02 && isnan(values[2]));
    assert_true(fabs(values[11] - 40) < 0.03 && fabs(values[24] - 50) < 0.03 && isnan(values[25]));
    assert_int_equal(series_read(json_at(figures, "series.max"), values, 36, &count), 0);
    assert_true(fabs(values[0] - 20) < 0.02);
    json_decref(figures);
    stop(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_against_slow), cmocka_unit_test(test_small_sets), cmocka_unit_test(test_merged),
        cmocka_unit_test(test_merged_is_near), cmocka_unit_test(test_few),      cmocka_unit_test(test_startup),
        cmocka_unit_test(test_profile),      cmocka_unit_test(test_equal_weights),
        cmocka_unit_test(test_recent_edge),  cmocka_unit_test(test_hot_pod),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
