/* Batches against the scripted model server: what comes in any order, late, twice, cut, wrong or not at all. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "stages/common/llm/llm_batch.h"
#include "tests/harness/llm_server.h"
#include "tests/harness/rounds.h"

enum { MOST = 3000, ENDS = LLM_STOPPED + 1 };

/* What was told of a run. */
struct told {
    int times[MOST];
    enum llm_end end[MOST];
    char why[MOST][200];
    bool right[MOST]; /* the text names the workload that was asked about */
    int64_t tokens;
    int of[ENDS];
    char id[LLM_BATCH_ID_MAX + 1];
    char questions[80];
    int batches;
    int fail_at;  /* told so often, done fails; 0: never */
    bool dies;    /* sent fails, as if the program ended */
    int wake[2];  /* wake[1] is written to once a batch was sent, where it is open */
    int total;
};

struct world {
    struct llm_server *server;
    struct llm *llm;
    struct llm_batch *batch;
    struct told told;
};

static void name_of(uint64_t number, char out[64])
{
    (void)snprintf(out, 64, "shop/Deployment/w%llu", (unsigned long long)number);
}

static int note(void *context, uint64_t number, const struct llm_reply *reply, enum llm_end end, const struct err *why, struct err *err)
{
    struct told *told = context;
    char name[64];
    name_of(number, name);
    assert_true(number < MOST);
    assert_true((end == LLM_ANSWERED) == (why == NULL));
    told->times[number]++;
    told->end[number] = end;
    told->of[end]++;
    told->tokens += reply->input_tokens + reply->output_tokens;
    told->right[number] = reply->text && strstr(reply->text, name);
    assert_string_equal(reply->model, "m");
    if (why) {
        (void)snprintf(told->why[number], sizeof told->why[number], "%.199s", why->message);
    }
    told->total++;
    return told->fail_at && told->total >= told->fail_at ? err_set(err, ERR_IO, "no more room") : 0;
}

static int note_sent(void *context, const char *id, const char *questions, struct err *err)
{
    struct told *told = context;
    (void)snprintf(told->id, sizeof told->id, "%s", id);
    (void)snprintf(told->questions, sizeof told->questions, "%s", questions);
    told->batches++;
    if (told->wake[1] > 0) {
        assert_int_equal(write(told->wake[1], "x", 1), 1);
    }
    return told->dies ? err_set(err, ERR_SOFTWARE, "the end") : 0;
}

static void new_batch(struct world *world, int64_t wait_seconds)
{
    struct err err = {0};
    char url[64];
    (void)snprintf(url, sizeof url, "http://127.0.0.1:%d", llm_server_port(world->server));
    struct llm_options options = {.provider = llm_provider_of("anthropic"), .model = "m", .base_url = url, .key = "right", .timeout_seconds = 20};
    assert_int_equal(llm_new(&options, &world->llm, &err), 0);
    assert_int_equal(llm_batch_new(world->llm, wait_seconds, &world->batch, &err), 0);
}

static void end_batch(struct world *world)
{
    llm_batch_free(world->batch);
    llm_free(world->llm);
    world->batch = NULL;
    world->llm = NULL;
}

static struct world *begin(const char *rules, int64_t wait_seconds)
{
    struct world *world = xcalloc(sizeof *world);
    world->server = llm_server_start(&(struct llm_server_options){.rules = rules, .key = "right"});
    new_batch(world, wait_seconds);
    return world;
}

static void end(struct world *world)
{
    end_batch(world);
    llm_server_stop(world->server);
    free(world);
}

/* Asks about the workload `about` under a number. */
static void ask(struct world *world, uint64_t number, uint64_t about)
{
    struct err err = {0};
    char user[512], name[64];
    name_of(about, name);
    (void)snprintf(user, sizeof user,
                   "{\"workloads\":[{\"class_hint\":\"web\",\"containers\":[{\"bounds\":{\"cpu_request_millicores\":{\"max\":30,\"min\":10}},"
                   "\"name\":\"c\"}],\"workload\":\"%s\"}]}",
                   name);
    json_t *schema = json_pack("{s:s, s:{s:{s:s}, s:{s:s}}, s:[s, s], s:b}", "type", "object", "properties", "workload", "type", "string",
                               "reasoning", "type", "string", "required", "workload", "reasoning", "additionalProperties", 0);
    struct llm_prompt prompt = {.system = "rules", .user = user, .schema = schema, .schema_name = "answer", .max_tokens = 500};
    assert_int_equal(llm_batch_add(world->batch, number, &prompt, &err), 0);
    json_decref(schema);
}

static void ask_many(struct world *world, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++) {
        ask(world, i, i);
    }
}

static int go(struct world *world, int wake_fd)
{
    struct err err = {0};
    int status = llm_batch_run(world->batch, wake_fd, note, note_sent, &world->told, &err);
    assert_true((status != 0) == (err.class != ERR_NONE));
    return status;
}

/* Each of the first `count` was told of once. */
static void all_told_once(const struct world *world, int count)
{
    for (int i = 0; i < count; i++) {
        assert_int_equal(world->told.times[i], 1);
    }
    assert_int_equal(world->told.total, count);
}

static void answers_come_in_any_order(void **state)
{
    (void)state;
    struct world *world = begin("api=create ended-after=300\n", 60);
    ask_many(world, 40);
    assert_int_equal(go(world, -1), 0);
    all_told_once(world, 40);
    assert_int_equal(world->told.of[LLM_ANSWERED], 40);
    for (int i = 0; i < 40; i++) {
        assert_true(world->told.right[i]);
    }
    assert_int_equal(world->told.batches, 1);
    assert_int_equal(strlen(world->told.questions), 64);
    assert_int_equal(world->told.tokens,
                     llm_server_stat(world->server, "input_tokens") + llm_server_stat(world->server, "output_tokens"));
    assert_int_equal(llm_server_stat(world->server, "batched"), 40);
    assert_true(llm_server_stat(world->server, "polls") >= 1);
    assert_int_equal(llm_server_stat(world->server, "calls"), 0);
    end(world);
}

static void results_of_every_kind(void **state)
{
    (void)state;
    struct world *world = begin("api=batched workload=*/w0 outcome=errored message=max_tokens: too few, and the key is right\n"
                                "api=batched workload=*/w1 outcome=errored error=overloaded_error message=Overloaded\n"
                                "api=batched workload=*/w2 outcome=expired\n"
                                "api=batched workload=*/w3 outcome=canceled\n"
                                "api=batched workload=*/w4 outcome=missing\n"
                                "api=batched workload=*/w5 outcome=unknown\n"
                                "api=batched workload=*/w6 outcome=twice\n"
                                "api=batched workload=*/w7 say=refusal\n"
                                "api=batched workload=*/w8 say=cut\n"
                                "api=batched workload=*/w9 text=no JSON at all\n"
                                "api=batched workload=*/w10 body=not a line of JSON\n"
                                "api=batched workload=*/w11 body={\"custom_id\":7,\"result\":{}}\n"
                                "api=batched workload=*/w12 say=empty\n",
                                60);
    ask_many(world, 14);
    assert_int_equal(go(world, -1), 0);
    all_told_once(world, 14);
    static const enum llm_end ends[] = {LLM_NO_ANSWER, LLM_FAILED,    LLM_FAILED,    LLM_FAILED,   LLM_FAILED, LLM_FAILED,    LLM_ANSWERED,
                                        LLM_NO_ANSWER, LLM_NO_ANSWER, LLM_ANSWERED,  LLM_FAILED,   LLM_FAILED, LLM_NO_ANSWER, LLM_ANSWERED};
    static const char *const whys[] = {"its message holds the key", "Overloaded", "expired", "cancelled at the vendor", "without a result", "without a result"};
    for (int i = 0; i < 14; i++) {
        assert_int_equal(world->told.end[i], ends[i]);
    }
    for (size_t i = 0; i < ARRAY_COUNT(whys); i++) {
        assert_non_null(strstr(world->told.why[i], whys[i]));
    }
    end(world);
}

static void a_vendor_that_refuses(void **state)
{
    (void)state;
    static const struct {
        const char *rules;
        enum llm_end end;
        const char *why;
        int creates;
    } cases[] = {
        {"api=create status=401\n", LLM_GONE, "401", 1},
        {"api=create status=402\n", LLM_GONE, "402", 1},
        {"api=create spend-limit\n", LLM_GONE, "spend limit", 1},
        {"api=create status=400 message=requests: too odd\n", LLM_NO_ANSWER, "too odd", 1},
        {"api=create body=<html>\n", LLM_FAILED, "does not name it", 1},
        {"api=create body={\"id\":\"../../x\"}\n", LLM_FAILED, "does not name it", 1},
        {"api=create close=0 status=500\n", LLM_FAILED, "", 1}, /* it may have been taken: not sent twice */
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct world *world = begin(cases[i].rules, 60);
        ask_many(world, 3);
        ask(world, 3, 0);
        assert_int_equal(go(world, -1), 0);
        all_told_once(world, 4);
        for (int at = 0; at < 4; at++) {
            assert_int_equal(world->told.end[at], cases[i].end);
            assert_non_null(strstr(world->told.why[at], cases[i].why));
        }
        assert_int_equal(llm_server_stat(world->server, "batches"), cases[i].creates);
        assert_int_equal(world->told.batches, 0);
        end(world);
    }
}

static void what_passes_is_waited_out(void **state)
{
    (void)state;
    struct world *world = begin("api=create times=2 status=529\n"
                                "api=poll times=2 status=500\n"
                                "api=poll nth=3 close=5\n"
                                "api=poll nth=4 status=429 retry-after=1\n"
                                "api=results nth=1 close=900\n"
                                "api=results nth=2 status=503\n",
                                60);
    ask_many(world, 20);
    assert_int_equal(go(world, -1), 0);
    all_told_once(world, 20);
    assert_int_equal(world->told.of[LLM_ANSWERED], 20);
    assert_int_equal(llm_server_stat(world->server, "batches"), 3);
    assert_int_equal(llm_server_stat(world->server, "results"), 3);
    assert_int_equal(world->told.batches, 1);
    end(world);
}

static void too_large_becomes_several(void **state)
{
    (void)state;
    struct world *world = begin("api=create times=2 status=413\n", 60);
    ask_many(world, 40);
    assert_int_equal(go(world, -1), 0);
    all_told_once(world, 40);
    assert_int_equal(world->told.of[LLM_ANSWERED], 40);
    assert_true(world->told.batches >= 4 && world->told.batches <= 6);
    end(world);
    world = begin("api=create status=413\n", 60);
    ask_many(world, 2);
    assert_int_equal(go(world, -1), 0);
    all_told_once(world, 2);
    assert_int_equal(world->told.of[LLM_NO_ANSWER], 2);
    end(world);
}

static void ended_from_outside(void **state)
{
    (void)state;
    struct world *world = begin("api=create ended-after=600000\n", 600);
    assert_int_equal(pipe(world->told.wake), 0);
    ask_many(world, 10);
    assert_int_equal(go(world, world->told.wake[0]), 0);
    all_told_once(world, 10);
    assert_int_equal(world->told.of[LLM_ANSWERED], 5);
    assert_int_equal(world->told.of[LLM_STOPPED], 5);
    assert_int_equal(llm_server_stat(world->server, "cancels"), 1);
    close(world->told.wake[0]);
    close(world->told.wake[1]);
    end(world);
}

static void no_end_in_time(void **state)
{
    (void)state;
    struct world *world = begin("api=create ended-after=600000\n", 2);
    ask_many(world, 4);
    assert_int_equal(go(world, -1), 0);
    all_told_once(world, 4);
    if (world->told.batches == 1) { /* else the machine is too slow to send it in time */
        assert_int_equal(world->told.of[LLM_ANSWERED], 2);
        assert_int_equal(llm_server_stat(world->server, "cancels"), 1);
    }
    assert_int_equal(world->told.of[LLM_FAILED] + world->told.of[LLM_ANSWERED], 4);
    assert_true(world->told.of[LLM_FAILED] >= 2);
    end(world);
}

static void an_attempt_that_died_is_not_paid_twice(void **state)
{
    (void)state;
    struct world *world = begin("api=create ended-after=200\n", 60);
    world->told.dies = true;
    ask_many(world, 8);
    assert_int_equal(go(world, -1), -1);
    assert_int_equal(world->told.total, 0);
    end_batch(world);
    world->told.dies = false;
    new_batch(world, 60);
    llm_batch_earlier(world->batch, "no such/id", world->told.questions);
    llm_batch_earlier(world->batch, world->told.id, world->told.questions);
    llm_batch_earlier(world->batch, world->told.id, world->told.questions);
    for (uint64_t i = 8; i-- > 0;) {
        ask(world, i, i);
    }
    assert_int_equal(go(world, -1), 0);
    all_told_once(world, 8);
    assert_int_equal(world->told.of[LLM_ANSWERED], 8);
    assert_int_equal(llm_server_stat(world->server, "batches"), 1);
    assert_int_equal(llm_server_stat(world->server, "results"), 1);
    end(world);
}

/* Interrupted, and the attempt ended before it had the results: what its batch answered is taken, what it cancelled is sent again. */
static void what_an_earlier_attempt_cancelled_is_sent_again(void **state)
{
    (void)state;
    struct world *world = begin("api=create times=1 ended-after=600000\n", 600);
    assert_int_equal(pipe(world->told.wake), 0);
    ask_many(world, 8);
    assert_int_equal(go(world, world->told.wake[0]), 0);
    assert_int_equal(world->told.of[LLM_STOPPED], 4);
    close(world->told.wake[0]);
    close(world->told.wake[1]);
    end_batch(world);
    struct told before = world->told;
    world->told = (struct told){.total = 0};
    new_batch(world, 60);
    llm_batch_earlier(world->batch, before.id, before.questions);
    ask_many(world, 8);
    assert_int_equal(go(world, -1), 0);
    all_told_once(world, 8);
    assert_int_equal(world->told.of[LLM_ANSWERED], 8);
    assert_int_equal(llm_server_stat(world->server, "batches"), 2);
    assert_int_equal(llm_server_stat(world->server, "batched"), 8 + 4);
    end(world);
}

static void an_earlier_batch_that_is_of_no_use(void **state)
{
    (void)state;
    struct world *world = begin("", 60);
    world->told.dies = true;
    ask_many(world, 8);
    assert_int_equal(go(world, -1), -1);
    end_batch(world);
    world->told.dies = false;
    new_batch(world, 60);
    llm_batch_earlier(world->batch, world->told.id, world->told.questions); /* of other questions: not looked at */
    ask_many(world, 3);
    assert_int_equal(go(world, -1), 0);
    all_told_once(world, 3);
    assert_int_equal(llm_server_stat(world->server, "batches"), 2);
    assert_int_equal(llm_server_stat(world->server, "results"), 1);
    end_batch(world);
    memset(&world->told.times, 0, sizeof world->told.times);
    world->told.total = 0;
    new_batch(world, 60);
    llm_batch_earlier(world->batch, "msgbatch_gone", world->told.questions); /* of these, and forgotten by the vendor */
    ask_many(world, 3);
    assert_int_equal(go(world, -1), 0);
    all_told_once(world, 3);
    assert_int_equal(llm_server_stat(world->server, "batches"), 3);
    end(world);
}

static void the_key_goes_nowhere_else(void **state)
{
    (void)state;
    char rules[128];
    struct llm_server *other = llm_server_start(&(struct llm_server_options){.rules = NULL});
    (void)snprintf(rules, sizeof rules, "api=poll results-url=http://127.0.0.1:%d/v1/messages/batches/x/results\n", llm_server_port(other));
    struct world *world = begin(rules, 60);
    ask_many(world, 2);
    assert_int_equal(go(world, -1), 0);
    assert_int_equal(world->told.of[LLM_ANSWERED], 2);
    assert_int_equal(llm_server_stat(other, "connections"), 0);
    end(world);
    (void)snprintf(rules, sizeof rules, "api=results status=302 header=location: http://127.0.0.1:%d/\n", llm_server_port(other));
    world = begin(rules, 60);
    ask_many(world, 2);
    assert_int_equal(go(world, -1), 0);
    all_told_once(world, 2);
    assert_int_equal(world->told.of[LLM_ANSWERED], 0);
    assert_int_equal(llm_server_stat(other, "connections"), 0);
    end(world);
    llm_server_stop(other);
}

static void the_same_question_is_sent_once(void **state)
{
    (void)state;
    struct world *world = begin("", 60);
    ask(world, 0, 1);
    ask(world, 1, 1);
    ask(world, 2, 1);
    assert_int_equal(go(world, -1), 0);
    all_told_once(world, 3);
    assert_int_equal(world->told.of[LLM_ANSWERED], 3);
    assert_int_equal(llm_server_stat(world->server, "batched"), 1);
    end(world);
}

static void errors_of_the_caller_end_it(void **state)
{
    (void)state;
    struct world *world = begin("", 60);
    ask_many(world, 5);
    world->told.fail_at = 2;
    assert_int_equal(go(world, -1), -1);
    assert_int_equal(world->told.total, 2);
    end(world);
    world = begin("", 60);
    assert_int_equal(go(world, -1), 0); /* nothing was asked, and nothing is sent */
    assert_int_equal(llm_server_stat(world->server, "connections"), 0);
    end(world);
}

static void very_many(void **state)
{
    (void)state;
    int many = rounds_of(MOST);
    struct world *world = begin("api=batched every=10 say=long\n", 120);
    ask_many(world, (uint64_t)many);
    assert_int_equal(go(world, -1), 0);
    all_told_once(world, many);
    assert_int_equal(world->told.of[LLM_NO_ANSWER], many / 10); /* longer than an answer may be */
    assert_int_equal(world->told.of[LLM_ANSWERED], many - many / 10);
    end(world);
}

static void only_some_have_batches(void **state)
{
    (void)state;
    struct err err = {0};
    struct llm *llm = NULL;
    struct llm_batch *batch = NULL;
    struct llm_options options = {.provider = llm_provider_of("openai"), .model = "m", .base_url = "http://127.0.0.1:9"};
    assert_int_equal(llm_new(&options, &llm, &err), 0);
    assert_int_equal(llm_batch_new(llm, 1, &batch, &err), -1);
    assert_int_equal(err.class, ERR_CONFIG);
    llm_free(llm);
    llm_batch_free(NULL);
}

int main(void)
{
    json_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_come_in_any_order),
        cmocka_unit_test(results_of_every_kind),
        cmocka_unit_test(a_vendor_that_refuses),
        cmocka_unit_test(what_passes_is_waited_out),
        cmocka_unit_test(too_large_becomes_several),
        cmocka_unit_test(ended_from_outside),
        cmocka_unit_test(no_end_in_time),
        cmocka_unit_test(an_attempt_that_died_is_not_paid_twice),
        cmocka_unit_test(what_an_earlier_attempt_cancelled_is_sent_again),
        cmocka_unit_test(an_earlier_batch_that_is_of_no_use),
        cmocka_unit_test(the_key_goes_nowhere_else),
        cmocka_unit_test(the_same_question_is_sent_once),
        cmocka_unit_test(errors_of_the_caller_end_it),
        cmocka_unit_test(very_many),
        cmocka_unit_test(only_some_have_batches),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
