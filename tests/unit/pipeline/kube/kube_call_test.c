/* Requests to an API server that are not waited for, against a scripted one: what is told of each answer, and credentials that run out. */

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
#include "pipeline/kube/kube_call.h"
#include "pipeline/kube/kube_right.h"
#include "tests/harness/http_script.h"

enum { LONG_MS = 60 * 1000, ANSWERS_MAX = 8 };

struct fixture {
    struct http_script *server;
    struct kube_api *api;
    struct http_loop *loop;
    struct kube_answer answers[ANSWERS_MAX]; /* in the order they came */
    int told;
    struct err err;
    char folder[64];
};

static struct kube_access *access_to(struct fixture *f)
{
    struct kube_access *access = xcalloc(sizeof *access);
    access->origin = xstrdup("context \"c\" of config");
    access->server = xasprintf("http://127.0.0.1:%d", http_script_port(f->server));
    return access;
}

static void start_as(struct fixture *f, struct kube_access *access)
{
    struct kube_limits limits = {.answer_bytes = 100000};
    assert_int_equal(kube_api_new(access, &limits, &f->api, &f->err), 0);
    assert_int_equal(http_loop_new(&f->loop, &f->err), 0);
}

static void start(struct fixture *f, const char *script)
{
    memset(f, 0, sizeof *f);
    f->server = http_script_start(script);
    start_as(f, access_to(f));
}

static void stop(struct fixture *f)
{
    for (int i = 0; i < f->told; i++) {
        json_decref(f->answers[i].body);
    }
    http_loop_free(f->loop);
    kube_api_free(f->api);
    http_script_stop(f->server);
}

static void take(void *context, struct kube_answer *answer)
{
    struct fixture *f = context;
    f->answers[f->told++] = *answer;
    answer->body = NULL;
}

static void finish(struct fixture *f, int told)
{
    while (f->told < told) {
        assert_int_equal(http_loop_turn(f->loop, clock_monotonic_ms() + LONG_MS, -1, &f->err), 0);
    }
}

static void begin(struct fixture *f, const char *method, const char *path, bool writes)
{
    json_t *body = writes ? json_pack("{s:i}", "x", 1) : NULL;
    struct kube_request request = {.method = method, .path = path, .content_type = "application/merge-patch+json", .body = body,
                                   .writes = writes};
    assert_int_equal(kube_call_begin(f->api, f->loop, &request, take, f, NULL, &f->err), 0);
    json_decref(body);
}

/* A write says who it is, and comes as it was meant. */
static void test_write(void **state)
{
    (void)state;
    struct fixture f;
    start(&f, "on PATCH /a?dryRun=All&fieldManager=tare\nheader Audit-Id: id-7\nbody {\"kind\":\"X\"}\n"
              "on PATCH /b?fieldManager=other\nbody {}\non DELETE /c\nbody {}\n");
    begin(&f, "PATCH", "/a?dryRun=All", true);
    finish(&f, 1);
    begin(&f, "PATCH", "/b?fieldManager=other", true);
    finish(&f, 2);
    begin(&f, "DELETE", "/c", true);
    finish(&f, 3);
    assert_int_equal(f.answers[0].status, 200);
    assert_string_equal(f.answers[0].request_id, "id-7");
    assert_string_equal(json_string_or_null(f.answers[0].body, "kind"), "X");
    assert_int_equal(f.answers[1].status, 200);
    assert_int_equal(f.answers[2].status, 200);
    char *text = http_script_requests(f.server);
    assert_non_null(strstr(text, "Content-Type: application/merge-patch"));
    assert_non_null(strstr(text, "User-Agent: tare/" TARE_VERSION));
    assert_non_null(strstr(text, "{\"x\":1}"));
    free(text);
    stop(&f);
}

#define STATUS(code, reason, message) \
    "status " code "\nheader Audit-Id: id-7\nbody {\"kind\":\"Status\",\"reason\":\"" reason "\",\"message\":\"" message "\"}\n"

/* Who refused, in words; whether it may have happened. */
static void test_refusals(void **state)
{
    static const struct {
        const char *answer;
        long status;
        bool happened;
        const char *words;
        const char *hint;
    } cases[] = {
        {STATUS("403", "Forbidden", "deployments.apps \\\"a\\\" is forbidden: User \\\"u\\\" cannot patch resource"), 403, false,
         "does not permit this (403)", "tare doctor"},
        {STATUS("403", "Forbidden", "pods \\\"a\\\" is forbidden: exceeded quota: q, requested: cpu=2"), 403, false,
         "a ResourceQuota does not allow this", "kubectl describe resourcequota"},
        {STATUS("403", "Forbidden", "maximum cpu usage per Container is 1, but limit is 2"), 403, false, "a LimitRange does not allow this",
         "kubectl describe limitrange"},
        {STATUS("400", "BadRequest", "admission webhook \\\"no.example\\\" denied the request: no"), 400, false,
         "an admission webhook of the cluster denies this", "webhook"},
        {STATUS("500", "InternalError", "Internal error occurred: failed calling webhook \\\"w\\\": dial tcp"), 500, true,
         "does not answer, and nothing goes past it", "webhookconfigurations"},
        {STATUS("422", "Invalid", "ValidatingAdmissionPolicy 'p' with binding 'b' denied request: no"), 422, false,
         "an admission policy of the cluster denies this", "policy"},
        {STATUS("409", "Conflict", "the object has been modified"), 409, false, "changed between reading and writing (409)", "try again"},
        {STATUS("409", "AlreadyExists", "x already exists"), 409, false, "is there already (409)", ""},
        {STATUS("410", "Expired", "too old"), 410, false, "has forgotten the version", ""},
        {STATUS("504", "Timeout", "etcdserver: request timed out"), 504, true, "status 504", ""},
        {STATUS("501", "", "no"), 501, false, "status 501", ""},
        {"status 502\nheader Content-Type: text/html\nbody <html>\nheader Audit-Id: id-7\n", 502, true, "status 502", ""},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct fixture f;
        char script[1000];
        snprintf(script, sizeof script, "on PATCH /\n%s", cases[i].answer);
        start(&f, script);
        begin(&f, "PATCH", "/a", true);
        finish(&f, 1);
        const struct kube_answer *answer = &f.answers[0];
        if (strstr(answer->why.message, cases[i].words) == NULL || strstr(answer->why.hint, cases[i].hint) == NULL) {
            print_error("%s / %s\n", answer->why.message, answer->why.hint);
        }
        assert_int_equal(answer->status, cases[i].status);
        assert_int_equal(answer->may_have_happened, cases[i].happened);
        assert_non_null(strstr(answer->why.message, cases[i].words));
        assert_non_null(strstr(answer->why.message, "id-7"));
        assert_non_null(strstr(answer->why.hint, cases[i].hint));
        assert_int_equal(http_script_count(f.server), 1);
        stop(&f);
    }
}

/* The causes of an invalid object that the message does not tell. */
static void test_causes(void **state)
{
    (void)state;
    struct fixture f;
    start(&f, "on PATCH /\nstatus 422\nbody {\"kind\":\"Status\",\"reason\":\"Invalid\",\"message\":\"it is invalid\",\"details\":{\"causes\":["
              "{\"field\":\"spec.a\",\"message\":\"must be small\"},{\"message\":\"it is invalid\"},{\"field\":\"b\",\"message\":\"2\"},"
              "{\"field\":\"c\",\"message\":\"3\"},{\"field\":\"d\",\"message\":\"4\"}]}}\n");
    begin(&f, "PATCH", "/a", true);
    finish(&f, 1);
    assert_non_null(strstr(f.answers[0].why.message, ": it is invalid; spec.a: must be small; b: 2; c: 3; …"));
    stop(&f);
}

/* What is no whole answer of an API server: nobody knows what became of a write. */
static void test_no_answer(void **state)
{
    static const char *const answers[] = {"close\n", "cut 3\nbody {\"kind\":\"X\"}\n", "header Content-Type: text/html\nbody <html>\n",
                                          "body {\"kind\":\n", "repeat 200000 x\n", "status 307\nheader Location: /elsewhere\n"};
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(answers); i++) {
        struct fixture f;
        char script[200];
        snprintf(script, sizeof script, "on PATCH /\n%s", answers[i]);
        start(&f, script);
        begin(&f, "PATCH", "/a", true);
        finish(&f, 1);
        assert_int_equal(f.answers[0].status, i == 5 ? 307 : 0);
        assert_int_equal(f.answers[0].may_have_happened, i != 5);
        assert_int_not_equal(f.answers[0].why.class, ERR_NONE);
        assert_int_equal(http_script_count(f.server), 1);
        stop(&f);
    }
}

/* For how long nothing was heard: from the first failure to the next answer of any status. */
static void test_silence(void **state)
{
    (void)state;
    struct fixture f;
    struct err why = {0};
    start(&f, "on PATCH /a\nclose\non PATCH /b\nstatus 500\n");
    assert_int_equal(kube_api_silence(f.api, &why), 0);
    begin(&f, "PATCH", "/a", true);
    finish(&f, 1);
    assert_true(kube_api_silence(f.api, &why) > 0);
    assert_non_null(strstr(why.message, "broke the connection"));
    begin(&f, "PATCH", "/b", true);
    finish(&f, 2);
    assert_int_equal(kube_api_silence(f.api, &why), 0);
    stop(&f);
}

/* ---- Credentials ---- */

static void write_text(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static char *in_folder(const struct fixture *f, const char *name)
{
    return fs_join(f->folder, name);
}

static void make_folder(struct fixture *f)
{
    snprintf(f->folder, sizeof f->folder, "/tmp/tare-kube-call-XXXXXX");
    assert_non_null(mkdtemp(f->folder));
}

static void drop_folder(const struct fixture *f, const char *const *names)
{
    for (size_t i = 0; names[i] != NULL; i++) {
        char *path = in_folder(f, names[i]);
        unlink(path);
        free(path);
    }
    rmdir(f->folder);
}

/* A token file is read anew when the server refuses what stood in it. */
static void test_token_file(void **state)
{
    (void)state;
    struct fixture f;
    memset(&f, 0, sizeof f);
    make_folder(&f);
    f.server = http_script_start("on GET /wait\ndelay 300\nstatus 401\non PATCH /a\nmatch Bearer new\nbody {}\non PATCH /a\nstatus 401\n"
                                 "on GET /\nmatch Bearer new\nbody {}\n");
    struct kube_access *access = access_to(&f);
    char *path = in_folder(&f, "token");
    access->token_file = xstrdup(path);
    write_text(path, "old\n");
    start_as(&f, access);
    begin(&f, "GET", "/wait", false);
    while (http_script_count(f.server) == 0) {
        assert_int_equal(http_loop_turn(f.loop, clock_monotonic_ms() + 20, -1, &f.err), 0);
    }
    write_text(path, "new\n");
    finish(&f, 1); /* asked again with the new one, which this rule refuses, too */
    assert_int_equal(f.answers[0].status, 401);
    assert_non_null(strstr(f.answers[0].why.hint, "kubectl create token"));
    assert_null(strstr(f.answers[0].why.message, "Bearer"));
    write_text(path, "old\n");
    begin(&f, "PATCH", "/a", true);
    write_text(path, "new\n");
    finish(&f, 2);
    assert_int_equal(f.answers[1].status, 200);
    free(path);
    stop(&f);
    drop_folder(&f, (const char *const[]){"token", NULL});
}

/* Several requests whose credential ran out ask the plugin once. */
static void test_plugin(void **state)
{
    (void)state;
    struct fixture f;
    memset(&f, 0, sizeof f);
    make_folder(&f);
    f.server = http_script_start("on GET /\nmatch Bearer t2\nbody {}\non GET /\ndelay 100\nstatus 401\n");
    struct kube_access *access = access_to(&f);
    char *plugin = in_folder(&f, "plugin");
    char *count = in_folder(&f, "count");
    char *script = xasprintf("#!/bin/sh\necho x >> %s\nn=$(wc -l < %s)\n"
                             "printf '{\"apiVersion\":\"client.authentication.k8s.io/v1\",\"kind\":\"ExecCredential\","
                             "\"status\":{\"token\":\"t%%d\"}}' $n\n",
                             count, count);
    write_text(plugin, script);
    chmod(plugin, 0755);
    access->exec = xcalloc(sizeof *access->exec);
    access->exec->command = xstrdup("plugin");
    access->exec->path = xstrdup(plugin);
    access->exec->args = xcalloc_array(1, sizeof(char *));
    access->exec->env = xcalloc_array(1, sizeof(char *));
    access->exec->api_version = xstrdup("client.authentication.k8s.io/v1");
    start_as(&f, access);
    for (int i = 0; i < 5; i++) {
        begin(&f, "GET", "/a", false);
    }
    finish(&f, 5);
    for (int i = 0; i < 5; i++) {
        assert_int_equal(f.answers[i].status, 200);
    }
    struct buf lines;
    buf_init(&lines, 100);
    assert_int_equal(fs_read(count, &lines, &f.err), 0);
    assert_string_equal(buf_str(&lines), "x\nx\n");
    buf_release(&lines);
    free(script);
    free(plugin);
    free(count);
    stop(&f);
    drop_folder(&f, (const char *const[]){"plugin", "count", NULL});
}

/* ---- What the account may do ---- */

static void test_rights(void **state)
{
    (void)state;
    static const struct kube_right rights[] = {
        {"patch", "apps", "deployments", "shop", NULL},
        {"patch", "", "pods/resize", "shop", NULL},
        {"get", "", "namespaces", NULL, "kube-system"},
    };
    struct fixture f;
    bool allowed[3] = {false, true, false};
    start(&f, "on POST /apis/authorization.k8s.io/v1/selfsubjectaccessreviews\nmatch \"subresource\":\"resize\"\nbody "
              "{\"status\":{\"allowed\":false}}\n"
              "on POST /apis/authorization.k8s.io/v1/selfsubjectaccessreviews\nmatch \"resource\":\"deployments\"\nbody "
              "{\"status\":{\"allowed\":true}}\n"
              "on POST /apis/authorization.k8s.io/v1/selfsubjectaccessreviews\nmatch \"name\":\"kube-system\"\nbody "
              "{\"status\":{\"allowed\":true}}\n");
    assert_int_equal(kube_rights_ask(f.api, rights, 3, allowed, &f.err), 0);
    assert_true(allowed[0]);
    assert_false(allowed[1]);
    assert_true(allowed[2]);
    stop(&f);
    start(&f, "on POST /\nstatus 201\nbody {\"status\":{}}\n");
    assert_int_equal(kube_rights_ask(f.api, rights, 1, allowed, &f.err), -1);
    assert_non_null(strstr(f.err.message, "does not say whether the account may patch deployments"));
    stop(&f);
    start(&f, "on POST /\nstatus 403\nbody {\"message\":\"no\"}\n");
    assert_int_equal(kube_rights_ask(f.api, rights, 3, allowed, &f.err), -1);
    assert_non_null(strstr(f.err.message, "(403)"));
    stop(&f);
}

int main(void)
{
    rng_seed(7);
    json_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_write),   cmocka_unit_test(test_refusals),   cmocka_unit_test(test_causes), cmocka_unit_test(test_no_answer),
        cmocka_unit_test(test_silence), cmocka_unit_test(test_token_file), cmocka_unit_test(test_plugin), cmocka_unit_test(test_rights),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
