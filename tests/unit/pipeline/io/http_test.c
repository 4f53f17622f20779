/* HTTP: retries, caps, redirects, credentials, and sentences without secrets, against a scripted server. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "pipeline/base/clock.h"
#include "pipeline/base/mem.h"
#include "pipeline/base/rng.h"
#include "pipeline/io/fs.h"
#include "pipeline/io/http.h"
#include "pipeline/io/proc.h"
#include "pipeline/io/url.h"
#include "tests/harness/http_script.h"

/* One exchange with a scripted server. */
struct fixture {
    struct http_script *server;
    struct http_client *client;
    struct http_reply reply;
    struct err err;
    char url[128];
};

static void start_with(struct fixture *f, const char *script, struct http_options options)
{
    memset(f, 0, sizeof *f);
    f->server = http_script_start(script);
    snprintf(f->url, sizeof f->url, "http://127.0.0.1:%d", http_script_port(f->server));
    options.url = options.url == NULL ? f->url : options.url;
    assert_int_equal(http_client_new(&options, &f->client, &f->err), 0);
    http_reply_init(&f->reply);
}

static void start(struct fixture *f, const char *script)
{
    start_with(f, script, (struct http_options){.what = "the test server"});
}

static int get(struct fixture *f, const char *path)
{
    struct http_request request = {.path = path};
    return http_send(f->client, &request, &f->reply, &f->err);
}

static void stop(struct fixture *f)
{
    http_reply_release(&f->reply);
    http_client_free(f->client);
    http_script_stop(f->server);
}

static void test_get(void **state)
{
    (void)state;
    struct fixture f;
    char value[32];
    start(&f, "on GET /a?b=c\nheader X-Request-Id: r-1\nbody {\"x\":1}\n");
    assert_int_equal(get(&f, "/a?b=c"), 0);
    assert_int_equal(f.reply.status, 200);
    assert_string_equal(buf_str(&f.reply.body), "{\"x\":1}");
    assert_true(http_reply_header(&f.reply, "x-request-id", value, sizeof value));
    assert_string_equal(value, "r-1");
    assert_true(http_reply_is(&f.reply, "application/json"));
    assert_int_equal(http_reply_check(&f.reply, "it", &f.err), 0);
    char *text = http_script_requests(f.server);
    assert_non_null(strstr(text, "User-Agent: tare/"));
    free(text);
    stop(&f);
}

static void test_post(void **state)
{
    (void)state;
    struct fixture f;
    start(&f, "on POST /p\nmatch k=a b&c\nbody ok\n");
    struct buf form;
    buf_init(&form, 1000);
    assert_int_equal(http_add_field(&form, "k", "a b&c"), 0);
    assert_string_equal(buf_str(&form), "k=a%20b%26c");
    struct http_request request = {.path = "/p",
                                   .body = form.data,
                                   .body_length = form.length,
                                   .content_type = "application/x-www-form-urlencoded"};
    assert_int_equal(http_send(f.client, &request, &f.reply, &f.err), 0);
    assert_int_equal(f.reply.status, 200);
    buf_release(&form);
    stop(&f);
}

static void test_retries_then_serves(void **state)
{
    (void)state;
    struct fixture f;
    start(&f, "on GET /\ntimes 1\nstatus 503\nheader Retry-After: 0\non GET /\ntimes 1\nclose\non GET "
              "/\nbody ok\n");
    assert_int_equal(get(&f, "/"), 0);
    assert_int_equal(f.reply.status, 200);
    assert_int_equal(f.reply.tries, 3);
    assert_int_equal(http_script_count(f.server), 3);
    stop(&f);
}

static void test_gives_up_after_three(void **state)
{
    (void)state;
    struct fixture f;
    start(&f, "on GET /\nstatus 500\nheader Retry-After: 0\nheader Content-Type: text/plain\nbody all is\x1b "
              "lost\n");
    assert_int_equal(get(&f, "/x"), 0);
    assert_int_equal(http_script_count(f.server), 3);
    assert_int_equal(http_reply_check(&f.reply, "the test server", &f.err), -1);
    assert_int_equal(f.err.class, ERR_UNAVAILABLE);
    assert_non_null(strstr(f.err.message, "status 500"));
    assert_non_null(strstr(f.err.message, "all is? lost"));
    stop(&f);
}

static void test_does_not_retry(void **state)
{
    (void)state;
    static const char *const scripts[] = {
        "on GET /\nstatus 400\n",
        "on GET /\nstatus 501\n",
        "on GET /\nstatus 401\n",
        "on GET /\nstatus 429\nheader Retry-After: 3600\n",
    };
    for (size_t i = 0; i < ARRAY_COUNT(scripts); i++) {
        struct fixture f;
        start(&f, scripts[i]);
        assert_int_equal(get(&f, "/"), 0);
        assert_int_equal(http_script_count(f.server), 1);
        stop(&f);
    }
}

static void test_once(void **state)
{
    (void)state;
    struct fixture f;
    start(&f, "on POST /\nclose\n");
    struct http_request request = {.path = "/", .body = "x", .body_length = 1, .once = true};
    assert_int_equal(http_send(f.client, &request, &f.reply, &f.err), -1);
    assert_int_equal(http_script_count(f.server), 1);
    stop(&f);
}

static void test_refused_credentials(void **state)
{
    (void)state;
    struct fixture f;
    start(&f, "on GET /a\nstatus 401\non GET /b\nstatus 403\n");
    get(&f, "/a?token=hush");
    assert_int_equal(http_reply_check(&f.reply, "the test server", &f.err), -1);
    assert_int_equal(f.err.class, ERR_UNAVAILABLE);
    assert_non_null(strstr(f.err.message, "credentials (401)"));
    assert_null(strstr(f.err.message, "hush"));
    get(&f, "/b");
    http_reply_check(&f.reply, "the test server", &f.err);
    assert_non_null(strstr(f.err.message, "(403)"));
    stop(&f);
}

static void test_unreachable(void **state)
{
    (void)state;
    struct fixture f;
    start_with(&f, "on GET /\n", (struct http_options){.what = "the test server", .url = "http://127.0.0.1:1"});
    int64_t before = clock_monotonic_ms();
    assert_int_equal(get(&f, "/"), -1);
    assert_int_equal(f.err.class, ERR_UNAVAILABLE);
    assert_non_null(strstr(f.err.message, "the test server does not accept connections"));
    assert_true(clock_monotonic_ms() - before < 60 * 1000);
    assert_int_equal(http_script_count(f.server), 0);
    stop(&f);
}

static void test_never_answers(void **state)
{
    (void)state;
    struct fixture f;
    start_with(&f, "on GET /\nhang\n", (struct http_options){.timeout_seconds = 3});
    assert_int_equal(get(&f, "/"), -1);
    assert_int_equal(f.err.class, ERR_UNAVAILABLE);
    assert_non_null(strstr(f.err.message, "in time"));
    assert_true(f.reply.timed_out);
    assert_int_equal(http_script_count(f.server), 1);
    stop(&f);
}

static void test_slow_body_runs_out_of_time(void **state)
{
    (void)state;
    struct fixture f;
    start_with(&f, "on GET /\nrepeat 20000 x\ndrip 300\n", (struct http_options){.timeout_seconds = 1});
    assert_int_equal(get(&f, "/"), -1);
    assert_true(f.reply.timed_out);
    stop(&f);
}

static void test_cut(void **state)
{
    (void)state;
    static const char *const scripts[] = {"on GET /\nrepeat 1000 abc\ncut 100\n",
                                          "on GET /\nrepeat 1000 abc\nchunked\ncut 2000\n"};
    for (size_t i = 0; i < ARRAY_COUNT(scripts); i++) {
        struct fixture f;
        start(&f, scripts[i]);
        assert_int_equal(get(&f, "/"), -1);
        assert_int_equal(f.err.class, ERR_UNAVAILABLE);
        assert_int_equal(http_script_count(f.server), 3);
        stop(&f);
    }
}

static void test_cap(void **state)
{
    (void)state;
    struct fixture f;
    start(&f, "on GET /\nrepeat 1000 abc\n");
    struct http_request request = {.path = "/", .cap = 2999};
    assert_int_equal(http_send(f.client, &request, &f.reply, &f.err), -1);
    assert_int_equal(f.err.class, ERR_DATA);
    assert_non_null(strstr(f.err.message, "larger than 2999 bytes"));
    request.cap = 3000;
    assert_int_equal(http_send(f.client, &request, &f.reply, &f.err), 0);
    assert_int_equal(f.reply.body.length, 3000);
    stop(&f);
}

/* Ten megabytes of zeroes in ten kilobytes: the cap counts what comes out. */
static void test_gzip_bomb(void **state)
{
    (void)state;
    char path[] = "/tmp/http_test_XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    char command[128];
    snprintf(command, sizeof command, "head -c 10000000 /dev/zero | gzip -9 > %s", path);
    char shell[] = "sh";
    char option[] = "-c";
    char *argv[] = {shell, option, command, NULL};
    struct proc proc = {.path = "/bin/sh", .argv = argv, .stdin_fd = -1, .stdout_fd = -1};
    struct err err = {0};
    int exit_code = -1;
    assert_int_equal(proc_run(&proc, &exit_code, &err), 0);
    assert_int_equal(exit_code, 0);
    char script[256];
    snprintf(script, sizeof script, "on GET /\nheader Content-Encoding: gzip\nbody-file %s\n", path);
    struct fixture f;
    start(&f, script);
    struct http_request request = {.path = "/", .cap = 1000000};
    assert_int_equal(http_send(f.client, &request, &f.reply, &f.err), -1);
    assert_int_equal(f.err.class, ERR_DATA);
    assert_true(f.reply.body.length <= 1000000);
    request.cap = 10000000;
    assert_int_equal(http_send(f.client, &request, &f.reply, &f.err), 0);
    assert_int_equal(f.reply.body.length, 10000000);
    stop(&f);
    unlink(path);
}

static void test_bad_gzip(void **state)
{
    (void)state;
    struct fixture f;
    start(&f, "on GET /\nheader Content-Encoding: gzip\nbody this is no gzip\n");
    assert_int_equal(get(&f, "/"), -1);
    assert_int_equal(f.err.class, ERR_DATA);
    stop(&f);
}

static void test_redirects(void **state)
{
    (void)state;
    struct fixture f;
    start(&f, "on GET /same\nstatus 302\nheader Location: /there\non GET /there\nbody ok\n"
              "on GET /away\nstatus 302\nheader Location: http://user:hush@localhost:1/x?token=hush\n"
              "on GET /circle\nstatus 302\nheader Location: /circle\n");
    assert_int_equal(get(&f, "/same"), 0);
    assert_int_equal(f.reply.status, 200);
    assert_int_equal(get(&f, "/away"), -1);
    assert_non_null(strstr(f.err.message, "not followed"));
    assert_null(strstr(f.err.message, "hush"));
    assert_int_equal(get(&f, "/circle"), -1);
    assert_non_null(strstr(f.err.message, "circles"));
    stop(&f);
}

static void write_secret(char *path, const char *text)
{
    int fd = mkstemp(path);
    struct err err = {0};
    assert_true(fd >= 0);
    assert_int_equal(fs_write_fd(fd, text, strlen(text), path, &err), 0);
    close(fd);
}

static void test_credentials(void **state)
{
    (void)state;
    char path[] = "/tmp/http_test_XXXXXX";
    write_secret(path, "hush\n");
    struct fixture f;
    start_with(&f, "on GET /\nmatch Authorization: Bearer hush\n",
               (struct http_options){.bearer_token_file = path});
    assert_int_equal(http_client_header(f.client, "X-Scope-OrgID", "team-a", &f.err), 0);
    assert_int_equal(get(&f, "/"), 0);
    assert_int_equal(f.reply.status, 200);
    char *text = http_script_requests(f.server);
    assert_non_null(strstr(text, "X-Scope-OrgID: team-a"));
    free(text);
    stop(&f);
    start_with(&f, "on GET /\nmatch Authorization: Basic dXNlcjpodXNo\n",
               (struct http_options){.username = "user", .password_file = path});
    get(&f, "/");
    assert_int_equal(f.reply.status, 200);
    stop(&f);
    unlink(path);
    start_with(&f, "on GET /\n", (struct http_options){.bearer_token_file = path});
    assert_int_equal(get(&f, "/"), -1);
    assert_int_equal(f.err.class, ERR_NOINPUT);
    stop(&f);
}

static void test_header_injection(void **state)
{
    (void)state;
    struct fixture f;
    start(&f, "on GET /\n");
    assert_int_equal(http_client_header(f.client, "A", "b\r\nC: d", &f.err), -1);
    assert_int_equal(http_client_header(f.client, "A: x", "b", &f.err), -1);
    assert_int_equal(f.err.class, ERR_CONFIG);
    stop(&f);
}

static void test_bad_options(void **state)
{
    (void)state;
    static const char *const urls[] = {"ftp://host/", "host:9090",          "",
                                       "http://a b/", "file:///etc/passwd", "http://"};
    for (size_t i = 0; i < ARRAY_COUNT(urls); i++) {
        struct http_options options = {.url = urls[i]};
        struct http_client *client = NULL;
        struct err err = {0};
        assert_int_equal(http_client_new(&options, &client, &err), -1);
        assert_int_equal(err.class, ERR_CONFIG);
    }
    struct http_options half = {.url = "http://x", .username = "u"};
    struct http_client *client = NULL;
    struct err err = {0};
    assert_int_equal(http_client_new(&half, &client, &err), -1);
}

/* What a sink saw. */
struct seen {
    struct buf bytes;
    int begins;
    bool refuse;
};

static void begin_seen(void *context)
{
    struct seen *seen = context;
    seen->begins++;
    buf_clear(&seen->bytes);
}

static int take_seen(void *context, const char *bytes, size_t length, struct err *err)
{
    struct seen *seen = context;
    buf_add(&seen->bytes, bytes, length);
    return seen->refuse ? err_set(err, ERR_DATA, "not wanted") : 0;
}

static void test_sink(void **state)
{
    (void)state;
    struct fixture f;
    start(&f, "on GET /a\ntimes 1\nrepeat 1000 abc\ncut 1500\non GET /a\nrepeat 1000 abc\non GET /b\nstatus "
              "400\nbody no\n");
    struct seen seen = {0};
    buf_init(&seen.bytes, 100000);
    struct http_sink sink = {.begin = begin_seen, .bytes = take_seen, .context = &seen};
    struct http_request request = {.path = "/a", .sink = &sink};
    assert_int_equal(http_send(f.client, &request, &f.reply, &f.err), 0);
    assert_int_equal(seen.begins, 2);
    assert_int_equal(seen.bytes.length, 3000);
    request.path = "/b";
    assert_int_equal(http_send(f.client, &request, &f.reply, &f.err), 0);
    assert_int_equal(seen.begins, 2);
    assert_string_equal(buf_str(&f.reply.body), "no");
    seen.refuse = true;
    request.path = "/a";
    assert_int_equal(http_send(f.client, &request, &f.reply, &f.err), -1);
    assert_string_equal(f.err.message, "not wanted");
    buf_release(&seen.bytes);
    stop(&f);
}

static void test_base_path(void **state)
{
    (void)state;
    struct fixture f;
    char url[160];
    start(&f, "on GET /prom/api\nbody ok\n");
    snprintf(url, sizeof url, "%s/prom/?x=1", f.url);
    http_client_free(f.client);
    struct http_options options = {.url = url};
    assert_int_equal(http_client_new(&options, &f.client, &f.err), 0);
    assert_int_equal(get(&f, "/api"), 0);
    assert_int_equal(f.reply.status, 200);
    stop(&f);
}

static void test_urls(void **state)
{
    (void)state;
    char out[64];
    assert_string_equal(url_public("https://u:p@h:1/a?k=v#f", out, sizeof out), "https://h:1/a");
    assert_string_equal(url_public("http://h/", out, sizeof out), "http://h");
    assert_string_equal(url_public("u:p@h", out, sizeof out), "(not an address)");
    assert_true(url_same_origin("http://h", "http://H:80/x"));
    assert_false(url_same_origin("http://h", "https://h"));
    assert_false(url_same_origin("http://h", "http://h:81"));
    assert_true(url_is_loopback("http://127.0.0.1:9"));
    assert_true(url_is_loopback("http://[::1]:9"));
    assert_false(url_is_loopback("http://127.0.0.1.example.com"));
    assert_true(url_is_open("http://h/v1"));
    assert_true(url_is_open("HTTP://h/v1"));
    assert_false(url_is_open("https://h/v1"));
    assert_false(url_is_open("http://localhost:9/v1"));
    assert_false(url_is_open("no address"));
}

/* A proxy of the environment serves other hosts, never a loopback address. */
static void test_proxy(void **state)
{
    (void)state;
    struct fixture f;
    start(&f, "on GET /direct\nbody direct\non GET http://metrics.test/x\nbody proxied\n");
    setenv("http_proxy", f.url, 1);
    assert_int_equal(get(&f, "/direct"), 0);
    assert_string_equal(buf_str(&f.reply.body), "direct");
    http_client_free(f.client);
    struct http_options options = {.url = "http://metrics.test"};
    assert_int_equal(http_client_new(&options, &f.client, &f.err), 0);
    assert_int_equal(get(&f, "/x"), 0);
    assert_string_equal(buf_str(&f.reply.body), "proxied");
    unsetenv("http_proxy");
    stop(&f);
}

/* Secrets may be given as they are; they go to this server alone. */
static void test_credentials_in_memory(void **state)
{
    (void)state;
    struct fixture f;
    const char *script = "on GET /\nmatch Authorization: Bearer t-1\nbody token\non GET /\nmatch Authorization: Basic "
                         "dTpw\nbody basic\n";
    start_with(&f, script, (struct http_options){.bearer_token = "t-1"});
    assert_int_equal(get(&f, "/"), 0);
    assert_string_equal(buf_str(&f.reply.body), "token");
    stop(&f);
    start_with(&f, script, (struct http_options){.username = "u", .password = "p"});
    assert_int_equal(get(&f, "/"), 0);
    assert_string_equal(buf_str(&f.reply.body), "basic");
    stop(&f);
    struct err err = {0};
    struct http_client *client = NULL;
    struct http_options bad = {.url = "https://h", .bearer_token = "a\r\nX: y"};
    assert_int_equal(http_client_new(&bad, &client, &err), -1);
    assert_null(strstr(err.message, "X: y"));
    bad = (struct http_options){.url = "https://h", .key_pem = "k"};
    assert_int_equal(http_client_new(&bad, &client, &err), -1);
}

/* A server that is verified under another name is still reached at its address, and named by it. */
static void test_server_name(void **state)
{
    (void)state;
    struct fixture f;
    char host[160];
    start_with(&f, "on GET /a\nmatch Host: 127.0.0.1:\nbody ok\non GET /b\nstatus 500\n",
               (struct http_options){.server_name = "api.internal", .tries = 1});
    assert_int_equal(get(&f, "/a"), 0);
    assert_string_equal(buf_str(&f.reply.body), "ok");
    assert_int_equal(get(&f, "/b"), 0);
    snprintf(host, sizeof host, "%s/b", f.url);
    assert_string_equal(f.reply.url, host);
    stop(&f);
    char *to = NULL;
    char *header = NULL;
    char *url = url_renamed("https://10.0.0.1/x", "api", &to, &header);
    assert_string_equal(url, "https://api/x");
    assert_string_equal(to, "api:443:10.0.0.1:443");
    assert_string_equal(header, "Host: 10.0.0.1");
    free(url);
    free(to);
    free(header);
}

/* A proxy that the options name is used whatever the environment says. */
static void test_named_proxy(void **state)
{
    (void)state;
    struct fixture f;
    start(&f, "on GET http://127.0.0.1:1/x\nbody proxied\n");
    http_client_free(f.client);
    setenv("no_proxy", "127.0.0.1", 1);
    struct http_options options = {.url = "http://127.0.0.1:1", .proxy = f.url};
    assert_int_equal(http_client_new(&options, &f.client, &f.err), 0);
    assert_int_equal(get(&f, "/x"), 0);
    assert_string_equal(buf_str(&f.reply.body), "proxied");
    unsetenv("no_proxy");
    stop(&f);
}

static void test_bad_authority(void **state)
{
    (void)state;
    struct fixture f;
    struct http_options options = {.url = "https://127.0.0.1:1", .ca_pem = "not PEM", .tries = 1};
    start(&f, "on GET /\nbody x\n");
    char url[160];
    snprintf(url, sizeof url, "https%s", f.url + 4);
    options.url = url;
    http_client_free(f.client);
    assert_int_equal(http_client_new(&options, &f.client, &f.err), 0);
    assert_int_equal(get(&f, "/"), -1);
    assert_int_equal(f.err.class, ERR_CONFIG);
    assert_non_null(strstr(f.err.message, "certificate authority"));
    stop(&f);
}

/* Where the path itself is a secret, nothing tells it; a redirect is the answer where that is asked for. */
static void test_secret_path(void **state)
{
    (void)state;
    struct fixture f;
    start_with(&f, "on POST /moved/SECRET\nstatus 307\nheader Location: /there\non POST /SECRET\nstatus 500\non POST /hang/SECRET\nhang\n",
               (struct http_options){.what = "the hook", .secret_path = true, .tries = 1, .timeout_seconds = 3});
    struct http_request request = {.path = "/moved/SECRET?sig=SECRET", .body = "{}", .body_length = 2, .no_redirect = true, .once = true};
    assert_int_equal(http_send(f.client, &request, &f.reply, &f.err), 0);
    assert_int_equal(f.reply.status, 307);
    assert_int_equal(http_script_count(f.server), 1);
    assert_string_equal(f.reply.url, f.url);
    request.path = "/SECRET/x";
    assert_int_equal(http_send(f.client, &request, &f.reply, &f.err), 0);
    assert_int_equal(http_reply_check(&f.reply, "the hook", &f.err), -1);
    assert_null(strstr(f.err.message, "SECRET"));
    request.path = "/hang/SECRET";
    assert_int_equal(http_send(f.client, &request, &f.reply, &f.err), -1);
    assert_null(strstr(f.err.message, "SECRET"));
    assert_non_null(strstr(f.err.message, f.url));
    stop(&f);
}

static void test_split(void **state)
{
    (void)state;
    static const struct {
        const char *url;
        const char *origin;
        const char *rest;
    } cases[] = {
        {"https://hooks.example/a/b?sig=x%2Fy&z=1#part", "https://hooks.example", "/a/b?sig=x%2Fy&z=1"},
        {"http://127.0.0.1:8080", "http://127.0.0.1:8080", "/"},
        {"https://[::1]:9/x", "https://[::1]:9", "/x"},
        {"https://u:p@h/x", NULL, NULL},
        {"https://u@h/x", NULL, NULL},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        char *origin = NULL;
        char *rest = NULL;
        struct err err = {0};
        int failed = url_split(cases[i].url, "the hook", &origin, &rest, &err);
        assert_int_equal(failed, cases[i].origin == NULL ? -1 : 0);
        if (!failed) {
            assert_string_equal(origin, cases[i].origin);
            assert_string_equal(rest, cases[i].rest);
        } else {
            assert_null(strstr(err.message, "u:p"));
        }
        free(origin);
        free(rest);
    }
}

int main(void)
{
    unsetenv("http_proxy");
    rng_seed(1);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_get),
        cmocka_unit_test(test_post),
        cmocka_unit_test(test_retries_then_serves),
        cmocka_unit_test(test_gives_up_after_three),
        cmocka_unit_test(test_does_not_retry),
        cmocka_unit_test(test_once),
        cmocka_unit_test(test_refused_credentials),
        cmocka_unit_test(test_unreachable),
        cmocka_unit_test(test_never_answers),
        cmocka_unit_test(test_slow_body_runs_out_of_time),
        cmocka_unit_test(test_cut),
        cmocka_unit_test(test_cap),
        cmocka_unit_test(test_gzip_bomb),
        cmocka_unit_test(test_bad_gzip),
        cmocka_unit_test(test_redirects),
        cmocka_unit_test(test_secret_path),
        cmocka_unit_test(test_split),
        cmocka_unit_test(test_credentials),
        cmocka_unit_test(test_header_injection),
        cmocka_unit_test(test_bad_options),
        cmocka_unit_test(test_sink),
        cmocka_unit_test(test_base_path),
        cmocka_unit_test(test_urls),
        cmocka_unit_test(test_proxy),
        cmocka_unit_test(test_credentials_in_memory),
        cmocka_unit_test(test_server_name),
        cmocka_unit_test(test_named_proxy),
        cmocka_unit_test(test_bad_authority),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
