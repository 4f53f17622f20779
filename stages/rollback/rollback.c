#include "stages/rollback/rollback.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "pipeline/base/log.h"
#include "pipeline/base/str.h"
#include "pipeline/run/ledger_object.h"
#include "stages/common/ends/row.h"
#include "stages/common/spool.h"
#include "stages/common/target_undo.h"
#include "stages/rollback/choice.h"
#include "stages/rollback/objects.h"

struct rollback_state {
    struct ledger_run run;
    struct ledger_changes changes;
    struct choice choice;
    const char *root; /* NULL: where each change was made */
    const char *default_namespace;
    json_t *told;        /* "NAMESPACE/KIND/NAME" → {"state","detail"} */
    struct spool *spool; /* stdin, read to its verified end before anything is touched */
    bool dry;
    bool redo;
    bool objects; /* the target was a cluster */
};

static int find_run(struct stage *stage, struct rollback_state *state, struct err *err)
{
    bool given = false;
    int64_t id = options_integer(stage->options, OPT_RUN, &given);
    if (!given || id <= 0) {
        err_set(err, ERR_USAGE, "tare-rollback needs the run whose changes it puts back");
        return err_hint(err, "tare show 12 gate | tare-rollback --run 12, or simply: tare rollback 12");
    }
    if (ledger_run_get(stage->ledger, id, &stage->arena, &state->run, err)) {
        return -1;
    }
    state->objects = str_equal(state->run.target, "cluster");
    const char *asked = options_string(stage->options, OPT_TARGET);
    if (options_typed(stage->options, OPT_TARGET) && !str_equal(asked, state->run.target)) {
        return err_set(err, ERR_USAGE, "run %" PRId64 " was made for the target %s, not for %s", id, state->run.target, asked);
    }
    if (!state->objects && (state->redo || options_list_count(stage->options, OPT_FORCE) > 0)) {
        err_set(err, ERR_USAGE, "%s is for objects of a cluster, and run %" PRId64 " changed files",
                state->redo ? "--redo" : "--force", id);
        return err_hint(err, state->redo ? "tare rerun %" PRId64 " --from diff makes the change again"
                                         : "put the file right by hand, then: tare rollback %" PRId64 " --resume", id);
    }
    return ledger_changes(stage->ledger, id, &stage->arena, &state->changes, err);
}

static int begin(struct stage *stage, struct err *err)
{
    struct rollback_state *state = stage->state;
    const char *namespace = options_string(stage->options, OPT_NAMESPACE);
    state->told = json_object();
    state->root = options_string(stage->options, OPT_ROOT);
    state->default_namespace = namespace == NULL ? "default" : namespace;
    state->dry = options_flag(stage->options, OPT_DRY_RUN);
    state->redo = options_flag(stage->options, OPT_REDO);
    if (state->redo && options_list_count(stage->options, OPT_FORCE) > 0) {
        err_set(err, ERR_USAGE, "--redo writes again, --force is for putting back: they do not go together");
        return err_hint(err, "what somebody edited is put back by hand first, or by a new run");
    }
    if (find_run(stage, state, err)) {
        return -1;
    }
    for (size_t i = 0; i < options_list_count(stage->options, OPT_WORKLOAD); i++) {
        if (choice_add(&state->choice, options_list_item(stage->options, OPT_WORKLOAD, i), err)) {
            return -1;
        }
    }
    json_object_set_new(stage_settings(stage), "dry_run", json_boolean(state->dry));
    return choice_check(&state->choice, &state->changes, err);
}

/* Keeps what became of each workload of a change. */
static void tell(struct rollback_state *state, const struct ledger_change *change, const char *outcome,
                 const char *detail)
{
    json_t *list = json_loads(change->workloads, 0, NULL);
    size_t index = 0;
    const json_t *workload = NULL;
    json_array_foreach(list, index, workload)
    {
        char *name = choice_name(workload);
        json_t *told = json_object();
        json_object_set_new(told, "state", json_string(outcome));
        json_object_set_new(told, "detail", json_string_safe(detail));
        json_object_set_new(state->told, name, told);
        free(name);
    }
    json_decref(list);
}

static void was_undone(void *context, const struct ledger_change *change, enum undo_result result,
                       const char *why)
{
    struct stage *stage = context;
    switch (result) {
    case UNDO_NOTHING:
        tell(stage->state, change, change->state == LEDGER_CHANGE_ROLLED_BACK ? "rolled-back" : "skipped",
             change->state == LEDGER_CHANGE_ROLLED_BACK ? "it was rolled back before"
                                                        : "it was never written");
        break;
    case UNDO_DONE:
        log_info("%s is put back", change->object);
        tell(stage->state, change, "rolled-back", "the file has its former bytes again");
        break;
    case UNDO_CHANGED:
        log_warn("%s", why);
        tell(stage->state, change, "refused", why);
        break;
    case UNDO_FAILED:
        log_warn("%s", why);
        tell(stage->state, change, "rollback-failed", why);
        break;
    }
}

static bool is_wanted(void *context, const struct ledger_change *change)
{
    const struct stage *stage = context;
    const struct rollback_state *state = stage->state;
    return choice_wants(&state->choice, change);
}

/* What a rollback would do to one change now. */
static void rehearse(struct rollback_state *state, const struct ledger_change *change)
{
    char found[DIGEST_HEX];
    enum file_content content = FILE_OTHER;
    struct err inner = {0};
    char *recorded = target_change_root(change);
    const char *root = state->root != NULL ? state->root : recorded == NULL ? "." : recorded;
    if (change->state == LEDGER_CHANGE_PLANNED || change->state == LEDGER_CHANGE_ROLLED_BACK) {
        tell(state, change, "skipped", "nothing to put back");
    } else if (target_change_compare(root, change, &content, found, &inner)) {
        tell(state, change, "refused", inner.message);
    } else if (content == FILE_BEFORE || content == FILE_AFTER) {
        tell(state, change, "planned", "dry run: it would be put back");
    } else {
        tell(state, change, "refused", "the file was changed since");
    }
    free(recorded);
}

/* Ends it in the ledger. A run of which a part is still written keeps its state. */
static int end_run(struct stage *stage, const struct rollback_state *state, const struct undo_report *report,
                   struct err *err)
{
    enum ledger_state outcome = report->left == 0     ? LEDGER_ROLLED_BACK
                                : report->failed == 0 ? LEDGER_APPLIED
                                                      : LEDGER_FAILED;
    return ledger_rollback_end(stage->ledger, state->run.id, outcome,
                               report->failed == 0 ? NULL : report->why, err);
}

static int roll_back(struct stage *stage, struct rollback_state *state, struct err *err)
{
    struct undo_report report;
    struct undo_order order = {
        .ledger = stage->ledger,
        .run = state->run.id,
        .root = state->root,
        .wanted = is_wanted,
        .told = was_undone,
        .context = stage,
    };
    if (ledger_rollback_begin(stage->ledger, state->run.id, err) || undo_changes(&order, &report, err) ||
        end_run(stage, state, &report, err)) {
        return -1;
    }
    if (report.failed > 0) {
        err_set(&stage->verdict, ERR_ROLLBACK_FAILED,
                "%zu of the files of run %" PRId64 " could not be put back: %s", report.failed, state->run.id,
                report.why);
        err_hint(&stage->verdict,
                 "put it right by hand or restore the bytes that tare wrote, then: tare rollback %" PRId64
                 " --resume",
                 state->run.id);
    }
    return 0;
}

/* ---- Objects of a cluster ---- */

static void object_told(void *context, const struct ledger_change *change, const char *outcome, const char *detail)
{
    struct stage *stage = context;
    bool well = str_equal(outcome, "rolled-back") || str_equal(outcome, "done") || str_equal(outcome, "planned");
    if (well) {
        log_info("%s: %s", change->object, detail);
    } else {
        log_warn("%s: %s", change->object, detail);
    }
    tell(stage->state, change, outcome, detail);
}

static struct objects_order objects_of(struct stage *stage, struct rollback_state *state)
{
    return (struct objects_order){
        .stage = stage,
        .run = &state->run,
        .changes = &state->changes,
        .choice = &state->choice,
        .records = state->spool,
        .default_namespace = state->default_namespace,
        .told = object_told,
        .context = stage,
    };
}

static int put_back_objects(struct stage *stage, struct rollback_state *state, struct err *err)
{
    struct objects_order order = objects_of(stage, state);
    struct objects_report report;
    if (ledger_rollback_begin(stage->ledger, state->run.id, err) ||
        row_unmoved(stage->ledger, state->run.id, &state->changes, err) || objects_put_back(&order, &report, err)) {
        return -1;
    }
    struct undo_report files = {.failed = report.failed, .left = report.left};
    snprintf(files.why, sizeof files.why, "%s", report.why.message);
    if (end_run(stage, state, &files, err)) {
        return -1;
    }
    if (report.failed > 0) {
        err_set(&stage->verdict, ERR_ROLLBACK_FAILED, "%zu of the objects of run %" PRId64 " could not be put back: %s", report.failed,
                state->run.id, report.why.message);
        err_hint(&stage->verdict, "%s", report.why.hint);
        if (report.why.hint[0] == '\0') {
            err_hint(&stage->verdict, "mend that, then: tare rollback %" PRId64 " --resume", state->run.id);
        }
    }
    return 0;
}

static int redo_objects(struct stage *stage, struct rollback_state *state, struct err *err)
{
    struct objects_order order = objects_of(stage, state);
    struct objects_report report;
    if (ledger_redo_begin(stage->ledger, state->run.id, state->run.plan_digest, err) ||
        row_unmoved(stage->ledger, state->run.id, &state->changes, err) || objects_redo(&order, &report, err) ||
        ledger_redo_end(stage->ledger, state->run.id, report.failed == 0 ? NULL : report.why.message, err)) {
        return -1;
    }
    if (report.failed > 0) {
        stage->verdict = report.why;
        err_prefix(&stage->verdict, "%zu of the objects of run %" PRId64 " were not written again", report.failed, state->run.id);
    }
    return 0;
}

static int run_objects(struct stage *stage, struct rollback_state *state, struct err *err)
{
    struct objects_order order = objects_of(stage, state);
    if (objects_check(&order, err)) {
        return -1;
    }
    return state->dry    ? objects_rehearse(&order, err)
           : state->redo ? redo_objects(stage, state, err)
                         : put_back_objects(stage, state, err);
}

static int take_in(struct stage *stage, struct rollback_state *state, struct err *err)
{
    if (spool_new(&state->spool, err)) {
        return -1;
    }
    for (;;) {
        json_t *record = NULL;
        int got = stage_read(stage, &record, err);
        if (got <= 0) {
            return got < 0 ? -1 : spool_rewind(state->spool, err);
        }
        int failed = spool_add(state->spool, record, NULL, err);
        json_decref(record);
        if (failed) {
            return -1;
        }
    }
}

/* Gives a record what became of its workload. */
static int add_outcome(struct rollback_state *state, json_t *record, struct err *err)
{
    struct identity identity;
    if (record_identity(record, &identity, err)) {
        return -1;
    }
    char *name = identity_text(&identity, state->default_namespace);
    json_t *told = json_object_get(state->told, name);
    if (told == NULL) {
        json_object_set_new(record, "outcome",
                            json_pack("{s:s,s:s}", "state", "skipped", "detail",
                                      "the run did not change it, or it was not named"));
    } else {
        json_object_set(record, "outcome", told);
    }
    free(name);
    return 0;
}

static int write_outcomes(struct stage *stage, struct rollback_state *state, struct err *err)
{
    for (;;) {
        json_t *record = NULL;
        int got = spool_next(state->spool, &record, err);
        if (got <= 0) {
            return got;
        }
        int failed = record_workload(record) != NULL && add_outcome(state, record, err);
        failed = failed || stage_write(stage, record, err);
        json_decref(record);
        if (failed) {
            return -1;
        }
    }
}

static int run(struct stage *stage, struct err *err)
{
    struct rollback_state *state = stage->state;
    if (take_in(stage, state, err)) {
        return -1;
    }
    for (size_t i = 0; !state->objects && state->dry && i < state->changes.count; i++) {
        if (choice_wants(&state->choice, &state->changes.items[i])) {
            rehearse(state, &state->changes.items[i]);
        }
    }
    if (state->objects ? run_objects(stage, state, err) || spool_rewind(state->spool, err)
                       : !state->dry && roll_back(stage, state, err)) {
        return -1;
    }
    return write_outcomes(stage, state, err);
}

static void release(struct stage *stage)
{
    struct rollback_state *state = stage->state;
    choice_release(&state->choice);
    spool_free(state->spool);
    json_decref(state->told);
}

const struct stage_spec rollback_stage = {
    .name = "rollback",
    .program = FOR_ROLLBACK,
    .summary = "puts back, byte for byte, what a run wrote into the manifests, or what its objects of a cluster asked for",
    .reads = ARTIFACT_BIT(ARTIFACT_GATED) | ARTIFACT_BIT(ARTIFACT_OUTCOME),
    .writes = ARTIFACT_OUTCOME,
    .needs = STAGE_NEEDS_LEDGER | STAGE_MUTATES,
    .state_size = sizeof(struct rollback_state),
    .begin = begin,
    .run = run,
    .release = release,
};
