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
#include "pipeline/run/ledger_decide.h"
#include "pipeline/run/ledger_rules.h"
#include "tests/unit/pipeline/run/ledger_case.h"

/* A decision about the plan (NULL) or one workload; *after receives the run's state. */
static int case_approve(struct ledger *ledger, int64_t run, const char *plan, const struct ledger_workload *workload,
                        const char *reason, enum ledger_state *after, struct err *error)
{
    struct ledger_workload item = workload == NULL ? (struct ledger_workload){0} : *workload;
    struct ledger_choice choice = {.items = &item, .count = workload == NULL ? 0 : 1};
    struct ledger_decision decision;
    int failed = ledger_approve(ledger, run, plan, &choice, reason, &decision, error);
    *after = failed ? *after : decision.state;
    return failed;
}

static int case_withdraw(struct ledger *ledger, int64_t run, const char *reason, enum ledger_state *after, struct err *error)
{
    struct ledger_decision decision;
    int failed = ledger_withdraw(ledger, run, NULL, reason, &decision, error);
    *after = failed ? *after : decision.state;
    return failed;
}

static void test_approval(void **state)
{
    (void)state;
    char plan[LEDGER_DIGEST_SIZE];
    enum ledger_state after = LEDGER_FAILED;
    int64_t run = case_plan(case_one_row, "a", plan, &after);
    assert_int_equal(after, LEDGER_AWAITING_APPROVAL);
    refused(ledger_apply_begin(op, run, NULL, false, &err), ERR_REFUSED, "awaiting-approval");
    refused(case_approve(op, run, plan, NULL, "mine", &after, &err), ERR_REFUSED, "op asked for run");
    char wrong[LEDGER_DIGEST_SIZE];
    memset(wrong, 'a', sizeof wrong - 1);
    wrong[sizeof wrong - 1] = '\0';
    refused(case_approve(rev, run, wrong, NULL, "", &after, &err), ERR_STALE, "the plan of run");
    ok(case_approve(rev, run, plan, NULL, "looks right", &after, &err));
    assert_int_equal(after, LEDGER_APPROVED);
    json_t *list = NULL;
    ok(ledger_approvals(op, run, &list, &err));
    assert_int_equal(json_array_size(list), 1);
    assert_string_equal(json_string_or_null(json_array_get(list, 0), "approver"), "rev");
    assert_true(json_bool_or(json_array_get(list, 0), "valid", false));
    json_decref(list);
    ok(case_withdraw(rev, run, "second thoughts", &after, &err));
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
    int64_t run = case_plan(case_two_rows, "q", plan, &after);
    ok(case_approve(rev, run, plan, NULL, "", &after, &err));
    ok(case_approve(rev, run, plan, NULL, "", &after, &err));
    assert_int_equal(after, LEDGER_AWAITING_APPROVAL);
    pg_server_sql("grant tare_approver to op", ignored, sizeof ignored);
    refused(case_approve(op, run, plan, NULL, "", &after, &err), ERR_REFUSED, "may not approve it");
    pg_server_sql("revoke tare_approver from op", ignored, sizeof ignored);
    ok(case_approve(second, run, plan, &case_pay, "", &after, &err));
    assert_int_equal(after, LEDGER_APPROVED);
    struct ledger_check check;
    ok(ledger_apply_check(op, run, &case_pay, &arena, &check, &err));
    assert_true(check.approved);
    assert_int_equal(check.valid, 2);
    pg_server_sql("revoke tare_approver from rev2", ignored, sizeof ignored);
    ok(ledger_apply_check(op, run, &case_pay, &arena, &check, &err));
    assert_false(check.approved);
    pg_server_sql("grant tare_approver to rev2", ignored, sizeof ignored);
    ledger_close(second);
}

static void test_approval_runs_out(void **state)
{
    (void)state;
    char plan[LEDGER_DIGEST_SIZE];
    enum ledger_state after = LEDGER_FAILED;
    int64_t run = case_plan(case_one_row, "x", plan, &after);
    ok(case_approve(rev, run, plan, NULL, "", &after, &err));
    setenv("TARE_NOW", "2031-01-01T00:00:00Z", 1);
    ok(clock_init(&err));
    struct ledger *later = pg_server_ledger("op");
    unsetenv("TARE_NOW");
    ok(clock_init(&err));
    const char *now = NULL;
    ok(ledger_now(later, &arena, &now, &err));
    assert_memory_equal(now, "2031-01-01T00:0", 15);
    refused(ledger_apply_begin(later, run, NULL, false, &err), ERR_REFUSED,
            "is expired (its approvals ran out)");
    ledger_close(later);
    assert_int_equal(case_state(run), LEDGER_EXPIRED);
}

static void test_rejecting_needs_a_reason(void **state)
{
    (void)state;
    char plan[LEDGER_DIGEST_SIZE];
    enum ledger_state after = LEDGER_FAILED;
    int64_t run = case_plan(case_one_row, "r", plan, &after);
    refused(ledger_reject(rev, run, "  ", &err), ERR_USAGE, "needs a reason");
    ok(ledger_reject(rev, run, "peak season", &err));
    refused(case_approve(rev, run, plan, NULL, "", &after, &err), ERR_REFUSED,
            "is rejected (peak season) and takes no approval");
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
        char *rows =
            xasprintf("[{\"namespace\":\"n\",\"kind\":\"Deployment\",\"name\":\"w\",\"verdict\":\"%s\","
                      "\"rule\":\"low risk in dev\"}]",
                      cases[i].verdict);
        case_plan(rows, cases[i].verdict, plan, &after);
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
    int64_t run = case_run(op);
    struct ledger_run child;
    struct ledger_run parent;
    case_stage(op, run, "parse", "inventory", "parsed", digest);
    json_t *rows = json_loads(case_one_row, 0, NULL);
    char *changes = case_changes(rows, run, "parent");
    case_stage(op, run, "diff", "changes", changes, plan);
    ok(ledger_plan_register(op, run, plan, rows, 0, &after, &err));
    ok(case_approve(rev, run, plan, NULL, "", &after, &err));
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
    case_stage(op, child.id, "diff", "changes", changes, plan);
    ok(ledger_plan_register(op, child.id, plan, rows, 0, &after, &err));
    assert_int_equal(after, LEDGER_AWAITING_APPROVAL); /* the same bytes, yet nobody approved them here */
    refused(ledger_apply_begin(op, child.id, NULL, false, &err), ERR_REFUSED, "awaiting-approval");
    json_decref(rows);
    free(changes);
}

static void begin_change(int64_t run, const char *before, int64_t *id, enum ledger_change_state *state)
{
    const struct ledger_change_new change = {.object = "deploy/cart.yaml",
                                             .workloads = &case_cart,
                                             .workload_count = 1,
                                             .before = before,
                                             .before_size = strlen(before)};
    ok(ledger_change_begin(op, run, &change, id, state, &err));
}

static void test_apply_and_rollback(void **state)
{
    (void)state;
    char plan[LEDGER_DIGEST_SIZE];
    enum ledger_state after = LEDGER_FAILED;
    enum ledger_change_state at = LEDGER_CHANGE_DONE;
    int64_t run = case_plan(case_one_row, "go", plan, &after);
    int64_t id = 0;
    ok(case_approve(rev, run, plan, NULL, "", &after, &err));
    ok(ledger_apply_begin(op, run, plan, false, &err));
    ok(ledger_workload_lock(op, run, &case_cart, &err));
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
    assert_int_equal(case_state(run), LEDGER_APPLIED);
    refused(ledger_change_move(op, id, LEDGER_CHANGE_ROLLING_BACK, NULL, &err), ERR_REFUSED,
            "does not hold run");
    ok(ledger_rollback_begin(op, run, &err));
    ok(ledger_change_move(op, id, LEDGER_CHANGE_ROLLING_BACK, NULL, &err));
    ok(ledger_change_move(op, id, LEDGER_CHANGE_ROLLED_BACK, NULL, &err));
    ok(ledger_rollback_end(op, run, LEDGER_ROLLED_BACK, "asked for", &err));
    assert_int_equal(case_state(run), LEDGER_ROLLED_BACK);
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

/* An apply whose process died: nobody else's lock, its before-image kept, another run kept away from the
 * object. */
static void test_interrupted_apply(void **state)
{
    (void)state;
    char plan[LEDGER_DIGEST_SIZE];
    enum ledger_state after = LEDGER_FAILED;
    enum ledger_change_state at = LEDGER_CHANGE_DONE;
    int64_t id = 0;
    int64_t again = 0;
    int64_t run = case_plan(case_one_row, "i", plan, &after);
    ok(case_approve(rev, run, plan, NULL, "", &after, &err));
    struct ledger *other = pg_server_ledger("op2");
    ok(ledger_apply_begin(op, run, plan, false, &err));
    ok(ledger_workload_lock(op, run, &case_cart, &err));
    begin_change(run, "first", &id, &at);
    begin_change(run, "better", &again, &at);
    assert_int_equal(again, id);
    ok(ledger_change_move(op, id, LEDGER_CHANGE_WRITING, NULL, &err));
    refused(ledger_apply_begin(other, run, plan, true, &err), ERR_TEMPFAIL, "by another tare");
    refused(ledger_rollback_begin(other, run, &err), ERR_TEMPFAIL, "by another tare");
    ledger_close(op);
    op = pg_server_ledger("op");
    struct err why = {.class = ERR_TEMPFAIL};
    for (int i = 0; i < 3000 && why.class == ERR_TEMPFAIL; i++) { /* the server notices the end of a session in its own time */
        clock_sleep_ms(20);
        ledger_apply_begin(op, run, plan, false, &why);
    }
    refused(ledger_apply_begin(op, run, plan, false, &err), ERR_REFUSED, "was interrupted");
    int64_t second = case_plan(case_one_row, "i2", plan, &after);
    ok(case_approve(rev, second, plan, NULL, "", &after, &err));
    ok(ledger_apply_begin(other, second, plan, false, &err));
    refused(ledger_workload_lock(other, second, &case_cart, &err), ERR_REFUSED, "half changed (writing)");
    ok(ledger_apply_end(other, second, LEDGER_FAILED, "not its turn", &err));
    ok(ledger_apply_begin(op, run, NULL, true, &err));
    ok(ledger_workload_lock(op, run, &case_cart, &err));
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
    int64_t run = case_plan(case_one_row, "w", plan, &after);
    ok(case_approve(rev, run, plan, NULL, "", &after, &err));
    ok(ledger_apply_begin(op, run, plan, false, &err));
    ok(case_withdraw(rev, run, "stop", &after, &err));
    assert_int_equal(after, LEDGER_APPLYING);
    ok(ledger_workload_lock(op, run, &case_cart, &err));
    int64_t id = 0;
    enum ledger_change_state at;
    const struct ledger_change_new change = {
        .object = "x", .workloads = &case_cart, .workload_count = 1, .before = "b", .before_size = 1};
    refused(ledger_change_begin(op, run, &change, &id, &at, &err), ERR_REFUSED, "0 of 1 approvals");
    ok(ledger_apply_end(op, run, LEDGER_FAILED, "withdrawn", &err));
}

static void test_refused_by_a_window(void **state)
{
    (void)state;
    char plan[LEDGER_DIGEST_SIZE];
    enum ledger_state after = LEDGER_FAILED;
    struct ledger_run got;
    int64_t run = case_plan(case_one_row, "win", plan, &after);
    ok(case_approve(rev, run, plan, NULL, "", &after, &err));
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
    json_t *policy = json_pack("{s:{s:i,s:s},s:[{s:s,s:b}]}", "approvals", "required", 2, "expires_after",
                               "1h", "windows", "name", "freeze", "override", 0);
    ok(ledger_policy_get(op, &got, &err));
    assert_null(got);
    refused(ledger_policy_set(op, "x", policy, NULL, digest, &err), ERR_REFUSED, "op may not store the policy");
    ok(ledger_policy_set(adm, "approvals: {required: 2}\n", policy, NULL, digest, &err));
    ok(ledger_policy_get(op, &got, &err));
    assert_string_equal(json_string_or_null(got, "digest"), digest);
    json_decref(got);
    int64_t run = case_run(op);
    char plan[LEDGER_DIGEST_SIZE];
    json_t *rows = json_loads(case_one_row, 0, NULL);
    char *changes = case_changes(rows, run, "too lax");
    case_stage(op, run, "diff", "changes", changes, plan);
    free(changes);
    refused(ledger_plan_register(op, run, plan, rows, 0, &after, &err), ERR_REFUSED, "asks for 2 approvals");
    refused(ledger_window_override(op, run, "freeze", "please", &err), ERR_REFUSED,
            "does not let window freeze");
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
    int64_t run = case_plan(case_two_rows, "n", plan, &after);
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
    refused(case_approve(second, run, plan, &case_pay, "", &after, &err), ERR_NOINPUT,
            "pay/StatefulSet/ledger is not in the plan");
    ok(case_approve(second, run, plan, NULL, "my part", &after, &err));
    struct ledger_check check;
    ok(ledger_apply_check(op, run, &case_cart, &arena, &check, &err));
    assert_false(check.approved); /* the run still awaits approval as a whole */
    ok(ledger_plan_rows(rev, run, &list, &err));
    assert_int_equal(json_int_or(json_array_get(list, 0), "approvals_valid", -1), 0); /* pay: not hers */
    assert_int_equal(json_int_or(json_array_get(list, 1), "approvals_valid", -1), 1);
    json_decref(list);
    refused(ledger_revoke(adm, "rev2", "shop", NULL, &err), ERR_REFUSED, "would see every namespace");
    ok(ledger_revoke_all(adm, "rev2", &err));
    ok(ledger_run_get(second, run, &arena, &got, &err));
    ledger_close(adm);
    ledger_close(second);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_approval),
        cmocka_unit_test(test_quorum_and_separation),
        cmocka_unit_test(test_approval_runs_out),
        cmocka_unit_test(test_rejecting_needs_a_reason),
        cmocka_unit_test(test_plans_that_need_nobody),
        cmocka_unit_test(test_rerun_supersedes),
        cmocka_unit_test(test_apply_and_rollback),
        cmocka_unit_test(test_interrupted_apply),
        cmocka_unit_test(test_withdrawn_in_the_middle),
        cmocka_unit_test(test_refused_by_a_window),
        cmocka_unit_test(test_policy),
        cmocka_unit_test(test_namespaces_narrow),
    };
    return cmocka_run_group_tests(tests, case_start, case_stop);
}
