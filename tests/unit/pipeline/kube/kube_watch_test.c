/* Watching objects, against a scripted server: lists, events, and what goes wrong between them. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "pipeline/base/clock.h"
#include "pipeline/base/mem.h"
#include "pipeline/base/rng.h"
#include "pipeline/io/fs.h"
#include "pipeline/kube/kube_watch.h"
#include "tests/harness/http_script.h"

struct fixture {
    struct http_script *server;
    struct kube_api *api;
    struct http_loop *loop;
    struct kube_watch *watch;
    struct buf said; /* "+name/version " seen, "-name " gone, "!status " refused */
    struct err err;
    struct err why;
};

static void seen(void *context, json_t *object)
{
    struct fixture *f = context;
    const json_t *metadata = json_object_get(object, "metadata");
    assert_string_equal(json_string_or_null(object, "kind"), "Deployment");
    assert_string_equal(json_string_or_null(object, "apiVersion"), "apps/v1");
    buf_printf(&f->said, "+%s/%s ", json_string_or_null(metadata, "name"), json_string_or_null(metadata, "resourceVersion"));
}

static void gone(void *context, json_t *object)
{
    struct fixture *f = context;
    assert_string_equal(json_string_or_null(object, "kind"), "Deployment");
    buf_printf(&f->said, "-%s ", json_string_or_null(json_object_get(object, "metadata"), "name"));
}

static void refused(void *context, struct kube_answer *answer)
{
    struct fixture *f = context;
    f->why = answer->why;
    buf_printf(&f->said, "!%ld ", answer->status);
}

static void start_as(struct fixture *f, const char *script, struct kube_exec *plugin)
{
    struct kube_access *access = xcalloc(sizeof *access);
    struct kube_limits limits = {.answer_bytes = 100000};
    struct kube_query query = {.group = "apps", .version = "v1", .resource = "deployments", .kind = "Deployment", .namespace = "shop"};
    struct kube_watcher watcher = {.seen = seen, .gone = gone, .refused = refused, .context = f};
    memset(f, 0, sizeof *f);
    buf_init(&f->said, 100000);
    f->server = http_script_start(script);
    access->origin = xstrdup("context \"c\" of config");
    access->exec = plugin;
    access->server = xasprintf("http://127.0.0.1:%d", http_script_port(f->server));
    assert_int_equal(kube_api_new(access, &limits, &f->api, &f->err), 0);
    assert_int_equal(http_loop_new(&f->loop, &f->err), 0);
    assert_int_equal(kube_watch_begin(f->api, f->loop, &query, &watcher, &f->watch, &f->err), 0);
}

static void start(struct fixture *f, const char *script)
{
    start_as(f, script, NULL);
}

static void stop(struct fixture *f)
{
    kube_watch_end(f->watch);
    http_loop_free(f->loop);
    kube_api_free(f->api);
    http_script_stop(f->server);
    buf_release(&f->said);
}

/* Turns until so much was said. */
static void expect(struct fixture *f, const char *said)
{
    int64_t until = clock_monotonic_ms() + 60 * 1000;
    while (f->said.length < strlen(said) && clock_monotonic_ms() < until) {
        assert_int_equal(http_loop_turn(f->loop, clock_monotonic_ms() + 1000, -1, &f->err), 0);
    }
    assert_string_equal(buf_str(&f->said), said);
}

/* Turns until the server was asked so often, and looks whether it was asked for this. */
static void expect_asked(struct fixture *f, int count, const char *words)
{
    int64_t until = clock_monotonic_ms() + 60 * 1000;
    while (http_script_count(f->server) < count && clock_monotonic_ms() < until) {
        assert_int_equal(http_loop_turn(f->loop, clock_monotonic_ms() + 50, -1, &f->err), 0);
    }
    char *text = http_script_requests(f->server);
    assert_non_null(strstr(text, words));
    free(text);
}

#define LIST "/apis/apps/v1/namespaces/shop/deployments?limit="
#define WATCH "/apis/apps/v1/namespaces/shop/deployments?watch=true"
#define META(name, uid, version) "{\"metadata\":{\"name\":\"" name "\",\"namespace\":\"shop\",\"uid\":\"" uid "\",\"resourceVersion\":\"" version "\"}}"
#define PAGE(version, next, items) "body {\"metadata\":{\"resourceVersion\":\"" version "\",\"continue\":\"" next "\"},\"items\":[" items "]}\n"
#define EVENT(type, object) "body {\"type\":\"" type "\",\"object\":" object "}\n"
#define OVER "body {\"type\":\"ERROR\",\"object\":{\"kind\":\"Status\",\"code\":410}}\nbody\n"

/* Two pages, then each kind of event; a bookmark is not told, but the watch goes on from there. */
static void test_story(void **state)
{
    (void)state;
    struct fixture f;
    start(&f, "on GET " LIST "250&continue=n\n" PAGE("10", "", META("b", "2", "4"))
              "on GET " LIST "\n" PAGE("10", "n", META("a", "1", "3"))
              "on GET " WATCH "\nmatch resourceVersion=10 \n" EVENT("MODIFIED", META("a", "1", "11")) EVENT("ADDED", META("c", "3", "12"))
                  EVENT("DELETED", META("b", "2", "13")) EVENT("BOOKMARK", META("x", "", "20")) "body\n"
              "on GET " WATCH "\nmatch resourceVersion=20 \nhang\n");
    expect(&f, "+a/3 +b/4 +a/11 +c/12 -b ");
    expect_asked(&f, 4, "resourceVersion=20");
    expect_asked(&f, 4, "allowWatchBookmarks=true");
    stop(&f);
}

/* The server has forgotten the version: listed again, and what vanished or was replaced meanwhile is told. */
static void test_forgotten(void **state)
{
    (void)state;
    static const char *const answers[] = {OVER, "status 410\nbody {\"code\":410}\n", "body {\"type\":\"MODIF\nbody\n", "body garbage\nbody\n",
                                          "body {\"type\":\"ADDED\"}\nbody\n"};
    for (size_t i = 0; i < ARRAY_COUNT(answers); i++) {
        struct fixture f;
        char script[2000];
        snprintf(script, sizeof script,
                 "on GET " LIST "\ntimes 1\n" PAGE("10", "", META("a", "1", "3") "," META("b", "2", "4") "," META("c", "3", "5"))
                 "on GET " WATCH "\nmatch resourceVersion=10 \n%s"
                 "on GET " LIST "\n" PAGE("30", "", META("b", "2", "6") "," META("c", "9", "7"))
                 "on GET " WATCH "\nmatch resourceVersion=30 \nhang\n",
                 answers[i]);
        start(&f, script);
        expect(&f, "+a/3 +b/4 +c/5 +b/6 -c +c/7 -a ");
        stop(&f);
    }
}

/* A connection that breaks in the middle of an event: the watch goes on from the last whole one, and the half one is not believed. */
static void test_broken(void **state)
{
    (void)state;
    struct fixture f;
    start(&f, "on GET " LIST "\n" PAGE("10", "", META("a", "1", "3"))
              "on GET " WATCH "\nmatch resourceVersion=10 \ncut 118\n" EVENT("MODIFIED", META("a", "1", "11")) EVENT("MODIFIED", META("a", "1", "12"))
              "on GET " WATCH "\nmatch resourceVersion=11 \ntimes 1\nclose\n"
              "on GET " WATCH "\nmatch resourceVersion=11 \ntimes 1\nstatus 503\n"
              "on GET " WATCH "\nmatch resourceVersion=11 \n" EVENT("MODIFIED", META("a", "1", "12")) "body\n"
              "on GET " WATCH "\nmatch resourceVersion=12 \nhang\n");
    expect(&f, "+a/3 +a/11 +a/12 ");
    stop(&f);
}

/* A list that comes only after trouble. */
static void test_list_again(void **state)
{
    (void)state;
    struct fixture f;
    start(&f, "on GET " LIST "\ntimes 1\nclose\non GET " LIST "\ntimes 1\nstatus 429\nheader Retry-After: 0\n"
              "on GET " LIST "\ntimes 1\nbody {\"items\":7}\n"
              "on GET " LIST "\n" PAGE("10", "", META("a", "1", "3")) "on GET " WATCH "\nhang\n");
    expect(&f, "+a/3 ");
    stop(&f);
}

/* What is refused for good is told once, and nothing is asked any more. */
static void test_refused(void **state)
{
    (void)state;
    static const int codes[] = {401, 403, 404};
    for (size_t i = 0; i < ARRAY_COUNT(codes); i++) {
        struct fixture f;
        char script[200];
        char said[16];
        snprintf(script, sizeof script, "on GET /\nstatus %d\nbody {\"message\":\"no\"}\n", codes[i]);
        snprintf(said, sizeof said, "!%d ", codes[i]);
        start(&f, script);
        expect(&f, said);
        assert_non_null(strstr(f.why.message, "no"));
        assert_int_equal(http_loop_turn(f.loop, clock_monotonic_ms() + 100, -1, &f.err), 0);
        assert_int_equal(http_script_count(f.server), 1);
        stop(&f);
    }
}

/* A plugin that does not answer for a while is asked again, and what is seen goes on. */
static void test_plugin_away(void **state)
{
    (void)state;
    struct fixture f;
    char folder[] = "/tmp/tare-watch.XXXXXX";
    assert_non_null(mkdtemp(folder));
    char *path = fs_join(folder, "plugin");
    char *count = fs_join(folder, "count");
    FILE *script = fopen(path, "w");
    assert_non_null(script);
    fprintf(script,
            "#!/bin/sh\necho x >> %s\nn=$(wc -l < %s)\n[ $n = 1 ] || [ $n -gt 3 ] || exit 1\n"
            "printf '{\"apiVersion\":\"client.authentication.k8s.io/v1\",\"kind\":\"ExecCredential\",\"status\":{\"token\":\"t%%d\"}}' $n\n",
            count, count);
    fclose(script);
    assert_int_equal(chmod(path, 0700), 0);
    struct kube_exec *plugin = xcalloc(sizeof *plugin);
    plugin->command = xstrdup("plugin");
    plugin->path = xstrdup(path);
    plugin->args = xcalloc_array(1, sizeof(char *));
    plugin->env = xcalloc_array(1, sizeof(char *));
    plugin->api_version = xstrdup("client.authentication.k8s.io/v1");
    start_as(&f, "on GET " LIST "\nmatch Bearer t4\n" PAGE("10", "", META("a", "1", "3")) "on GET " WATCH "\ndelay 5000\nbody\non GET /\nstatus 401\n",
             plugin);
    expect(&f, "+a/3 ");
    assert_true(http_script_count(f.server) >= 4);
    stop(&f);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(unlink(count), 0);
    assert_int_equal(rmdir(folder), 0);
    free(path);
    free(count);
}

/* A server that forgets each version at once, or has none, is not asked without a pause. */
static void test_no_hurry(void **state)
{
    (void)state;
    static const char *const scripts[] = {
        "on GET " LIST "\n" PAGE("10", "", "") "on GET " WATCH "\n" OVER,
        "on GET " LIST "\nbody {\"metadata\":{},\"items\":[]}\n",
    };
    for (size_t i = 0; i < ARRAY_COUNT(scripts); i++) {
        struct fixture f;
        start(&f, scripts[i]);
        int64_t until = clock_monotonic_ms() + 1000;
        while (clock_monotonic_ms() < until) {
            assert_int_equal(http_loop_turn(f.loop, until, -1, &f.err), 0);
        }
        assert_true(http_script_count(f.server) < 16);
        assert_string_equal(buf_str(&f.said), "");
        stop(&f);
    }
}

int main(void)
{
    rng_seed(7);
    json_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_story),      cmocka_unit_test(test_forgotten), cmocka_unit_test(test_broken),
        cmocka_unit_test(test_list_again), cmocka_unit_test(test_refused),   cmocka_unit_test(test_no_hurry),
        cmocka_unit_test(test_plugin_away),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
