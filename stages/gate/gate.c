#include "stages/gate/gate.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/clock.h"
#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "pipeline/run/ledger_object.h"
#include "stages/common/spool.h"
#include "stages/common/judge/judge.h"
#include "stages/common/judge/quota.h"
#include "stages/common/judge/verdict.h"

struct gate_state {
    struct inforce inforce;
    struct judge judge;
    struct spool *spool;
    struct quota quota;
    json_t *alone;  /* workloads that are left alone: their names by cluster */
    char *cluster;  /* of records that name none, as the ledger has it */
    int64_t now;    /* the ledger's clock */
    int64_t run;    /* 0: none was named */
    bool planning;  /* the named run is still being made: windows are informative */
    bool same_plan; /* the named run's registered plan is this very artifact */
    char other_plan[LEDGER_DIGEST_SIZE];
};

static int read_clock(struct stage *stage, struct gate_state *state, struct err *err)
{
    const char *now = NULL;
    return ledger_now(stage->ledger, &stage->arena, &now, err) || time_parse(now, &state->now, err) ? -1 : 0;
}

static int name_cluster(struct stage *stage, struct gate_state *state, struct err *err)
{
    struct ledger_run run = {.cluster = options_string(stage->options, OPT_CLUSTER)};
    if (state->run != 0 && ledger_run_get(stage->ledger, state->run, &stage->arena, &run, err)) {
        return -1;
    }
    state->cluster = xstrdup(run.cluster == NULL ? "default" : run.cluster);
    return 0;
}

/* Keeps the workloads that the ledger says are left alone. */
static int read_backoffs(struct stage *stage, struct gate_state *state, struct err *err)
{
    json_t *rows = NULL;
    size_t index = 0;
    json_t *row = NULL;
    state->alone = json_object();
    if (name_cluster(stage, state, err) || ledger_backoffs(stage->ledger, NULL, &rows, err)) {
        return -1;
    }
    json_array_foreach(rows, index, row)
    {
        const char *cluster = json_string_or_null(row, "cluster");
        struct identity identity = {cluster, json_string_or_null(row, "namespace"), json_string_or_null(row, "kind"),
                                    json_string_or_null(row, "name")};
        char *name = identity_text(&identity, "");
        json_t *names = json_object_get(state->alone, cluster);
        if (names == NULL) {
            names = json_object();
            json_object_set_new(state->alone, cluster, names);
        }
        json_object_set(names, name, row);
        free(name);
    }
    json_decref(rows);
    return 0;
}

static int begin(struct stage *stage, struct err *err)
{
    struct gate_state *state = stage->state;
    const char *namespace = options_string(stage->options, OPT_NAMESPACE);
    bool given = false;
    state->run = options_integer(stage->options, OPT_RUN, &given);
    if (inforce_load(stage->ledger, stage->config, &state->inforce, err) || read_clock(stage, state, err) ||
        read_backoffs(stage, state, err) || spool_new(&state->spool, err)) {
        return -1;
    }
    state->judge = (struct judge){
        .inforce = &state->inforce,
        .default_namespace = namespace == NULL ? "default" : namespace,
        .cluster = str_equal(options_string(stage->options, OPT_TARGET), "cluster"),
    };
    json_object_set_new(stage_settings(stage), "policy", json_string(state->inforce.digest));
    json_object_set(stage_settings(stage), "governed", state->inforce.governed);
    json_object_set_new(stage_settings(stage), "policy_from",
                        json_string(state->inforce.stored == NULL ? "file" : "ledger"));
    json_object_set_new(stage_settings(stage), "policy_stored",
                        state->inforce.stored_digest[0] == '\0' ? json_null() : json_string(state->inforce.stored_digest));
    return 0;
}

/* What is left alone after it was put back is not changed. */
static void check_backoff(const struct gate_state *state, const json_t *record, struct judgement *judgement)
{
    struct identity identity;
    const char *cluster = json_string_or_null(record_workload(record), "cluster");
    if (!judgement->changes || record_identity(record, &identity, NULL)) {
        return;
    }
    char *name = identity_text(&identity, state->judge.default_namespace);
    const json_t *row = json_object_get(json_object_get(state->alone, cluster == NULL ? state->cluster : cluster), name);
    const char *until = json_string_or_null(row, "until");
    free(name);
    if (until != NULL) {
        judgement->blocked = true;
        reason_add(judgement->reasons, "backoff", false, "left alone until %s: run %" PRId64 " put it back", until,
                   json_int_or(row, "run", 0));
    }
}

static void judge(const struct gate_state *state, const json_t *record, struct judgement *judgement)
{
    judge_record(&state->judge, record, judgement);
    check_backoff(state, record, judgement);
}

/* Counts a workload, and its change where nothing forbids it. */
static void count_change(struct gate_state *state, const json_t *record, size_t index)
{
    const json_t *workload = record_workload(record);
    struct judgement judgement;
    judge(state, record, &judgement);
    uint32_t space = quota_workload(&state->quota, json_string_or_null(workload, "cluster"),
                                    judge_namespace(&state->judge, workload));
    if (judgement.changes && !judgement.blocked && !judgement.trifle) {
        quota_add(&state->quota, index, space, judgement.risk, judgement.saving_microusd);
    }
    judgement_release(&judgement);
}

/* First pass: set every record aside and see which changes nothing forbids. Ends with the plan's digest
 * known. */
static int take_in(struct stage *stage, struct gate_state *state, struct err *err)
{
    size_t index = 0;
    for (;;) {
        json_t *record = NULL;
        int got = stage_read(stage, &record, err);
        if (got <= 0) {
            return got;
        }
        int failed = spool_add(state->spool, record, NULL, err);
        if (!failed && record_workload(record) != NULL) {
            count_change(state, record, index++);
        }
        json_decref(record);
        if (failed) {
            return -1;
        }
    }
}

/* Which run this is about, and whether its approvals are for this plan. */
static int find_run(struct stage *stage, struct gate_state *state, struct err *err)
{
    struct ledger_run run;
    if (state->run == 0) {
        return 0;
    }
    if (ledger_run_get(stage->ledger, state->run, &stage->arena, &run, err)) {
        return -1;
    }
    state->planning = run.state == LEDGER_RUNNING;
    state->same_plan = str_equal(run.plan_digest, artifact_reader_digest(stage->in));
    if (run.plan_digest != NULL && !state->same_plan) {
        snprintf(state->other_plan, sizeof state->other_plan, "%s", run.plan_digest);
    }
    return 0;
}

/* What the ledger knows of the approvals that a change needs: how many hold, and why. */
static int ask_ledger(struct stage *stage, struct gate_state *state, const json_t *record,
                      struct ledger_check *out, struct err *err)
{
    struct identity identity;
    if (!state->same_plan) {
        out->reason = state->other_plan[0] == '\0'
                          ? NULL
                          : "those of the run are for another plan and do not carry over";
        return 0;
    }
    if (record_identity(record, &identity, err)) {
        return -1;
    }
    struct ledger_workload workload = {judge_namespace(&state->judge, record_workload(record)), identity.kind,
                                       identity.name};
    return ledger_apply_check(stage->ledger, state->run, &workload, &stage->arena, out, err);
}

/* Whether the approvals of a change hold, with the reason. */
static int check_approvals(struct stage *stage, struct gate_state *state, const json_t *record,
                           const struct judgement *judgement, bool *hold, struct err *err)
{
    const struct approval_requirement *need = &judgement->need;
    struct ledger_check check = {.reason = NULL};
    bool asks = need->approvals > 0 && !need->conflict && !judgement->blocked;
    if (asks && ask_ledger(stage, state, record, &check, err)) {
        return -1;
    }
    *hold = need->approvals == 0 || (asks && check.approved && check.valid >= need->approvals);
    verdict_approvals(judgement, *hold, check.reason);
    return 0;
}

static void set_gate(json_t *record, const char *verdict, struct judgement *judgement, json_t *next)
{
    json_t *gate = json_object();
    json_object_set_new(gate, "verdict", json_string(verdict));
    json_object_set_new(gate, "requirement", verdict_requirement(judgement));
    json_object_set_new(gate, "next_opening", next);
    if (judgement->facts != NULL) {
        json_object_set(gate, "facts", judgement->facts);
    }
    json_object_set(gate, "reasons", judgement->reasons);
    json_object_set_new(record, "gate", gate);
}

/* The first reason that stands against a change, for the list of problems. */
static void add_problem(json_t *record, const json_t *reasons)
{
    size_t index = 0;
    const json_t *reason = NULL;
    json_array_foreach(reasons, index, reason)
    {
        if (!json_is_true(json_object_get(reason, "ok"))) {
            record_problem(record, "gate", "blocked", "%s", json_string_or_null(reason, "message"));
            return;
        }
    }
}

/* Approvals and windows of a change. A window that is closed blocks only what could be written at once, and
 * only where a plan is not just being made: then it is said, and apply asks again. */
static int decide_change(struct stage *stage, struct gate_state *state, json_t *record,
                         struct judgement *judgement, struct err *err)
{
    bool hold = false;
    json_t *next = NULL;
    if (check_approvals(stage, state, record, judgement, &hold, err)) {
        return -1;
    }
    bool open = verdict_windows(&state->judge, record, state->now, judgement, &next);
    const char *verdict = verdict_of(judgement, hold, open, state->planning);
    judgement->blocked = str_equal(verdict, "blocked");
    set_gate(record, verdict, judgement, next);
    if (judgement->blocked) {
        add_problem(record, judgement->reasons);
    }
    return 0;
}

/* How many changes a run may make, in all and in the namespace, where that is limited and nothing else forbids this one. */
static void check_quota(const struct gate_state *state, size_t index, struct judgement *judgement)
{
    int64_t most = judge_max_changes(&state->inforce);
    int64_t percent = judge_namespace_share(&state->inforce);
    const struct quota_space *space = quota_space_of(&state->quota, index);
    if (judgement->blocked || space == NULL) {
        return;
    }
    enum quota_fate fate = quota_fate_of(&state->quota, index);
    judgement->blocked = fate != QUOTA_KEPT;
    if (percent >= 0) {
        reason_add(judgement->reasons, "max_namespace_share", fate != QUOTA_SHARE,
                   "%zu of the namespace's %zu workload%s may change in a run (max_namespace_share_percent is %" PRId64 ")%s",
                   space->allowed, space->workloads, space->workloads == 1 ? "" : "s", percent,
                   fate != QUOTA_SHARE ? "" : ", and others have lower risk or save more");
    }
    if (most >= 0 && fate != QUOTA_SHARE) {
        reason_add(judgement->reasons, "max_changes", fate != QUOTA_RUN, "the run may make %" PRId64 " change%s%s", most,
                   most == 1 ? "" : "s", fate != QUOTA_RUN ? "" : ", and others have lower risk or save more");
    }
}

static int decide(struct stage *stage, struct gate_state *state, json_t *record, size_t index,
                  struct err *err)
{
    struct judgement judgement;
    judge(state, record, &judgement);
    int failed = 0;
    if (!judgement.changes || (judgement.trifle && !judgement.blocked)) {
        set_gate(record, verdict_of(&judgement, true, true, true), &judgement, json_null());
    } else {
        check_quota(state, index, &judgement);
        failed = decide_change(stage, state, record, &judgement, err);
    }
    judgement_release(&judgement);
    return failed;
}

/* Second pass: every record gets its verdict. */
static int give_out(struct stage *stage, struct gate_state *state, struct err *err)
{
    size_t index = 0;
    for (;;) {
        json_t *record = NULL;
        int got = spool_next(state->spool, &record, err);
        if (got <= 0) {
            return got;
        }
        int failed = record_workload(record) != NULL && decide(stage, state, record, index++, err);
        failed = failed || stage_write(stage, record, err);
        json_decref(record);
        arena_clear(&stage->arena);
        if (failed) {
            return -1;
        }
    }
}

static int run(struct stage *stage, struct err *err)
{
    struct gate_state *state = stage->state;
    if (take_in(stage, state, err) || find_run(stage, state, err)) {
        return -1;
    }
    json_object_set_new(stage_settings(stage), "plan", json_string(artifact_reader_digest(stage->in)));
    quota_choose(&state->quota, judge_max_changes(&state->inforce), judge_namespace_share(&state->inforce));
    return spool_rewind(state->spool, err) || give_out(stage, state, err) ? -1 : 0;
}

static void release(struct stage *stage)
{
    struct gate_state *state = stage->state;
    quota_release(&state->quota);
    json_decref(state->alone);
    free(state->cluster);
    spool_free(state->spool);
    inforce_release(&state->inforce);
}

const struct stage_spec gate_stage = {
    .name = "gate",
    .program = FOR_GATE,
    .summary = "judges every change: guardrails, approvals and change windows, with every reason",
    .reads = ARTIFACT_BIT(ARTIFACT_CHANGES),
    .writes = ARTIFACT_GATED,
    .needs = STAGE_NEEDS_LEDGER,
    .state_size = sizeof(struct gate_state),
    .begin = begin,
    .run = run,
    .release = release,
};
