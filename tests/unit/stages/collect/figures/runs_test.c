/* When pods ran: replicas, coverage, ages. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <math.h>

#include "pipeline/base/rng.h"
#include "tests/unit/stages/collect/figures/told_builder.h"
#include "stages/collect/figures/runs.h"

/* A pod's samples from one second to another, each late by up to `jitter` seconds. */
static struct points scrape(double from, double to, double interval, double jitter)
{
    struct points out = {0};
    for (double at = from; at <= to; at += interval) {
        made_add(&out, at + jitter * rng_unit(), 1);
    }
    return out;
}

static void add(struct runs *runs, uint32_t pod, struct points points)
{
    runs_add(runs, pod, &points);
    points_release(&points);
}

static double number(const json_t *out, const char *key)
{
    double value = NAN;
    assert_true(json_get_number(out, key, &value));
    return value;
}

static void expect(const json_t *out, const char *key, double wanted, double tolerance)
{
    double value = number(out, key);
    if (!(fabs(value - wanted) <= tolerance)) {
        fail_msg("%s is %.9g, not %.9g", key, value, wanted);
    }
}

static void begin(struct runs *runs, struct window *window, int64_t seconds, int64_t interval)
{
    rng_seed(11);
    window_init(window, MADE_START, MADE_START + seconds);
    runs_init(runs, window, interval * 1000);
}

static json_t *finish(struct runs *runs, struct window *window)
{
    json_t *out = json_object();
    assert_true(runs_json(runs, out));
    runs_release(runs);
    window_release(window);
    return out;
}

/* Two pods all the time, whatever the interval, the phase and the jitter. */
static void test_constant(void **state)
{
    static const int intervals[] = {5, 15, 30, 60, 150, 300, 600};
    for (size_t i = 0; i < ARRAY_COUNT(intervals); i++) {
        struct window window;
        struct runs runs;
        double interval = intervals[i];
        begin(&runs, &window, DAY, intervals[i]);
        add(&runs, 3, scrape(-3600, DAY - 1, interval, 0.4));
        add(&runs, 3, scrape(-3600 + interval / 3, DAY - 1, interval, 0.4));
        add(&runs, 8, scrape(-3600 + interval / 2, DAY - 1, interval, 0.4));
        json_t *out = finish(&runs, &window);
        expect(out, "pods", 2, 0);
        expect(out, "replicas", 2, 0);
        expect(out, "replicas_max", 2, 0);
        expect(out, "replicas_mean", 2, 0.002);
        expect(out, "coverage", 1, 0);
        expect(out, "history_seconds", DAY, 0);
        assert_int_equal(json_array_size(json_object_get(out, "hourly_replicas")), 24);
        json_decref(out);
    }
    (void)state;
}

/* One sample a step, at its very end and a moment early or late: no step is empty; a missing sample is. */
static void test_coverage_of_rare_scrapes(void **state)
{
    struct window window;
    struct runs runs;
    begin(&runs, &window, DAY, 300);
    struct points points = {0};
    for (int i = 1; i <= DAY / 300; i++) {
        if (i != 100) {
            made_add(&points, 300 * i + (i % 3 - 1) * 0.3, 1);
        }
    }
    struct points again = {0}; /* memory tells the same times as CPU */
    for (size_t i = 0; i < points.count; i++) {
        points_add(&again, points.items[i].time_ms, 1);
    }
    add(&runs, 0, points);
    add(&runs, 0, again);
    json_t *out = finish(&runs, &window);
    expect(out, "coverage", 287.0 / 288, 1e-12);
    json_decref(out);
    (void)state;
}

static void test_gaps(void **state)
{
    struct window window;
    struct runs runs;
    begin(&runs, &window, 4 * HOUR, 60);
    /* An hour and a half, a gap of 70 minutes, then to the end but for a gap of 2 scrapes that is none. */
    add(&runs, 0, scrape(60, 5400, 60, 0));
    add(&runs, 0, scrape(9660, 12000, 60, 0));
    add(&runs, 0, scrape(12120, 4 * HOUR, 60, 0));
    json_t *out = finish(&runs, &window);
    expect(out, "pods", 1, 0);
    expect(out, "replicas", 1, 0);
    expect(out, "replicas_mean", (5400.0 + 4800 - 60) / (4 * HOUR), 1e-9);
    expect(out, "coverage", (18.0 + 16) / 48, 1e-9);
    const json_t *hours = json_object_get(out, "hourly_replicas");
    assert_true(json_is_real(json_array_get(hours, 1)));
    assert_true(fabs(json_real_value(json_array_get(hours, 1)) - 0.5) < 1e-9);
    assert_true(fabs(json_real_value(json_array_get(hours, 0)) - 1) < 1e-9);
    assert_string_equal(json_string_value(json_object_get(out, "first_seen")), "2026-11-15T03:01:00Z");
    assert_string_equal(json_string_value(json_object_get(out, "last_seen")), "2026-11-15T07:00:00Z");
    json_decref(out);
    (void)state;
}

/* Two pods that two others replace, half a minute of overlap each; and an hour with nobody. */
static void test_rolling_update(void **state)
{
    struct window window;
    struct runs runs;
    begin(&runs, &window, 10 * HOUR, 30);
    add(&runs, 0, scrape(30, 3 * HOUR + 300, 30, 0));
    add(&runs, 1, scrape(40, 3 * HOUR + 340, 30, 0));
    add(&runs, 2, scrape(3 * HOUR + 300, 8 * HOUR, 30, 0));
    add(&runs, 3, scrape(3 * HOUR + 320, 8 * HOUR, 30, 0));
    add(&runs, 9, scrape(-600, 0, 30, 0));
    add(&runs, 10, scrape(10 * HOUR + 1, 11 * HOUR, 30, 0));
    json_t *out = finish(&runs, &window);
    expect(out, "pods", 4, 0);
    expect(out, "replicas", 2, 0);
    assert_true(number(out, "replicas_max") >= 3);
    expect(out, "replicas_mean", 1.6, 0.004);
    expect(out, "coverage", 0.8, 0.0001);
    expect(out, "history_seconds", 10 * HOUR, 0);
    assert_true(json_is_null(json_array_get(json_object_get(out, "hourly_replicas"), 9)));
    json_decref(out);
    (void)state;
}

/* Jobs: of a short pod every hour the median is 1, the mean what it lasts. */
static void test_jobs(void **state)
{
    struct window window;
    struct runs runs;
    begin(&runs, &window, DAY, 30);
    for (uint32_t i = 0; i < 24; i++) {
        add(&runs, i, scrape(i * HOUR + 60, i * HOUR + 330, 30, 0));
    }
    json_t *out = finish(&runs, &window);
    expect(out, "pods", 24, 0);
    expect(out, "replicas", 1, 0);
    expect(out, "replicas_max", 1, 0);
    expect(out, "replicas_mean", 300.0 / HOUR, 1e-9);
    expect(out, "coverage", 2.0 / 12, 1e-9);
    expect(out, "history_seconds", DAY - 30, 0);
    json_decref(out);
    (void)state;
}

/* The scrape was four times rarer on the first day: that is no gap. */
static void test_rarer_before(void **state)
{
    struct window window;
    struct runs runs;
    begin(&runs, &window, 2 * DAY, 15);
    struct points points = scrape(60, DAY, 60, 0.3);
    for (int i = 1; i <= DAY / 15; i++) {
        made_add(&points, DAY + 15 * i, 1);
    }
    add(&runs, 0, points);
    json_t *out = finish(&runs, &window);
    expect(out, "replicas_mean", 1, 0.001);
    expect(out, "coverage", 1, 0);
    json_decref(out);
    (void)state;
}

/* The last scrapes may not be there yet: up to 2.5 intervals before the end a pod is not over. */
static void test_end(void **state)
{
    for (int missing = 2; missing <= 3; missing++) {
        struct window window;
        struct runs runs;
        begin(&runs, &window, HOUR, 60);
        add(&runs, 0, scrape(60, HOUR - 60 * missing, 60, 0));
        json_t *out = finish(&runs, &window);
        expect(out, "replicas_mean", missing == 2 ? 1 : 57.0 / 60, 1e-9);
        json_decref(out);
    }
    (void)state;
}

static void test_nothing(void **state)
{
    struct window window;
    struct runs runs;
    begin(&runs, &window, WINDOW_MIN, 30);
    json_t *out = json_object();
    add(&runs, 0, (struct points){0});
    add(&runs, 0, scrape(-300, 0, 30, 0));
    assert_false(runs_json(&runs, out));
    assert_int_equal(json_object_size(out), 0);
    json_decref(out);
    /* One sample is something, at either end. */
    add(&runs, 0, scrape(WINDOW_MIN, WINDOW_MIN, 30, 0));
    out = finish(&runs, &window);
    expect(out, "replicas", 1, 0);
    expect(out, "replicas_mean", 30.0 / WINDOW_MIN, 1e-9);
    expect(out, "coverage", 0.5, 0);
    json_decref(out);
    (void)state;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_constant), cmocka_unit_test(test_coverage_of_rare_scrapes),
        cmocka_unit_test(test_gaps),     cmocka_unit_test(test_rolling_update),
        cmocka_unit_test(test_jobs),     cmocka_unit_test(test_rarer_before),
        cmocka_unit_test(test_end),      cmocka_unit_test(test_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
