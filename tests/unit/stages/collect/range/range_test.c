/* The source of query_range, against a scripted server: pieces, limits, intervals, events. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pipeline/base/buf.h"
#include "pipeline/base/mem.h"
#include "stages/collect/range/range.h"
#include "stages/collect/range/spacing.h"
#include "stages/collect/store.h"
#include "tests/harness/http_script.h"

/* The window has an hour and is looked back at for one more: 120 points at 60 s. */
enum { START = 1800000000, END = START + HOUR };

#define RANGE "on POST /api/v1/query_range\n"
#define INSTANT "on POST /api/v1/query\n"
#define MATRIX(series) "body {\"status\":\"success\",\"data\":{\"resultType\":\"matrix\",\"result\":[" series "]}}\n"
#define VECTOR(series) "body {\"status\":\"success\",\"data\":{\"resultType\":\"vector\",\"result\":[" series "]}}\n"
#define OF(pod) "\"metric\":{\"container\":\"c\",\"pod\":\"" pod "\"}"
#define POINTS(pod) "{" OF(pod) ",\"values\":[[1800000060,\"1\"],[1800000120,\"2\"],[1800000180,\"3\"]]}"
#define REST "on POST /\n" MATRIX("")

struct fixture {
    struct http_script *server;
    struct prom *prom;
    struct source *source;
    struct window window;
    struct namespace *namespace;
    struct store store;
    enum served served;
    struct err err;
};

static void start(struct fixture *fixture, const char *script)
{
    char url[64];
    static const char *const pods[] = {"a", "b"};
    *fixture = (struct fixture){.server = http_script_start(script)};
    snprintf(url, sizeof url, "http://127.0.0.1:%d", http_script_port(fixture->server));
    struct prom_settings settings = {.url = url, .timeout_seconds = 5};
    assert_int_equal(prom_new(&settings, &fixture->prom, &fixture->err), 0);
    fixture->source = range_new(fixture->prom);
    window_init(&fixture->window, START, END);
    fixture->namespace = namespace_new("shop");
    for (size_t i = 0; i < 2; i++) {
        struct labels labels = {2, {"__name__", "pod"}, {"container_cpu_usage_seconds_total", pods[i]}};
        assert_int_equal(namespace_take(fixture->namespace, &labels, &fixture->err), 0);
    }
    namespace_settle(fixture->namespace);
    fixture->namespace->interval = 60;
    store_init(&fixture->store, 1 << 20);
}

static void stop(struct fixture *fixture)
{
    store_release(&fixture->store);
    namespace_free(fixture->namespace);
    window_release(&fixture->window);
    fixture->source->free(fixture->source);
    prom_free(fixture->prom);
    http_script_stop(fixture->server);
}

static int read_pods(struct fixture *fixture, bool whole)
{
    static const uint32_t pods[] = {0, 1};
    static const bool asked[] = {true, false};
    struct question question = {fixture->namespace, pods, whole ? 2 : 1, whole, &fixture->window};
    store_begin(&fixture->store, fixture->namespace, whole ? NULL : asked);
    int failed = fixture->source->read(fixture->source, &question, &fixture->store, &fixture->served, &fixture->err);
    return failed || store_finish(&fixture->store, &fixture->err) ? -1 : 0;
}

/* The series of a pod and metric with points, NULL for none; at most one is expected. */
static const struct series *find(const struct fixture *fixture, uint32_t pod, enum metric metric)
{
    size_t count;
    const struct series *found = NULL;
    const struct series *series = store_pod(&fixture->store, pod, &count);
    for (size_t i = 0; i < count; i++) {
        if (series[i].metric == metric && series[i].samples > 0) {
            assert_null(found);
            found = &series[i];
        }
    }
    return found;
}

static size_t samples(const struct fixture *fixture, uint32_t pod, enum metric metric)
{
    const struct series *series = find(fixture, pod, metric);
    return series == NULL ? 0 : series->samples;
}

static int requests_with(const struct fixture *fixture, const char *text)
{
    char *all = http_script_requests(fixture->server);
    int count = 0;
    for (const char *at = strstr(all, text); at != NULL; at = strstr(at + 1, text)) {
        count++;
    }
    free(all);
    return count;
}

static void test_all_that_is_asked(void **state)
{
    (void)state;
    struct fixture fixture;
    start(&fixture, RANGE "match max_over_time\n" MATRIX(POINTS("a") "," POINTS("b")) RANGE
                          "match count_over_time\n" MATRIX(POINTS("a")) RANGE
                          "match cfs_periods\n" MATRIX("{" OF("a") ",\"values\":[[1800003600,\"36000\"]]}") INSTANT
                          "match changes({__name__=~\"kube_pod_container_status_restarts_total\n" VECTOR(
                              "{" OF("a") ",\"value\":[1800003600,\"2\"]},{" OF("b") ",\"value\":[1800003600,\"0\"]}") INSTANT
                          "match query={__name__=~\"kube_pod_container_status_restarts_total\n" MATRIX(
                              "{\"metric\":{\"__name__\":\"kube_pod_container_status_restarts_total\",\"pod\":\"a\","
                              "\"container\":\"c\"},\"values\":[[1800000000.5,\"1\"],[1800000060.5,\"3\"]]}") INSTANT
                          "match ,reason=\"OOMKilled\"\n" MATRIX(
                              "{\"metric\":{\"__name__\":\"kube_pod_container_status_last_terminated_reason\",\"pod\":\"a\","
                              "\"container\":\"c\",\"reason\":\"OOMKilled\"},\"values\":[[1800000060.5,\"1\"]]}") INSTANT
                          "match ,resource=\"memory\"\n" MATRIX(
                              "{\"metric\":{\"__name__\":\"kube_pod_container_resource_limits\",\"pod\":\"a\","
                              "\"container\":\"c\",\"resource\":\"memory\"},\"values\":[[1800000060.5,\"1e9\"]]}") REST);
    assert_int_equal(read_pods(&fixture, true), 0);
    assert_int_equal(fixture.served, SERVED);
    assert_int_equal(samples(&fixture, 0, METRIC_MEMORY), 3);
    assert_int_equal(samples(&fixture, 1, METRIC_MEMORY), 3);
    assert_int_equal(find(&fixture, 0, METRIC_CPU)->form, SERIES_RATE);
    assert_int_equal(find(&fixture, 0, METRIC_PERIODS)->form, SERIES_INCREASE);
    assert_int_equal(samples(&fixture, 0, METRIC_RESTARTS), 2);
    assert_int_equal(samples(&fixture, 1, METRIC_RESTARTS), 1); /* known, and stood still */
    assert_int_equal(samples(&fixture, 0, METRIC_OOM_REASON), 1);
    assert_int_equal(samples(&fixture, 0, METRIC_MEMORY_LIMIT), 1);
    struct points points = {0};
    store_points(find(&fixture, 0, METRIC_RESTARTS), &points);
    assert_int_equal(points.items[1].time_ms, INT64_C(1800000060500));
    points_release(&points);
    stop(&fixture);
}

static void test_pods_of_the_question_only(void **state)
{
    (void)state;
    struct fixture fixture;
    start(&fixture, RANGE "match pod=~\"a\"\n" MATRIX(POINTS("a") "," POINTS("b")) INSTANT "match pod=~\"a\"\n" VECTOR(""));
    assert_int_equal(read_pods(&fixture, false), 0);
    assert_int_equal(samples(&fixture, 0, METRIC_CPU), 3);
    assert_int_equal(samples(&fixture, 1, METRIC_CPU), 0);
    stop(&fixture);
}

static void test_too_many_samples_halve_the_piece(void **state)
{
    (void)state;
    struct fixture fixture;
    start(&fixture, RANGE "match max_over_time\ntimes 1\nstatus 422\nbody {\"status\":\"error\",\"errorType\":\"execution\","
                          "\"error\":\"query processing would load too many samples into memory in query execution\"}\n" RANGE
                          "match start=1799996460\n" MATRIX(POINTS("a")) RANGE
                          "match start=1800000300\n" MATRIX("{" OF("a") ",\"values\":[[1800000300,\"4\"]]}") REST);
    assert_int_equal(read_pods(&fixture, true), 0);
    assert_int_equal(samples(&fixture, 0, METRIC_MEMORY), 4);
    assert_int_equal(samples(&fixture, 0, METRIC_CPU), 4);
    assert_int_equal(requests_with(&fixture, "max_over_time"), 3);
    assert_int_equal(requests_with(&fixture, "count_over_time"), 2); /* begins with the size that worked */
    stop(&fixture);
}

static void test_an_answer_that_was_cut_counts_once(void **state)
{
    (void)state;
    struct fixture fixture;
    start(&fixture, RANGE "match count_over_time\ntimes 1\ncut 150\n" MATRIX(POINTS("a") "," POINTS("b")) RANGE
                          "match max_over_time\ntimes 1\ncut 150\n" MATRIX(POINTS("a") "," POINTS("b")) RANGE
                          "match _over_time\n" MATRIX(POINTS("a") "," POINTS("b")) REST);
    assert_int_equal(read_pods(&fixture, true), 0);
    for (uint32_t pod = 0; pod < 2; pod++) {
        assert_int_equal(samples(&fixture, pod, METRIC_MEMORY), 3);
        assert_int_equal(samples(&fixture, pod, METRIC_CPU), 3);
    }
    /* One cut piece alone is asked again; once others are kept, all are. */
    assert_int_equal(requests_with(&fixture, "max_over_time"), 3);
    stop(&fixture);
}

static void test_what_cannot_be_halved_any_more(void **state)
{
    (void)state;
    struct fixture fixture;
    start(&fixture, RANGE "status 413\n" REST);
    assert_int_equal(read_pods(&fixture, true), -1);
    assert_int_equal(fixture.served, SERVED_TOO_MUCH);
    assert_int_equal(http_script_count(fixture.server), 2);
    stop(&fixture);
    start(&fixture, RANGE "status 400\nbody {\"status\":\"error\",\"errorType\":\"bad_data\",\"error\":\"no\"}\n" REST);
    assert_int_equal(read_pods(&fixture, true), -1);
    assert_int_equal(fixture.served, SERVED_REFUSED);
    stop(&fixture);
}

static void test_a_full_store_is_too_much(void **state)
{
    (void)state;
    struct fixture fixture;
    struct buf script;
    buf_init(&script, 1 << 20);
    buf_add_str(&script, RANGE "body {\"status\":\"success\",\"data\":{\"resultType\":\"matrix\",\"result\":[{" OF("a") ",\"values\":[");
    for (int i = 0; i < 1000; i++) {
        buf_printf(&script, "%s[%d,\"1\"]", i > 0 ? "," : "", START + i);
    }
    buf_add_str(&script, "]}]}}\n" REST);
    start(&fixture, buf_str(&script));
    fixture.store.limit = 4000;
    assert_int_equal(read_pods(&fixture, true), -1);
    assert_int_equal(fixture.served, SERVED_TOO_MUCH);
    assert_int_equal(http_script_count(fixture.server), 1);
    stop(&fixture);
    buf_release(&script);
}

static void test_the_scrape_interval_is_found(void **state)
{
    (void)state;
    struct fixture fixture;
    struct namespace *namespace;
    start(&fixture, "on POST /api/v1/series\nbody {\"status\":\"success\",\"data\":[{\"pod\":\"a\",\"container\":\"c\"}]}\n" INSTANT
                    "match topk\n" VECTOR("{" OF("a") ",\"value\":[1800003600,\"240\"]}") INSTANT
                    "match query={__name__=\"container_memory_working_set_bytes\"\n" MATRIX(
                        "{" OF("a") ",\"values\":[[100.1,\"1\"],[115.2,\"1\"],[130.0,\"1\"],[900,\"1\"]]}"));
    assert_int_equal(fixture.source->discover(fixture.source, "shop", &fixture.window, &namespace, &fixture.served, &fixture.err),
                     0);
    assert_int_equal(namespace->interval, 15);
    namespace_free(namespace);
    stop(&fixture);
}

/* An interval that cannot be found is not made up. */
static void test_an_interval_that_is_too_much_to_find(void **state)
{
    (void)state;
    struct fixture fixture;
    struct namespace *namespace;
    start(&fixture, "on POST /api/v1/series\nbody {\"status\":\"success\",\"data\":[{\"pod\":\"a\",\"container\":\"c\"}]}\n" INSTANT
                    "status 422\nbody {\"status\":\"error\",\"errorType\":\"execution\",\"error\":\"too many samples\"}\n");
    assert_int_equal(fixture.source->discover(fixture.source, "shop", &fixture.window, &namespace, &fixture.served, &fixture.err),
                     -1);
    assert_int_equal(fixture.served, SERVED_TOO_MUCH);
    stop(&fixture);
}

static void test_pods_that_are_scraped_more_rarely(void **state)
{
    (void)state;
    struct fixture fixture;
    start(&fixture, RANGE "match max_over_time\n" MATRIX(
                        POINTS("a") ",{" OF("b") ",\"values\":[[1800000060,\"1\"],[1800000360,\"1\"],[1800000660,\"1\"]]}") INSTANT
                    "match topk\n" VECTOR("{" OF("b") ",\"value\":[1800003600,\"24\"]}") INSTANT
                    "match query={__name__=\"container_memory\n" MATRIX(
                        "{" OF("b") ",\"values\":[[100,\"1\"],[400,\"1\"],[700,\"1\"]]}") RANGE
                    "match pod=~\"a\",cpu=~\"|total\"}[239999ms]\n" MATRIX(POINTS("a")) RANGE
                    "match pod=~\"b\",cpu=~\"|total\"}[1199999ms]\n" MATRIX("{" OF("b") ",\"values\":[[1800000300,\"1\"]]}") REST);
    assert_int_equal(read_pods(&fixture, true), 0);
    assert_int_equal(samples(&fixture, 0, METRIC_CPU), 3);
    assert_int_equal(samples(&fixture, 1, METRIC_CPU), 1);
    stop(&fixture);
}

static void test_classes_of_spacing(void **state)
{
    (void)state;
    struct spacing spacing;
    struct namespace *namespace = namespace_new("shop");
    struct err err = {0};
    struct labels labels = {2, {"__name__", "pod"}, {"container_cpu_usage_seconds_total", "a"}};
    static const struct { int64_t distance; unsigned class; } cases[] = {{15, 0}, {20, 0}, {30, 1}, {45, 1}, {60, 2}, {100, 2}, {120, 3}, {300, 4}, {86400, 7}};
    assert_int_equal(namespace_take(namespace, &labels, &err), 0);
    namespace_settle(namespace);
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        spacing_init(&spacing, namespace, 15000);
        spacing_series(&spacing, "a");
        for (int64_t n = 1; n < 10; n++) {
            spacing_point(&spacing, n * cases[i].distance * 1000);
        }
        assert_int_equal(spacing_class(&spacing, 0), cases[i].class);
        spacing_release(&spacing);
    }
    namespace_free(namespace);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_that_is_asked),
        cmocka_unit_test(test_pods_of_the_question_only),
        cmocka_unit_test(test_too_many_samples_halve_the_piece),
        cmocka_unit_test(test_an_answer_that_was_cut_counts_once),
        cmocka_unit_test(test_what_cannot_be_halved_any_more),
        cmocka_unit_test(test_a_full_store_is_too_much),
        cmocka_unit_test(test_the_scrape_interval_is_found),
        cmocka_unit_test(test_an_interval_that_is_too_much_to_find),
        cmocka_unit_test(test_pods_that_are_scraped_more_rarely),
        cmocka_unit_test(test_classes_of_spacing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
