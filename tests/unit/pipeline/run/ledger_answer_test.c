/* What models said, through the verbs of the ledger: page by page in its order, the cache, calls and the bill, batches; refusals. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "pipeline/io/hash.h"
#include "pipeline/run/ledger_answer.h"
#include "tests/unit/pipeline/run/ledger_case.h"

enum { MANY = 450, WEEK = 7 * 86400, TEXT_MAX = 1024 * 1024 };

/* A run of namespace shop whose analysis is under way. */
static int64_t analyzing(int64_t *run)
{
    static const char *const spaces[] = {"shop"};
    int64_t attempt = 0;
    *run = case_run(op);
    ok(ledger_run_namespaces(op, *run, spaces, 1, &err));
    ok(ledger_attempt_begin(op, *run, "analyze", NULL, NULL, &attempt, &err));
    return attempt;
}

static json_t *answer(int number, const char *outcome, const char *said)
{
    char name[24];
    char digest[DIGEST_HEX];
    (void)snprintf(name, sizeof name, "w%05d", number);
    hash_bytes(name, strlen(name), digest);
    bool answered = strcmp(outcome, "answered") == 0;
    return json_pack("{s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s}", "namespace", "shop", "kind", "Deployment", "name", name, "provider",
                     "anthropic", "model", "m", "evidence", digest, "key", digest, "outcome", outcome, answered ? "text" : "reason", said);
}

/* What a copy wrote, new; *count as it said. */
static char *copied(int64_t run, bool young, int64_t *count)
{
    struct buf text;
    int fd = -1;
    ok(fs_spool(&fd, &err));
    *count = 0;
    if (young) {
        ok(ledger_answers_young(op, run, WEEK, fd, count, &err));
    } else {
        ok(ledger_answers_of(op, run, fd, count, &err));
    }
    buf_init(&text, TEXT_MAX);
    char piece[4096];
    ssize_t got;
    lseek(fd, 0, SEEK_SET);
    while ((got = read(fd, piece, sizeof piece)) > 0) {
        buf_add(&text, piece, (size_t)got);
    }
    close(fd);
    return buf_steal(&text);
}

static void test_pages(void **state)
{
    (void)state;
    int64_t run;
    int64_t count;
    int64_t attempt = analyzing(&run);
    json_t *rows = json_array();
    for (int i = 0; i < MANY; i++) {
        json_array_append_new(rows, answer(i, i % 10 == 0 ? "failed" : "answered", "{\"said\":\"\\u001b\"}"));
    }
    ok(ledger_answers_put(op, attempt, rows, &err));
    json_decref(rows);
    char *text = copied(run, false, &count);
    assert_int_equal(count, MANY);
    int number = 0;
    for (char *line = strtok(text, "\n"); line != NULL; line = strtok(NULL, "\n"), number++) {
        char name[24];
        struct err why = {0};
        json_t *row = json_read(line, strlen(line), "row", &why);
        assert_non_null(row);
        (void)snprintf(name, sizeof name, "w%05d", number);
        assert_string_equal(json_string_value(json_at(row, "answer.name")), name);
        char *again = json_text(row);
        assert_string_equal(again, line); /* canonical */
        free(again);
        json_decref(row);
    }
    assert_int_equal(number, MANY);
    free(text);
    int64_t later;
    analyzing(&later);
    text = copied(later, true, &count);
    assert_int_equal(count, MANY - MANY / 10);
    assert_null(strstr(text, "failed"));
    free(text);
    free(copied(later, false, &count));
    assert_int_equal(count, 0);
}

static void test_refused(void **state)
{
    (void)state;
    int64_t run;
    int64_t source = 7;
    int64_t attempt = analyzing(&run);
    json_t *rows = json_array();
    json_array_append_new(rows, answer(1, "answered", "{}"));
    refused(ledger_answers_put(rev, attempt, rows, &err), ERR_REFUSED, "role");
    json_object_set_new(json_array_get(rows, 0), "namespace", json_string("pay"));
    refused(ledger_answers_put(op, attempt, rows, &err), ERR_REFUSED, "namespace pay is not one of run");
    json_decref(rows);
    ok(ledger_answers_source(op, run, &source, &err));
    assert_int_equal(source, 0);
    ok(ledger_answers_source(op, 999999, &source, &err));
    assert_int_equal(source, 0);
}

static void test_calls(void **state)
{
    (void)state;
    int64_t run;
    int64_t tokens[2];
    int64_t money[2];
    json_t *list = NULL;
    char digest[DIGEST_HEX];
    analyzing(&run);
    hash_bytes("prompt", 6, digest);
    json_t *rows = json_pack("[{s:s,s:s,s:s,s:s,s:s,s:i,s:i,s:i,s:i},{s:s,s:s,s:s,s:s,s:s,s:s,s:n}]", "key", "a", "prompt_digest", digest,
                             "provider", "p", "model", "m", "reply", "{}", "input_tokens", 100, "cache_read_tokens", 60, "output_tokens", 20,
                             "cost_microusd", 7, "key", "b", "prompt_digest", digest, "provider", "p", "model", "m", "outcome", "failed",
                             "error", "time-out", "cost_microusd");
    ok(ledger_llm_month(op, &tokens[0], &money[0], &err));
    ok(ledger_llm_put(op, run, rows, &err));
    ok(ledger_llm_put(op, run, rows, &err));
    json_decref(rows);
    ok(ledger_llm_month(op, &tokens[1], &money[1], &err));
    assert_int_equal(tokens[1] - tokens[0], 120);
    assert_int_equal(money[1] - money[0], 7);
    ok(ledger_llm_list(op, run, 10, &list, &err));
    assert_int_equal(json_array_size(list), 2);
    assert_string_equal(json_string_or_null(json_array_get(list, 1), "error"), "time-out");
    assert_true(json_is_null(json_object_get(json_array_get(list, 1), "cost_microusd")));
    json_decref(list);
    ok(ledger_llm_runs(op, 1, &list, &err));
    assert_int_equal(json_int_or(json_array_get(list, 0), "run", 0), run);
    assert_int_equal(json_int_or(json_array_get(list, 0), "calls", 0), 2);
    assert_int_equal(json_int_or(json_array_get(list, 0), "failed", 0), 1);
    json_decref(list);
}

static void test_batches(void **state)
{
    (void)state;
    int64_t run;
    json_t *list = NULL;
    char digest[DIGEST_HEX];
    int64_t attempt = analyzing(&run);
    hash_bytes("questions", 9, digest);
    json_t *rows = json_pack("[{s:s,s:s,s:s,s:s}]", "id", "msgbatch_1", "provider", "anthropic", "model", "m", "questions", digest);
    ok(ledger_llm_batches_put(op, attempt, rows, &err));
    ok(ledger_llm_batches_put(op, attempt, rows, &err));
    json_decref(rows);
    ok(ledger_llm_batches(op, run, &list, &err));
    assert_int_equal(json_array_size(list), 1);
    assert_string_equal(json_string_or_null(json_array_get(list, 0), "questions"), digest);
    json_decref(list);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pages),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_calls),
        cmocka_unit_test(test_batches),
    };
    json_init();
    return cmocka_run_group_tests(tests, case_start, case_stop);
}
