#include "stages/apply/apply.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "pipeline/base/clock.h"
#include "pipeline/base/log.h"
#include "pipeline/base/str.h"
#include "stages/apply/cluster_write.h"
#include "stages/apply/live.h"
#include "stages/apply/outcome.h"
#include "stages/apply/permit.h"
#include "stages/apply/plan.h"
#include "stages/apply/stale.h"
#include "stages/apply/write.h"

struct apply_state {
    struct ledger_run run;
    struct inforce inforce;
    struct permit permit;
    struct apply_plan plan;
    struct writer writer;
    struct cluster *cluster; /* of the target cluster, NULL until it was asked */
    struct cluster_writer objects;
    const char *root;
    char *absolute_root;
    bool dry;
    bool resume;
};

/* A run of one target is not applied to the other. */
static int check_target(struct stage *stage, const struct ledger_run *run, struct err *err)
{
    const char *asked = options_string(stage->options, OPT_TARGET);
    bool typed = options_typed(stage->options, OPT_TARGET);
    if (typed && !str_equal(asked, run->target)) {
        err_set(err, ERR_USAGE, "run %" PRId64 " was made for the target %s, not for %s", run->id, run->target, asked);
        return err_hint(err, "leave --target out, or make a run for it: tare run --target %s", asked);
    }
    return 0;
}

static int find_run(struct stage *stage, struct apply_state *state, struct err *err)
{
    bool given = false;
    int64_t id = options_integer(stage->options, OPT_RUN, &given);
    if (!given || id <= 0) {
        err_set(err, ERR_USAGE, "tare-apply needs the run whose plan it applies");
        return err_hint(err, "tare show 12 gate | tare-apply --run 12, or simply: tare apply 12");
    }
    if (ledger_run_get(stage->ledger, id, &stage->arena, &state->run, err) ||
        check_target(stage, &state->run, err)) {
        return -1;
    }
    if (state->run.plan_digest == NULL) {
        err_set(err, ERR_REFUSED, "run %" PRId64 " is %s and has no plan", id,
                ledger_state_name(state->run.state));
        return err_hint(err, "tare status %" PRId64, id);
    }
    return 0;
}

static enum on_failure failure_policy(const struct config *config)
{
    const char *name = config_string(config, "apply.on_failure");
    return str_equal(name, "stop")              ? ON_FAILURE_STOP
           : str_equal(name, "rollback-object") ? ON_FAILURE_OBJECT
                                                : ON_FAILURE_RUN;
}

static int begin(struct stage *stage, struct err *err)
{
    struct apply_state *state = stage->state;
    const char *root = options_string(stage->options, OPT_ROOT);
    const char *namespace = options_string(stage->options, OPT_NAMESPACE);
    state->root = root == NULL ? "." : root;
    state->dry = options_flag(stage->options, OPT_DRY_RUN);
    state->resume = options_flag(stage->options, OPT_RESUME);
    state->absolute_root = realpath(state->root, NULL);
    if (state->absolute_root == NULL) {
        return err_errno(err, ERR_NOINPUT, errno, "cannot use the folder %s", state->root);
    }
    if (find_run(stage, state, err) || inforce_load(stage->ledger, stage->config, &state->inforce, err)) {
        return -1;
    }
    state->permit = (struct permit){
        .stage = stage,
        .run = &state->run,
        .inforce = &state->inforce,
        .default_namespace = namespace == NULL ? "default" : namespace,
    };
    state->writer = (struct writer){
        .permit = &state->permit,
        .plan = &state->plan,
        .root = state->root,
        .absolute_root = state->absolute_root,
        .policy = failure_policy(stage->config),
    };
    json_object_set_new(stage_settings(stage), "policy", json_string(state->inforce.digest));
    json_object_set_new(stage_settings(stage), "plan", json_string(state->run.plan_digest));
    json_object_set_new(stage_settings(stage), "dry_run", json_boolean(state->dry));
    return permit_init(&state->permit, err) || writer_init(&state->writer, err) ||
                   cluster_writer_init(&state->objects, &state->permit, &state->plan, err)
               ? -1
               : 0;
}

/* A run in a state that is never applied is refused by the ledger, whose sentence says which and what to do.
 */
static int check_state(struct stage *stage, struct apply_state *state, struct err *err)
{
    enum ledger_state now = state->run.state;
    if (now == LEDGER_APPROVED || now == LEDGER_REFUSED || (now == LEDGER_APPLYING && state->resume) ||
        state->dry) {
        return 0;
    }
    if (ledger_apply_begin(stage->ledger, state->run.id, state->run.plan_digest, state->resume, err)) {
        return -1;
    }
    ledger_apply_end(stage->ledger, state->run.id, LEDGER_FAILED,
                     "the run changed its state at the last moment", NULL);
    return err_set(err, ERR_REFUSED, "run %" PRId64 " changed its state at the last moment", state->run.id);
}

/* Takes --override NAME --reason TEXT: the policy must permit it, and the ledger records who said so and why.
 */
static int take_override(struct stage *stage, struct apply_state *state, struct err *err)
{
    const char *window = options_string(stage->options, OPT_OVERRIDE);
    const char *reason = options_string(stage->options, OPT_REASON);
    if (window == NULL) {
        return 0;
    }
    if (reason == NULL || *reason == '\0') {
        err_set(err, ERR_USAGE, "--override needs a reason");
        return err_hint(err, "add --reason TEXT; it stands in the audit trail and in the report");
    }
    if (window_may_override(state->inforce.windows, window, err)) {
        return -1;
    }
    permit_override(&state->permit, window);
    return state->dry ? 0 : ledger_window_override(stage->ledger, state->run.id, window, reason, err);
}

/* The report says which windows were overridden: what the ledger has of it goes into the outcome. */
static int tell_overrides(struct stage *stage, const struct apply_state *state, struct err *err)
{
    json_t *rows = NULL;
    if (ledger_window_overrides(stage->ledger, state->run.id, &rows, err)) {
        return -1;
    }
    if (json_array_size(rows) > 0) {
        json_object_set(stage_settings(stage), "overrides", rows);
    }
    json_decref(rows);
    return 0;
}

static size_t count_pending(const struct apply_plan *plan)
{
    size_t count = 0;
    for (size_t i = 0; i < plan->item_count; i++) {
        count += plan->items[i].fate == FATE_PENDING ? 1 : 0;
    }
    return count;
}

/* Why nothing may be applied: the first refusal. */
static void refuse_all(struct stage *stage, struct apply_state *state)
{
    const char *why = "nothing in it is left to change";
    for (size_t i = 0; i < state->plan.item_count; i++) {
        if (state->plan.items[i].fate == FATE_REFUSED) {
            why = state->plan.items[i].detail;
            break;
        }
    }
    err_set(&stage->verdict, ERR_REFUSED, "nothing of run %" PRId64 " may be applied: %s", state->run.id,
            why);
    if (state->run.state == LEDGER_APPLYING) {
        err_hint(&stage->verdict, "tare rollback %" PRId64 " ends it, and puts back what was written", state->run.id);
    } else {
        err_hint(&stage->verdict, "tare status %" PRId64, state->run.id);
    }
}

/* A window holds the whole run back: it ends as refused and can be applied again when the window opens. */
static int refuse_window(struct stage *stage, struct apply_state *state, const struct objection *objection,
                         struct err *err)
{
    char opens[RFC3339_MAX];
    const char *next = objection->has_next ? time_format(objection->next_opening, opens) : NULL;
    for (size_t i = 0; i < state->plan.item_count; i++) {
        if (state->plan.items[i].fate == FATE_PENDING) {
            apply_item_set(&state->plan.items[i], FATE_REFUSED, objection->why);
        }
    }
    err_set(&stage->verdict, ERR_REFUSED, "run %" PRId64 " is held back: %s", state->run.id, objection->why);
    if (next != NULL) {
        err_hint(&stage->verdict, "it opens at %s; then: tare apply %" PRId64 "%s", next, state->run.id,
                 state->run.state == LEDGER_APPLYING ? " --resume" : "");
    } else {
        err_hint(&stage->verdict, "it does not open within %d days: tare windows", WINDOW_HORIZON / 86400);
    }
    return state->dry || state->run.state == LEDGER_APPLYING
               ? 0
               : ledger_refuse(stage->ledger, state->run.id, objection->why, next, err);
}

/* The file of a refused item that an interrupted apply had begun, where not all of them are done; NULL: there is none. */
static const char *half_done(const struct apply_state *state, const struct apply_item *item)
{
    const char *begun = NULL;
    unsigned done = 0;
    for (unsigned i = 0; item->fate == FATE_REFUSED && i < item->file_count; i++) {
        const char *path = state->plan.files[item->files[i]].path;
        int64_t index = json_int_or(state->writer.begun, path, -1);
        begun = index >= 0 && begun == NULL ? path : begun;
        done += index >= 0 && state->writer.changes.items[index].state >= LEDGER_CHANGE_DONE ? 1 : 0;
    }
    return done < item->file_count ? begun : NULL;
}

/* A file that is half written must be finished or undone, and the files of a workload together: none may drop out because
 * its approval ran out meanwhile. */
static int check_half_done(const struct apply_state *state, struct err *err)
{
    if (state->plan.cluster) {
        return cluster_half_done(&state->objects, err);
    }
    for (size_t i = 0; i < state->plan.item_count; i++) {
        const struct apply_item *item = &state->plan.items[i];
        const char *path = half_done(state, item);
        if (path != NULL) {
            err_set(err, ERR_REFUSED, "%s is half written and may not be finished: %s", path, item->detail);
            return err_hint(err, "tare rollback %" PRId64 " --resume puts back what stood there",
                            state->run.id);
        }
    }
    return 0;
}

static int end_run(struct stage *stage, struct apply_state *state, const struct write_result *result,
                   struct err *err)
{
    enum ledger_state outcome = LEDGER_FAILED;
    if (result->end == WRITE_ALL) {
        outcome = LEDGER_APPLIED;
    } else if (result->end == WRITE_FAILED && (result->rolled_back || !result->touched)) {
        outcome = LEDGER_ROLLED_BACK;
    }
    return ledger_apply_end(stage->ledger, state->run.id, outcome,
                            result->end == WRITE_ALL ? NULL : result->cause.message, err);
}

/* The exit code: why it ended, unless something was undone, which counts more. */
static void give_verdict(struct stage *stage, const struct apply_state *state,
                         const struct write_result *result)
{
    if (result->end == WRITE_ALL) {
        return;
    }
    stage->verdict = result->cause;
    if (state->plan.cluster && result->end == WRITE_UNDO_FAILED) {
        cluster_hint(&state->objects, &stage->verdict);
    } else if (result->end == WRITE_STOPPED && result->touched) {
        err_hint(&stage->verdict, "tare rerun %" PRId64 " --from parse plans the rest", state->run.id);
    }
    if (result->end != WRITE_FAILED || !result->touched || state->writer.policy == ON_FAILURE_STOP) {
        return;
    }
    err_set(&stage->verdict, ERR_ROLLED_BACK, "run %" PRId64 " %s: %s", state->run.id,
            result->rolled_back ? "was rolled back" : "is done in part, and what failed was put back",
            result->cause.message);
    err_hint(&stage->verdict, "tare status %" PRId64, state->run.id);
}

/* What the machine came to, in the words of the files' writer. */
static struct write_result of_machine(const struct machine_result *from)
{
    static const enum write_end ends[] = {
        [MACHINE_ALL] = WRITE_ALL,
        [MACHINE_STOPPED] = WRITE_STOPPED,
        [MACHINE_FAILED] = WRITE_FAILED,
        [MACHINE_UNDO_FAILED] = WRITE_UNDO_FAILED,
    };
    return (struct write_result){ends[from->end], from->touched, from->touched && !from->left, from->cause};
}

static int write_target(struct apply_state *state, struct write_result *out, struct err *err)
{
    struct machine_result result;
    if (!state->plan.cluster) {
        return write_all(&state->writer, out, err);
    }
    if (cluster_write(&state->objects, &result, err)) {
        return -1;
    }
    *out = of_machine(&result);
    return 0;
}

static int write_plan(struct stage *stage, struct apply_state *state, struct err *err)
{
    struct write_result result;
    state->permit.begun = true;
    if (ledger_apply_begin(stage->ledger, state->run.id, state->run.plan_digest, state->resume, err) ||
        write_target(state, &result, err) || end_run(stage, state, &result, err)) {
        return -1;
    }
    give_verdict(stage, state, &result);
    return 0;
}

/* A dry run on the server: what it would not take is told of every object, and the first is the verdict. */
static int rehearse_cluster(struct stage *stage, struct apply_state *state, struct err *err)
{
    size_t refused = 0;
    struct err why = {0};
    if (cluster_rehearse(&state->objects, &refused, &why, err)) {
        return -1;
    }
    if (refused > 0) {
        stage->verdict = why;
        err_prefix(&stage->verdict, "dry run: %zu of %zu objects would not be written", refused, state->objects.count);
    }
    return 0;
}

/* Says what would be written. */
static void rehearsed(struct apply_state *state)
{
    for (size_t i = 0; i < state->plan.file_count; i++) {
        apply_file_set(&state->plan.files[i], FATE_UNTOUCHED, "dry run: it would be written");
    }
}

/* Whether the run may still come to be applied: then a plan that is stale is told as that, whatever else holds it back. */
static bool is_open(const struct apply_state *state)
{
    enum ledger_state now = state->run.state;
    return now == LEDGER_AWAITING_APPROVAL || now == LEDGER_APPROVED || now == LEDGER_REFUSED ||
           (now == LEDGER_APPLYING && state->resume);
}

/* What is begun and stale is not planned anew before it is ended. */
static int stale_hint(const struct apply_state *state, struct err *err)
{
    return err_hint(err, "put back what was written: tare rollback %" PRId64 "; then make a new plan: tare rerun %" PRId64 " --from parse",
                    state->run.id, state->run.id);
}

/* Asks the cluster for the objects of the plan. */
static int take_cluster(struct stage *stage, struct apply_state *state, struct err *err)
{
    if (cluster_open(stage, &state->cluster, err)) {
        return -1;
    }
    if (live_check(state->cluster, &state->objects, err) == 0) {
        return 0;
    }
    if (err->class == ERR_STALE && err->hint[0] == '\0' && state->run.state == LEDGER_APPLYING) {
        return stale_hint(state, err);
    }
    return err->class != ERR_STALE || err->hint[0] != '\0'
               ? -1
               : err_hint(err, "make a new plan: tare rerun %" PRId64 " --from parse", state->run.id);
}

/* Reads the plan and sees whether anything moved that it was made from. */
static int take_plan(struct stage *stage, struct apply_state *state, struct err *err)
{
    const char *fallback = state->permit.default_namespace;
    if (apply_plan_load(stage, &state->run, fallback, &state->plan, err)) {
        return -1;
    }
    if (stale_check(&state->permit, &state->plan, state->root, state->writer.begun, err)) {
        return err->class == ERR_STALE && state->run.state == LEDGER_APPLYING ? stale_hint(state, err) : -1;
    }
    return state->plan.cluster && count_pending(&state->plan) > 0 ? take_cluster(stage, state, err) : 0;
}

static int decide(struct stage *stage, struct apply_state *state, struct err *err)
{
    struct objection objection;
    if (permit_plan(&state->permit, &state->plan, &objection, err)) {
        return -1;
    }
    if (objection.stands) {
        return refuse_window(stage, state, &objection, err);
    }
    if (check_half_done(state, err)) {
        return -1;
    }
    if (count_pending(&state->plan) == 0) {
        refuse_all(stage, state);
        return 0;
    }
    if (state->plan.cluster && cluster_writer_load(&state->objects, state->cluster, err)) {
        return -1;
    }
    if (state->plan.cluster && state->dry) {
        return rehearse_cluster(stage, state, err);
    }
    if (!state->plan.cluster && write_rehearse(&state->writer, err)) {
        return -1;
    }
    if (state->dry) {
        rehearsed(state);
        return 0;
    }
    return write_plan(stage, state, err);
}

static int run(struct stage *stage, struct err *err)
{
    struct apply_state *state = stage->state;
    if ((!is_open(state) && check_state(stage, state, err)) || take_plan(stage, state, err) || check_state(stage, state, err) ||
        take_override(stage, state, err) || tell_overrides(stage, state, err) || decide(stage, state, err)) {
        return -1;
    }
    return outcome_write(stage, &state->plan, err);
}

static void release(struct stage *stage)
{
    struct apply_state *state = stage->state;
    apply_plan_release(&state->plan);
    writer_release(&state->writer);
    cluster_writer_release(&state->objects);
    cluster_free(state->cluster);
    permit_release(&state->permit);
    inforce_release(&state->inforce);
    free(state->absolute_root);
}

const struct stage_spec apply_stage = {
    .name = "apply",
    .program = FOR_APPLY,
    .summary = "writes the approved changes of a run into the manifests, file by file, and takes them back "
               "on failure",
    .reads = ARTIFACT_BIT(ARTIFACT_GATED),
    .writes = ARTIFACT_OUTCOME,
    .needs = STAGE_NEEDS_LEDGER | STAGE_MUTATES,
    .state_size = sizeof(struct apply_state),
    .begin = begin,
    .run = run,
    .release = release,
};
