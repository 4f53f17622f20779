#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pipeline/base/clock.h"
#include "pipeline/base/log.h"
#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "pipeline/cli/stage.h"
#include "pipeline/driver/batch.h"
#include "pipeline/driver/command.h"
#include "pipeline/driver/consult.h"
#include "pipeline/driver/line.h"
#include "pipeline/driver/notify.h"
#include "pipeline/driver/reports.h"
#include "pipeline/driver/schedule.h"
#include "pipeline/driver/view.h"
#include "pipeline/run/ledger_answer.h"

/* Writes the configured reports and tells what became of the run and what to type next. */
static int conclude(struct session *session, int64_t id, struct err *err)
{
    struct ledger_run run;
    bool json;
    if (ledger_run_get(session->ledger, id, &session->arena, &run, err) || session_json(session, &json, err)) {
        return -1;
    }
    notify_tell(session, &run, "run");
    if (reports_write(session, &run, err)) {
        log_warn("%s", err->message);
        *err = (struct err){0};
    }
    if (json ? view_run_json(session, &run, err) : view_run(session, &run, err)) {
        return -1;
    }
    if (run.state == LEDGER_FAILED && run.plan_digest != NULL) {
        err_set(&session->verdict, ERR_REFUSED, "every change of run %" PRId64 " is blocked", id);
        err_hint(&session->verdict, "tare status %" PRId64 " gives the reasons", id);
    }
    return 0;
}

static int go(struct session *session, const struct ledger_run *run, struct err *err)
{
    enum ledger_state state = run->state;
    if (line_run(session, run, &state, err)) {
        return -1;
    }
    return conclude(session, run->id, err);
}

static int make_run(struct session *session, struct ledger_run *run, struct err *err)
{
    json_t *settings;
    if (line_settings(session, NULL, &settings, err)) {
        return -1;
    }
    const char *cluster = options_string(session->options, OPT_CLUSTER);
    /* A run that is repeated under the same TARE_NOW gives the same bytes, however long opening took. */
    char started[RFC3339_MAX];
    int64_t start;
    struct ledger_run_new wanted = {
        .created = clock_is_set(&start) ? time_format(start, started) : NULL,
        .cluster = cluster == NULL ? "default" : cluster,
        .target = options_string(session->options, OPT_TARGET),
        .program = tare_version(),
        .settings = settings,
        .schedule = session->schedule,
    };
    int failed = ledger_run_create(session->ledger, &wanted, &session->arena, run, err);
    json_decref(settings);
    return failed;
}

/* A run that another process was killed in stays `running`; say so rather than let it lie. */
static void mention_interrupted(struct session *session)
{
    struct ledger_run old;
    struct err none = {0};
    if (ledger_run_latest(session->ledger, "running", &session->arena, &old, &none) == 0 &&
        ledger_run_lock(session->ledger, old.id, &none) == 0) {
        /* It may have ended between the two. */
        if (ledger_run_get(session->ledger, old.id, &session->arena, &old, &none) == 0 && old.state == LEDGER_RUNNING) {
            log_info("run %" PRId64 " was interrupted; tare run --resume would go on with it", old.id);
        }
        ledger_run_unlock(session->ledger, old.id, &none);
    }
}

static int resume(struct session *session, struct err *err)
{
    struct ledger_run run;
    int failed;
    if (options_operands(session->options) > 0) {
        int64_t id;
        failed = session_operands(session, 1, 1, "tare run --resume [RUN]", err) || session_run_id(session, 0, &id, err) ||
                 ledger_run_get(session->ledger, id, &session->arena, &run, err);
    } else {
        failed = ledger_run_latest(session->ledger, "running", &session->arena, &run, err);
        if (failed && err->class == ERR_NOINPUT) {
            err_set(err, ERR_NOINPUT, "there is no interrupted run to go on with");
            err_hint(err, "tare run starts a new one");
        }
    }
    if (failed) {
        return -1;
    }
    if (run.state == LEDGER_FAILED && run.plan_digest == NULL) {
        err_set(err, ERR_USAGE, "run %" PRId64 " failed and cannot go on: %s", run.id,
                run.reason == NULL ? "no reason was given" : run.reason);
        return err_hint(err, "mend that, then: tare rerun %" PRId64 " --from parse", run.id);
    }
    if (run.state != LEDGER_RUNNING) {
        session_follow(session, run.cluster);
        log_info("run %" PRId64 " is %s: nothing is left to do", run.id, ledger_state_name(run.state));
        return conclude(session, run.id, err);
    }
    json_t *settings;
    if (line_stored_settings(&run, &settings, err)) {
        return -1;
    }
    failed = line_check_typed(session, settings, run.id, err);
    json_decref(settings);
    if (failed) {
        return -1;
    }
    session_follow(session, run.cluster);
    log_info("going on with run %" PRId64, run.id);
    return go(session, &run, err);
}

/* What is wrong must show before the work, not after it. */
static int check_early(struct session *session, struct err *err)
{
    bool json;
    return session_json(session, &json, err) || notify_check_config(session, err) ? -1 : 0;
}

/* An estimate is a table, whatever the run would print. */
static int check_estimate(const struct session *session, struct err *err)
{
    const char *format = options_string(session->options, OPT_FORMAT);
    if (options_typed(session->options, OPT_FORMAT) && !str_equal(format, "table")) {
        err_set(err, ERR_USAGE, "--estimate prints a table, and --format is \"%s\"", format);
        return err_hint(err, "leave --format out; its last column is the dollars");
    }
    return 0;
}

static int refuse_estimate(struct err *err)
{
    err_set(err, ERR_USAGE, "--estimate begins no run and goes on with none");
    return err_hint(err, "tare run --estimate, or of a run that has its usage: tare rerun RUN --from analyze --estimate");
}

int command_run(struct session *session, struct err *err)
{
    if (session->schedule == NULL && options_given(session->options, OPT_SCHEDULE)) {
        return schedule_fire(session, err);
    }
    if (session->schedule == NULL && options_flag(session->options, OPT_NOW)) {
        err_set(err, ERR_USAGE, "--now belongs to tare run --schedule");
        return err_hint(err, "a run without a schedule starts now");
    }
    if (options_given(session->options, OPT_FROM)) {
        err_set(err, ERR_USAGE, "--from belongs to tare rerun");
        return err_hint(err, "tare rerun RUN --from STAGE");
    }
    if (options_flag(session->options, OPT_REPLAY)) {
        err_set(err, ERR_USAGE, "--replay belongs to tare rerun: a new run has no answers yet");
        return err_hint(err, "tare rerun RUN --replay");
    }
    if (options_flag(session->options, OPT_ESTIMATE)) {
        bool other = options_flag(session->options, OPT_RESUME) || options_given(session->options, OPT_BATCH);
        return other ? refuse_estimate(err) : check_estimate(session, err) || consult_estimate(session, err) ? -1 : 0;
    }
    if (check_early(session, err)) {
        return -1;
    }
    const char *batch = options_string(session->options, OPT_BATCH);
    if (options_flag(session->options, OPT_RESUME)) {
        return batch != NULL ? batch_resume(session, batch, err) : resume(session, err);
    }
    if (batch != NULL) {
        err_set(err, ERR_USAGE, "--batch names runs that were started already");
        return err_hint(err, "tare run --resume --batch %s goes on with those that did not end", batch);
    }
    struct ledger_run run;
    mention_interrupted(session);
    if (batch_wanted(session)) {
        return batch_start(session, err);
    }
    if (options_typed(session->options, OPT_CLUSTER) &&
        session_take_cluster(session, options_string(session->options, OPT_CLUSTER), err)) {
        return -1;
    }
    if (make_run(session, &run, err)) {
        return -1;
    }
    return go(session, &run, err);
}

/* The run whose answers are taken, into the settings. Only the analysis itself can be replayed, from the evidence that was had. */
static int rerun_replay(struct session *session, int64_t id, const char *from, json_t *settings, struct err *err)
{
    int64_t source = 0;
    if (line_index(from) != line_index("analyze")) {
        err_set(err, ERR_USAGE, "--replay repeats an analysis, and --from %s %s", from,
                line_index(from) < line_index("analyze") ? "would give it other evidence" : "leaves it as it is");
        return err_hint(err, "tare rerun %" PRId64 " --replay", id);
    }
    if (ledger_answers_source(session->ledger, id, &source, err)) {
        return -1;
    }
    if (source == 0) {
        err_set(err, ERR_NOINPUT, "the ledger holds no answers of a model for the analysis of run %" PRId64, id);
        return err_hint(err, "tare rerun %" PRId64 " --from analyze analyzes anew", id);
    }
    json_object_set_new(settings, "replay", json_integer(source));
    return 0;
}

int command_rerun(struct session *session, struct err *err)
{
    int64_t id;
    struct ledger_run old;
    json_t *base;
    const char *from = options_string(session->options, OPT_FROM);
    bool replay = options_flag(session->options, OPT_REPLAY);
    if (from == NULL && replay) {
        from = "analyze";
    }
    if (session_operands(session, 1, 1, "tare rerun RUN --from STAGE, or --replay", err) || session_run_id(session, 0, &id, err) ||
        check_early(session, err)) {
        return -1;
    }
    if (options_flag(session->options, OPT_RESUME)) {
        err_set(err, ERR_USAGE, "--resume belongs to tare run");
        return err_hint(err, "tare run --resume %" PRId64, id);
    }
    if (from == NULL) {
        err_set(err, ERR_USAGE, "tare rerun needs the stage to start from");
        return err_hint(err, "tare rerun %" PRId64 " --from parse, collect, analyze, price, diff or gate", id);
    }
    if (ledger_run_get(session->ledger, id, &session->arena, &old, err) || line_stored_settings(&old, &base, err)) {
        return -1;
    }
    session_follow(session, old.cluster);
    json_t *settings = NULL;
    struct ledger_run run;
    const char *keep[16];
    size_t count = line_index(from);
    for (size_t i = 0; i < count; i++) {
        keep[i] = line_stage(i);
    }
    if (options_flag(session->options, OPT_ESTIMATE)) {
        int refused = check_estimate(session, err) || line_settings(session, base, &settings, err) ||
                      consult_run(session, &old, settings, NULL, err);
        json_decref(base);
        json_decref(settings);
        return refused ? -1 : 0;
    }
    int failed = line_settings(session, base, &settings, err) || (replay && rerun_replay(session, id, from, settings, err)) ||
                 ledger_rerun(session->ledger, id, keep, count, settings, &session->arena, &run, err);
    json_decref(base);
    json_decref(settings);
    if (failed) {
        return -1;
    }
    log_info("run %" PRId64 " takes the place of run %" PRId64 " from %s on", run.id, id, from);
    return go(session, &run, err);
}
