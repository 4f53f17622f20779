#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pipeline/base/clock.h"
#include "pipeline/base/mem.h"
#include "pipeline/io/fs.h"
#include "pipeline/io/hash.h"
#include "pipeline/io/json.h"
#include "pipeline/run/ledger.h"
#include "pipeline/run/ledger_answer.h"
#include "tests/unit/pipeline/run/ledger_case.h"

static void test_artifacts_come_back_whole(void **state)
{
    (void)state;
    size_t length = 700 * 1024 + 3;
    char *text = xmalloc(length);
    char digest[LEDGER_DIGEST_SIZE];
    char wanted[DIGEST_HEX];
    for (size_t i = 0; i < length; i++) {
        text[i] = (char)(i * 31 + i / 251);
    }
    hash_bytes(text, length, wanted);
    int64_t run = case_run(op);
    int64_t attempt = 0;
    int in = case_file(text, length);
    int out = -1;
    ok(fs_spool(&out, &err));
    ok(ledger_attempt_begin(op, run, "parse", NULL, NULL, &attempt, &err));
    ok(ledger_artifact_store(op, attempt, "inventory", in, digest, &err));
    assert_string_equal(digest, wanted);
    ok(ledger_artifact_copy(op, digest, out, &err));
    char *got = xmalloc(length);
    assert_int_equal(pread(out, got, length, 0), (ssize_t)length);
    assert_memory_equal(got, text, length);
    struct ledger_attempts attempts;
    ok(ledger_attempts(op, run, &arena, &attempts, &err));
    assert_int_equal(attempts.count, 1);
    assert_true(attempts.items[0].finished);
    assert_int_equal(attempts.items[0].size, length);
    close(in);
    close(out);
    free(text);
    free(got);
}

static void test_same_bytes_are_kept_once(void **state)
{
    (void)state;
    char first[LEDGER_DIGEST_SIZE];
    char second[LEDGER_DIGEST_SIZE];
    char sql[256];
    char count[16];
    case_stage(op, case_run(op), "parse", "inventory", "the same bytes", first);
    case_stage(op, case_run(op), "parse", "inventory", "the same bytes", second);
    assert_string_equal(first, second);
    snprintf(sql, sizeof sql, "select count(*) from tare.artifact_chunk where digest = '%s'", first);
    pg_server_sql(sql, count, sizeof count);
    assert_string_equal(count, "1");
}

static void test_empty_artifact(void **state)
{
    (void)state;
    char digest[LEDGER_DIGEST_SIZE];
    case_stage(op, case_run(op), "parse", "inventory", "", digest);
    int out = -1;
    ok(fs_spool(&out, &err));
    ok(ledger_artifact_copy(op, digest, out, &err));
    close(out);
}

static void test_damaged_bytes_are_found(void **state)
{
    (void)state;
    char digest[LEDGER_DIGEST_SIZE];
    char sql[512];
    char ignored[8];
    int64_t run = case_run(op);
    case_stage(op, run, "parse", "inventory", "bytes to damage", digest);
    snprintf(sql, sizeof sql,
             "with x as (select set_config('session_replication_role', 'replica', true)) update "
             "tare.artifact_chunk "
             "set content = 'bytes to Damage' from x where digest = '%s'",
             digest);
    pg_server_sql(sql, ignored, sizeof ignored);
    int out = -1;
    ok(fs_spool(&out, &err));
    refused(ledger_artifact_copy(op, digest, out, &err), ERR_DATA, "are not those that were stored");
    close(out);
}

/* A child that dies in the middle of storing leaves nothing that others see. */
static void test_killed_in_the_middle(void **state)
{
    (void)state;
    int64_t run = case_run(op);
    ok(ledger_run_unlock(op, run, &err));
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        struct ledger *mine = pg_server_ledger("op");
        int64_t attempt = 0;
        if (ledger_attempt_begin(mine, run, "parse", NULL, NULL, &attempt, &err) == 0) {
            raise(SIGKILL);
        }
        _exit(1);
    }
    int status = 0;
    waitpid(pid, &status, 0);
    assert_true(WIFSIGNALED(status));
    char digest[LEDGER_DIGEST_SIZE];
    refused(ledger_artifact_find(op, run, "parse", digest, &err), ERR_NOINPUT, "has no finished parse");
    int rc = -1;
    int64_t attempt = 0;
    for (int i = 0; i < 3000 && rc != 0; i++) { /* the server notices the end of a session in its own time */
        rc = ledger_attempt_begin(op, run, "parse", NULL, NULL, &attempt, &err);
        clock_sleep_ms(20);
    }
    assert_int_equal(rc, 0);
    struct ledger_attempts attempts;
    ok(ledger_attempts(op, run, &arena, &attempts, &err));
    assert_int_equal(attempts.count, 2);
    assert_string_equal(attempts.items[0].state, "abandoned");
}

static void test_one_works_on_a_run(void **state)
{
    (void)state;
    int64_t run = case_run(op);
    int64_t attempt = 0;
    struct ledger *other = pg_server_ledger("op2");
    ok(ledger_run_lock(op, run, &err));
    refused(ledger_attempt_begin(other, run, "parse", NULL, NULL, &attempt, &err), ERR_TEMPFAIL,
            "worked on by another");
    ok(ledger_run_unlock(op, run, &err));
    ok(ledger_attempt_begin(other, run, "parse", NULL, NULL, &attempt, &err));
    ledger_close(other);
}

static void test_failed_attempt_and_run(void **state)
{
    (void)state;
    int64_t run = case_run(op);
    int64_t attempt = 0;
    struct ledger_run got;
    ok(ledger_attempt_begin(op, run, "collect", NULL, NULL, &attempt, &err));
    ok(ledger_attempt_fail(op, attempt, 69, "prometheus is down", &err));
    refused(ledger_attempt_fail(op, attempt, 69, "again", &err), ERR_REFUSED, "is failed and stays so");
    ok(ledger_run_fail(op, run, "prometheus is down", &err));
    ok(ledger_run_get(op, run, &arena, &got, &err));
    assert_int_equal(got.state, LEDGER_FAILED);
    assert_string_equal(got.reason, "prometheus is down");
    refused(ledger_run_fail(op, run, "again", &err), ERR_REFUSED, "cannot become failed");
}

static void test_missing_run(void **state)
{
    (void)state;
    struct ledger_run got;
    refused(ledger_run_get(op, 999999, &arena, &got, &err), ERR_NOINPUT, "run 999999 does not exist");
}

static void test_history(void **state)
{
    (void)state;
    int64_t run = case_run(op);
    json_t *list = NULL;
    json_t *rows =
        json_loads("[{\"namespace\":\"shop\",\"kind\":\"Deployment\",\"name\":\"cart\",\"action\":\"resize\","
                   "\"confidence\":0.75,\"monthly_before_microusd\":3000000,"
                   "\"monthly_after_microusd\":1000000,\"monthly_saving_microusd\":2000000}]",
                   0, NULL);
    ok(ledger_results_put(op, run, rows, &err));
    ok(ledger_results_put(op, run, rows, &err));
    ok(ledger_results_get(op, run, &list, &err));
    assert_int_equal(json_array_size(list), 1);
    json_decref(list);
    ok(ledger_trend(op, &case_cart, 10, &list, &err));
    assert_int_equal(json_int_or(json_array_get(list, 0), "monthly_saving_microusd", 0), 2000000);
    json_decref(list);
    ok(ledger_trend(op, NULL, 10, &list, &err));
    assert_int_equal(json_int_or(json_array_get(list, 0), "run", 0), run);
    json_decref(list);
    ok(ledger_run_list(op, &(struct ledger_run_filter){.limit = 1}, &list, &err));
    assert_int_equal(json_int_or(json_array_get(list, 0), "monthly_saving_microusd", 0), 2000000);
    json_decref(list);
    json_decref(rows);
}

static void test_series(void **state)
{
    (void)state;
    json_t *list = NULL;
    json_t *first =
        json_loads("[{\"namespace\":\"shop\",\"kind\":\"Deployment\",\"name\":\"cart\",\"container\":\"c\","
                   "\"series\":\"cpu\",\"day\":\"2026-11-20\",\"minimum\":2,\"maximum\":9.5,\"samples\":10}]",
                   0, NULL);
    json_t *second =
        json_loads("[{\"namespace\":\"shop\",\"kind\":\"Deployment\",\"name\":\"cart\",\"container\":\"c\","
                   "\"series\":\"cpu\",\"day\":\"2026-11-20\",\"minimum\":3,\"maximum\":11,\"samples\":4}]",
                   0, NULL);
    ok(ledger_series_put(op, "prod", first, &err));
    ok(ledger_series_put(op, "prod", second, &err));
    ok(ledger_series_get(op, "prod", "2026-11-20", "2026-11-21", &list, &err));
    assert_int_equal(json_array_size(list), 1);
    double value = 0;
    assert_true(json_get_number(json_array_get(list, 0), "maximum", &value));
    assert_int_equal((int)value, 11);
    assert_true(json_get_number(json_array_get(list, 0), "minimum", &value));
    assert_int_equal((int)value, 2);
    json_decref(list);
    ok(ledger_series_get(op, "prod", "2026-11-21", "2026-11-22", &list, &err));
    assert_int_equal(json_array_size(list), 0);
    json_decref(list);
    json_decref(first);
    json_decref(second);
}

static int teach(struct ledger *ledger, void *context, struct err *failure)
{
    json_t *rows = json_loads("[{\"namespace\":\"taught\",\"kind\":\"Deployment\",\"name\":\"cart\",\"container\":\"c\",\"series\":"
                              "\"cpu\",\"day\":\"2026-11-20\",\"minimum\":2,\"maximum\":9,\"samples\":10}]",
                              0, NULL);
    int failed = ledger_series_put(ledger, "prod", rows, failure);
    json_decref(rows);
    return failed || *(const bool *)context ? err_set(failure, ERR_DATA, "the lesson is refused") : 0;
}

static int taught(void)
{
    char count[16];
    pg_server_sql("select count(*) from tare.series_history where namespace = 'taught'", count, sizeof count);
    return atoi(count);
}

/* An artifact and what is stored with it: both or neither. */
static void test_companion(void **state)
{
    (void)state;
    char digest[LEDGER_DIGEST_SIZE];
    struct err why = {0};
    int64_t run = case_run(op);
    int64_t attempt = 0;
    bool refuse = true;
    int fd = case_file("learned", 7);
    ok(ledger_attempt_begin(op, run, "analyze", NULL, NULL, &attempt, &err));
    assert_int_equal(ledger_artifact_store_with(op, attempt, "recommendations", fd, teach, &refuse, digest, &why), -1);
    assert_string_equal(why.message, "the lesson is refused");
    assert_int_equal(taught(), 0);
    assert_int_equal(ledger_artifact_find(op, run, "analyze", digest, &why), -1);
    refuse = false;
    ok(ledger_artifact_store_with(op, attempt, "recommendations", fd, teach, &refuse, digest, &err));
    assert_int_equal(taught(), 1);
    ok(ledger_artifact_find(op, run, "analyze", digest, &err));
    close(fd);
}

/* More rows than one answer has: all of them, each once, in canonical lines. */
static void test_history_in_pages(void **state)
{
    (void)state;
    enum { ROWS = 4100 };
    char text[32];
    int64_t count = 0;
    int fd = -1;
    pg_server_sql("insert into tare.series_history (cluster, namespace, kind, name, container, series, day, minimum, maximum, mean, samples, "
                  "seen_at) select 'prod', 'many', 'Deployment', 'w' || i, 'c', 'cpu', tare.now()::date - 2, 1, i, 2, 24, tare.now() - "
                  "interval '1 hour' from generate_series(1, 4100) i",
                  text, sizeof text);
    int64_t run = case_run(op);
    const char *const spaces[] = {"many"};
    ok(ledger_run_namespaces(op, run, spaces, 1, &err));
    ok(fs_spool(&fd, &err));
    ok(ledger_history_copy(op, run, 90, fd, &count, &err));
    assert_int_equal(count, ROWS);
    struct buf lines;
    buf_init(&lines, 16 * 1024 * 1024);
    lseek(fd, 0, SEEK_SET);
    ok(fs_read_fd(fd, "history", &lines, &err));
    double sum = 0;
    size_t seen = 0;
    char *copy = xstrdup(buf_str(&lines));
    char *rest = copy;
    for (char *line; (line = strtok_r(rest, "\n", &rest)) != NULL; seen++) {
        double maximum = 0;
        json_t *row = json_loads(line, 0, NULL);
        char *again = json_text(row);
        assert_string_equal(again, line);
        assert_true(json_get_number(row, "maximum", &maximum));
        sum += maximum;
        free(again);
        json_decref(row);
    }
    free(copy);
    assert_int_equal(seen, ROWS);
    assert_int_equal((int64_t)sum, (int64_t)ROWS * (ROWS + 1) / 2);
    buf_release(&lines);
    close(fd);
}

static void test_llm(void **state)
{
    (void)state;
    int64_t tokens = 0;
    int64_t money = 0;
    json_t *list = NULL;
    json_t *row =
        json_pack("[{s:s,s:s,s:s,s:s,s:s,s:i,s:i,s:i}]", "key", "k1", "prompt_digest",
                  "0000000000000000000000000000000000000000000000000000000000000000", "provider", "anthropic",
                  "model", "m", "reply", "{}", "input_tokens", 100, "output_tokens", 20, "cost_microusd", 7);
    ok(ledger_llm_put(op, 0, row, &err));
    ok(ledger_llm_put(op, 0, row, &err));
    ok(ledger_llm_runs(op, 10, &list, &err));
    assert_int_equal(json_array_size(list), 1);
    assert_int_equal(json_int_or(json_array_get(list, 0), "calls", 0), 1);
    json_decref(list);
    ok(ledger_llm_month(op, &tokens, &money, &err));
    assert_int_equal(tokens, 120);
    assert_int_equal(money, 7);
    json_decref(row);
}

static void test_audit(void **state)
{
    (void)state;
    struct ledger_audit_verdict verdict;
    json_t *list = NULL;
    ok(ledger_audit_append(op, "conductor.started", 0, "tare run", NULL, &err));
    refused(ledger_audit_append(op, "approval.given", 0, NULL, NULL, &err), ERR_DATA,
            "no audit action of a program");
    ok(ledger_audit_verify(op, &arena, &verdict, &err));
    assert_true(verdict.intact);
    assert_int_equal(strlen(verdict.head), 64);
    ok(ledger_audit_list(op, 0, verdict.events - 1, 10, &list, &err));
    assert_string_equal(json_string_or_null(json_array_get(list, 0), "action"), "conductor.started");
    json_decref(list);
}

static void test_versions(void **state)
{
    (void)state;
    int database = 0;
    int program = 0;
    int from = 0;
    int to = 0;
    char text[128];
    struct ledger *ledger = NULL;
    const struct ledger_options options = {.login = "op"};
    ok(ledger_version(op, &database, &program, &err));
    assert_int_equal(database, program);
    ok(ledger_migrate(&options, &from, &to, &err));
    assert_int_equal(from, to);
    pg_server_sql("select sha256 from tare.migration where number = 2", text, sizeof text);
    char sql[256];
    snprintf(sql, sizeof sql, "update tare.migration set sha256 = '%s' where number = 2", text);
    char ignored[8];
    pg_server_sql("update tare.migration set sha256 = repeat('0', 64) where number = 2", ignored,
                  sizeof ignored);
    refused(ledger_open(&ledger, &options, &err), ERR_CONFIG, "in the ledger has checksum");
    refused(ledger_migrate(&options, &from, &to, &err), ERR_CONFIG, "in the ledger has checksum");
    pg_server_sql(sql, ignored, sizeof ignored);
    pg_server_sql("insert into tare.migration select max(number) + 1, 'later', repeat('1', 64) from tare.migration", ignored,
                  sizeof ignored);
    refused(ledger_open(&ledger, &options, &err), ERR_CONFIG, "this tare knows only");
    pg_server_sql("delete from tare.migration where name = 'later'", ignored, sizeof ignored);
    ok(ledger_open(&ledger, &options, &err));
    ledger_close(ledger);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_artifacts_come_back_whole),
        cmocka_unit_test(test_same_bytes_are_kept_once),
        cmocka_unit_test(test_empty_artifact),
        cmocka_unit_test(test_damaged_bytes_are_found),
        cmocka_unit_test(test_killed_in_the_middle),
        cmocka_unit_test(test_one_works_on_a_run),
        cmocka_unit_test(test_failed_attempt_and_run),
        cmocka_unit_test(test_missing_run),
        cmocka_unit_test(test_history),
        cmocka_unit_test(test_series),
        cmocka_unit_test(test_companion),
        cmocka_unit_test(test_history_in_pages),
        cmocka_unit_test(test_llm),
        cmocka_unit_test(test_audit),
        cmocka_unit_test(test_versions),
    };
    return cmocka_run_group_tests(tests, case_start, case_stop);
}
