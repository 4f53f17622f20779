/* The client of the Prometheus API: what each kind of answer means, and many threads at once. */

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pipeline/base/buf.h"
#include "pipeline/base/mem.h"
#include "stages/collect/api/discover.h"
#include "stages/collect/api/prom.h"
#include "stages/collect/api/refusal.h"
#include "tests/harness/http_script.h"

#define ONE "{\"status\":\"success\",\"data\":{\"resultType\":\"matrix\",\"result\":[{\"metric\":{\"pod\":\"a\"},\"values\":[[1,\"2\"]]}]}}"
#define REFUSE(type, text) "{\"status\":\"error\",\"errorType\":\"" type "\",\"error\":\"" text "\"}"

static struct prom *client(const struct http_script *server, const char *path)
{
    char url[128];
    struct err err = {0};
    struct prom *prom = NULL;
    snprintf(url, sizeof url, "http://127.0.0.1:%d%s", http_script_port(server), path);
    struct prom_settings settings = {.url = url, .timeout_seconds = 2};
    assert_int_equal(prom_new(&settings, &prom, &err), 0);
    return prom;
}

struct seen {
    int begins;
    int series;
    int points;
    bool refuse;
};

static void begin(void *context)
{
    struct seen *seen = context;
    seen->begins++;
    seen->series = 0;
    seen->points = 0;
}

static int take_series(void *context, const struct labels *labels, struct err *err)
{
    struct seen *seen = context;
    (void)labels;
    seen->series++;
    return seen->refuse ? err_set(err, ERR_UNAVAILABLE, "full") : 0;
}

static int take_point(void *context, int64_t time_ms, double value, struct err *err)
{
    struct seen *seen = context;
    (void)time_ms;
    (void)value;
    (void)err;
    seen->points++;
    return 0;
}

static int ask(struct prom *prom, struct seen *seen, enum served *served, struct err *err)
{
    struct answer_listener listener = {begin, take_series, take_point, seen};
    *served = (enum served)99;
    return prom_instant(prom, "up", 10, &listener, served, err);
}

struct one_case {
    const char *rule;
    enum served served;
    int requests;
    const char *message;
};

/* The server has answered before, as it mostly has when something goes wrong. */
static void test_meaning_of_answers(void **state)
{
    (void)state;
    static const struct one_case cases[] = {
        {"body " ONE, SERVED, 1, ""},
        {"status 401", SERVED_NOTHING, 1, "does not accept the credentials"},
        {"status 403\nbody " REFUSE("execution", "too many samples"), SERVED_NOTHING, 1, "does not permit"},
        {"status 404", SERVED_NOTHING, 1, "has nothing at"},
        {"header Content-Type: text/html\nbody <html>log in</html>", SERVED_NOTHING, 1, "web page"},
        {"header Content-Type: text/plain\nbody <!doctype html>", SERVED_NOTHING, 1, "web page"},
        {"body {\"status\":\"suc", SERVED_NOTHING, 1, "cut its answer"},
        {"body []", SERVED_NOTHING, 1, "not what the Prometheus API gives"},
        {"status 413\nheader Content-Type: text/html\nbody <html>", SERVED_TOO_MUCH, 1, "413"},
        {"status 422\nbody " REFUSE("execution", "query processing would load too many samples into memory in query execution"),
         SERVED_TOO_MUCH, 1, "too many samples"},
        {"status 400\nbody " REFUSE("bad_data", "exceeded maximum resolution of 11,000 points per timeseries."), SERVED_TOO_MUCH,
         1, "maximum resolution"},
        {"status 503\nbody " REFUSE("timeout", "query timed out in expression evaluation"), SERVED_TOO_MUCH, 1, "timed out"},
        {"status 422\nbody " REFUSE("422", "cannot select more than -search.maxSamplesPerQuery=1000000000 samples"),
         SERVED_TOO_MUCH, 1, "maxSamplesPerQuery"},
        {"status 422\nbody " REFUSE("execution", "the query exceeded the maximum number of chunks (limit: 2000000 chunks)"),
         SERVED_TOO_MUCH, 1, "chunks"},
        {"status 400\nbody " REFUSE("bad_data", "1:5: parse error: unexpected end of input, limit exceeded"), SERVED_REFUSED, 1,
         "parse error"},
        {"status 422\nbody " REFUSE("execution", "found duplicate series for the match group"), SERVED_REFUSED, 1, "duplicate"},
        {"body " REFUSE("execution", "too many samples"), SERVED_TOO_MUCH, 1, "too many samples"},
        {"body " REFUSE("execution", "no"), SERVED_REFUSED, 1, "status \"error\""},
        {"status 500\nheader Content-Type: text/plain\nbody oops", SERVED_NOTHING, 3, "500"},
        {"status 429\nheader Retry-After: 0", SERVED_TOO_MUCH, 3, "429"},
        {"status 429\nheader Retry-After: 7200\nbody " REFUSE("x", "too many requests"), SERVED_TOO_MUCH, 1, "too many requests"},
        {"close", SERVED_NOTHING, 3, "broke the connection"},
        {"hang", SERVED_TOO_MUCH, 1, "did not answer in time"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        char *script = xasprintf("on POST /api/v1/query\ntimes 1\nbody " ONE "\non POST /api/v1/query\n%s\n", cases[i].rule);
        struct http_script *server = http_script_start(script);
        struct prom *prom = client(server, "");
        struct seen seen = {0};
        struct err err = {0};
        enum served served;
        assert_int_equal(ask(prom, &seen, &served, &err), 0);
        int failed = ask(prom, &seen, &served, &err);
        if (served != cases[i].served || (failed != 0) != (served != SERVED) || strstr(err.message, cases[i].message) == NULL ||
            http_script_count(server) != 1 + cases[i].requests) {
            fail_msg("%s: served %d, %d requests: %s", cases[i].rule, (int)served, http_script_count(server) - 1, err.message);
        }
        prom_free(prom);
        http_script_stop(server);
        free(script);
    }
}

static void test_before_anything_was_served_a_timeout_is_silence(void **state)
{
    (void)state;
    struct http_script *server = http_script_start("on POST /\nhang\n");
    struct prom *prom = client(server, "");
    struct seen seen = {0};
    struct err err = {0};
    enum served served;
    assert_int_equal(ask(prom, &seen, &served, &err), -1);
    assert_int_equal(served, SERVED_NOTHING);
    prom_free(prom);
    http_script_stop(server);
}

static void test_a_cut_answer_comes_again_from_its_beginning(void **state)
{
    (void)state;
    struct http_script *server =
        http_script_start("on POST /\ntimes 1\ncut 95\nbody " ONE "\non POST /\nbody " ONE "\n");
    struct prom *prom = client(server, "");
    struct seen seen = {0};
    struct err err = {0};
    struct source_counts counts;
    enum served served;
    assert_int_equal(ask(prom, &seen, &served, &err), 0);
    assert_int_equal(seen.begins, 2);
    assert_int_equal(seen.points, 1);
    prom_counts(prom, &counts);
    assert_int_equal(counts.requests, 2);
    assert_int_equal(counts.served, 1);
    assert_int_equal(counts.samples, 1);
    assert_int_equal(counts.bytes, strlen(ONE));
    prom_free(prom);
    http_script_stop(server);
}

static void test_a_server_that_is_gone_is_asked_no_more(void **state)
{
    (void)state;
    struct http_script *server = http_script_start("on POST /\nstatus 401\n");
    struct prom *prom = client(server, "");
    struct seen seen = {0};
    enum served served;
    for (int i = 0; i < 10; i++) {
        struct err err = {0};
        assert_int_equal(ask(prom, &seen, &served, &err), -1);
        assert_int_equal(served, SERVED_NOTHING);
        assert_non_null(strstr(err.message, "401"));
    }
    assert_int_equal(http_script_count(server), 3);
    prom_free(prom);
    http_script_stop(server);
}

static void test_the_listeners_own_error(void **state)
{
    (void)state;
    struct http_script *server = http_script_start("on POST /\nbody " ONE "\n");
    struct prom *prom = client(server, "");
    struct seen seen = {.refuse = true};
    enum served served;
    for (int i = 0; i < 5; i++) {
        struct err err = {0};
        assert_int_equal(ask(prom, &seen, &served, &err), -1);
        assert_int_equal(served, SERVED_REFUSED);
        assert_string_equal(err.message, "full");
    }
    assert_int_equal(http_script_count(server), 5);
    prom_free(prom);
    http_script_stop(server);
}

static int keep_bytes(void *context, const char *bytes, size_t length, struct err *err)
{
    (void)err;
    return buf_add(context, bytes, length);
}

static void test_raw_exchange(void **state)
{
    (void)state;
    struct http_script *server = http_script_start("on POST /base/api/v1/read\nmatch hello\nheader Content-Type: application/x-thing\n"
                                                   "body bytes\non POST /base/api/v1/read\nstatus 400\n"
                                                   "header Content-Type: text/plain\nbody exceeded sample limit (50000000)\n");
    struct prom *prom = client(server, "/base");
    struct buf got;
    struct err err = {0};
    struct http_reply reply;
    enum served served;
    buf_init(&got, 1000);
    http_reply_init(&reply);
    struct http_sink sink = {.bytes = keep_bytes, .context = &got};
    struct http_request request = {.path = "/api/v1/read", .body = "hello", .body_length = 5, .sink = &sink};
    assert_int_equal(prom_send(prom, &request, &reply, &served, &err), 0);
    assert_int_equal(served, SERVED);
    assert_string_equal(buf_str(&got), "bytes");
    request.body = "other";
    assert_int_equal(prom_send(prom, &request, &reply, &served, &err), -1);
    assert_int_equal(served, SERVED_TOO_MUCH);
    assert_int_equal(reply.status, 400);
    buf_release(&got);
    http_reply_release(&reply);
    prom_free(prom);
    http_script_stop(server);
}

enum { THREADS = 8, ROUNDS = 25 };

static void *ask_often(void *context)
{
    for (int i = 0; i < ROUNDS; i++) {
        struct seen seen = {0};
        struct err err = {0};
        enum served served;
        if (ask(context, &seen, &served, &err) || served != SERVED || seen.points != 1) {
            return context;
        }
    }
    return NULL;
}

static void test_many_threads(void **state)
{
    (void)state;
    struct http_script *server = http_script_start("on POST /\nbody " ONE "\n");
    struct prom *prom = client(server, "");
    pthread_t threads[THREADS];
    struct source_counts counts;
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, ask_often, prom), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        void *failed;
        assert_int_equal(pthread_join(threads[i], &failed), 0);
        assert_null(failed);
    }
    prom_counts(prom, &counts);
    assert_int_equal(counts.served, THREADS * ROUNDS);
    assert_int_equal(counts.samples, THREADS * ROUNDS);
    prom_free(prom);
    http_script_stop(server);
}

static void test_settings(void **state)
{
    (void)state;
    struct http_script *server = http_script_start("on POST /\nmatch x-scope-orgid: me\nbody " ONE "\n");
    char url[128];
    struct prom *prom = NULL;
    struct err err = {0};
    struct seen seen = {0};
    enum served served;
    snprintf(url, sizeof url, "http://user:secret@127.0.0.1:%d", http_script_port(server));
    json_t *headers = json_pack("{s:s}", "x-scope-orgid", "me");
    struct prom_settings settings = {.url = url, .headers = headers, .label_name = "cluster", .label_value = "a\"b"};
    assert_int_equal(prom_new(&settings, &prom, &err), 0);
    json_decref(headers);
    assert_null(strstr(prom_name(prom), "secret"));
    assert_string_equal(prom_matcher(prom), ",cluster=\"a\\\"b\"");
    assert_string_equal(prom_label_value(prom), "a\"b");
    assert_int_equal(ask(prom, &seen, &served, &err), 0);
    prom_free(prom);
    http_script_stop(server);
    settings = (struct prom_settings){.url = "ftp://host"};
    assert_int_equal(prom_new(&settings, &prom, &err), -1);
    assert_int_equal(err.class, ERR_CONFIG);
}

#define NAMED(metric, pod) "{\"__name__\":\"" metric "\",\"pod\":\"" pod "\",\"container\":\"c\"}"
#define OWNED(pod) "{\"__name__\":\"kube_pod_owner\",\"pod\":\"" pod "\",\"owner_kind\":\"Job\",\"owner_name\":\"j\"}"

/* How many pods are found, and with how many questions. */
static size_t discover(const char *memory, int *requests)
{
    char *script = xasprintf("on POST /api/v1/series\nmatch {__name__=\"container_memory_working_set_bytes\"\n"
                             "body {\"status\":\"success\",\"data\":[%s]}\n"
                             "on POST /api/v1/series\nmatch {__name__=\"container_cpu_usage_seconds_total\"\n"
                             "body {\"status\":\"success\",\"data\":[" NAMED("container_cpu_usage_seconds_total", "a") "]}\n",
                             memory);
    struct http_script *server = http_script_start(script);
    struct prom *prom = client(server, "");
    struct window window = {.start = 100, .end = 1000};
    struct namespace *namespace = NULL;
    struct err err = {0};
    enum served served;
    assert_int_equal(api_discover(prom, "shop", &window, &namespace, &served, &err), 0);
    assert_int_equal(served, SERVED);
    size_t pods = namespace->pod_count;
    long b = namespace_find_pod(namespace, "b");
    assert_true(b < 0 || namespace->pods[b].owner_kind == NULL || strcmp(namespace->pods[b].owner_kind, "Job") == 0);
    *requests = http_script_count(server);
    namespace_free(namespace);
    prom_free(prom);
    http_script_stop(server);
    free(script);
    return pods;
}

static void test_pods_of_a_namespace(void **state)
{
    (void)state;
    int requests;
    assert_int_equal(discover(OWNED("b") "," NAMED("container_memory_working_set_bytes", "b"), &requests), 1);
    assert_int_equal(requests, 1);
    /* A pod that kube-state-metrics knows and memory does not; no kube-state-metrics; nothing. */
    assert_int_equal(discover(OWNED("b") "," OWNED("a") "," NAMED("container_memory_working_set_bytes", "b"), &requests), 2);
    assert_int_equal(requests, 2);
    assert_int_equal(discover(NAMED("container_memory_working_set_bytes", "b"), &requests), 2);
    assert_int_equal(requests, 2);
    assert_int_equal(discover("", &requests), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_meaning_of_answers),
        cmocka_unit_test(test_before_anything_was_served_a_timeout_is_silence),
        cmocka_unit_test(test_a_cut_answer_comes_again_from_its_beginning),
        cmocka_unit_test(test_a_server_that_is_gone_is_asked_no_more),
        cmocka_unit_test(test_the_listeners_own_error),
        cmocka_unit_test(test_raw_exchange),
        cmocka_unit_test(test_many_threads),
        cmocka_unit_test(test_settings),
        cmocka_unit_test(test_pods_of_a_namespace),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
