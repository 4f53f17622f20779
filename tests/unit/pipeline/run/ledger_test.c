#include <setjmp.h>
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
#include "tests/harness/pg_server.h"

static const struct ledger_workload cart = {"shop", "Deployment", "cart"};
static const struct ledger_workload pay = {"pay", "StatefulSet", "ledger"};
static const char one_row[] =
    "[{\"namespace\":\"shop\",\"kind\":\"Deployment\",\"name\":\"cart\",\"verdict\":\"needs-approval\","
    "\"approvals_required\":1,\"risk\":\"low\",\"saving_microusd\":1500000,\"reasons\":[\"r\"]}]";
static const char two_rows[] =
    "[{\"namespace\":\"shop\",\"kind\":\"Deployment\",\"name\":\"cart\",\"verdict\":\"needs-approval\","
    "\"approvals_required\":1},{\"namespace\":\"pay\",\"kind\":\"StatefulSet\",\"name\":\"ledger\","
    "\"verdict\":\"needs-approval\",\"approvals_required\":2}]";

static struct ledger *op;
static struct ledger *rev;
static struct arena arena;
static struct err err;

/* ok(call) fails the test with the error's sentence. */
#define ok(call)                                                                                               \
    do {                                                                                                       \
        memset(&err, 0, sizeof err);                                                                           \
        if ((call) != 0) {                                                                                     \
            fail_msg("%s: %d %s (%s)", #call, (int)err.class, err.message, err.hint);                          \
        }                                                                                                      \
    } while (0)

/* refused(call, class, words): fails with this class and a message that has these words. */
#define refused(call, wanted, words)                                                                           \
    do {                                                                                                       \
        memset(&err, 0, sizeof err);                                                                           \
        assert_int_equal((call), -1);                                                                          \
        if (err.class != (wanted) || strstr(err.message, words) == NULL) {                                     \
            fail_msg("%s: %d %s", #call, (int)err.class, err.message);                                         \
        }                                                                                                      \
    } while (0)

static int start(void **state)
{
    (void)state;
    pg_server_start();
    op = pg_server_ledger("op");
    rev = pg_server_ledger("rev");
    arena_init(&arena);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    ledger_close(op);
    ledger_close(rev);
    arena_release(&arena);
    pg_server_stop();
    return 0;
}

/* A spooled file with this text. */
static int file_of(const char *text, size_t length)
{
    int fd = -1;
    ok(fs_spool(&fd, &err));
    ok(fs_write_fd(fd, text, length, "spool", &err));
    return fd;
}

static int64_t new_run(struct ledger *ledger)
{
    struct ledger_run run;
    json_t *settings = json_pack("{s:s}", "window", "7d");
    const struct ledger_run_new wanted = {
        .cluster = "prod", .target = "files", .program = "0.1.0", .settings = settings};
    ok(ledger_run_create(ledger, &wanted, &arena, &run, &err));
    assert_int_equal(run.state, LEDGER_RUNNING);
    assert_string_equal(run.settings, "{\"window\": \"7d\"}");
    json_decref(settings);
    return run.id;
}

/* Stores `text` as the artifact of `stage`. */
static void finish_stage(struct ledger *ledger, int64_t run, const char *stage, const char *kind, const char *text,
                         char *digest)
{
    int64_t attempt = 0;
    int fd = file_of(text, strlen(text));
    ok(ledger_attempt_begin(ledger, run, stage, NULL, NULL, &attempt, &err));
    ok(ledger_artifact_store(ledger, attempt, kind, fd, digest, &err));
    close(fd);
}

/* A run with a plan of these rows. Returns its id; `digest` receives the plan's. */
static int64_t planned_run(const char *rows_text, const char *salt, char *digest, enum ledger_state *state)
{
    int64_t id = new_run(op);
    char *text = xasprintf("plan %lld %s", (long long)id, salt);
    finish_stage(op, id, "diff", "changes", text, digest);
    json_t *rows = json_loads(rows_text, 0, NULL);
    ok(ledger_plan_register(op, id, digest, rows, 0, state, &err));
    ok(ledger_run_unlock(op, id, &err));
    json_decref(rows);
    free(text);
    return id;
}

static enum ledger_state state_of(int64_t run)
{
    struct ledger_run got;
    ok(ledger_run_get(op, run, &arena, &got, &err));
    return got.state;
}

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
    int64_t run = new_run(op);
    int64_t attempt = 0;
    int in = file_of(text, length);
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
    finish_stage(op, new_run(op), "parse", "inventory", "the same bytes", first);
    finish_stage(op, new_run(op), "parse", "inventory", "the same bytes", second);
    assert_string_equal(first, second);
    snprintf(sql, sizeof sql, "select count(*) from tare.artifact_chunk where digest = '%s'", first);
    pg_server_sql(sql, count, sizeof count);
    assert_string_equal(count, "1");
}

static void test_empty_artifact(void **state)
{
    (void)state;
    char digest[LEDGER_DIGEST_SIZE];
    finish_stage(op, new_run(op), "parse", "inventory", "", digest);
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
    int64_t run = new_run(op);
    finish_stage(op, run, "parse", "inventory", "bytes to damage", digest);
    snprintf(sql, sizeof sql,
             "with x as (select set_config('session_replication_role', 'replica', true)) update tare.artifact_chunk "
             "set content = 'bytes to Damage' from x where digest = '%s'", digest);
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
    int64_t run = new_run(op);
    ok(ledger_run_unlock(op, run, &err));
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        struct ledger *mine = pg_server_ledger("op");
        int64_t attempt = 0;
        if (ledger_attempt_begin(mine, run, "parse", NULL, NULL, &attempt, &err) == 0) {
            _exit(9); /* as kill -9: the session just ends */
        }
        _exit(1);
    }
    int status = 0;
    waitpid(pid, &status, 0);
    assert_int_equal(WEXITSTATUS(status), 9);
    char digest[LEDGER_DIGEST_SIZE];
    refused(ledger_artifact_find(op, run, "parse", digest, &err), ERR_NOINPUT, "has no finished parse");
    int rc = -1;
    int64_t attempt = 0;
    for (int i = 0; i < 100 && rc != 0; i++) { /* the server notices the end of a session in its own time */
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
    int64_t run = new_run(op);
    int64_t attempt = 0;
    struct ledger *other = pg_server_ledger("op2");
    ok(ledger_run_lock(op, run, &err));
    refused(ledger_attempt_begin(other, run, "parse", NULL, NULL, &attempt, &err), ERR_TEMPFAIL, "worked on by another");
    ok(ledger_run_unlock(op, run, &err));
    ok(ledger_attempt_begin(other, run, "parse", NULL, NULL, &attempt, &err));
    ledger_close(other);
}

static void test_failed_attempt_and_run(void **state)
{
    (void)state;
    int64_t run = new_run(op);
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

static void test_approval(void **state)
{
    (void)state;
    char plan[LEDGER_DIGEST_SIZE];
    enum ledger_state after = LEDGER_FAILED;
    int64_t run = planned_run(one_row, "a", plan, &after);
    assert_int_equal(after, LEDGER_AWAITING_APPROVAL);
    refused(ledger_apply_begin(op, run, NULL, false, &err), ERR_REFUSED, "awaiting-approval");
    refused(ledger_approve(op, run, plan, NULL, "mine", &after, &err), ERR_REFUSED, "op asked for run");
    char wrong[LEDGER_DIGEST_SIZE];
    memset(wrong, 'a', sizeof wrong - 1);
    wrong[sizeof wrong - 1] = '\0';
    refused(ledger_approve(rev, run, wrong, NULL, "", &after, &err), ERR_STALE, "the plan of run");
    ok(ledger_approve(rev, run, plan, NULL, "looks right", &after, &err));
    assert_int_equal(after, LEDGER_APPROVED);
    json_t *list = NULL;
    ok(ledger_approvals(op, run, &list, &err));
    assert_int_equal(json_array_size(list), 1);
    assert_string_equal(json_string_or_null(json_array_get(list, 0), "approver"), "rev");
    assert_true(json_bool_or(json_array_get(list, 0), "valid", false));
    json_decref(list);
    ok(ledger_withdraw(rev, run, NULL, "second thoughts", &after, &err));
    assert_int_equal(after, LEDGER_AWAITING_APPROVAL);
}

/* Each of two approvals must be of another person, and the requester's never counts. */
static void test_quorum_and_separation(void **state)
{
    (void)state;
    char plan[LEDGER_DIGEST_SIZE];
    char ignored[8];
    enum ledger_state after = LEDGER_FAILED;
    struct ledger *second = pg_server_ledger("rev2");
    int64_t run = planned_run(two_rows, "q", plan, &after);
    ok(ledger_approve(rev, run, plan, NULL, "", &after, &err));
    ok(ledger_approve(rev, run, plan, NULL, "", &after, &err));
    assert_int_equal(after, LEDGER_AWAITING_APPROVAL);
    pg_server_sql("grant tare_approver to op", ignored, sizeof ignored);
    refused(ledger_approve(op, run, plan, NULL, "", &after, &err), ERR_REFUSED, "may not approve it");
    pg_server_sql("revoke tare_approver from op", ignored, sizeof ignored);
    ok(ledger_approve(second, run, plan, &pay, "", &after, &err));
    assert_int_equal(after, LEDGER_APPROVED);
    struct ledger_check check;
    ok(ledger_apply_check(op, run, &pay, &arena, &check, &err));
    assert_true(check.approved);
    assert_int_equal(check.valid, 2);
    pg_server_sql("revoke tare_approver from rev2", ignored, sizeof ignored);
    ok(ledger_apply_check(op, run, &pay, &arena, &check, &err));
    assert_false(check.approved);
    pg_server_sql("grant tare_approver to rev2", ignored, sizeof ignored);
    ledger_close(second);
}

static void test_approval_runs_out(void **state)
{
    (void)state;
    char plan[LEDGER_DIGEST_SIZE];
    enum ledger_state after = LEDGER_FAILED;
    int64_t run = planned_run(one_row, "x", plan, &after);
    ok(ledger_approve(rev, run, plan, NULL, "", &after, &err));
    setenv("TARE_NOW", "2031-01-01T00:00:00Z", 1);
    ok(clock_init(&err));
    struct ledger *later = pg_server_ledger("op");
    unsetenv("TARE_NOW");
    ok(clock_init(&err));
    const char *now = NULL;
    ok(ledger_now(later, &arena, &now, &err));
    assert_memory_equal(now, "2031-01-01T00:00:0", 18);
    refused(ledger_apply_begin(later, run, NULL, false, &err), ERR_REFUSED, "is expired (its approvals ran out)");
    ledger_close(later);
    assert_int_equal(state_of(run), LEDGER_EXPIRED);
}

static void test_rejecting_needs_a_reason(void **state)
{
    (void)state;
    char plan[LEDGER_DIGEST_SIZE];
    enum ledger_state after = LEDGER_FAILED;
    int64_t run = planned_run(one_row, "r", plan, &after);
    refused(ledger_reject(rev, run, "  ", &err), ERR_REFUSED, "needs a reason");
    ok(ledger_reject(rev, run, "peak season", &err));
    refused(ledger_approve(rev, run, plan, NULL, "", &after, &err), ERR_REFUSED, "is rejected and takes no approval");
}

static void test_plans_that_need_nobody(void **state)
{
    (void)state;
    static const struct {
        const char *verdict;
        enum ledger_state state;
    } cases[] = {{"unchanged", LEDGER_UNCHANGED}, {"blocked", LEDGER_FAILED}, {"allowed", LEDGER_APPROVED}};
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        char plan[LEDGER_DIGEST_SIZE];
        enum ledger_state after = LEDGER_RUNNING;
        char *rows = xasprintf("[{\"namespace\":\"n\",\"kind\":\"Deployment\",\"name\":\"w\",\"verdict\":\"%s\","
                               "\"rule\":\"low risk in dev\"}]", cases[i].verdict);
        planned_run(rows, cases[i].verdict, plan, &after);
        assert_int_equal(after, cases[i].state);
        free(rows);
    }
}

static void test_rerun_supersedes(void **state)
{
    (void)state;
    static const char *const keep[] = {"parse"};
    char plan[LEDGER_DIGEST_SIZE];
    char digest[LEDGER_DIGEST_SIZE];
    char found[LEDGER_DIGEST_SIZE];
    enum ledger_state after = LEDGER_FAILED;
    int64_t run = new_run(op);
    struct ledger_run child;
    struct ledger_run parent;
    finish_stage(op, run, "parse", "inventory", "parsed", digest);
    finish_stage(op, run, "diff", "changes", "plan of the parent", plan);
    json_t *rows = json_loads(one_row, 0, NULL);
    ok(ledger_plan_register(op, run, plan, rows, 0, &after, &err));
    ok(ledger_approve(rev, run, plan, NULL, "", &after, &err));
    ok(ledger_rerun(op, run, keep, 1, NULL, &arena, &child, &err));
    assert_int_equal(child.parent, run);
    assert_int_equal(child.state, LEDGER_RUNNING);
    ok(ledger_artifact_find(op, child.id, "parse", found, &err));
    assert_string_equal(found, digest);
    refused(ledger_artifact_find(op, child.id, "diff", found, &err), ERR_NOINPUT, "no finished diff");
    ok(ledger_run_get(op, run, &arena, &parent, &err));
    assert_int_equal(parent.state, LEDGER_SUPERSEDED);
    assert_int_equal(parent.superseded_by, child.id);
    refused(ledger_apply_begin(op, run, NULL, false, &err), ERR_REFUSED, "is superseded by run");
    finish_stage(op, child.id, "diff", "changes", "plan of the parent", plan);
    ok(ledger_plan_register(op, child.id, plan, rows, 0, &after, &err));
    assert_int_equal(after, LEDGER_AWAITING_APPROVAL); /* the same bytes, yet nobody approved them here */
    refused(ledger_apply_begin(op, child.id, NULL, false, &err), ERR_REFUSED, "awaiting-approval");
    json_decref(rows);
}

static void begin_change(int64_t run, const char *before, int64_t *id, enum ledger_change_state *state)
{
    const struct ledger_change_new change = {.object = "deploy/cart.yaml", .workloads = &cart, .workload_count = 1,
                                             .before = before, .before_size = strlen(before)};
    ok(ledger_change_begin(op, run, &change, id, state, &err));
}

static void test_apply_and_rollback(void **state)
{
    (void)state;
    char plan[LEDGER_DIGEST_SIZE];
    enum ledger_state after = LEDGER_FAILED;
    enum ledger_change_state at = LEDGER_CHANGE_DONE;
    int64_t run = planned_run(one_row, "go", plan, &after);
    int64_t id = 0;
    ok(ledger_approve(rev, run, plan, NULL, "", &after, &err));
    ok(ledger_apply_begin(op, run, plan, false, &err));
    ok(ledger_workload_lock(op, run, &cart, &err));
    begin_change(run, "cpu: 500m\n", &id, &at);
    assert_int_equal(at, LEDGER_CHANGE_PLANNED);
    refused(ledger_change_move(op, id, LEDGER_CHANGE_DONE, NULL, &err), ERR_REFUSED, "cannot become done");
    ok(ledger_change_move(op, id, LEDGER_CHANGE_WRITING, NULL, &err));
    refused(ledger_apply_end(op, run, LEDGER_APPLIED, NULL, &err), ERR_REFUSED, "cannot end as applied");
    json_t *detail = json_pack("{s:s}", "after", "d");
    ok(ledger_change_move(op, id, LEDGER_CHANGE_WRITTEN, detail, &err));
    json_decref(detail);
    ok(ledger_change_move(op, id, LEDGER_CHANGE_VERIFYING, NULL, &err));
    ok(ledger_change_move(op, id, LEDGER_CHANGE_DONE, NULL, &err));
    ok(ledger_apply_end(op, run, LEDGER_APPLIED, NULL, &err));
    assert_int_equal(state_of(run), LEDGER_APPLIED);
    refused(ledger_change_move(op, id, LEDGER_CHANGE_ROLLING_BACK, NULL, &err), ERR_REFUSED, "does not hold run");
    ok(ledger_rollback_begin(op, run, &err));
    ok(ledger_change_move(op, id, LEDGER_CHANGE_ROLLING_BACK, NULL, &err));
    ok(ledger_change_move(op, id, LEDGER_CHANGE_ROLLED_BACK, NULL, &err));
    ok(ledger_rollback_end(op, run, LEDGER_ROLLED_BACK, "asked for", &err));
    assert_int_equal(state_of(run), LEDGER_ROLLED_BACK);
    struct buf before;
    buf_init(&before, 64);
    ok(ledger_change_before(op, id, &before, &err));
    assert_string_equal(buf_str(&before), "cpu: 500m\n");
    buf_release(&before);
    struct ledger_changes changes;
    ok(ledger_changes(op, run, &arena, &changes, &err));
    assert_int_equal(changes.count, 1);
    assert_int_equal(changes.items[0].state, LEDGER_CHANGE_ROLLED_BACK);
    assert_string_equal(changes.items[0].detail, "{\"after\": \"d\"}");
}

/* An apply whose process died: nobody else's lock, its before-image kept, another run kept away from the object. */
static void test_interrupted_apply(void **state)
{
    (void)state;
    char plan[LEDGER_DIGEST_SIZE];
    enum ledger_state after = LEDGER_FAILED;
    enum ledger_change_state at = LEDGER_CHANGE_DONE;
    int64_t id = 0;
    int64_t again = 0;
    int64_t run = planned_run(one_row, "i", plan, &after);
    ok(ledger_approve(rev, run, plan, NULL, "", &after, &err));
    struct ledger *other = pg_server_ledger("op2");
    ok(ledger_apply_begin(op, run, plan, false, &err));
    ok(ledger_workload_lock(op, run, &cart, &err));
    begin_change(run, "first", &id, &at);
    begin_change(run, "better", &again, &at);
    assert_int_equal(again, id);
    ok(ledger_change_move(op, id, LEDGER_CHANGE_WRITING, NULL, &err));
    refused(ledger_apply_begin(other, run, plan, true, &err), ERR_TEMPFAIL, "by another tare");
    refused(ledger_rollback_begin(other, run, &err), ERR_TEMPFAIL, "by another tare");
    ledger_close(op);
    op = pg_server_ledger("op");
    clock_sleep_ms(200);
    refused(ledger_apply_begin(op, run, plan, false, &err), ERR_REFUSED, "was interrupted");
    int64_t second = planned_run(one_row, "i2", plan, &after);
    ok(ledger_approve(rev, second, plan, NULL, "", &after, &err));
    ok(ledger_apply_begin(other, second, plan, false, &err));
    refused(ledger_workload_lock(other, second, &cart, &err), ERR_REFUSED, "half changed (writing)");
    ok(ledger_apply_end(other, second, LEDGER_FAILED, "not its turn", &err));
    ok(ledger_apply_begin(op, run, NULL, true, &err));
    ok(ledger_workload_lock(op, run, &cart, &err));
    begin_change(run, "half written", &again, &at);
    assert_int_equal(again, id);
    assert_int_equal(at, LEDGER_CHANGE_WRITING);
    struct buf before;
    buf_init(&before, 64);
    ok(ledger_change_before(op, id, &before, &err));
    assert_string_equal(buf_str(&before), "better");
    buf_release(&before);
    ok(ledger_change_move(op, id, LEDGER_CHANGE_ROLLING_BACK, NULL, &err));
    ok(ledger_change_move(op, id, LEDGER_CHANGE_ROLLED_BACK, NULL, &err));
    ok(ledger_apply_end(op, run, LEDGER_ROLLED_BACK, NULL, &err));
    ledger_close(other);
}

static void test_withdrawn_in_the_middle(void **state)
{
    (void)state;
    char plan[LEDGER_DIGEST_SIZE];
    enum ledger_state after = LEDGER_FAILED;
    int64_t run = planned_run(one_row, "w", plan, &after);
    ok(ledger_approve(rev, run, plan, NULL, "", &after, &err));
    ok(ledger_apply_begin(op, run, plan, false, &err));
    ok(ledger_withdraw(rev, run, NULL, "stop", &after, &err));
    assert_int_equal(after, LEDGER_APPLYING);
    ok(ledger_workload_lock(op, run, &cart, &err));
    int64_t id = 0;
    enum ledger_change_state at;
    const struct ledger_change_new change = {.object = "x", .workloads = &cart, .workload_count = 1, .before = "b",
                                             .before_size = 1};
    refused(ledger_change_begin(op, run, &change, &id, &at, &err), ERR_REFUSED, "0 of 1 approvals");
    ok(ledger_apply_end(op, run, LEDGER_FAILED, "withdrawn", &err));
}

static void test_refused_by_a_window(void **state)
{
    (void)state;
    char plan[LEDGER_DIGEST_SIZE];
    enum ledger_state after = LEDGER_FAILED;
    struct ledger_run got;
    int64_t run = planned_run(one_row, "win", plan, &after);
    ok(ledger_approve(rev, run, plan, NULL, "", &after, &err));
    ok(ledger_refuse(op, run, "window freeze is closed", "2031-01-02T03:04:05Z", &err));
    ok(ledger_run_get(op, run, &arena, &got, &err));
    assert_int_equal(got.state, LEDGER_REFUSED);
    assert_string_equal(got.next_opening, "2031-01-02T03:04:05Z");
    ok(ledger_refuse(op, run, "still closed", NULL, &err));
    ok(ledger_window_override(op, run, "freeze", "the fire is in there", &err));
    ok(ledger_apply_begin(op, run, NULL, false, &err));
    ok(ledger_apply_end(op, run, LEDGER_FAILED, "test", &err));
}

static void test_policy(void **state)
{
    (void)state;
    char digest[LEDGER_DIGEST_SIZE];
    char ignored[8];
    json_t *got = NULL;
    enum ledger_state after = LEDGER_FAILED;
    struct ledger *adm = pg_server_ledger("adm");
    json_t *policy = json_pack("{s:{s:i,s:s},s:[{s:s,s:b}]}", "approvals", "required", 2, "expires_after", "1h",
                               "windows", "name", "freeze", "override", 0);
    ok(ledger_policy_get(op, &got, &err));
    assert_null(got);
    refused(ledger_policy_set(op, "x", policy, digest, &err), ERR_REFUSED, "op may not store the policy");
    ok(ledger_policy_set(adm, "approvals: {required: 2}\n", policy, digest, &err));
    ok(ledger_policy_get(op, &got, &err));
    assert_string_equal(json_string_or_null(got, "digest"), digest);
    json_decref(got);
    int64_t run = new_run(op);
    char plan[LEDGER_DIGEST_SIZE];
    finish_stage(op, run, "diff", "changes", "too lax", plan);
    json_t *rows = json_loads(one_row, 0, NULL);
    refused(ledger_plan_register(op, run, plan, rows, 0, &after, &err), ERR_REFUSED, "asks for 2 approvals");
    refused(ledger_window_override(op, run, "freeze", "please", &err), ERR_REFUSED, "does not let window freeze");
    json_decref(rows);
    json_decref(policy);
    ledger_close(adm);
    pg_server_sql("truncate tare.policy", ignored, sizeof ignored);
}

static void test_namespaces_narrow(void **state)
{
    (void)state;
    char plan[LEDGER_DIGEST_SIZE];
    enum ledger_state after = LEDGER_FAILED;
    struct ledger_run got;
    json_t *list = NULL;
    struct ledger *adm = pg_server_ledger("adm");
    struct ledger *second = pg_server_ledger("rev2");
    int64_t run = planned_run(two_rows, "n", plan, &after);
    ok(ledger_grant(adm, "rev2", "shop", NULL, &err));
    refused(ledger_run_get(second, run, &arena, &got, &err), ERR_NOINPUT, "not yours to see");
    refused(ledger_artifact_copy(second, plan, STDERR_FILENO, &err), ERR_NOINPUT, "not yours to see");
    ok(ledger_plan_rows(second, run, &list, &err));
    assert_int_equal(json_array_size(list), 1);
    json_decref(list);
    ok(ledger_mine(second, &list, &err));
    assert_true(json_array_size(list) >= 1);
    json_decref(list);
    refused(ledger_reject(second, run, "no", &err), ERR_REFUSED, "does not see all");
    refused(ledger_approve(second, run, plan, &pay, "", &after, &err), ERR_REFUSED, "nothing of pay/StatefulSet/ledger");
    ok(ledger_approve(second, run, plan, NULL, "my part", &after, &err));
    struct ledger_check check;
    ok(ledger_apply_check(op, run, &cart, &arena, &check, &err));
    assert_false(check.approved); /* the run still awaits approval as a whole */
    ok(ledger_plan_rows(rev, run, &list, &err));
    assert_int_equal(json_int_or(json_array_get(list, 0), "approvals_valid", -1), 0); /* pay: not hers */
    assert_int_equal(json_int_or(json_array_get(list, 1), "approvals_valid", -1), 1);
    json_decref(list);
    ok(ledger_revoke(adm, "rev2", "shop", NULL, &err));
    ok(ledger_run_get(second, run, &arena, &got, &err));
    ledger_close(adm);
    ledger_close(second);
}

static void test_history(void **state)
{
    (void)state;
    int64_t run = new_run(op);
    json_t *list = NULL;
    json_t *rows = json_loads("[{\"namespace\":\"shop\",\"kind\":\"Deployment\",\"name\":\"cart\",\"action\":\"resize\","
                              "\"confidence\":0.75,\"monthly_before_microusd\":3000000,"
                              "\"monthly_after_microusd\":1000000,\"monthly_saving_microusd\":2000000}]", 0, NULL);
    ok(ledger_results_put(op, run, rows, &err));
    ok(ledger_results_put(op, run, rows, &err));
    ok(ledger_results_get(op, run, &list, &err));
    assert_int_equal(json_array_size(list), 1);
    json_decref(list);
    ok(ledger_trend(op, &cart, 10, &list, &err));
    assert_int_equal(json_int_or(json_array_get(list, 0), "monthly_saving_microusd", 0), 2000000);
    json_decref(list);
    ok(ledger_trend(op, NULL, 10, &list, &err));
    assert_int_equal(json_int_or(json_array_get(list, 0), "run", 0), run);
    json_decref(list);
    ok(ledger_run_list(op, 0, 1, &list, &err));
    assert_int_equal(json_int_or(json_array_get(list, 0), "monthly_saving_microusd", 0), 2000000);
    json_decref(list);
    json_decref(rows);
}

static void test_series(void **state)
{
    (void)state;
    json_t *list = NULL;
    json_t *first = json_loads("[{\"namespace\":\"shop\",\"kind\":\"Deployment\",\"name\":\"cart\",\"container\":\"c\","
                               "\"series\":\"cpu\",\"day\":\"2026-11-20\",\"minimum\":2,\"maximum\":9.5,\"samples\":10}]",
                               0, NULL);
    json_t *second = json_loads("[{\"namespace\":\"shop\",\"kind\":\"Deployment\",\"name\":\"cart\",\"container\":\"c\","
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

static void test_llm(void **state)
{
    (void)state;
    int64_t tokens = 0;
    int64_t money = 0;
    json_t *list = NULL;
    json_t *row = json_pack("[{s:s,s:s,s:s,s:s,s:s,s:i,s:i,s:i}]", "key", "k1", "prompt_digest",
                            "0000000000000000000000000000000000000000000000000000000000000000", "provider", "anthropic",
                            "model", "m", "reply", "{}", "input_tokens", 100, "output_tokens", 20, "cost_microusd", 7);
    ok(ledger_llm_put(op, 0, row, &err));
    ok(ledger_llm_put(op, 0, row, &err));
    ok(ledger_llm_get(op, 3600, &list, &err));
    assert_int_equal(json_array_size(list), 1);
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
    refused(ledger_audit_append(op, "approval.given", 0, NULL, NULL, &err), ERR_DATA, "no audit action of a program");
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
    pg_server_sql("update tare.migration set sha256 = repeat('0', 64) where number = 2", ignored, sizeof ignored);
    refused(ledger_open(&ledger, &options, &err), ERR_CONFIG, "in the ledger has checksum");
    refused(ledger_migrate(&options, &from, &to, &err), ERR_CONFIG, "in the ledger has checksum");
    pg_server_sql(sql, ignored, sizeof ignored);
    pg_server_sql("insert into tare.migration values (7, '0007_later', repeat('1', 64))", ignored, sizeof ignored);
    refused(ledger_open(&ledger, &options, &err), ERR_CONFIG, "this tare knows only");
    pg_server_sql("delete from tare.migration where number = 7", ignored, sizeof ignored);
    ok(ledger_open(&ledger, &options, &err));
    ledger_close(ledger);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_artifacts_come_back_whole), cmocka_unit_test(test_same_bytes_are_kept_once),
        cmocka_unit_test(test_empty_artifact),            cmocka_unit_test(test_damaged_bytes_are_found),
        cmocka_unit_test(test_killed_in_the_middle),      cmocka_unit_test(test_one_works_on_a_run),
        cmocka_unit_test(test_failed_attempt_and_run),    cmocka_unit_test(test_missing_run),
        cmocka_unit_test(test_approval),                  cmocka_unit_test(test_quorum_and_separation),
        cmocka_unit_test(test_approval_runs_out),         cmocka_unit_test(test_rejecting_needs_a_reason),
        cmocka_unit_test(test_plans_that_need_nobody),    cmocka_unit_test(test_rerun_supersedes),
        cmocka_unit_test(test_apply_and_rollback),        cmocka_unit_test(test_interrupted_apply),
        cmocka_unit_test(test_withdrawn_in_the_middle),   cmocka_unit_test(test_refused_by_a_window),
        cmocka_unit_test(test_policy),                    cmocka_unit_test(test_namespaces_narrow),
        cmocka_unit_test(test_history),                   cmocka_unit_test(test_series),
        cmocka_unit_test(test_llm),                       cmocka_unit_test(test_audit),
        cmocka_unit_test(test_versions),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
