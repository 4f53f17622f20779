#include "stages/gate/gate.h"

#include <inttypes.h>
#include <string.h>

#include "pipeline/base/clock.h"
#include "pipeline/base/str.h"
#include "pipeline/run/ledger.h"
#include "stages/common/spool.h"
#include "stages/gate/judge.h"
#include "stages/gate/quota.h"

struct gate_state {
    struct inforce inforce;
    struct judge judge;
    struct spool *spool;
    struct quota quota;
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

static int begin(struct stage *stage, struct err *err)
{
    struct gate_state *state = stage->state;
    const char *namespace = options_string(stage->options, OPT_NAMESPACE);
    bool given = false;
    state->run = options_integer(stage->options, OPT_RUN, &given);
    if (inforce_load(stage->ledger, stage->config, &state->inforce, err) || read_clock(stage, state, err) ||
        spool_new(&state->spool, err)) {
        return -1;
    }
    state->judge = (struct judge){
        .inforce = &state->inforce,
        .default_namespace = namespace == NULL ? "default" : namespace,
        .cluster = str_equal(options_string(stage->options, OPT_TARGET), "cluster"),
    };
    json_object_set_new(stage_settings(stage), "policy", json_string(state->inforce.digest));
    json_object_set_new(stage_settings(stage), "policy_from",
                        json_string(state->inforce.stored == NULL ? "file" : "ledger"));
    return 0;
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
            struct judgement judgement;
            judge_record(&state->judge, record, &judgement);
            if (judgement.changes && !judgement.blocked) {
                quota_add(&state->quota, index, judgement.risk, judgement.saving_microusd);
            }
            judgement_release(&judgement);
            index++;
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
    int needed = judgement->need.approvals;
    *hold = needed == 0;
    if (judgement->need.conflict) {
        return 0; /* said already */
    }
    if (*hold) {
        reason_add(judgement->reasons, "approvals", true, "no approval is needed: %s", judgement->need.rule);
        return 0;
    }
    struct ledger_check check = {.reason = NULL};
    if (!judgement->blocked && ask_ledger(stage, state, record, &check, err)) {
        return -1;
    }
    *hold = check.approved && check.valid >= needed;
    const char *role = judgement->need.role;
    reason_add(judgement->reasons, "approvals", *hold, "%d approval%s%s%s needed by %s%s%s", needed,
               needed == 1 ? "" : "s", role == NULL ? "" : " of role ", role == NULL ? "" : role,
               judgement->need.rule, check.reason == NULL ? "" : "; ",
               check.reason == NULL ? "" : check.reason);
    return 0;
}

/* Judges the windows and returns whether they allow; *next receives the next opening as text or null. New. */
static bool check_windows(const struct gate_state *state, const json_t *record,
                          const struct judgement *judgement, json_t **next)
{
    const json_t *workload = record_workload(record);
    struct window_subject subject = {
        .cluster = json_string_or_null(workload, "cluster"),
        .namespace = judge_namespace(&state->judge, workload),
        .labels = json_object_get(workload, "labels"),
    };
    struct window_verdict verdict;
    window_judge(state->inforce.windows, &subject, state->now, NULL, &verdict);
    char opens[RFC3339_MAX];
    bool later = !verdict.allowed && verdict.has_next;
    *next = later ? json_string(time_format(verdict.next_opening, opens)) : json_null();
    reason_add(judgement->reasons, "window", verdict.allowed, "%s%s%s", verdict.reason,
               later ? "; it opens at " : "", later ? opens : "");
    return verdict.allowed;
}

static json_t *requirement(const struct approval_requirement *need)
{
    json_t *object = json_object();
    json_object_set_new(object, "approvals", json_integer(need->approvals));
    json_object_set_new(object, "role", json_string_safe(need->role));
    json_object_set_new(object, "rule", json_string_safe(need->rule));
    return object;
}

static void set_gate(json_t *record, const char *verdict, struct judgement *judgement, json_t *next)
{
    json_t *gate = json_object();
    bool asks = judgement->changes && !judgement->blocked;
    json_object_set_new(gate, "verdict", json_string(verdict));
    json_object_set_new(gate, "requirement", asks ? requirement(&judgement->need) : json_null());
    json_object_set_new(gate, "next_opening", next);
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
    bool open = check_windows(state, record, judgement, &next);
    judgement->blocked = judgement->blocked || (hold && !open && !state->planning);
    set_gate(record, judgement->blocked ? "blocked" : hold ? "allowed" : "needs-approval", judgement, next);
    if (judgement->blocked) {
        add_problem(record, judgement->reasons);
    }
    return 0;
}

static int decide(struct stage *stage, struct gate_state *state, json_t *record, size_t index,
                  struct err *err)
{
    struct judgement judgement;
    judge_record(&state->judge, record, &judgement);
    int failed = 0;
    if (!judgement.changes) {
        set_gate(record, "unchanged", &judgement, json_null());
    } else {
        if (!judgement.blocked && !quota_keeps(&state->quota, index)) {
            judgement.blocked = true;
            reason_add(judgement.reasons, "max_changes", false,
                       "the run may make %zu change%s, and others have lower risk or save more",
                       state->quota.kept, state->quota.kept == 1 ? "" : "s");
        }
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
    quota_choose(&state->quota, judge_max_changes(&state->inforce));
    return spool_rewind(state->spool, err) || give_out(stage, state, err) ? -1 : 0;
}

static void release(struct stage *stage)
{
    struct gate_state *state = stage->state;
    quota_release(&state->quota);
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
