/* The client against a scripted server: paging, 410, refusals in words, plugins' credentials and their
 * renewal. */

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
#include "pipeline/kube/exec_plugin.h"
#include "pipeline/kube/kube_list.h"
#include "tests/harness/http_script.h"

/* A client of a scripted server, and what it received. */
struct fixture {
    struct http_script *server;
    struct kube_api *api;
    struct err err;
    long status;
    struct buf names;
    int restarts;
    size_t mark; /* of the names before this list */
    char folder[64];
};

static struct kube_access *access_to(struct fixture *f)
{
    struct kube_access *access = xcalloc(sizeof *access);
    access->origin = xstrdup("context \"c\" of config");
    access->server = xasprintf("http://127.0.0.1:%d", http_script_port(f->server));
    return access;
}

static void start_server(struct fixture *f, const char *script)
{
    memset(f, 0, sizeof *f);
    buf_init(&f->names, 100000);
    f->server = http_script_start(script);
}

static void start(struct fixture *f, const char *script)
{
    start_server(f, script);
    struct kube_limits limits = {.answer_bytes = 100000};
    assert_int_equal(kube_api_new(access_to(f), &limits, &f->api, &f->err), 0);
}

static void stop(struct fixture *f)
{
    kube_api_free(f->api);
    http_script_stop(f->server);
    buf_release(&f->names);
}

static int take(void *context, json_t *object, struct err *err)
{
    struct fixture *f = context;
    const char *name = json_string_or_null(json_object_get(object, "metadata"), "name");
    if (name == NULL) {
        return err_set(err, ERR_DATA, "an object without a name");
    }
    buf_printf(&f->names, "%s:%s:%s ", json_string_or_null(object, "apiVersion"),
               json_string_or_null(object, "kind"), name);
    return 0;
}

static void restart(void *context)
{
    struct fixture *f = context;
    f->restarts++;
    buf_clear(&f->names);
}

static int list(struct fixture *f, const char *namespace, const char *labels)
{
    struct kube_query query = {.group = "apps",
                               .version = "v1",
                               .resource = "deployments",
                               .kind = "Deployment",
                               .namespace = namespace,
                               .labels = labels};
    struct kube_taker taker = {.item = take, .restart = restart, .context = f};
    return kube_list(f->api, &query, &taker, &f->status, &f->err);
}

#define ITEM(name) "{\"metadata\":{\"name\":\"" name "\"}}"
#define PAGE(next, items) \
    "body {\"kind\":\"DeploymentList\",\"metadata\":{\"continue\":\"" next "\"},\"items\":[" items "]}\n"

static void test_pages(void **state)
{
    (void)state;
    struct fixture f;
    start(&f,
          "on GET "
          "/apis/apps/v1/namespaces/a%2Fb/deployments?limit=250&labelSelector=x%3D1&continue=t%2B1\n" PAGE(
              "", ITEM("c")) "on GET "
                             "/apis/apps/v1/namespaces/a%2Fb/"
                             "deployments?limit=250&labelSelector=x%3D1\n" PAGE("t+1",
                                                                                ITEM("a") "," ITEM(
                                                                                    "b")) "on GET "
                                                                                          "/apis/apps/v1/"
                                                                                          "deployments?limit="
                                                                                          "250\nbody "
                                                                                          "{\"items\":null}"
                                                                                          "\n");
    assert_int_equal(list(&f, "a/b", "x=1"), 0);
    assert_string_equal(buf_str(&f.names), "apps/v1:Deployment:a apps/v1:Deployment:b apps/v1:Deployment:c ");
    assert_int_equal(f.status, 200);
    assert_int_equal(list(&f, NULL, NULL), 0);
    assert_int_equal(f.restarts, 0);
    stop(&f);
}

/* The server forgot where the list stood: read anew, once, and nothing twice. */
static void test_gone(void **state)
{
    (void)state;
    struct fixture f;
    start(
        &f,
        "on GET /apis/apps/v1/deployments?limit=250&continue=old\nstatus 410\nbody "
        "{\"kind\":\"Status\",\"message\":\"too old\"}\n"
        "on GET /apis/apps/v1/deployments?limit=250&continue=new\n" PAGE(
            "",
            ITEM(
                "b")) "on GET /apis/apps/v1/deployments?limit=250\ntimes 1\n" PAGE("old",
                                                                                   ITEM(
                                                                                       "a")) "on GET "
                                                                                             "/apis/apps/v1/"
                                                                                             "deployments?"
                                                                                             "limit="
                                                                                             "250\n" PAGE("ne"
                                                                                                          "w",
                                                                                                          ITEM(
                                                                                                              "a")));
    assert_int_equal(list(&f, NULL, NULL), 0);
    assert_string_equal(buf_str(&f.names), "apps/v1:Deployment:a apps/v1:Deployment:b ");
    assert_int_equal(f.restarts, 1);
    stop(&f);
    start(&f, "on GET /apis/apps/v1/deployments?limit=250&continue=old\nstatus 410\nbody {\"message\":\"too "
              "old\"}\n"
              "on GET /\n" PAGE("old", ITEM("a")));
    assert_int_equal(list(&f, NULL, NULL), -1);
    assert_int_equal(f.status, 410);
    assert_int_equal(f.restarts, 1);
    assert_int_equal(http_script_count(f.server), 4);
    assert_non_null(strstr(f.err.message, "too old"));
    stop(&f);
}

/* One answer, and how it is refused. */
static void refused(const char *script, long status, enum err_class class, const char *words,
                    const char *hint)
{
    struct fixture f;
    start(&f, script);
    assert_int_equal(list(&f, NULL, NULL), -1);
    if (strstr(f.err.message, words) == NULL || strstr(f.err.hint, hint) == NULL) {
        print_error("%s / %s\n", f.err.message, f.err.hint);
    }
    assert_non_null(strstr(f.err.message, words));
    assert_non_null(strstr(f.err.hint, hint));
    assert_null(strstr(f.err.message, "s3cret"));
    assert_int_equal(f.err.class, class);
    assert_int_equal(f.status, status);
    stop(&f);
}

static void test_refusals(void **state)
{
    (void)state;
    refused("on GET /\nstatus 401\nbody {\"message\":\"Unauthorized\"}\n", 401, ERR_UNAVAILABLE, "(401)",
            "no credentials");
    refused("on GET /\nstatus 403\nbody {\"message\":\"deployments.apps is forbidden: User \\\"x\\\"\"}\n",
            403, ERR_UNAVAILABLE, "deployments.apps is forbidden", "--namespace");
    refused("on GET /\nstatus 403\nheader Content-Type: text/html\nbody <html>s3cret\n", 403, ERR_UNAVAILABLE,
            "(403)", "");
    refused("on GET /\nstatus 404\nheader Content-Type: text/plain\nbody 404 page not found\n", 404,
            ERR_UNAVAILABLE, "(404)", "address");
    refused("on GET /\nheader Content-Type: text/html\nbody <html>Log in</html>\n", 200, ERR_UNAVAILABLE,
            "text/html instead of JSON", "login page");
    refused("on GET /\nstatus 302\nheader Location: https://login.test/\n", 302, ERR_UNAVAILABLE,
            "sends on to", "");
    refused("on GET /\nbody {\"items\":\n", 200, ERR_DATA, "", "");
    refused("on GET /\nbody {\"kind\":\"DeploymentList\"}\n", 200, ERR_DATA, "", "");
    refused("on GET /\nbody {\"items\":{}}\n", 200, ERR_DATA, "it has no items", "");
    refused("on GET /\nbody {\"items\":[1]}\n", 200, ERR_DATA, "no object", "");
    refused("on GET /\nbody {\"items\":[{}]}\n", 200, ERR_DATA, "without a name", "");
    refused("on GET /\n" PAGE("same", ""), 200, ERR_DATA, "goes in circles", "");
    refused("on GET /\nrepeat 200000 x\n", 200, ERR_DATA, "larger than", "");
    refused("on GET /\nstatus 500\nheader Retry-After: 0\nbody {\"message\":\"etcd\\u001b is gone\"}\n", 500,
            ERR_UNAVAILABLE, "etcd? is gone", "");
}

/* 429 is waited for; a cut answer is asked for again. */
static void test_faults_that_pass(void **state)
{
    (void)state;
    struct fixture f;
    start(&f,
          "on GET /\ntimes 1\nstatus 429\nheader Retry-After: 0\nbody {}\non GET /\ntimes 1\ncut 20\n" PAGE(
              "", ITEM("a")) "on GET /\n" PAGE("", ITEM("a")));
    assert_int_equal(list(&f, NULL, NULL), 0);
    assert_string_equal(buf_str(&f.names), "apps/v1:Deployment:a ");
    assert_int_equal(http_script_count(f.server), 3);
    stop(&f);
}

static void test_groups(void **state)
{
    (void)state;
    static const char *const versions[] = {"v2", "v1", NULL};
    struct fixture f;
    struct kube_groups *groups = NULL;
    start(&f, "on GET /apis\ntimes 1\nbody "
              "{\"groups\":[{\"name\":\"x\",\"versions\":[{\"version\":\"v1\"}]},{\"name\":\"y\","
              "\"versions\":[{\"version\":\"v3\"}]},7]}\n"
              "on GET /apis\ntimes 1\nstatus 403\nbody {}\non GET /apis\nstatus 401\nbody {}\n");
    assert_int_equal(kube_groups_ask(f.api, &groups, &f.err), 0);
    assert_string_equal(kube_groups_version(groups, "x", versions), "v1");
    assert_null(kube_groups_version(groups, "y", versions));
    assert_null(kube_groups_version(groups, "z", versions));
    assert_string_equal(kube_groups_version(groups, "", versions), "v2");
    kube_groups_free(groups);
    assert_int_equal(kube_groups_ask(f.api, &groups, &f.err), 0);
    assert_string_equal(kube_groups_version(groups, "z", versions), "v2");
    kube_groups_free(groups);
    assert_int_equal(kube_groups_ask(f.api, &groups, &f.err), -1);
    stop(&f);
}

/* Makes a plugin that prints `text`, counting its runs in FOLDER/runs and keeping what it was told. */
static void make_plugin(struct fixture *f, const char *text)
{
    struct err err = {0};
    snprintf(f->folder, sizeof f->folder, "%s", "/tmp/tare-plugin-XXXXXX");
    assert_non_null(mkdtemp(f->folder));
    char *path = fs_join(f->folder, "plugin");
    char *script = xasprintf("#!/bin/sh\nn=$(($(cat %s/runs 2>/dev/null || echo 0)+1))\necho $n >%s/runs\n"
                             "printf '%%s' \"$KUBERNETES_EXEC_INFO $WORD $1\" >%s/told\n%s\n",
                             f->folder, f->folder, f->folder, text);
    assert_int_equal(fs_replace(path, script, strlen(script), 0700, &err), 0);
    free(script);
    free(path);
}

static struct kube_access *access_by_plugin(struct fixture *f)
{
    struct kube_access *access = access_to(f);
    struct kube_exec *exec = access->exec = xcalloc(sizeof *exec);
    exec->command = xstrdup("plugin");
    exec->path = fs_join(f->folder, "plugin");
    exec->args = xcalloc_array(2, sizeof *exec->args);
    exec->args[0] = xstrdup("login");
    exec->env = xcalloc_array(3, sizeof *exec->env);
    exec->env[0] = xstrdup("WORD=first");
    exec->env[1] = xstrdup("WORD=last");
    exec->api_version = xstrdup("client.authentication.k8s.io/v1");
    exec->install_hint = xstrdup("install the plugin");
    return access;
}

static char *read_in(struct fixture *f, const char *name)
{
    struct buf bytes;
    struct err err = {0};
    char *path = fs_join(f->folder, name);
    buf_init(&bytes, 10000);
    assert_int_equal(fs_read(path, &bytes, &err), 0);
    free(path);
    return buf_steal(&bytes);
}

static void remove_plugin(struct fixture *f)
{
    static const char *const names[] = {"plugin", "runs", "told"};
    for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
        char *path = fs_join(f->folder, names[i]);
        remove(path);
        free(path);
    }
    assert_int_equal(rmdir(f->folder), 0);
}

#define CREDENTIAL(status) \
    "echo " \
    "'{\"apiVersion\":\"client.authentication.k8s.io/v1\",\"kind\":\"ExecCredential\",\"status\":{" status \
    "}}'"

/* A refused token is renewed once, and what the plugin is told is what Kubernetes says it is told. */
static void test_plugin(void **state)
{
    (void)state;
    struct fixture f;
    struct kube_limits limits = {0};
    start_server(&f, "on GET /\nmatch Authorization: Bearer t2\n" PAGE(
                         "", ITEM("a")) "on GET /\nstatus 401\nbody {}\n");
    make_plugin(
        &f, "echo '{\"apiVersion\":\"client.authentication.k8s.io/v1\",\"status\":{\"token\":\"t'$n'\"}}'");
    struct kube_access *access = access_by_plugin(&f);
    access->exec->cluster_info = true;
    access->exec->cluster_config = xstrdup("{\"a\":1}");
    access->ca_pem = xstrdup("foo");
    assert_int_equal(kube_api_new(access, &limits, &f.api, &f.err), 0);
    assert_int_equal(list(&f, NULL, NULL), 0);
    assert_int_equal(list(&f, NULL, NULL), 0);
    char *runs = read_in(&f, "runs");
    assert_string_equal(runs, "2\n");
    free(runs);
    char *told = read_in(&f, "told");
    assert_non_null(strstr(told, "\"spec\":{\"cluster\":{\"certificate-authority-data\":\"Zm9v\",\"config\":{"
                                 "\"a\":1},\"server\":\"http://127"));
    assert_non_null(strstr(told, "\"interactive\":false}"));
    assert_non_null(strstr(told, " last login"));
    free(told);
    stop(&f);
    remove_plugin(&f);
    /* Refused again with fresh credentials: no third try. */
    start_server(&f, "on GET /\nstatus 401\nbody {}\n");
    make_plugin(&f, CREDENTIAL("\"token\":\"t\""));
    assert_int_equal(kube_api_new(access_by_plugin(&f), &limits, &f.api, &f.err), 0);
    assert_int_equal(list(&f, NULL, NULL), -1);
    assert_non_null(strstr(f.err.hint, "log in again"));
    assert_int_equal(http_script_count(f.server), 2);
    stop(&f);
    remove_plugin(&f);
}

static int runs_of_plugin(struct fixture *f)
{
    char *text = read_in(f, "runs");
    int runs = atoi(text);
    free(text);
    return runs;
}

/* Credentials that run out within seconds are renewed before the next request that is late enough. */
static void test_plugin_expiry(void **state)
{
    enum { EARLIEST_MS = 2000, LONG_MS = 60 * 1000 }; /* 10 s before the end, which is told in whole seconds */
    (void)state;
    struct fixture f;
    struct kube_limits limits = {0};
    start_server(&f, "on GET /\n" PAGE("", ""));
    make_plugin(&f, "at=$(date -u -d '+13 seconds' +%Y-%m-%dT%H:%M:%SZ); " CREDENTIAL(
                        "\"token\":\"t\",\"expirationTimestamp\":\"'$at'\""));
    int64_t start = clock_monotonic_ms();
    assert_int_equal(kube_api_new(access_by_plugin(&f), &limits, &f.api, &f.err), 0);
    assert_int_equal(list(&f, NULL, NULL), 0);
    int before = runs_of_plugin(&f);
    assert_true(before == 1 || clock_monotonic_ms() - start >= EARLIEST_MS);
    while (runs_of_plugin(&f) == before && clock_monotonic_ms() - start < LONG_MS) {
        clock_sleep_ms(100);
        assert_int_equal(list(&f, NULL, NULL), 0);
    }
    assert_int_equal(runs_of_plugin(&f), before + 1);
    assert_true(clock_monotonic_ms() - start >= EARLIEST_MS);
    stop(&f);
    remove_plugin(&f);
}

/* Every way in which a plugin may fail has its sentence; what it printed is never in it. */
static void test_bad_plugins(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *words;
    } cases[] = {
        {"echo 's3cret of the token' ; echo 'first' >&2; echo 'please log in' >&2; exit 3",
         "ended with 3: please log in"},
        {"echo '{\"token\":\"s3cret\"'", "no ExecCredential in JSON"},
        {"echo '[]'", "no ExecCredential in JSON"},
        {"echo '{\"apiVersion\":\"client.authentication.k8s.io/v1beta1\",\"status\":{\"token\":\"s3cret\"}}'",
         "the kubeconfig says"},
        {CREDENTIAL(""), "neither a token nor a certificate"},
        {CREDENTIAL("\"clientCertificateData\":\"x\""), "neither a token nor a certificate"},
        {CREDENTIAL("\"token\":\"s3cret\",\"expirationTimestamp\":\"soon\""),
         "expirationTimestamp that is no time"},
        {CREDENTIAL("\"token\":\"s3cret\\\\r\\\\nX: y\""), "control characters"},
        {"head -c 2000000 /dev/zero | tr '\\0' x", "its credential plugin gives nothing"},
        {"kill -9 $$", "ended with 137"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct fixture f;
        struct kube_limits limits = {0};
        start_server(&f, "on GET /\nbody {}\n");
        make_plugin(&f, cases[i].text);
        assert_int_equal(kube_api_new(access_by_plugin(&f), &limits, &f.api, &f.err), -1);
        if (strstr(f.err.message, cases[i].words) == NULL) {
            print_error("%s\n", f.err.message);
        }
        assert_non_null(strstr(f.err.message, cases[i].words));
        assert_non_null(strstr(f.err.message, "context \"c\""));
        assert_null(strstr(f.err.message, "s3cret"));
        assert_int_equal(http_script_count(f.server), 0);
        f.api = NULL;
        stop(&f);
        remove_plugin(&f);
    }
    struct fixture f;
    struct kube_limits limits = {0};
    start_server(&f, "on GET /\nbody {}\n");
    snprintf(f.folder, sizeof f.folder, "/nowhere");
    struct kube_access *access = access_by_plugin(&f);
    free(access->exec->path);
    access->exec->path = NULL;
    assert_int_equal(kube_api_new(access, &limits, &f.api, &f.err), -1);
    assert_string_equal(f.err.hint, "install the plugin");
    stop(&f);
}

int main(void)
{
    rng_seed(1);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pages),         cmocka_unit_test(test_gone),
        cmocka_unit_test(test_refusals),      cmocka_unit_test(test_faults_that_pass),
        cmocka_unit_test(test_groups),        cmocka_unit_test(test_plugin),
        cmocka_unit_test(test_plugin_expiry), cmocka_unit_test(test_bad_plugins),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
