#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "pipeline/base/mem.h"
#include "stages/common/machine/machine.h"
#include "tests/harness/scripted_ends.h"

struct trial {
    struct script script;
    struct machine_policy policy;
    struct machine_object objects[SCRIPT_OBJECTS];
    struct machine_result result;
    struct err err;
};

static void trial_init(struct trial *trial, size_t count)
{
    *trial = (struct trial){.policy = script_policy()};
    script_init(&trial->script, count);
}

static int apply(struct trial *trial)
{
    struct machine_ends ends = script_ends(&trial->script);
    script_objects(&trial->script, trial->objects);
    return machine_apply(&ends, &trial->policy, trial->objects, trial->script.count, &trial->result, &trial->err);
}

static int undo(struct trial *trial)
{
    struct machine_ends ends = script_ends(&trial->script);
    script_objects(&trial->script, trial->objects);
    return machine_undo(&ends, &trial->policy, trial->objects, trial->script.count, &trial->result, &trial->err);
}

static void one_is_applied_and_put_back(void **state)
{
    (void)state;
    struct trial t;
    trial_init(&t, 1);
    assert_int_equal(apply(&t), 0);
    assert_int_equal(t.result.end, MACHINE_ALL);
    assert_int_equal(t.objects[0].fate, MACHINE_DONE);
    assert_true(t.result.touched && t.result.left);
    assert_string_equal(script_cpu(&t.script, 0), "250m");
    assert_string_equal(t.script.log, "a0 writing; a0 written; a0 verifying; a0 done");
    assert_true(t.script.now >= 11000); /* it settled */
    assert_int_equal(undo(&t), 0);
    assert_int_equal(t.result.end, MACHINE_ALL);
    assert_int_equal(t.objects[0].fate, MACHINE_PUT_BACK);
    assert_false(t.result.left);
    assert_true(script_as_before(&t.script, 0));
    assert_int_equal(t.script.writes, 2);
    assert_int_equal(undo(&t), 0); /* again: nothing to do */
    assert_int_equal(t.script.writes, 2);
    script_release(&t.script);
}

static void without_waiting(void **state)
{
    (void)state;
    struct trial t;
    trial_init(&t, 3);
    t.policy.wait = false;
    t.policy.parallel = 2;
    assert_int_equal(apply(&t), 0);
    assert_int_equal(t.result.end, MACHINE_ALL);
    assert_int_equal(t.script.requests, 9); /* GET, dry run and PATCH of each */
    assert_int_equal(t.script.most_at_once, 2);
    assert_null(strstr(t.script.log, "written"));
    script_release(&t.script);
}

static void low_risk_first(void **state)
{
    (void)state;
    struct trial t;
    trial_init(&t, 3);
    struct machine_ends ends = script_ends(&t.script);
    script_objects(&t.script, t.objects);
    t.objects[0].risk = 2;
    t.objects[1].risk = 1;
    assert_int_equal(machine_apply(&ends, &t.policy, t.objects, 3, &t.result, &t.err), 0);
    assert_true(strstr(t.script.log, "a2 done") < strstr(t.script.log, "a1 writing"));
    assert_true(strstr(t.script.log, "a1 done") < strstr(t.script.log, "a0 writing"));
    script_release(&t.script);
}

static void parallel_holds(void **state)
{
    (void)state;
    struct trial t;
    trial_init(&t, 8);
    t.policy.parallel = 3;
    assert_int_equal(apply(&t), 0);
    assert_int_equal(t.script.most_at_once, 3);
    script_release(&t.script);
}

static void canaries_pause(void **state)
{
    (void)state;
    struct trial t;
    trial_init(&t, 4);
    t.policy.parallel = 4;
    t.policy.canary = 1;
    assert_int_equal(apply(&t), 0);
    assert_true(strstr(t.script.log, "a0 done") < strstr(t.script.log, "a1 writing"));
    assert_true(t.script.now >= 31000); /* settling, the pause, settling */
    script_release(&t.script);
}

static void stale_is_not_touched(void **state)
{
    (void)state;
    struct trial t;
    trial_init(&t, 3);
    json_t *container = json_array_get(json_at(t.script.objects[1], "spec.template.spec.containers"), 0);
    json_object_set_new(json_at(container, "resources.requests"), "cpu", json_string("600m"));
    assert_int_equal(apply(&t), 0);
    assert_int_equal(t.result.end, MACHINE_STOPPED);
    assert_int_equal(t.result.cause.class, ERR_STALE);
    assert_non_null(strstr(t.result.cause.message, "requests.cpu of container server of shop/Deployment/a1 is 600m"));
    assert_int_equal(t.objects[0].fate, MACHINE_DONE);
    assert_int_equal(t.objects[1].fate, MACHINE_REFUSED);
    assert_int_equal(t.objects[2].fate, MACHINE_LEFT);
    assert_int_equal(t.script.writes, 1);
    script_release(&t.script);
}

static void a_closed_window_stops(void **state)
{
    (void)state;
    struct trial t;
    trial_init(&t, 3);
    t.script.closed_after = 1;
    t.script.objection = (struct machine_objection){.window = true, .why = "night"};
    assert_int_equal(apply(&t), 0);
    assert_int_equal(t.result.end, MACHINE_STOPPED);
    assert_int_equal(t.result.cause.class, ERR_REFUSED);
    assert_int_equal(t.objects[0].fate, MACHINE_DONE);
    assert_int_equal(t.objects[1].fate, MACHINE_LEFT);
    assert_string_equal(script_cpu(&t.script, 1), "500m");
    script_release(&t.script);
}

static void a_window_may_ask_to_take_back(void **state)
{
    (void)state;
    struct trial t;
    trial_init(&t, 3);
    t.script.closed_after = 2;
    t.script.objection = (struct machine_objection){.window = true, .undo = true, .why = "night"};
    assert_int_equal(apply(&t), 0);
    assert_int_equal(t.result.end, MACHINE_FAILED);
    assert_false(t.result.left);
    assert_true(script_as_before(&t.script, 0) && script_as_before(&t.script, 1));
    assert_true(strstr(t.script.log, "a1 rolled-back") < strstr(t.script.log, "a0 rolling-back"));
    script_release(&t.script);
}

static void a_failure_undoes_the_run(void **state)
{
    (void)state;
    struct trial t;
    trial_init(&t, 3);
    t.policy.on_failure = MACHINE_UNDO_RUN;
    t.script.never_ready[1] = true;
    assert_int_equal(apply(&t), 0);
    assert_int_equal(t.result.end, MACHINE_FAILED);
    assert_int_equal(t.objects[0].fate, MACHINE_PUT_BACK);
    assert_int_equal(t.objects[1].fate, MACHINE_PUT_BACK);
    assert_int_equal(t.objects[2].fate, MACHINE_LEFT);
    assert_non_null(strstr(t.objects[1].why.message, "did not become complete in time"));
    assert_non_null(json_string_or_null(t.script.rows[1].detail, "failure"));
    assert_null(json_string_or_null(t.script.rows[0].detail, "failure"));
    assert_true(script_as_before(&t.script, 0) && script_as_before(&t.script, 1));
    script_release(&t.script);
}

static void a_failure_undoes_the_object(void **state)
{
    (void)state;
    struct trial t;
    trial_init(&t, 3);
    t.policy.on_failure = MACHINE_UNDO_OBJECT;
    t.script.never_ready[1] = true;
    assert_int_equal(apply(&t), 0);
    assert_int_equal(t.result.end, MACHINE_FAILED);
    assert_int_equal(t.objects[0].fate, MACHINE_DONE);
    assert_int_equal(t.objects[1].fate, MACHINE_PUT_BACK);
    assert_int_equal(t.objects[2].fate, MACHINE_LEFT);
    assert_true(t.result.left);
    script_release(&t.script);
}

static void a_budget_lets_others_go_on(void **state)
{
    (void)state;
    struct trial t;
    trial_init(&t, 3);
    t.policy.failure_budget = 1;
    t.script.never_ready[1] = true;
    assert_int_equal(apply(&t), 0);
    assert_int_equal(t.result.end, MACHINE_FAILED);
    assert_int_equal(t.objects[1].fate, MACHINE_PUT_BACK);
    assert_int_equal(t.objects[2].fate, MACHINE_DONE);
    script_release(&t.script);
}

static void a_policy_may_leave_it(void **state)
{
    (void)state;
    struct trial t;
    trial_init(&t, 2);
    t.policy.on_failure = MACHINE_STOP;
    t.script.never_ready[0] = true;
    assert_int_equal(apply(&t), 0);
    assert_int_equal(t.result.end, MACHINE_FAILED);
    assert_int_equal(t.objects[0].fate, MACHINE_NOT_PUT_BACK);
    assert_string_equal(script_cpu(&t.script, 0), "250m");
    script_release(&t.script);
}

static void a_number_must_hold(void **state)
{
    (void)state;
    struct trial t;
    const double below[] = {0.01};
    trial_init(&t, 1);
    t.policy.verify_count = 1;
    t.policy.verify_below = below;
    t.script.measured = 0.5;
    assert_int_equal(apply(&t), 0);
    assert_int_equal(t.result.end, MACHINE_FAILED);
    assert_non_null(strstr(t.objects[0].why.message, "0.5, not below 0.01"));
    assert_true(script_as_before(&t.script, 0));
    script_release(&t.script);
}

static void denied_at_the_rehearsal(void **state)
{
    (void)state;
    struct trial t;
    trial_init(&t, 1);
    t.script.fault = (struct script_fault){"PATCH", "dryRun", 0, 1, 403, false};
    assert_int_equal(apply(&t), 0);
    assert_int_equal(t.result.end, MACHINE_FAILED);
    assert_int_equal(t.objects[0].fate, MACHINE_REFUSED);
    assert_false(t.result.touched);
    assert_string_equal(t.script.log, "");
    script_release(&t.script);
}

static void denied_at_the_write(void **state)
{
    (void)state;
    struct trial t;
    trial_init(&t, 1);
    t.script.fault = (struct script_fault){"PATCH", "fieldManager=tare", 1, 1, 403, false};
    assert_int_equal(apply(&t), 0);
    assert_int_equal(t.result.end, MACHINE_FAILED);
    assert_int_equal(t.objects[0].fate, MACHINE_REFUSED);
    assert_string_equal(t.script.log, "a0 writing; a0 rolling-back; a0 rolled-back");
    assert_false(t.result.left);
    script_release(&t.script);
}

/* The answer is lost; `happens` or not, it is found out. */
static void a_lost_answer(void **state)
{
    (void)state;
    for (int happens = 0; happens < 2; happens++) {
        struct trial t;
        trial_init(&t, 1);
        t.script.fault = (struct script_fault){"PATCH", "fieldManager=tare", 1, 1, 0, happens == 1};
        assert_int_equal(apply(&t), 0);
        assert_int_equal(t.result.end, MACHINE_ALL);
        assert_int_equal(t.script.writes, 1);
        assert_string_equal(t.script.log, "a0 writing; a0 written; a0 verifying; a0 done");
        script_release(&t.script);
    }
}

static void a_conflict_is_read_again(void **state)
{
    (void)state;
    struct trial t;
    trial_init(&t, 1);
    t.script.fault = (struct script_fault){"PATCH", "fieldManager=tare", 1, 3, 409, false};
    assert_int_equal(apply(&t), 0);
    assert_int_equal(t.result.end, MACHINE_ALL);
    assert_int_equal(t.script.writes, 1);
    script_release(&t.script);
}

static void an_outage_is_waited_for(void **state)
{
    (void)state;
    struct trial t;
    trial_init(&t, 1);
    t.script.fault = (struct script_fault){"GET", "/deployments/", 0, 5, 503, false};
    assert_int_equal(apply(&t), 0);
    assert_int_equal(t.result.end, MACHINE_ALL);
    script_release(&t.script);
    trial_init(&t, 2);
    t.script.fault = (struct script_fault){"GET", "/deployments/", 0, 1000, 503, false};
    assert_int_equal(apply(&t), -1);
    assert_int_equal(t.err.class, ERR_UNAVAILABLE);
    assert_int_equal(t.objects[0].fate, MACHINE_LEFT);
    assert_int_equal(t.objects[1].fate, MACHINE_LEFT);
    assert_true(t.script.now >= 61000 && t.script.now < 120000);
    script_release(&t.script);
}

/* Reads are answered and writes are not, for a while: a webhook that starts, a store that chooses its leader. */
static void writes_alone_are_waited_for(void **state)
{
    (void)state;
    static const long statuses[] = {500, 503, 0};
    for (size_t i = 0; i < ARRAY_COUNT(statuses); i++) {
        struct trial t;
        trial_init(&t, 1);
        t.script.fault = (struct script_fault){"PATCH", "fieldManager=tare", 1, 5, statuses[i], false};
        assert_int_equal(apply(&t), 0);
        assert_int_equal(t.objects[0].fate, MACHINE_DONE);
        assert_true(t.script.now >= 15500 + 11000); /* it asked less and less often */
        t.script.fault = (struct script_fault){"PATCH", "fieldManager=tare", 0, 5, statuses[i], false};
        assert_int_equal(undo(&t), 0);
        assert_int_equal(t.objects[0].fate, MACHINE_PUT_BACK);
        assert_true(script_as_before(&t.script, 0));
        script_release(&t.script);
    }
}

/* … or for good: that ends in time, as a failure where the server itself said so. */
static void writes_that_are_never_answered(void **state)
{
    (void)state;
    static const long statuses[] = {500, 503};
    for (size_t i = 0; i < ARRAY_COUNT(statuses); i++) {
        struct trial t;
        trial_init(&t, 1);
        assert_int_equal(apply(&t), 0);
        int64_t before = t.script.now;
        t.script.fault = (struct script_fault){"PATCH", "fieldManager=tare", 0, 1000, statuses[i], false};
        assert_int_equal(undo(&t), statuses[i] == 500 ? 0 : -1);
        assert_int_equal(t.objects[0].fate, statuses[i] == 500 ? MACHINE_NOT_PUT_BACK : MACHINE_PENDING);
        assert_int_equal(t.script.rows[0].at,
                         statuses[i] == 500 ? LEDGER_CHANGE_ROLLBACK_FAILED : LEDGER_CHANGE_ROLLING_BACK);
        assert_true(t.script.now - before >= 60000 && t.script.now - before < 120000);
        script_release(&t.script);
        trial_init(&t, 1);
        t.script.fault = (struct script_fault){"PATCH", "fieldManager=tare", 1, 8, 500, false}; /* it is gone when it is fenced */
        assert_int_equal(apply(&t), 0);
        assert_int_equal(t.result.end, MACHINE_FAILED);
        assert_int_equal(t.script.rows[0].at, LEDGER_CHANGE_ROLLED_BACK);
        assert_non_null(strstr(t.objects[0].why.message, "is not changed"));
        script_release(&t.script);
    }
}

static void ready_at_last(struct script *script)
{
    script->never_ready[0] = false;
}

/* What is complete while a look at it is not answered settles none the less. */
static void settling_is_not_cut_short(void **state)
{
    (void)state;
    struct trial t;
    trial_init(&t, 1);
    t.script.never_ready[0] = true;
    t.script.fault = (struct script_fault){"GET", "/deployments/a0", 1, 1, 503, false};
    t.script.on_fault = ready_at_last;
    assert_int_equal(apply(&t), 0);
    assert_int_equal(t.objects[0].fate, MACHINE_DONE);
    assert_true(t.script.now >= 60000 + 10000);
    script_release(&t.script);
}

static void edit_after(struct script *script, size_t index)
{
    json_t *container = json_array_get(json_at(script->objects[index], "spec.template.spec.containers"), 0);
    json_object_set_new(json_at(container, "resources.requests"), "cpu", json_string("700m"));
    script->on_write = NULL;
}

static void somebody_edits_while_it_is_verified(void **state)
{
    (void)state;
    struct trial t;
    trial_init(&t, 2);
    t.script.on_write = edit_after;
    assert_int_equal(apply(&t), 0);
    assert_int_equal(t.result.end, MACHINE_STOPPED);
    assert_int_equal(t.result.cause.class, ERR_STALE);
    assert_int_equal(t.objects[0].fate, MACHINE_CONFLICT);
    assert_int_equal(t.objects[1].fate, MACHINE_LEFT);
    assert_string_equal(script_cpu(&t.script, 0), "700m");
    assert_int_equal(undo(&t), 0); /* a rollback leaves it, too */
    assert_int_equal(t.result.end, MACHINE_UNDO_FAILED);
    assert_int_equal(t.objects[0].fate, MACHINE_CONFLICT);
    assert_string_equal(script_cpu(&t.script, 0), "700m");
    struct machine_ends ends = script_ends(&t.script); /* unless it is told to */
    script_objects(&t.script, t.objects);
    t.objects[0].force = true;
    assert_int_equal(machine_undo(&ends, &t.policy, t.objects, 1, &t.result, &t.err), 0);
    assert_int_equal(t.objects[0].fate, MACHINE_PUT_BACK);
    assert_true(script_as_before(&t.script, 0));
    script_release(&t.script);
}

static void asked_to_end(void **state)
{
    (void)state;
    struct trial t;
    trial_init(&t, 3);
    t.script.end_after = 5; /* while the first is written */
    assert_int_equal(apply(&t), -1);
    assert_int_equal(t.err.class, ERR_TEMPFAIL);
    assert_int_equal(t.objects[0].fate, MACHINE_DONE);
    assert_int_equal(t.objects[1].fate, MACHINE_LEFT);
    script_restart(&t.script);
    assert_int_equal(apply(&t), 0);
    assert_int_equal(t.result.end, MACHINE_ALL);
    assert_int_equal(t.script.writes, 3);
    script_release(&t.script);
}

/* Asked to end while a write meets another version: what it was to write waits for who resumes. */
static void asked_to_end_before_it_is_written(void **state)
{
    (void)state;
    struct trial t;
    trial_init(&t, 2);
    t.script.end_after = 4;
    t.script.fault = (struct script_fault){"PATCH", "fieldManager=tare", 1, 1, 409, false};
    assert_int_equal(apply(&t), -1);
    assert_int_equal(t.err.class, ERR_TEMPFAIL);
    assert_int_equal(t.objects[0].fate, MACHINE_PENDING);
    assert_int_equal(t.script.rows[0].at, LEDGER_CHANGE_WRITING);
    assert_int_equal(t.script.writes, 0);
    t.script.end_after = 0;
    script_restart(&t.script);
    assert_int_equal(apply(&t), 0);
    assert_int_equal(t.result.end, MACHINE_ALL);
    assert_int_equal(t.script.writes, 2);
    script_release(&t.script);
}

static void a_rollback_that_fails_is_told(void **state)
{
    (void)state;
    struct trial t;
    trial_init(&t, 1);
    assert_int_equal(apply(&t), 0);
    t.script.fault = (struct script_fault){"PATCH", "fieldManager=tare", 0, 1, 403, false};
    assert_int_equal(undo(&t), 0);
    assert_int_equal(t.result.end, MACHINE_UNDO_FAILED);
    assert_int_equal(t.objects[0].fate, MACHINE_NOT_PUT_BACK);
    assert_non_null(strstr(t.result.cause.message, "shop/Deployment/a0"));
    assert_int_equal(undo(&t), 0); /* it may be tried again */
    assert_int_equal(t.result.end, MACHINE_ALL);
    assert_true(script_as_before(&t.script, 0));
    script_release(&t.script);
}

static void a_rehearsal_touches_nothing(void **state)
{
    (void)state;
    struct trial t;
    trial_init(&t, 3);
    t.policy.rehearse = true;
    t.script.fault = (struct script_fault){"PATCH", "a1", 0, 1, 403, false};
    assert_int_equal(apply(&t), 0);
    assert_int_equal(t.objects[0].fate, MACHINE_DONE);
    assert_int_equal(t.objects[1].fate, MACHINE_REFUSED);
    assert_int_equal(t.objects[2].fate, MACHINE_DONE);
    assert_int_equal(t.script.writes, 0);
    assert_string_equal(t.script.log, "");
    script_release(&t.script);
}

static void a_rollback_is_taken_back(void **state)
{
    (void)state;
    struct trial t;
    trial_init(&t, 2);
    assert_int_equal(apply(&t), 0);
    assert_int_equal(undo(&t), 0);
    t.policy.redo = true;
    assert_int_equal(apply(&t), 0);
    assert_int_equal(t.result.end, MACHINE_ALL);
    assert_string_equal(script_cpu(&t.script, 0), "250m");
    assert_string_equal(script_cpu(&t.script, 1), "250m");
    script_release(&t.script);
}

/* Killed at every call, once; then resumed, or rolled back. Returns whether it was killed at all. */
static bool killed_at(int call, bool fails, bool back)
{
    struct trial t;
    trial_init(&t, 3);
    t.policy.parallel = 2;
    t.policy.on_failure = MACHINE_UNDO_RUN;
    t.script.never_ready[1] = fails;
    t.script.dies_at = call;
    int first = apply(&t);
    bool killed = t.script.dead;
    assert_int_equal(first, killed ? -1 : 0);
    script_restart(&t.script);
    assert_int_equal(back ? undo(&t) : apply(&t), 0);
    assert_int_equal(t.result.end, back || !fails ? MACHINE_ALL : MACHINE_FAILED);
    for (size_t i = 0; i < 3; i++) {
        if (back || fails) {
            assert_true(script_as_before(&t.script, i));
            assert_true(!t.script.rows[i].there || t.script.rows[i].at == LEDGER_CHANGE_ROLLED_BACK);
        } else {
            assert_string_equal(script_cpu(&t.script, i), "250m");
            assert_int_equal(t.script.rows[i].at, LEDGER_CHANGE_DONE);
        }
    }
    assert_true(fails || back || t.script.writes == 3); /* nothing twice */
    script_release(&t.script);
    return killed;
}

static void killed_anywhere(void **state)
{
    (void)state;
    for (int fails = 0; fails < 2; fails++) {
        for (int back = 0; back < 2; back++) {
            int call = 1;
            while (killed_at(call, fails == 1, back == 1)) {
                call++;
            }
            assert_true(call > 30);
        }
    }
}

/* A webhook that behaves otherwise in a dry run does not get its values called done. */
static void another_answer_than_rehearsed(void **state)
{
    (void)state;
    struct trial t;
    trial_init(&t, 2);
    t.script.meddles = "4";
    assert_int_equal(apply(&t), 0);
    assert_int_equal(t.result.end, MACHINE_FAILED);
    assert_int_equal(t.objects[0].fate, MACHINE_PUT_BACK);
    assert_int_equal(t.objects[1].fate, MACHINE_LEFT);
    assert_non_null(strstr(t.objects[0].why.message, "requests.cpu of container server is 4, not 250m"));
    assert_true(script_as_before(&t.script, 0));
    script_release(&t.script);
}

/* What a silent watch did not tell is seen before anything is called done. */
static void pods_that_nobody_told_of(void **state)
{
    (void)state;
    struct trial t;
    trial_init(&t, 1);
    t.script.pods = json_loads("[{\"metadata\":{\"name\":\"p\",\"namespace\":\"shop\",\"uid\":\"p\","
                               "\"labels\":{\"app\":\"a0\",\"pod-template-hash\":\"h\"},\"ownerReferences\":[{\"kind\":\"ReplicaSet\","
                               "\"name\":\"a0-h\",\"uid\":\"r\",\"controller\":true}]},\"spec\":{},"
                               "\"status\":{\"phase\":\"Running\",\"containerStatuses\":[{\"name\":\"server\",\"restartCount\":1,"
                               "\"lastState\":{\"terminated\":{\"reason\":\"OOMKilled\",\"exitCode\":137}}}]}}]", 0, NULL);
    t.script.pods_from = 5000;
    assert_int_equal(apply(&t), 0);
    assert_int_equal(t.result.end, MACHINE_FAILED);
    assert_non_null(strstr(t.objects[0].why.message, "OOM"));
    assert_true(script_as_before(&t.script, 0));
    script_release(&t.script);
}

/* A server whose store is away answers 500 for a while: that is waited for, also on the way back. */
static void a_server_without_its_store(void **state)
{
    (void)state;
    struct trial t;
    trial_init(&t, 1);
    assert_int_equal(apply(&t), 0);
    t.script.fault = (struct script_fault){"GET", "/deployments/a0", 0, 3, 500, false};
    assert_int_equal(undo(&t), 0);
    assert_int_equal(t.objects[0].fate, MACHINE_PUT_BACK);
    assert_true(script_as_before(&t.script, 0));
    script_release(&t.script);
}

/* By force its containers are put back, whatever else is in the pod by now. */
static void forced_beside_another_container(void **state)
{
    (void)state;
    struct trial t;
    trial_init(&t, 1);
    assert_int_equal(apply(&t), 0);
    json_array_append_new(json_at(t.script.objects[0], "spec.template.spec.containers"),
                          json_pack("{s:s, s:s, s:{}}", "name", "proxy", "image", "i", "resources"));
    assert_int_equal(undo(&t), 0);
    assert_int_equal(t.objects[0].fate, MACHINE_CONFLICT);
    struct machine_ends ends = script_ends(&t.script);
    script_objects(&t.script, t.objects);
    t.objects[0].force = true;
    assert_int_equal(machine_undo(&ends, &t.policy, t.objects, 1, &t.result, &t.err), 0);
    assert_int_equal(t.objects[0].fate, MACHINE_PUT_BACK);
    assert_string_equal(script_cpu(&t.script, 0), "500m");
    assert_non_null(strstr(t.objects[0].note, "container proxy is a new one"));
    script_release(&t.script);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_is_applied_and_put_back), cmocka_unit_test(without_waiting), cmocka_unit_test(low_risk_first),
        cmocka_unit_test(parallel_holds), cmocka_unit_test(canaries_pause), cmocka_unit_test(stale_is_not_touched),
        cmocka_unit_test(a_closed_window_stops), cmocka_unit_test(a_window_may_ask_to_take_back),
        cmocka_unit_test(a_failure_undoes_the_run), cmocka_unit_test(a_failure_undoes_the_object),
        cmocka_unit_test(a_budget_lets_others_go_on), cmocka_unit_test(a_policy_may_leave_it), cmocka_unit_test(a_number_must_hold),
        cmocka_unit_test(denied_at_the_rehearsal), cmocka_unit_test(denied_at_the_write), cmocka_unit_test(a_lost_answer),
        cmocka_unit_test(a_conflict_is_read_again), cmocka_unit_test(an_outage_is_waited_for),
        cmocka_unit_test(writes_alone_are_waited_for), cmocka_unit_test(writes_that_are_never_answered),
        cmocka_unit_test(settling_is_not_cut_short),
        cmocka_unit_test(somebody_edits_while_it_is_verified), cmocka_unit_test(asked_to_end), cmocka_unit_test(asked_to_end_before_it_is_written),
        cmocka_unit_test(a_rollback_that_fails_is_told), cmocka_unit_test(a_rehearsal_touches_nothing),
        cmocka_unit_test(a_rollback_is_taken_back), cmocka_unit_test(killed_anywhere),
        cmocka_unit_test(pods_that_nobody_told_of), cmocka_unit_test(a_server_without_its_store),
        cmocka_unit_test(forced_beside_another_container), cmocka_unit_test(another_answer_than_rehearsed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
