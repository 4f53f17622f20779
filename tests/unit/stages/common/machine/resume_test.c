#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "stages/common/machine/detail.h"
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

static int apply_objects(struct trial *trial)
{
    struct machine_ends ends = script_ends(&trial->script);
    return machine_apply(&ends, &trial->policy, trial->objects, trial->script.count, &trial->result, &trial->err);
}

static int apply(struct trial *trial)
{
    script_objects(&trial->script, trial->objects);
    return apply_objects(trial);
}

static void rollout_failed(struct script *script, size_t index)
{
    json_object_set_new(json_object_get(script->objects[index], "status"), "conditions",
                        json_pack("[{s:s, s:s, s:s}]", "type", "Progressing", "status", "False", "reason", "ProgressDeadlineExceeded"));
    json_object_set_new(json_object_get(script->objects[index], "status"), "updatedReplicas", json_integer(0));
}

static void forget_failure(struct script *script, size_t index)
{
    json_object_del(json_object_get(script->objects[index], "status"), "conditions");
    json_object_set_new(json_object_get(script->objects[index], "status"), "updatedReplicas", json_integer(1));
}

/* One that is looked for while another one fails is undone with the rest. */
static void undone_while_it_is_looked_for(void **state)
{
    (void)state;
    struct trial t;
    trial_init(&t, 2);
    assert_int_equal(apply(&t), 0);
    t.script.rows[0].at = LEDGER_CHANGE_WRITTEN;
    t.script.rows[1].at = LEDGER_CHANGE_WRITTEN;
    rollout_failed(&t.script, 0);
    t.script.on_write = forget_failure;
    t.script.fault = (struct script_fault){"GET", "/deployments/a1", 0, 1, 503, false};
    t.policy.parallel = 2;
    t.policy.on_failure = MACHINE_UNDO_RUN;
    assert_int_equal(apply(&t), 0);
    assert_int_equal(t.result.end, MACHINE_FAILED);
    assert_int_equal(t.objects[0].fate, MACHINE_PUT_BACK);
    assert_int_equal(t.objects[1].fate, MACHINE_PUT_BACK);
    assert_true(script_as_before(&t.script, 0) && script_as_before(&t.script, 1));
    script_release(&t.script);
}

/* The budget is not for canaries, in a process that did not see them fail neither. */
static void a_canary_that_failed_before(void **state)
{
    (void)state;
    struct trial t;
    trial_init(&t, 3);
    t.policy.canary = 1;
    t.policy.failure_budget = 2;
    t.script.never_ready[0] = true;
    assert_int_equal(apply(&t), 0);
    assert_int_equal(t.objects[1].fate, MACHINE_LEFT);
    assert_int_equal(apply(&t), 0);
    assert_int_equal(t.result.end, MACHINE_FAILED);
    assert_int_equal(t.objects[0].fate, MACHINE_PUT_BACK);
    assert_int_equal(t.objects[1].fate, MACHINE_LEFT);
    assert_string_equal(script_cpu(&t.script, 1), "500m");
    script_release(&t.script);
}

/* Where nothing is begun any more, what is half done is still finished, whatever waits before it. */
static void half_done_behind_what_is_left(void **state)
{
    (void)state;
    struct trial t;
    trial_init(&t, 4);
    t.script.never_ready[3] = true;
    assert_int_equal(apply(&t), 0);
    assert_int_equal(t.objects[3].fate, MACHINE_PUT_BACK);
    t.script.rows[1].there = false; /* it follows what is done, and is not begun */
    json_decref(t.script.objects[1]);
    t.script.objects[1] = json_deep_copy(t.script.pristine[1]);
    t.script.rows[2].at = LEDGER_CHANGE_WRITTEN;
    script_objects(&t.script, t.objects);
    t.objects[1].workload = t.objects[0].workload;
    assert_int_equal(apply_objects(&t), 0);
    assert_int_equal(t.result.end, MACHINE_FAILED);
    assert_int_equal(t.objects[1].fate, MACHINE_LEFT);
    assert_int_equal(t.objects[2].fate, MACHINE_DONE);
    assert_int_equal(t.script.rows[2].at, LEDGER_CHANGE_DONE);
    script_release(&t.script);
}

/* A write that was not answered is not sent again once the window has closed. */
static void closed_while_the_server_was_away(void **state)
{
    (void)state;
    struct trial t;
    trial_init(&t, 1);
    t.script.fault = (struct script_fault){"PATCH", "/deployments/a0", 1, 1, 0, false};
    t.script.closed_after = 1;
    t.script.objection = (struct machine_objection){.window = true, .why = "night"};
    assert_int_equal(apply(&t), 0);
    assert_int_equal(t.result.end, MACHINE_STOPPED);
    assert_int_equal(t.script.writes, 0);
    assert_int_equal(t.script.rows[0].at, LEDGER_CHANGE_ROLLED_BACK);
    assert_non_null(strstr(t.objects[0].why.message, "night"));
    assert_true(script_as_before(&t.script, 0));
    script_release(&t.script);
}

/* A webhook may refuse a new object with the status of a name that is taken. */
static void a_conflict_for_ever(void **state)
{
    (void)state;
    struct trial t;
    trial_init(&t, 1);
    json_decref(t.script.objects[0]);
    t.script.objects[0] = NULL;
    t.script.fault = (struct script_fault){"POST", "dryRun", 0, 1000, 409, false};
    script_objects(&t.script, t.objects);
    t.objects[0].action = MACHINE_CREATE;
    t.objects[0].manifest = t.script.pristine[0];
    assert_int_equal(apply_objects(&t), 0);
    assert_int_equal(t.result.end, MACHINE_FAILED);
    assert_int_equal(t.objects[0].fate, MACHINE_REFUSED);
    assert_true(t.script.requests < 50);
    script_release(&t.script);
}

/* … in its dry run not, but when it is made: it failed, and says why, whatever it is answered with. */
static void a_creation_that_keeps_failing(void **state)
{
    (void)state;
    static const long statuses[] = {409, 500};
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++) {
        struct trial t;
        trial_init(&t, 1);
        json_decref(t.script.objects[0]);
        t.script.objects[0] = NULL;
        t.script.fault = (struct script_fault){"POST", "fieldManager=tare", 1, 1000, statuses[i], false};
        script_objects(&t.script, t.objects);
        t.objects[0].action = MACHINE_CREATE;
        t.objects[0].manifest = t.script.pristine[0];
        assert_int_equal(apply_objects(&t), 0);
        assert_int_equal(t.result.end, MACHINE_FAILED);
        assert_int_equal(t.objects[0].fate, MACHINE_REFUSED);
        assert_int_equal(t.script.rows[0].at, LEDGER_CHANGE_ROLLED_BACK);
        assert_non_null(strstr(t.objects[0].why.message, "is not made"));
        assert_non_null(json_string_or_null(t.script.rows[0].detail, "failure"));
        assert_true(t.script.requests < 50);
        assert_true(t.script.now >= 5000);
        script_release(&t.script);
    }
}

static json_t *foreign_patch(void)
{
    return json_pack("{s:{s:{s:{s:[{s:s, s:{s:{s:s}}}]}}}}", "spec", "template", "spec", "containers", "name", "server", "resources",
                     "requests", "cpu", "16");
}

/* A process that is killed when its row is there, and its write is not. */
static void die_before_the_write(struct trial *trial)
{
    for (int call = 1; !trial->script.rows[0].there; call++) {
        script_release(&trial->script);
        trial_init(trial, 1);
        trial->script.dies_at = call;
        assert_int_equal(apply(trial), -1);
    }
    script_restart(&trial->script);
}

/* What is written is what was approved, not what a row says of it. */
static void a_row_with_another_patch(void **state)
{
    (void)state;
    struct trial t;
    trial_init(&t, 1);
    die_before_the_write(&t);
    assert_int_equal(t.script.rows[0].at, LEDGER_CHANGE_WRITING);
    assert_int_equal(t.script.writes, 0);
    json_object_set_new(t.script.rows[0].detail, "patch", foreign_patch());
    assert_int_equal(apply(&t), 0);
    assert_string_equal(script_cpu(&t.script, 0), "250m");
    script_release(&t.script);
}

/* A row is of the object whose name it has. */
static void a_row_of_another_object(void **state)
{
    (void)state;
    struct trial t;
    struct err err = {0};
    trial_init(&t, 1);
    assert_int_equal(apply(&t), 0);
    script_objects(&t.script, t.objects);
    assert_int_equal(detail_read(t.script.rows[0].detail, "shop/Deployment/a0", &t.objects[0], &err), 0);
    json_object_set_new(t.script.rows[0].detail, "namespace", json_string("kube-system"));
    assert_int_equal(detail_read(t.script.rows[0].detail, "shop/Deployment/a0", &t.objects[0], &err), -1);
    assert_int_equal(err.class, ERR_DATA);
    assert_non_null(strstr(err.message, "kube-system/Deployment/a0"));
    script_release(&t.script);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(undone_while_it_is_looked_for), cmocka_unit_test(a_canary_that_failed_before),
        cmocka_unit_test(half_done_behind_what_is_left), cmocka_unit_test(closed_while_the_server_was_away),
        cmocka_unit_test(a_conflict_for_ever), cmocka_unit_test(a_creation_that_keeps_failing),
        cmocka_unit_test(a_row_with_another_patch), cmocka_unit_test(a_row_of_another_object),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
