#include "pipeline/driver/consult.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "pipeline/base/clock.h"
#include "pipeline/base/log.h"
#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "pipeline/cli/stage.h"
#include "pipeline/driver/batch.h"
#include "pipeline/driver/line.h"
#include "pipeline/driver/past.h"
#include "pipeline/driver/words.h"
#include "pipeline/io/fs.h"

/* A stage for a look: what it is made from, and when. */
struct look {
    const json_t *settings;
    const char *created;
};

/* Runs a stage; one that fails has said why itself, and its class becomes the verdict. *ended tells of that. */
static int run_stage(struct session *session, const struct look *look, const char *stage, const char *const *extra, int in, int out,
                     bool *ended, struct err *err)
{
    int code = 0;
    if (in >= 0) {
        lseek(in, 0, SEEK_SET);
    }
    if (line_exec(session, look->settings, look->created, stage, extra, in, out, &code, NULL, err)) {
        return -1;
    }
    *ended = code != 0;
    if (code != 0) {
        session->verdict.class = err_meaning(code) == NULL ? ERR_SOFTWARE : (enum err_class)code;
    }
    return 0;
}

/* tare-analyze over usage, with what the past has. */
static int analyze(struct session *session, const struct look *look, const struct past *past, const char *const *more, int usage,
                   struct err *err)
{
    struct words words = {0};
    bool ended = false;
    if (past->known != NULL) {
        words_add(&words, xasprintf("--history=%s", past->known));
    }
    for (size_t i = 0; more != NULL && more[i] != NULL; i++) {
        words_add(&words, xstrdup(more[i]));
    }
    words_add(&words, NULL);
    fflush(stdout);
    int failed = run_stage(session, look, "analyze", (const char *const *)words.items, usage, STDOUT_FILENO, &ended, err);
    words_release(&words);
    return failed;
}

int consult_run(struct session *session, const struct ledger_run *run, const json_t *settings, const char *const *words,
                struct err *err)
{
    char digest[LEDGER_DIGEST_SIZE];
    struct past past = {0};
    struct look look = {.settings = settings, .created = run->created};
    int usage = -1;
    struct err missing = {0};
    if (ledger_artifact_find(session->ledger, run->id, "collect", digest, &missing)) {
        if (missing.class != ERR_NOINPUT) {
            *err = missing;
            return -1;
        }
        err_set(err, ERR_DATA, "run %" PRId64 " is %s and has no usage: there is nothing to ask a model about", run->id,
                ledger_state_name(run->state));
        return err_hint(err, "tare status %" PRId64 " tells how far it came", run->id);
    }
    if (line_fetch(session, digest, &usage, err)) {
        return -1;
    }
    int failed = past_open(session, run, settings, 0, &past, err) ||
                 analyze(session, &look, &past, words, usage, err);
    past_close(&past);
    close(usage);
    return failed ? -1 : 0;
}

/* What a new run would be told of the past, where a ledger runs: what the newest run was, and what that one heard. Without a ledger or a
 * run of this cluster, or where the ledger refuses, nothing: the estimate is then the most that it can come to. */
static void open_past(struct session *session, const json_t *settings, struct past *past)
{
    const char *cluster = options_string(session->options, OPT_CLUSTER);
    struct ledger_run newest;
    struct err why = {0};
    if (ledger_open_running(session->options, "tare", &session->ledger, &why) ||
        ledger_run_latest(session->ledger, NULL, &session->arena, &newest, &why)) {
        log_info("answers of earlier runs are not taken into account: %s", why.message);
        return;
    }
    if (!str_equal(newest.cluster, cluster == NULL ? "default" : cluster)) {
        return;
    }
    if (past_open(session, &newest, settings, 0, past, &why)) {
        log_info("answers of earlier runs are not taken into account: %s", why.message);
        past_close(past);
    }
}

static int estimate_line(struct session *session, const struct look *look, struct err *err)
{
    struct past past = {0};
    int inventory = -1;
    int usage = -1;
    bool ended = false;
    int failed = fs_spool(&inventory, err) || fs_spool(&usage, err) ||
                 run_stage(session, look, "parse", NULL, -1, inventory, &ended, err) ||
                 (!ended && run_stage(session, look, "collect", NULL, inventory, usage, &ended, err));
    if (!failed && !ended) {
        open_past(session, look->settings, &past);
        failed = analyze(session, look, &past, NULL, usage, err);
    }
    past_close(&past);
    if (inventory >= 0) {
        close(inventory);
    }
    if (usage >= 0) {
        close(usage);
    }
    return failed ? -1 : 0;
}

int consult_estimate(struct session *session, struct err *err)
{
    json_t *settings = NULL;
    char created[RFC3339_MAX];
    if (batch_wanted(session)) {
        err_set(err, ERR_USAGE, "--estimate is for one cluster, and the configuration has several");
        return err_hint(err, "tare run --estimate --cluster NAME");
    }
    if (options_typed(session->options, OPT_CLUSTER) &&
        session_take_cluster(session, options_string(session->options, OPT_CLUSTER), err)) {
        return -1;
    }
    if (line_settings(session, NULL, &settings, err)) {
        return -1;
    }
    struct look look = {.settings = settings, .created = time_format(clock_now(), created)};
    int failed = estimate_line(session, &look, err);
    json_decref(settings);
    return failed;
}
