#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pipeline/base/log.h"
#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "pipeline/driver/command.h"
#include "pipeline/driver/confirm.h"
#include "pipeline/driver/line.h"
#include "pipeline/driver/notify.h"
#include "pipeline/driver/reports.h"
#include "pipeline/driver/view.h"
#include "pipeline/io/fs.h"
#include "pipeline/run/artifact.h"

/* Options of this command that the stage takes, typed now: they are not those of the run. */
struct act {
    const char *stage;
    programs program;
    struct ledger_run run;
    json_t *settings;
    char *run_word;
    char **forwarded;
};

static int act_prepare(struct session *session, struct act *act, const char *usage, struct err *err)
{
    int64_t id;
    if (session_operands(session, 1, 1, usage, err) || session_run_id(session, 0, &id, err) ||
        ledger_run_get(session->ledger, id, &session->arena, &act->run, err) ||
        line_stored_settings(&act->run, &act->settings, err)) {
        return -1;
    }
    session_follow(session, act->run.cluster);
    act->run_word = xasprintf("--run=%" PRId64, id);
    act->forwarded = options_forward(session->options, act->program, false);
    return 0;
}

static void act_release(struct act *act)
{
    for (size_t i = 0; act->forwarded != NULL && act->forwarded[i] != NULL; i++) {
        free(act->forwarded[i]);
    }
    free(act->forwarded);
    free(act->run_word);
    json_decref(act->settings);
}

/* Whether `fd` holds a whole artifact: an apply that was rolled back exits 80 and still tells what it did. */
static bool whole_outcome(int fd)
{
    struct artifact_reader *reader;
    struct err ignored = {0};
    lseek(fd, 0, SEEK_SET);
    if (artifact_reader_new(fd, "outcome", ARTIFACT_BIT(ARTIFACT_OUTCOME), &reader, &ignored)) {
        return false;
    }
    int got;
    json_t *record;
    while ((got = artifact_read(reader, &record, &ignored)) > 0) {
        json_decref(record);
    }
    artifact_reader_free(reader);
    lseek(fd, 0, SEEK_SET);
    return got == 0;
}

static const char *reason_of(const struct err *said)
{
    return said->message[0] == '\0' ? "no reason given" : said->message;
}

static int keep_outcome(struct session *session, const struct act *act, int64_t attempt, int out, int code,
                        const struct err *said, struct err *err)
{
    char digest[LEDGER_DIGEST_SIZE];
    if (whole_outcome(out)) {
        return ledger_artifact_store(session->ledger, attempt, artifact_kind_name(ARTIFACT_OUTCOME), out, digest, err);
    }
    if (code == 0) {
        return err_set(err, ERR_SOFTWARE, "tare-%s ended without a whole artifact", act->stage);
    }
    return ledger_attempt_fail(session->ledger, attempt, code, reason_of(said), err);
}

/* The run's word and every typed option, however many: a --workload that got lost would narrow a rollback unseen. New array of
 * borrowed words; free(). */
static const char **act_words(const struct act *act)
{
    size_t count = 0;
    while (act->forwarded[count] != NULL) {
        count++;
    }
    const char **words = xcalloc_array(count + 2, sizeof *words);
    words[0] = act->run_word;
    for (size_t i = 0; i < count; i++) {
        words[i + 1] = act->forwarded[i];
    }
    return words;
}

/* What was asked for, as in "was not …". Objects that could be put back are back, whatever stands in the way of others. */
static const char *done_of(const struct session *session, const struct act *act, enum err_class class)
{
    if (strcmp(act->stage, "apply") == 0) {
        return "applied";
    }
    return options_flag(session->options, OPT_REDO) ? "written again"
           : class == ERR_ROLLBACK_FAILED          ? "wholly rolled back"
                                                   : "rolled back";
}

/* Runs the stage over `in` and keeps its outcome. The stage itself takes the run in the ledger, so that it is as safe by hand. */
static int act_stage(struct session *session, struct act *act, int in, const char *input, struct err *err)
{
    int out;
    int64_t attempt = 0;
    bool dry = options_flag(session->options, OPT_DRY_RUN);
    if (fs_spool(&out, err)) {
        return -1;
    }
    const char **words = act_words(act);
    int code = 0;
    struct err said = {0};
    int failed = (!dry && ledger_attempt_begin(session->ledger, act->run.id, act->stage, input, NULL, &attempt, err)) ||
                 line_exec(session, act->settings, act->run.created, act->stage, words, in, out, &code, &said, err);
    if (!failed && !dry) {
        failed = keep_outcome(session, act, attempt, out, code, &said, err);
    }
    if (!failed && code != 0) {
        enum err_class class = err_meaning(code) == NULL ? ERR_SOFTWARE : (enum err_class)code;
        err_set(&session->verdict, class, "run %" PRId64 " was not %s: %s", act->run.id, done_of(session, act, class), reason_of(&said));
        if (said.hint[0] != '\0') {
            err_hint(&session->verdict, "%s", said.hint);
        } else {
            err_hint(&session->verdict, "tare status %" PRId64, act->run.id);
        }
    }
    free(words);
    close(out);
    return failed ? -1 : 0;
}

static int act_conclude(struct session *session, struct act *act, struct err *err)
{
    struct ledger_run run;
    if (ledger_run_get(session->ledger, act->run.id, &session->arena, &run, err)) {
        return -1;
    }
    if (!options_flag(session->options, OPT_DRY_RUN)) {
        notify_tell(session, &run, act->stage);
        if (reports_write(session, &run, err)) {
            return -1;
        }
    } else if (session->verdict.class == ERR_NONE) {
        log_info("dry run: every check holds, nothing was written");
    }
    return view_run(session, &run, err);
}

/* The plan's artifact. One that is gone, or not as it was stored, is not what was approved. */
static int fetch_plan(struct session *session, const struct act *act, int *changes, struct err *err)
{
    char digest[LEDGER_DIGEST_SIZE];
    if (ledger_artifact_find(session->ledger, act->run.id, "diff", digest, err) == 0) {
        if (strcmp(digest, act->run.plan_digest) != 0) {
            err_set(err, ERR_STALE, "the plan is stale: the artifact of the stage diff is %s, expected was %s", digest,
                    act->run.plan_digest);
            return err_hint(err, "tare audit verify; make a new plan: tare rerun %" PRId64 " --from parse", act->run.id);
        }
        if (line_fetch(session, digest, changes, err) == 0) {
            return 0;
        }
    }
    if (err->class == ERR_DATA || err->class == ERR_NOINPUT) {
        err->class = ERR_STALE;
        err_prefix(err, "the plan is stale: the artifact of the stage diff");
    }
    return -1;
}

/* The gate looks again at the very plan: windows, approvals and guardrails as they are now. */
static int gate_now(struct session *session, struct act *act, int *gated, struct err *err)
{
    int changes;
    if (fetch_plan(session, act, &changes, err)) {
        return -1;
    }
    int code = 0;
    struct err said = {0};
    int failed = fs_spool(gated, err);
    if (!failed) {
        const char *const words[] = {act->run_word, NULL};
        failed = line_exec(session, act->settings, act->run.created, "gate", words, changes, *gated, &code, &said, err);
        if (!failed && code != 0) {
            failed = err_set(err, err_meaning(code) == NULL ? ERR_SOFTWARE : (enum err_class)code, "the gate failed: %s",
                             reason_of(&said));
            err_hint(err, "%s", said.hint);
        }
        if (failed) {
            close(*gated);
        }
    }
    close(changes);
    return failed ? -1 : 0;
}

static int apply(struct session *session, struct act *act, struct err *err)
{
    int gated;
    char question[120];
    snprintf(question, sizeof question, "apply run %" PRId64 " (plan %.12s)?", act->run.id,
             act->run.plan_digest == NULL ? "-" : act->run.plan_digest);
    if (act->run.plan_digest == NULL) {
        err_set(err, ERR_REFUSED, "run %" PRId64 " is %s and has no plan", act->run.id, ledger_state_name(act->run.state));
        return err_hint(err, "tare status %" PRId64, act->run.id);
    }
    if (!options_flag(session->options, OPT_DRY_RUN) && confirm(session, question, err)) {
        return -1;
    }
    if (gate_now(session, act, &gated, err)) {
        return -1;
    }
    lseek(gated, 0, SEEK_SET);
    int failed = act_stage(session, act, gated, NULL, err);
    close(gated);
    if (failed || act_conclude(session, act, err) == 0) {
        return failed;
    }
    if (session->verdict.class != ERR_NONE) { /* what is stale, or was pruned, may be what a report is made of */
        log_warn("%s", err->message);
        *err = (struct err){0};
        return 0;
    }
    return -1;
}

int command_apply(struct session *session, struct err *err)
{
    struct act act = {.stage = "apply", .program = FOR_APPLY};
    const char *usage = "tare apply RUN [--dry-run] [--resume] [--no-wait] [--override WINDOW --reason TEXT] [--yes]";
    int failed = act_prepare(session, &act, usage, err) || apply(session, &act, err);
    act_release(&act);
    return failed ? -1 : 0;
}

static int rollback(struct session *session, struct act *act, struct err *err)
{
    char digest[LEDGER_DIGEST_SIZE];
    char question[120];
    int in;
    bool redo = options_flag(session->options, OPT_REDO);
    snprintf(question, sizeof question, redo ? "write again what run %" PRId64 " changed?" : "put back what run %" PRId64 " changed?",
             act->run.id);
    if ((!options_flag(session->options, OPT_DRY_RUN) && confirm(session, question, err)) ||
        ledger_artifact_find(session->ledger, act->run.id, "gate", digest, err)) {
        return -1;
    }
    if (line_fetch(session, digest, &in, err)) {
        return err_prefix(err, "run %" PRId64 " cannot be rolled back", act->run.id);
    }
    int failed = act_stage(session, act, in, digest, err);
    close(in);
    return failed || act_conclude(session, act, err) ? -1 : 0;
}

int command_rollback(struct session *session, struct err *err)
{
    struct act act = {.stage = "rollback", .program = FOR_ROLLBACK};
    const char *usage = "tare rollback RUN [--workload NAMESPACE/KIND/NAME] "
                        "[--force NAMESPACE/KIND/NAME] [--redo] [--dry-run] [--resume] [--yes]";
    int failed = act_prepare(session, &act, usage, err) || rollback(session, &act, err);
    act_release(&act);
    return failed ? -1 : 0;
}
