/* What a source hands over comes out again, sorted and bounded; the interval between scrapes is found in it. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fixtures/tsdb/xor_encode.h"
#include "stages/collect/scrapes.h"
#include "stages/collect/store.h"

enum { LIMIT = 64 * 1024, MINUTE = 60 * 1000 };

struct fixture {
    struct store store;
    struct namespace *namespace;
    struct err err;
};

static void take(struct namespace *namespace, const char *pod)
{
    struct err err = {0};
    struct labels labels = {.count = 3,
                            .names = {"__name__", "pod", "container"},
                            .values = {"container_memory_working_set_bytes", pod, "app"}};
    assert_int_equal(namespace_take(namespace, &labels, &err), 0);
}

static int setup(void **state)
{
    struct fixture *fixture = xcalloc(sizeof *fixture);
    fixture->namespace = namespace_new("shop");
    take(fixture->namespace, "b");
    take(fixture->namespace, "a");
    namespace_settle(fixture->namespace);
    store_init(&fixture->store, LIMIT);
    store_begin(&fixture->store, fixture->namespace, NULL);
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    store_release(&fixture->store);
    namespace_free(fixture->namespace);
    free(fixture);
    return 0;
}

static bool announce(struct fixture *fixture, const char *metric, const char *pod, const char *container, const char *name,
                     const char *value)
{
    struct labels labels = {.count = 4,
                            .names = {"__name__", "pod", "container", name},
                            .values = {metric, pod, container, value}};
    return store_series(&fixture->store, &labels, METRIC_COUNT, SERIES_RAW);
}

/* `count` points `step` apart, the last value their number. */
static void points(struct fixture *fixture, int64_t from, int64_t step, int count)
{
    for (int i = 0; i < count; i++) {
        assert_int_equal(store_point(&fixture->store, from + i * step, i, &fixture->err), 0);
    }
}

static void test_what_is_asked_for(void **state)
{
    struct fixture *f = *state;
    static const char cpu[] = "container_cpu_usage_seconds_total";
    static const char limits[] = "kube_pod_container_resource_limits";
    static const char reason[] = "kube_pod_container_status_last_terminated_reason";
    assert_true(announce(f, cpu, "a", "app", "cpu", "total"));
    assert_false(announce(f, cpu, "a", "app", "cpu", "cpu01"));
    assert_false(announce(f, cpu, "c", "app", "id", "1"));
    assert_false(announce(f, cpu, "a", "", "id", "1"));
    assert_false(announce(f, cpu, "a", "POD", "id", "1"));
    assert_false(announce(f, "node_load1", "a", "app", "id", "1"));
    assert_true(announce(f, limits, "a", "app", "resource", "memory"));
    assert_false(announce(f, limits, "a", "app", "resource", "cpu"));
    assert_true(announce(f, reason, "a", "app", "reason", "OOMKilled"));
    assert_false(announce(f, reason, "a", "app", "reason", "Error"));
    bool asked[] = {false, true};
    store_begin(&f->store, f->namespace, asked);
    assert_false(announce(f, cpu, "a", "app", "id", "1"));
    assert_true(announce(f, cpu, "b", "app", "id", "1"));
}

static void test_comes_out_again(void **state)
{
    struct fixture *f = *state;
    struct points out = {0};
    size_t count;
    announce(f, "container_memory_working_set_bytes", "b", "app", "id", "1");
    points(f, 1000, MINUTE, 300);
    announce(f, "container_memory_working_set_bytes", "a", "app", "id", "2");
    points(f, 1000, MINUTE, 1);
    announce(f, "container_memory_working_set_bytes", "b", "app", "id", "1"); /* goes on */
    points(f, 1000 + 300 * MINUTE, MINUTE, 5);
    announce(f, "container_cpu_usage_seconds_total", "b", "app", "id", "1");
    points(f, 1000, MINUTE, 2);
    assert_int_equal(store_finish(&f->store, &f->err), 0);
    const struct series *series = store_pod(&f->store, 1, &count);
    assert_int_equal(count, 2);
    assert_int_equal(series[0].metric, METRIC_CPU);
    assert_int_equal(series[1].metric, METRIC_MEMORY);
    assert_int_equal(store_points(&series[1], &out), 0);
    assert_int_equal(out.count, 305);
    assert_int_equal(out.items[304].time_ms, 1000 + 304 * MINUTE);
    assert_int_equal(store_samples(&f->store), 308);
    assert_null(store_pod(&f->store, 2, &count));
    points_release(&out);
}

static void test_bounded(void **state)
{
    struct fixture *f = *state;
    announce(f, "container_memory_working_set_bytes", "a", "app", "id", "1");
    int failed = 0;
    for (int i = 0; i < LIMIT && !failed; i++) {
        failed = store_point(&f->store, i, i, &f->err);
    }
    assert_int_equal(failed, -1);
    assert_true(f->store.full);
    assert_true(f->store.bytes <= LIMIT);
    assert_int_equal(store_finish(&f->store, &f->err), -1);
    assert_non_null(strstr(f->err.message, "namespace shop"));
    store_clear(&f->store);
    assert_false(f->store.full);
    assert_int_equal(store_finish(&f->store, &f->err), 0);
}

/* A chunk as Prometheus writes it, which says that its samples lie in [first, last]. */
static size_t encoded(struct fixture *fixture, int64_t first, int64_t last)
{
    struct points out = {0};
    struct xor_encoder encoder = {0};
    size_t count;
    size_t bad = 0;
    xor_begin(&encoder);
    for (int i = 0; i < 10; i++) {
        xor_add(&encoder, 1000 + i * MINUTE, i);
    }
    xor_end(&encoder);
    store_begin(&fixture->store, fixture->namespace, NULL);
    announce(fixture, "container_memory_working_set_bytes", "a", "app", "id", "1");
    assert_int_equal(store_chunk(&fixture->store, CHUNK_XOR, encoder.bytes, encoder.length, 10, first, last, &fixture->err), 0);
    assert_int_equal(store_finish(&fixture->store, &fixture->err), 0);
    bad = store_points(store_pod(&fixture->store, 0, &count), &out);
    assert_int_equal(out.count, bad == 0 ? 10 : 0);
    points_release(&out);
    xor_release(&encoder);
    return bad;
}

static void test_a_chunk_that_lies_elsewhere_is_damaged(void **state)
{
    assert_int_equal(encoded(*state, 1000, 1000 + 9 * MINUTE), 0);
    assert_int_equal(encoded(*state, 1000, INT64_MAX), 0);
    assert_int_equal(encoded(*state, 1001, INT64_MAX), 1);
    assert_int_equal(encoded(*state, 1000, 9 * MINUTE), 1);
}

static int64_t interval(struct fixture *fixture)
{
    size_t count;
    assert_int_equal(store_finish(&fixture->store, &fixture->err), 0);
    const struct series *series = store_pod(&fixture->store, 0, &count);
    int64_t found = count == 0 ? 0 : scrapes_interval(&series, 1);
    store_begin(&fixture->store, fixture->namespace, NULL);
    announce(fixture, "container_memory_working_set_bytes", "a", "app", "id", "1");
    return found;
}

static void test_interval(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(interval(f), 0);
    points(f, 0, 15000, 1);
    assert_int_equal(interval(f), 0);
    points(f, 0, 15000, 2);
    assert_int_equal(interval(f), 15000);
    for (int i = 0; i < 1000; i++) { /* every third scrape is lost */
        points(f, (int64_t)i * 45000, 15000, 2);
    }
    assert_int_equal(interval(f), 15000);
    points(f, 0, 300000, 300);
    points(f, 400 * INT64_C(300000), 300000, 300);
    assert_int_equal(interval(f), 300000);
    /* A day every minute after two hours every 15 s. */
    points(f, 0, 15000, 480);
    points(f, 7200000, MINUTE, 1440);
    assert_int_equal(interval(f), MINUTE);
    store_point(&f->store, INT64_MIN, 1, &f->err);
    store_point(&f->store, INT64_MAX, 1, &f->err);
    store_point(&f->store, INT64_MIN, 1, &f->err);
    assert_int_equal(interval(f), 0);
}

static int compare_distances(const void *a, const void *b)
{
    return *(const int *)a - *(const int *)b;
}

/* The lower median of any distances, however few and in whatever order. */
static void test_interval_is_the_median(void **state)
{
    struct fixture *f = *state;
    interval(f);
    for (int round = 0; round < 2000; round++) {
        int distances[60];
        int count = 1 + rand() % 60;
        int64_t at = 0;
        points(f, at, 0, 1);
        for (int i = 0; i < count; i++) {
            distances[i] = 1 + rand() % (round % 2 ? 5 : 100000);
            points(f, at += distances[i], 0, 1);
        }
        qsort(distances, (size_t)count, sizeof *distances, compare_distances);
        assert_int_equal(interval(f), distances[(count - 1) / 2]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_what_is_asked_for, setup, teardown),
        cmocka_unit_test_setup_teardown(test_comes_out_again, setup, teardown),
        cmocka_unit_test_setup_teardown(test_bounded, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_chunk_that_lies_elsewhere_is_damaged, setup, teardown),
        cmocka_unit_test_setup_teardown(test_interval, setup, teardown),
        cmocka_unit_test_setup_teardown(test_interval_is_the_median, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
