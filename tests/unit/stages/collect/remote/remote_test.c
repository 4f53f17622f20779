/* The source: what it asks, what it makes of each kind of answer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "pipeline/base/mem.h"
#include "stages/collect/remote/remote.h"
#include "tests/harness/http_script.h"
#include "tests/unit/stages/collect/remote/answer_builder.h"

#define STREAMED \
    "header Content-Type: application/x-streamed-protobuf; proto=prometheus.ChunkedReadResponse\n"

static char answer_path[] = "/tmp/tare-remote-XXXXXX";

static void add_text(struct buf *series, const char *name, const char *value)
{
    add_label(series, name, strlen(name), value, strlen(value));
}

/* Two pods' memory, one sample each; one pod has a histogram beside it. */
static int write_answer(void **state)
{
    (void)state;
    static const char chunk[] = "\0\1\2\0\0\0\0\0\0\0\0";
    struct buf answer;
    struct buf series;
    buf_init(&answer, 1 << 20);
    buf_init(&series, 1 << 20);
    for (int pod = 0; pod < 2; pod++) {
        add_text(&series, "__name__", "container_memory_working_set_bytes");
        add_text(&series, "container", "app");
        add_text(&series, "namespace", "shop");
        add_text(&series, "pod", pod == 0 ? "web-0" : "web-1.a");
        add_chunk(&series, 1, 1, 1, chunk, sizeof chunk - 1);
        add_chunk(&series, 1, 1, 2, chunk, sizeof chunk - 1);
        add_frame(&answer, &series);
    }
    int fd = mkstemp(answer_path);
    bool written = fd >= 0 && write(fd, answer.data, answer.length) == (ssize_t)answer.length;
    close(fd);
    buf_release(&answer);
    return written ? 0 : -1;
}

static int remove_answer(void **state)
{
    (void)state;
    return unlink(answer_path);
}

/* A source at a scripted server, and a question to it. */
struct setting {
    struct http_script *server;
    struct prom *prom;
    struct source *source;
    struct window window;
    struct namespace *namespace;
    struct store store;
    struct question question;
    uint32_t pods[2];
};

static void set_up(struct setting *setting, const char *script)
{
    char url[64];
    struct err err = {0};
    memset(setting, 0, sizeof *setting);
    setting->server = http_script_start(script);
    snprintf(url, sizeof url, "http://127.0.0.1:%d", http_script_port(setting->server));
    struct prom_settings settings = {
        .url = url, .timeout_seconds = 1, .label_name = "cluster", .label_value = "eu"};
    assert_int_equal(prom_new(&settings, &setting->prom, &err), 0);
    remote_new(setting->prom, &setting->source);
    window_init(&setting->window, 1700000000, 1700000600);
    setting->namespace = namespace_new("shop");
    for (size_t i = 0; i < 2; i++) {
        struct labels labels = {3,
                                {"__name__", "pod", "container"},
                                {"container_cpu_usage_seconds_total", i == 0 ? "web-0" : "web-1.a", "app"}};
        assert_int_equal(namespace_take(setting->namespace, &labels, &err), 0);
        setting->pods[i] = (uint32_t)i;
    }
    namespace_settle(setting->namespace);
    assert_int_equal(setting->namespace->pod_count, 2);
    store_init(&setting->store, 1 << 20);
    store_begin(&setting->store, setting->namespace, NULL);
    setting->question = (struct question){setting->namespace, setting->pods, 2, false, &setting->window};
}

static void tear_down(struct setting *setting)
{
    setting->source->free(setting->source);
    prom_free(setting->prom);
    http_script_stop(setting->server);
    store_release(&setting->store);
    namespace_free(setting->namespace);
    window_release(&setting->window);
}

static int ask(struct setting *setting, enum served *served, struct err *err)
{
    *served = (enum served)99;
    return setting->source->read(setting->source, &setting->question, &setting->store, served, err);
}

static void test_served(void **state)
{
    (void)state;
    struct setting setting;
    struct err err = {0};
    enum served served;
    char *script = xasprintf("on POST /api/v1/read\n" STREAMED "times 1\ncut 300\nbody-file %s\n"
                             "on POST /api/v1/read\n" STREAMED "chunked\nbody-file %s\n",
                             answer_path, answer_path);
    set_up(&setting, script);
    assert_int_equal(ask(&setting, &served, &err), 0);
    assert_int_equal(served, SERVED);
    assert_int_equal(http_script_count(setting.server), 2);
    assert_int_equal(store_finish(&setting.store, &err), 0);
    assert_int_equal(setting.store.count, 2);
    assert_int_equal(setting.store.left_out, 2);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(setting.store.series[i].metric, METRIC_MEMORY);
        assert_int_equal(setting.store.series[i].pod, i);
        assert_int_equal(setting.store.series[i].samples, 1);
        assert_null(setting.store.series[i].first->next);
    }
    tear_down(&setting);
    free(script);
}

/* snappy leaves text that comes for the first time as it is. */
static void test_request(void **state)
{
    (void)state;
    struct setting setting;
    struct err err = {0};
    enum served served;
    set_up(&setting, "on POST /api/v1/read\nmatch container_cpu_usage_seconds_total|\n" STREAMED "body\n");
    assert_int_equal(ask(&setting, &served, &err), 0);
    char *requests = http_script_requests(setting.server);
    assert_non_null(strstr(requests, "X-Prometheus-Remote-Read-Version: 0.1.0"));
    assert_non_null(strstr(requests, "Content-Encoding: snappy"));
    assert_non_null(strstr(requests, "Content-Type: application/x-protobuf"));
    free(requests);
    setting.question.pod_count = 0;
    assert_int_equal(ask(&setting, &served, &err), 0);
    assert_int_equal(http_script_count(setting.server), 1); /* nobody to ask about */
    tear_down(&setting);
}

struct one_case {
    const char *rule;
    enum served served;
    const char *message;
};

static const struct one_case cases[] = {
    {"status 404\nbody no such page", SERVED_REFUSED, "404"},
    {"status 405\nbody no", SERVED_REFUSED, "405"},
    {"status 501\nbody no", SERVED_REFUSED, "501"},
    {"status 400\nheader Content-Type: text/plain\nbody no idea", SERVED_REFUSED, "no idea"},
    {"status 415\nbody no", SERVED_REFUSED, "415"},
    {"status 401\nbody no", SERVED_NOTHING, "401"},
    {"status 403\nbody no", SERVED_NOTHING, "403"},
    {"status 413\nbody no", SERVED_TOO_MUCH, "413"},
    {"status 429\nheader Retry-After: 3600\nbody slow down", SERVED_TOO_MUCH, "429"},
    {"header Content-Type: text/html\nbody <html>", SERVED_NOTHING, "web page"},
    {"header Content-Type: application/x-protobuf\nbody x", SERVED_REFUSED,
     "does not stream remote reads: it answered with application/x-protobuf"},
    {"body {}", SERVED_REFUSED, "application/json"},
    {"header Content-Type: application/x-protobuf\n", SERVED_REFUSED,
     "does not stream"}, /* and an empty body */
    {STREAMED "body AAAAAAAAAAA", SERVED_REFUSED, "cut after"},
    {STREAMED "repeat 100 A", SERVED_REFUSED, "is damaged"},
    {"hang", SERVED_NOTHING, "in time"},
};

static void test_failures(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct setting setting;
        struct err err = {0};
        enum served served;
        char *script = xasprintf("on POST /api/v1/read\n%s\n", cases[i].rule);
        set_up(&setting, script);
        assert_int_equal(ask(&setting, &served, &err), -1);
        if (served != cases[i].served || strstr(err.message, cases[i].message) == NULL) {
            print_error("%s: %d, %s\n", cases[i].rule, (int)served, err.message);
        }
        assert_int_equal(served, cases[i].served);
        assert_non_null(strstr(err.message, cases[i].message));
        tear_down(&setting);
        free(script);
    }
}

static void test_full(void **state)
{
    (void)state;
    struct setting setting;
    struct err err = {0};
    enum served served;
    char *script = xasprintf("on POST /api/v1/read\n" STREAMED "body-file %s\n", answer_path);
    set_up(&setting, script);
    setting.store.limit = 15;
    assert_int_equal(ask(&setting, &served, &err), -1);
    assert_int_equal(served, SERVED_TOO_MUCH);
    assert_true(setting.store.full);
    tear_down(&setting);
    free(script);
}

static void probe(const char *rule, enum remote_support wanted)
{
    struct setting setting;
    struct err why = {0};
    char *script = xasprintf("on POST /api/v1/read\n%s\n", rule);
    set_up(&setting, script);
    enum remote_support got = remote_probe(setting.prom, &why);
    assert_int_equal(got, wanted);
    assert_int_equal(why.message[0] == '\0', wanted == REMOTE_SPOKEN);
    tear_down(&setting);
    free(script);
}

static void test_probe(void **state)
{
    (void)state;
    probe(STREAMED, REMOTE_SPOKEN);
    probe("status 404", REMOTE_NOT_SPOKEN);
    probe("status 403", REMOTE_NOT_SPOKEN);
    probe("header Content-Type: text/html\nbody <html>", REMOTE_NOT_SPOKEN);
    probe("body {}", REMOTE_NOT_SPOKEN);
    probe("status 401", REMOTE_NO_ANSWER);
    probe("hang", REMOTE_NO_ANSWER);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_served), cmocka_unit_test(test_request), cmocka_unit_test(test_failures),
        cmocka_unit_test(test_full),   cmocka_unit_test(test_probe),
    };
    return cmocka_run_group_tests(tests, write_answer, remove_answer);
}
