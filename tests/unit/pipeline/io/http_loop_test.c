/* Requests side by side against a scripted server: nobody waits for another, and a write goes out once. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pipeline/base/clock.h"
#include "pipeline/base/rng.h"
#include "pipeline/io/http_internal.h"
#include "pipeline/io/http_loop.h"
#include "tests/harness/http_script.h"

enum { REQUESTS_MAX = 40, LONG_MS = 60 * 1000 };

/* What became of a request. */
struct outcome {
    struct fixture *fixture;
    long status;
    struct err failure;
    bool sent;
    bool timed_out;
    bool broken;
    int64_t date;
    unsigned tries;
    int told;
    int64_t at; /* when it was told */
    struct http_flight *flight;
};

struct fixture {
    struct http_script *server;
    struct http_client *client;
    struct http_loop *loop;
    struct err err;
    char url[128];
    struct outcome outcomes[REQUESTS_MAX];
    int begun;
    int done;
};

static void start(struct fixture *f, const char *script)
{
    memset(f, 0, sizeof *f);
    f->server = http_script_start(script);
    snprintf(f->url, sizeof f->url, "http://127.0.0.1:%d", http_script_port(f->server));
    struct http_options options = {.what = "the test server", .url = f->url};
    assert_int_equal(http_client_new(&options, &f->client, &f->err), 0);
    assert_int_equal(http_loop_new(&f->loop, &f->err), 0);
}

static void stop(struct fixture *f)
{
    http_loop_free(f->loop);
    http_client_free(f->client);
    http_script_stop(f->server);
}

static void told(void *context, struct http_reply *reply, const struct err *failure)
{
    struct outcome *outcome = context;
    outcome->told++;
    outcome->at = clock_monotonic_ms();
    outcome->status = reply->status;
    outcome->sent = reply->sent;
    outcome->timed_out = reply->timed_out;
    outcome->broken = reply->broken;
    outcome->date = reply->date;
    outcome->tries = reply->tries;
    if (failure != NULL) {
        outcome->failure = *failure;
    }
    outcome->fixture->done++;
}

static struct outcome *begin(struct fixture *f, struct http_request request)
{
    struct outcome *outcome = &f->outcomes[f->begun++];
    outcome->fixture = f;
    assert_int_equal(http_loop_begin(f->loop, f->client, &request, 0, told, outcome, &outcome->flight, &f->err), 0);
    return outcome;
}

static void finish(struct fixture *f, int done)
{
    while (f->done < done) {
        assert_int_equal(http_loop_turn(f->loop, clock_monotonic_ms() + LONG_MS, -1, &f->err), 0);
    }
}

static struct http_request patch(const char *path)
{
    return (struct http_request){.method = "PATCH", .path = path, .body = "{\"a\":1}", .body_length = 7, .writes = true};
}

/* One that is never answered holds up nobody, and can be dropped. */
static void test_side_by_side(void **state)
{
    (void)state;
    struct fixture f;
    start(&f, "on GET /never\nhang\non GET /\nbody {}\n");
    struct outcome *never = begin(&f, (struct http_request){.path = "/never"});
    for (int i = 0; i < 30; i++) {
        begin(&f, (struct http_request){.path = "/x"});
    }
    finish(&f, 30);
    assert_int_equal(never->told, 0);
    http_loop_cancel(f.loop, never->flight);
    begin(&f, (struct http_request){.path = "/y"});
    finish(&f, 31);
    assert_int_equal(never->told, 0);
    stop(&f);
}

/* What a request without writes may ask twice, one that writes does not. */
static void test_writes_once(void **state)
{
    static const struct {
        const char *answer;
        long status;
        unsigned tries;
        bool sent;
    } cases[] = {
        {"status 500", 500, 1, true},
        {"status 503\nheader Retry-After: 0", 503, 1, true},
        {"close", 0, 1, true},
        {"cut 1\nbody {\"whole\":true}", 200, 1, true},
        {"times 2\nstatus 429\nheader Retry-After: 0", 404, 3, true}, /* no rule takes the third */
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct fixture f;
        char script[200];
        snprintf(script, sizeof script, "on PATCH /\n%s\n", cases[i].answer);
        start(&f, script);
        struct outcome *outcome = begin(&f, patch("/a"));
        finish(&f, 1);
        assert_int_equal(outcome->status, cases[i].status);
        assert_int_equal(outcome->tries, cases[i].tries);
        assert_int_equal(outcome->sent, cases[i].sent);
        assert_int_equal(http_script_count(f.server), cases[i].tries);
        char *text = http_script_requests(f.server);
        assert_non_null(strstr(text, "{\"a\":1}"));
        free(text);
        stop(&f);
    }
}

/* Where nobody listens nothing was sent, and trying again is safe. */
static void test_no_connection(void **state)
{
    (void)state;
    struct fixture f;
    start(&f, "on GET /\n");
    http_client_free(f.client);
    struct http_options options = {.what = "the test server", .url = "http://127.0.0.1:1"};
    assert_int_equal(http_client_new(&options, &f.client, &f.err), 0);
    struct outcome *outcome = begin(&f, patch("/a"));
    finish(&f, 1);
    assert_int_equal(outcome->status, 0);
    assert_int_equal(outcome->failure.class, ERR_UNAVAILABLE);
    assert_int_equal(outcome->tries, 3);
    assert_false(outcome->sent);
    stop(&f);
}

/* What a failure was, and the server's clock where it tells it. */
static void test_kinds_of_ends(void **state)
{
    static const struct {
        const char *answer;
        bool broken;
        int64_t date;
    } cases[] = {{"header Date: Sun, 22 Nov 2026 03:27:26 GMT\nbody {}", false, 1795318046},
                 {"header Date: today\nbody {}", false, -1},
                 {"body {}", false, -1},
                 {"cut 1\nbody {\"whole\":true}", true, -1},
                 {"close", true, -1},
                 {"status 302\nheader Location: http://elsewhere.example/", false, -1}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct fixture f;
        char script[200];
        snprintf(script, sizeof script, "on GET /\n%s\n", cases[i].answer);
        start(&f, script);
        struct outcome *outcome = begin(&f, (struct http_request){.path = "/a", .once = true});
        finish(&f, 1);
        assert_int_equal(outcome->broken, cases[i].broken);
        assert_int_equal(outcome->date, cases[i].date);
        stop(&f);
    }
}

static void test_read_again(void **state)
{
    (void)state;
    struct fixture f;
    start(&f, "on GET /a\ntimes 1\nclose\non GET /a\ntimes 1\nstatus 503\nheader Retry-After: 0\non GET /a\nbody {}\n");
    struct outcome *outcome = begin(&f, (struct http_request){.path = "/a"});
    finish(&f, 1);
    assert_int_equal(outcome->status, 200);
    assert_int_equal(outcome->tries, 3);
    stop(&f);
}

/* Throttling is waited out for longer than other failures. */
static void test_throttled(void **state)
{
    (void)state;
    struct fixture f;
    start(&f, "on GET /a\ntimes 7\nstatus 429\nheader Retry-After: 0\non GET /a\nbody {}\n");
    struct outcome *outcome = begin(&f, (struct http_request){.path = "/a", .throttle_tries = 12});
    struct outcome *other = begin(&f, (struct http_request){.path = "/none"});
    finish(&f, 2);
    assert_int_equal(outcome->status, 200);
    assert_int_equal(outcome->tries, 8);
    assert_int_equal(other->status, 404);
    stop(&f);
}

/* A Retry-After holds all requests of that client back, not only the one that was told. */
static void test_held(void **state)
{
    (void)state;
    struct fixture f;
    start(&f, "on GET /a\ntimes 1\nstatus 429\nheader Retry-After: 2\non GET /\nbody {}\n");
    int64_t from = clock_monotonic_ms();
    struct outcome *first = begin(&f, (struct http_request){.path = "/a"});
    while (f.client->held_until == 0 && clock_monotonic_ms() - from < LONG_MS) { /* until the 429 has come */
        assert_int_equal(http_loop_turn(f.loop, clock_monotonic_ms() + 50, -1, &f.err), 0);
    }
    assert_int_equal(http_script_count(f.server), 1);
    struct outcome *other = begin(&f, (struct http_request){.path = "/b"});
    finish(&f, 2);
    assert_true(other->at - from >= 2000);
    assert_int_equal(first->status, 200);
    stop(&f);
}

/* A client may be given up while its requests are under way: credentials that were renewed. */
static void test_client_given_up(void **state)
{
    (void)state;
    struct fixture f;
    start(&f, "on GET /a\ndelay 50\nbody {}\n");
    struct outcome *outcome = begin(&f, (struct http_request){.path = "/a"});
    http_client_free(f.client);
    f.client = NULL;
    finish(&f, 1);
    assert_int_equal(outcome->status, 200);
    stop(&f);
}

/* A transfer on which nothing comes any more is ended before its time is over. */
static void test_quiet(void **state)
{
    (void)state;
    struct fixture f;
    start(&f, "on GET /a\nhang\n");
    struct outcome *outcome = begin(&f, (struct http_request){.path = "/a", .quiet_seconds = 1, .once = true});
    finish(&f, 1);
    assert_true(outcome->timed_out);
    assert_true(outcome->sent);
    stop(&f);
}

static void begin_another(void *context, struct http_reply *reply, const struct err *failure)
{
    struct outcome *outcome = context;
    struct fixture *f = outcome->fixture;
    assert_null(failure);
    assert_int_equal(reply->status, 200);
    http_loop_cancel(f->loop, f->outcomes[1].flight);
    begin(f, (struct http_request){.path = "/b"});
}

/* Others may be begun and dropped by who is told. */
static void test_from_done(void **state)
{
    (void)state;
    struct fixture f;
    start(&f, "on GET /never\nhang\non GET /\nbody {}\n");
    struct http_request request = {.path = "/a"};
    f.outcomes[0].fixture = &f;
    f.begun = 1;
    begin(&f, (struct http_request){.path = "/never"});
    assert_int_equal(http_loop_begin(f.loop, f.client, &request, 0, begin_another, &f.outcomes[0], NULL, &f.err), 0);
    finish(&f, 1);
    assert_int_equal(f.outcomes[2].status, 200);
    assert_int_equal(f.outcomes[1].told, 0);
    stop(&f);
}

int main(void)
{
    rng_seed(7);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_side_by_side),    cmocka_unit_test(test_writes_once), cmocka_unit_test(test_no_connection),
        cmocka_unit_test(test_kinds_of_ends),
        cmocka_unit_test(test_read_again),      cmocka_unit_test(test_throttled),   cmocka_unit_test(test_held),
        cmocka_unit_test(test_client_given_up), cmocka_unit_test(test_quiet),       cmocka_unit_test(test_from_done),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
