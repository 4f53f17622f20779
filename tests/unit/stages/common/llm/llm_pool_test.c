/* Many questions side by side, against a model server that goes wrong as rules say, and against answers that are no HTTP of a model. */

#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "pipeline/base/clock.h"
#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "stages/common/llm/llm_pool.h"
#include "tests/harness/http_script.h"
#include "tests/harness/llm_server.h"

enum { QUESTIONS_MAX = 400, LONG_MS = 60 * 1000 };

static json_t *schema;

/* A question and what came of it. */
struct told {
    char user[128];
    int times;
    enum llm_end end;
    struct err why;
    char text[200];
    int64_t tokens;
    int64_t latency_ms;
    int64_t at;
};

static struct told told[QUESTIONS_MAX];

static void note(void *context, const struct llm_reply *reply, enum llm_end end, const struct err *why)
{
    struct told *one = context;
    one->times++;
    one->end = end;
    one->at = clock_monotonic_ms();
    one->tokens = reply->input_tokens + reply->output_tokens;
    one->latency_ms = reply->latency_ms;
    assert_true((why == NULL) == (end == LLM_ANSWERED));
    assert_true(reply->text != NULL || end != LLM_ANSWERED);
    assert_true(reply->text == NULL || end == LLM_ANSWERED || end == LLM_NO_ANSWER);
    assert_true(*reply->model != '\0');
    (void)snprintf(one->text, sizeof one->text, "%s", reply->text ? reply->text : "");
    if (why) {
        one->why = *why;
        assert_true(*why->message != '\0');
    }
}

static struct llm_prompt prompt_of(const char *user)
{
    return (struct llm_prompt){.system = "rules", .user = user, .schema = schema, .schema_name = "recommendation", .max_tokens = 500};
}

static struct llm *client_at(const struct llm_provider *provider, int port, int64_t timeout)
{
    char url[64];
    struct llm *llm = NULL;
    struct err err = {0};
    (void)snprintf(url, sizeof url, "http://127.0.0.1:%d", port);
    struct llm_options options = {
        .provider = provider, .model = "m", .base_url = url, .key = "secret-key", .connect_timeout_seconds = 5, .timeout_seconds = timeout};
    if (llm_new(&options, &llm, &err)) {
        fail_msg("%s", err.message);
    }
    return llm;
}

static void begin(struct llm_pool *pool, struct llm *llm, size_t i, const char *name)
{
    told[i] = (struct told){.times = 0};
    (void)snprintf(told[i].user, sizeof told[i].user, "{\"workload\":\"%s\",\"containers\":[]}", name);
    struct llm_prompt prompt = prompt_of(told[i].user);
    llm_pool_ask(pool, llm, &prompt, note, &told[i]);
}

static void turn_until_done(struct llm_pool *pool)
{
    struct err err = {0};
    int64_t end = clock_monotonic_ms() + LONG_MS;
    while (llm_pool_open(pool) > 0 && clock_monotonic_ms() < end) {
        if (llm_pool_turn(pool, end, -1, &err)) {
            fail_msg("%s", err.message);
        }
    }
    assert_int_equal(llm_pool_open(pool), 0);
}

/* Asks `count` questions "a0", "a1", … of one model, `parallel` at once. */
static void ask_many(const struct llm_provider *provider, int port, size_t count, int parallel, int64_t timeout)
{
    struct llm_pool *pool = NULL;
    struct llm *llm = client_at(provider, port, timeout);
    char name[32];
    assert_int_equal(llm_pool_new(parallel, &pool, NULL), 0);
    for (size_t i = 0; i < count; i++) {
        (void)snprintf(name, sizeof name, "a%zu", i);
        begin(pool, llm, i, name);
    }
    turn_until_done(pool);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(told[i].times, 1);
    }
    llm_pool_free(pool);
    llm_free(llm);
}

/* The same at a new model server. Returns its counter `calls`; *server is to be stopped. */
static long ask_server(const struct llm_server_options *options, size_t count, int parallel, struct llm_server **server)
{
    *server = llm_server_start(options);
    ask_many(&llm_anthropic, llm_server_port(*server), count, parallel, 20);
    return llm_server_stat(*server, "calls");
}

static void all_end(size_t count, enum llm_end end)
{
    for (size_t i = 0; i < count; i++) {
        if (told[i].end != end) {
            fail_msg("question %zu ended %d (%s), not %d", i, told[i].end, told[i].why.message, end);
        }
    }
}

static void many_at_once(void **state)
{
    (void)state;
    struct llm_server *server;
    long calls = ask_server(&(struct llm_server_options){.rules = "latency=20"}, 60, 8, &server);
    all_end(60, LLM_ANSWERED);
    assert_int_equal(calls, 60);
    assert_true(llm_server_stat(server, "parallel") <= 8);
    assert_true(llm_server_stat(server, "connections") <= 8);
    for (size_t i = 0; i < 60; i++) {
        assert_true(told[i].tokens > 0);
        assert_true(told[i].latency_ms >= 20);
    }
    llm_server_stop(server);
}

/* Kept connections that a server closes without a word are made anew, and nothing is asked twice. */
static void closed_connections(void **state)
{
    (void)state;
    struct llm_server *server;
    long calls = ask_server(&(struct llm_server_options){.rules = "every=3 drip=1 close=1000000"}, 60, 4, &server);
    all_end(60, LLM_ANSWERED);
    assert_int_equal(calls, 60);
    assert_true(llm_server_stat(server, "connections") >= 20);
    llm_server_stop(server);
}

/* Every status that may pass is tried again; the others of the same model are not lost for it. */
static void what_passes(void **state)
{
    (void)state;
    struct llm_server *server;
    long calls = ask_server(&(struct llm_server_options){.rules = "workload=a0 times=1 status=429\nworkload=a1 times=1 status=498\n"
                                                                  "workload=a2 times=2 status=500\nworkload=a3 times=1 status=502\n"
                                                                  "workload=a4 times=1 status=503\nworkload=a5 times=1 status=504\n"
                                                                  "workload=a6 times=1 status=529\nworkload=a7 times=1 status=408\n"
                                                                  "workload=a8 times=1 close=0\nworkload=a9 times=1 garbage\n"},
                            12, 4, &server);
    for (size_t i = 0; i < 12; i++) {
        if (told[i].end != LLM_ANSWERED && i != 9) { /* what is no HTTP at all may be refused for good */
            fail_msg("question %zu: %s", i, told[i].why.message);
        }
    }
    assert_true(calls >= 12 + 9);
    llm_server_stop(server);
}

static void what_does_not_pass(void **state)
{
    (void)state;
    static const struct {
        const char *rule;
        enum llm_end end;
    } cases[] = {{"workload=a0 status=400", LLM_NO_ANSWER},  {"workload=a0 status=413", LLM_NO_ANSWER},
                 {"workload=a0 status=401", LLM_GONE},       {"workload=a0 status=402", LLM_GONE},
                 {"workload=a0 status=403", LLM_GONE},       {"workload=a0 status=404", LLM_GONE},
                 {"workload=a0 spend-limit", LLM_GONE},      {"workload=a0 status=400 message=Your credit balance is too low", LLM_GONE},
                 {"workload=a0 status=429 error=insufficient_quota", LLM_GONE}};
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct llm_server *server;
        long calls = ask_server(&(struct llm_server_options){.rules = cases[i].rule}, 5, 1, &server);
        if (told[0].end != cases[i].end) {
            fail_msg("%s: %d %s", cases[i].rule, told[0].end, told[0].why.message);
        }
        assert_int_equal(calls, cases[i].end == LLM_GONE ? 1 : 5);
        for (size_t j = 1; j < 5; j++) {
            assert_int_equal(told[j].end, cases[i].end == LLM_GONE ? LLM_GONE : LLM_ANSWERED);
        }
        assert_null(strstr(told[0].why.message, "secret-key"));
        llm_server_stop(server);
    }
}

/* After a 429 all questions of the model wait as long as the server asks. */
static void retry_after(void **state)
{
    (void)state;
    int64_t start = clock_monotonic_ms();
    struct llm_server *server;
    long calls = ask_server(&(struct llm_server_options){.rules = "nth=1 status=429 retry-after=1"}, 3, 1, &server);
    all_end(3, LLM_ANSWERED);
    assert_int_equal(calls, 4);
    for (size_t i = 0; i < 3; i++) {
        assert_true(told[i].at - start >= 1000);
    }
    llm_server_stop(server);
}

/* A wait that nobody sits out costs one call, and no time. */
static void retry_after_an_hour(void **state)
{
    (void)state;
    struct llm_server *server;
    int64_t start = clock_monotonic_ms();
    long calls = ask_server(&(struct llm_server_options){.rules = "status=429 retry-after=3600"}, 100, 1, &server);
    assert_true(clock_monotonic_ms() - start < LONG_MS / 2);
    assert_int_equal(calls, 1);
    all_end(100, LLM_FAILED);
    assert_non_null(strstr(told[99].why.message, "429"));
    llm_server_stop(server);
}

/* A server that does nothing but throttle is given up for all questions together, not for one after the other. */
static void throttled_for_ever(void **state)
{
    (void)state;
    struct llm_server *server;
    long calls = ask_server(&(struct llm_server_options){.rules = "status=429 retry-after=0"}, 100, 4, &server);
    all_end(100, LLM_GONE);
    assert_true(calls <= 6 * 4);
    assert_non_null(strstr(told[99].why.message, "429"));
    llm_server_stop(server);
}

/* With limits told in headers nothing runs into them: the client waits for the reset. */
static void limits_in_headers(void **state)
{
    (void)state;
    struct llm_server *server;
    long calls = ask_server(&(struct llm_server_options){.limit_requests = 4, .limit_ms = 1000}, 10, 1, &server);
    all_end(10, LLM_ANSWERED);
    assert_int_equal(llm_server_stat(server, "refused"), 0);
    assert_int_equal(calls, 10);
    llm_server_stop(server);
}

/* A server that throttles is asked by fewer at once, and everything is answered in the end. */
static void a_narrow_server(void **state)
{
    (void)state;
    struct llm_server *server;
    (void)ask_server(&(struct llm_server_options){.rules = "latency=10\nevery=7 times=4 status=429 retry-after=0"}, 60, 16, &server);
    all_end(60, LLM_ANSWERED);
    assert_true(llm_server_stat(server, "refused") <= 16);
    llm_server_stop(server);
}

/* A port at which nobody listens, and nobody else can: refused as soon as it is asked. Close *fd. */
static int dead_port(int *fd)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof address;
    *fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(*fd, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(getsockname(*fd, (struct sockaddr *)&address, &size), 0);
    return ntohs(address.sin_port);
}

static void no_server(void **state)
{
    (void)state;
    int fd = -1;
    int64_t start = clock_monotonic_ms();
    ask_many(&llm_openai, dead_port(&fd), QUESTIONS_MAX, 4, 20);
    (void)close(fd);
    assert_true(clock_monotonic_ms() - start < LONG_MS / 2);
    all_end(QUESTIONS_MAX, LLM_GONE);
    assert_non_null(strstr(told[QUESTIONS_MAX - 1].why.message, "does not accept connections"));
}

/* A server that does not speak TLS is none: the first question that found so speaks for all. */
static void no_tls(void **state)
{
    (void)state;
    struct llm_server *server = llm_server_start(&(struct llm_server_options){.rules = ""});
    struct llm_pool *pool = NULL;
    struct llm *llm = NULL;
    char url[64];
    (void)snprintf(url, sizeof url, "https://127.0.0.1:%d", llm_server_port(server));
    struct llm_options options = {.provider = &llm_anthropic, .base_url = url, .key = "secret-key", .timeout_seconds = 20};
    assert_int_equal(llm_new(&options, &llm, NULL), 0);
    assert_int_equal(llm_pool_new(4, &pool, NULL), 0);
    for (size_t i = 0; i < 100; i++) {
        begin(pool, llm, i, "a");
    }
    turn_until_done(pool);
    all_end(100, LLM_GONE);
    assert_int_equal(llm_server_stat(server, "calls"), 0);
    llm_pool_free(pool);
    llm_free(llm);
    llm_server_stop(server);
}

/* Time-outs one after the other end it; each was paid for. */
static void no_answer_in_time(void **state)
{
    (void)state;
    struct llm_server *server = llm_server_start(&(struct llm_server_options){.rules = "hang"});
    ask_many(&llm_anthropic, llm_server_port(server), 40, 2, 2);
    assert_true(llm_server_stat(server, "calls") <= 4);
    assert_int_equal(told[0].end, LLM_FAILED);
    assert_int_equal(told[39].end, LLM_GONE);
    assert_non_null(strstr(told[0].why.message, "did not answer in time"));
    assert_true(told[0].tokens > 0);
    assert_int_equal(told[39].tokens, 0);
    llm_server_stop(server);
}

static void a_slow_drip(void **state)
{
    (void)state;
    struct llm_server *server = llm_server_start(&(struct llm_server_options){.rules = "drip=700"});
    ask_many(&llm_anthropic, llm_server_port(server), 1, 1, 2);
    assert_int_equal(told[0].end, LLM_FAILED);
    llm_server_stop(server);
}

/* A model whose answers are none from the start is not paid for 10,000 workloads. */
static void answers_that_are_always_none(void **state)
{
    (void)state;
    struct llm_server *server;
    long calls = ask_server(&(struct llm_server_options){.rules = "say=refusal"}, 200, 1, &server);
    assert_int_equal(calls, 20);
    assert_int_equal(told[0].end, LLM_NO_ANSWER);
    assert_int_equal(told[199].end, LLM_GONE);
    assert_non_null(strstr(told[199].why.message, "refus"));
    llm_server_stop(server);
    calls = ask_server(&(struct llm_server_options){.rules = "after=1 say=refusal"}, 60, 1, &server);
    assert_int_equal(calls, 60);
    llm_server_stop(server);
}

/* Bodies that are no answer: what is said of them, and that they are asked once. */
static void odd_bodies(void **state)
{
    (void)state;
    static const struct {
        const char *script;
        const char *message;
        enum llm_end end;
        int calls;
    } cases[] = {
        {"on POST /\nheader Content-Type: text/html\nbody <html>sign in</html>\n", "no JSON, but text/html", LLM_NO_ANSWER, 1},
        {"on POST /\nbody not JSON\n", "no JSON", LLM_NO_ANSWER, 1},
        {"on POST /\nbody \n", "empty", LLM_NO_ANSWER, 1},
        {"on POST /\nbody {\"choices\":[{\"message\":{\"content\":\"a\\u0000b\"}}]}\n", "no JSON", LLM_NO_ANSWER, 1},
        {"on POST /\nbody {\"choices\":[{\"message\":{\"content\":\"\xff\xfe\"}}]}\n", "no JSON", LLM_NO_ANSWER, 1},
        {"on POST /\nrepeat 100000 xxxxxxxxxxxxxxxxxxxx\nagain 50\n", "larger than 1048576 bytes", LLM_NO_ANSWER, 1},
        {"on POST /\nheader Content-Encoding: gzip\nbody this is no gzip\n", "decompress", LLM_NO_ANSWER, 1},
        {"on POST /\nheader Content-Type: text/plain\nbody {\"choices\":[{\"message\":{\"content\":\"{}\"}}]}\n", NULL, LLM_ANSWERED, 1},
        {"on POST /\nstatus 302\nheader Location: https://login.example/\n", "sends on to https://login.example", LLM_GONE, 1},
        {"on POST /\nstatus 400\nbody {\"error\":{\"message\":\"too long\",\"type\":\"exceed_context_size_error\",\"code\":400}}\n",
         "400: too long", LLM_NO_ANSWER, 1},
        {"on POST /\nstatus 400\nbody {\"error\":{\"message\":\"bad\",\"code\":null}}\n", "400: bad", LLM_NO_ANSWER, 1},
        {"on POST /\nstatus 400\nbody {\"error\":\"plain words\"}\n", "400: plain words", LLM_NO_ANSWER, 1},
        {"on POST /\nstatus 422\nbody {\"detail\":[{\"msg\":\"field required\"}]}\n", "422: field required", LLM_NO_ANSWER, 1},
        {"on POST /\nstatus 400\nbody {\"error\":{\"message\":\"you sent secret-key\"}}\n", "holds the key", LLM_NO_ANSWER, 1},
        {"on POST /\nbody {\"error\":{\"message\":\"invalid secret-key\"}}\n", "holds the key", LLM_NO_ANSWER, 1},
        {"on POST /\nbody {\"error\" \"secret-key\"}\n", "holds the key", LLM_NO_ANSWER, 1},
        {"on POST /\nstatus 501\nheader Content-Type: text/html\nbody <html>\n", "501 (text/html)", LLM_NO_ANSWER, 1},
        {"on POST /\ntimes 1\nbody {\"choices\":[{\"mess\ncut 12\non POST /\nbody {\"choices\":[{\"message\":{\"content\":\"{}\"}}]}\n", NULL,
         LLM_ANSWERED, 2},
        {"on POST /\nbody {\"choices\":[{\"message\":{\"content\":\"{\"},\"finish_reason\":\"length\"}]}\n", "cut at max_tokens", LLM_NO_ANSWER, 1},
        {"on POST /\nbody {\"error\":{\"message\":\"Provider returned error\",\"code\":502}}\n", "Provider returned error", LLM_NO_ANSWER, 1},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct http_script *server = http_script_start(cases[i].script);
        ask_many(&llm_openai, http_script_port(server), 1, 1, 20);
        if (told[0].end != cases[i].end || (cases[i].message && !strstr(told[0].why.message, cases[i].message))) {
            fail_msg("%s: %d %s", cases[i].script, told[0].end, told[0].why.message);
        }
        assert_int_equal(http_script_count(server), cases[i].calls);
        assert_null(strstr(told[0].why.message, "secret-key"));
        http_script_stop(server);
    }
}

/* The first answers teach what the server does not know; nobody is lost, and later questions ask right at once. */
static void a_dialect_is_learned_once(void **state)
{
    (void)state;
    struct http_script *server = http_script_start(
        "on POST /\nmatch json_schema\nstatus 400\nbody {\"error\":{\"message\":\"bad request\",\"param\":\"response_format\"}}\n"
        "on POST /\nmatch \"temperature\"\nstatus 400\nbody {\"error\":{\"message\":\"Unsupported value: temperature\"}}\n"
        "on POST /\nmatch \"max_tokens\"\nstatus 400\nbody {\"error\":{\"message\":\"use max_completion_tokens\"}}\n"
        "on POST /\nbody {\"choices\":[{\"message\":{\"content\":\"{}\"}}]}\n");
    ask_many(&llm_openai, http_script_port(server), 100, 5, 20);
    all_end(100, LLM_ANSWERED);
    assert_true(http_script_count(server) <= 100 + 5 * 3);
    http_script_stop(server);
}

/* What the model wrote badly costs its own question the schema, not the others. */
static void a_failed_generation(void **state)
{
    (void)state;
    struct http_script *server = http_script_start(
        "on POST /\ntimes 1\nstatus 400\nbody {\"error\":{\"message\":\"Failed to generate JSON\",\"code\":\"json_validate_failed\"}}\n"
        "on POST /\nmatch json_schema\nbody {\"choices\":[{\"message\":{\"content\":\"with\"}}]}\n"
        "on POST /\nbody {\"choices\":[{\"message\":{\"content\":\"without\"}}]}\n");
    ask_many(&llm_openai, http_script_port(server), 3, 1, 20);
    assert_string_equal(told[0].text, "without");
    assert_string_equal(told[1].text, "with");
    assert_string_equal(told[2].text, "with");
    http_script_stop(server);
}

/* Stopped in the middle: everybody is told once, nobody waits. */
static void stopped(void **state)
{
    (void)state;
    struct llm_server *server = llm_server_start(&(struct llm_server_options){.rules = "after=3 hang"});
    struct llm *llm = client_at(&llm_anthropic, llm_server_port(server), 60);
    struct llm_pool *pool = NULL;
    struct err err = {0};
    int ends[5] = {0};
    assert_int_equal(llm_pool_new(4, &pool, &err), 0);
    for (size_t i = 0; i < 30; i++) {
        begin(pool, llm, i, "a");
    }
    while (llm_pool_open(pool) > 27) {
        assert_int_equal(llm_pool_turn(pool, clock_monotonic_ms() + LONG_MS, -1, &err), 0);
    }
    llm_pool_stop(pool);
    assert_int_equal(llm_pool_turn(pool, clock_monotonic_ms() + LONG_MS, -1, &err), 0);
    assert_int_equal(llm_pool_open(pool), 0);
    begin(pool, llm, 30, "late");
    assert_int_equal(llm_pool_turn(pool, clock_monotonic_ms() + LONG_MS, -1, &err), 0);
    for (size_t i = 0; i < 31; i++) {
        assert_int_equal(told[i].times, 1);
        ends[told[i].end]++;
    }
    assert_int_equal(ends[LLM_ANSWERED], 3);
    assert_int_equal(ends[LLM_STOPPED], 28);
    llm_pool_free(pool);
    llm_free(llm);
    llm_server_stop(server);
}

/* A turn ends when the other descriptor can be read; a pool with questions under way can be freed. */
static void woken(void **state)
{
    (void)state;
    struct llm_server *server = llm_server_start(&(struct llm_server_options){.rules = "hang"});
    struct llm *llm = client_at(&llm_anthropic, llm_server_port(server), 60);
    struct llm_pool *pool = NULL;
    struct err err = {0};
    int ends[2];
    int64_t start = clock_monotonic_ms();
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(llm_pool_new(2, &pool, &err), 0);
    begin(pool, llm, 0, "a");
    begin(pool, llm, 1, "b");
    begin(pool, llm, 2, "c");
    while (llm_server_stat(server, "calls") < 2) {
        assert_int_equal(llm_pool_turn(pool, clock_monotonic_ms() + 10, -1, &err), 0);
    }
    assert_int_equal(write(ends[1], "x", 1), 1);
    assert_int_equal(llm_pool_turn(pool, clock_monotonic_ms() + LONG_MS, ends[0], &err), 0);
    assert_true(clock_monotonic_ms() - start < LONG_MS / 2);
    llm_pool_free(pool);
    llm_free(llm);
    assert_int_equal(told[0].times, 0);
    (void)close(ends[0]);
    (void)close(ends[1]);
    llm_server_stop(server);
}

struct chain {
    struct llm_pool *pool;
    struct llm *next;
};

static struct chain chain;

/* Asks the next model from within the end of the first one's question. */
static void ask_next(void *context, const struct llm_reply *reply, enum llm_end end, const struct err *why)
{
    struct told *one = context;
    struct llm_prompt prompt = prompt_of(one->user);
    (void)reply;
    (void)why;
    assert_int_equal(end, LLM_GONE);
    llm_pool_ask(chain.pool, chain.next, &prompt, note, one);
}

/* A model that is gone does not hold up another one in the same pool. */
static void two_models(void **state)
{
    (void)state;
    struct llm_server *good = llm_server_start(&(struct llm_server_options){.rules = ""});
    struct llm_server *bad = llm_server_start(&(struct llm_server_options){.rules = "status=401"});
    struct llm *first = client_at(&llm_openai, llm_server_port(bad), 20);
    chain.next = client_at(&llm_anthropic, llm_server_port(good), 20);
    assert_int_equal(llm_pool_new(3, &chain.pool, NULL), 0);
    for (size_t i = 0; i < 50; i++) {
        told[i] = (struct told){.times = 0};
        (void)snprintf(told[i].user, sizeof told[i].user, "{\"workload\":\"a%zu\",\"containers\":[]}", i);
        struct llm_prompt prompt = prompt_of(told[i].user);
        llm_pool_ask(chain.pool, first, &prompt, ask_next, &told[i]);
    }
    turn_until_done(chain.pool);
    all_end(50, LLM_ANSWERED);
    assert_true(llm_server_stat(bad, "calls") <= 3);
    llm_pool_free(chain.pool);
    llm_free(first);
    llm_free(chain.next);
    llm_server_stop(good);
    llm_server_stop(bad);
}

/* The bound holds for all models together. */
static void models_share_the_bound(void **state)
{
    (void)state;
    struct llm_server *server = llm_server_start(&(struct llm_server_options){.rules = "latency=20"});
    struct llm *models[2] = {client_at(&llm_anthropic, llm_server_port(server), 20), client_at(&llm_openai, llm_server_port(server), 20)};
    struct llm_pool *pool = NULL;
    assert_int_equal(llm_pool_new(3, &pool, NULL), 0);
    for (size_t i = 0; i < 40; i++) {
        begin(pool, models[i % 2], i, "a");
    }
    turn_until_done(pool);
    all_end(40, LLM_ANSWERED);
    assert_true(llm_server_stat(server, "parallel") <= 3);
    llm_pool_free(pool);
    llm_free(models[0]);
    llm_free(models[1]);
    llm_server_stop(server);
}

int main(void)
{
    json_init();
    schema = json_pack("{s:s, s:{}, s:[], s:b}", "type", "object", "properties", "required", "additionalProperties", 0);
    const struct CMUnitTest tests[] = {cmocka_unit_test(many_at_once),
                                       cmocka_unit_test(closed_connections),
                                       cmocka_unit_test(what_passes),
                                       cmocka_unit_test(what_does_not_pass),
                                       cmocka_unit_test(retry_after),
                                       cmocka_unit_test(retry_after_an_hour),
                                       cmocka_unit_test(throttled_for_ever),
                                       cmocka_unit_test(limits_in_headers),
                                       cmocka_unit_test(a_narrow_server),
                                       cmocka_unit_test(no_server),
                                       cmocka_unit_test(no_tls),
                                       cmocka_unit_test(no_answer_in_time),
                                       cmocka_unit_test(a_slow_drip),
                                       cmocka_unit_test(answers_that_are_always_none),
                                       cmocka_unit_test(odd_bodies),
                                       cmocka_unit_test(a_dialect_is_learned_once),
                                       cmocka_unit_test(a_failed_generation),
                                       cmocka_unit_test(stopped),
                                       cmocka_unit_test(woken),
                                       cmocka_unit_test(two_models),
                                       cmocka_unit_test(models_share_the_bound)};
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    json_decref(schema);
    return failed;
}
