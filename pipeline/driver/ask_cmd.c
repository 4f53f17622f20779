#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

#include "pipeline/base/log.h"
#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "pipeline/driver/command.h"
#include "pipeline/driver/line.h"
#include "pipeline/driver/reports.h"
#include "pipeline/driver/words.h"
#include "pipeline/io/fs.h"
#include "pipeline/io/proc.h"

static const char usage[] = "tare ask \"QUESTION\" [RUN]";

/* The run that is named, else the newest that this login sees. */
static int find_run(struct session *session, struct ledger_run *run, struct err *err)
{
    bool given = false;
    int64_t id = options_integer(session->options, OPT_RUN, &given);
    bool named = options_operands(session->options) > 1;
    if (named && given) {
        err_set(err, ERR_USAGE, "the run is named twice: %s and --run %" PRId64, options_operand(session->options, 1), id);
        return err_hint(err, "usage: %s", usage);
    }
    if (named && session_run_id(session, 1, &id, err)) {
        return -1;
    }
    if (named || given) {
        return ledger_run_get(session->ledger, id, &session->arena, run, err);
    }
    if (ledger_run_latest(session->ledger, NULL, &session->arena, run, err)) {
        if (err->class == ERR_NOINPUT) {
            err_set(err, ERR_NOINPUT, "there is no run yet that this login sees");
            err_hint(err, "tare run makes one");
        }
        return -1;
    }
    log_info("run %" PRId64 ", the newest: %s, of %s", run->id, ledger_state_name(run->state), run->created);
    return 0;
}

/* What tare-ask is told. Its question is data: it comes behind `--`. */
static struct words build_words(const struct session *session, const struct ledger_run *run)
{
    struct words words = {0};
    const char *cluster = config_cluster(session->config);
    words_add(&words, xstrdup("tare-ask"));
    if (session->config_file != NULL) {
        words_add(&words, xasprintf("--config=%s", session->config_file));
    }
    words_add_all(&words, options_forward(session->options, FOR_ASK, false));
    words_add_all(&words, options_forward(session->options, FOR_REPORT, true)); /* not the ledger: it needs none */
    words_add(&words, xasprintf("--run=%" PRId64, run->id));
    if (cluster != NULL && !options_typed(session->options, OPT_CLUSTER)) {
        words_add(&words, xasprintf("--cluster=%s", cluster));
    }
    words_add(&words, xstrdup("--"));
    words_add(&words, xstrdup(options_operand(session->options, 0)));
    words_add(&words, NULL);
    return words;
}

/* Runs tare-ask over the artifact; it says itself what is wrong. */
static int answer(struct session *session, const struct ledger_run *run, int artifact, struct err *err)
{
    struct words words = build_words(session, run);
    char *path = fs_join(session->bin_directory, "tare-ask");
    const struct proc proc = {.path = path, .argv = words.items, .stdin_fd = artifact, .stdout_fd = STDOUT_FILENO};
    int code = 0;
    int failed = proc_run(&proc, &code, err);
    if (!failed && code != 0) {
        session->verdict.class = err_meaning(code) == NULL ? ERR_SOFTWARE : (enum err_class)code;
    }
    free(path);
    words_release(&words);
    return failed;
}

int command_ask(struct session *session, struct err *err)
{
    struct ledger_run run;
    char digest[LEDGER_DIGEST_SIZE];
    int artifact = -1;
    if (session_operands(session, 1, 2, usage, err) || find_run(session, &run, err)) {
        return -1;
    }
    session_follow(session, run.cluster);
    if (reports_newest(session, run.id, 0, digest, err)) {
        return err->class == ERR_NOINPUT ? err_hint(err, "tare status %" PRId64 " tells how far it came", run.id) : -1;
    }
    if (line_fetch(session, digest, &artifact, err)) {
        return -1;
    }
    int failed = answer(session, &run, artifact, err);
    close(artifact);
    return failed;
}
