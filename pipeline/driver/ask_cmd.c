#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pipeline/base/log.h"
#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "pipeline/driver/command.h"
#include "pipeline/driver/line.h"
#include "pipeline/driver/reports.h"
#include "pipeline/io/fs.h"
#include "pipeline/run/ledger_answer.h"

enum { CALLS_MAX = 4 * 1024 * 1024 };

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

/* Whether a model is configured or named. */
static bool asks_model(const struct session *session)
{
    const char *typed = options_string(session->options, OPT_LLM);
    const char *first = json_string_value(json_array_get(config_value(session->config, "analysis.providers"), 0));
    const char *which = typed != NULL ? typed : first;
    return which != NULL && !str_equal(which, "rules");
}

/* What tare-ask is told. Its question is data: it comes behind `--`. `calls`: the file for what it asked of a model, NULL: none. */
static struct words build_words(const struct session *session, const struct ledger_run *run, const char *calls, bool offline)
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
    if (offline) {
        words_add(&words, xstrdup("--llm=rules"));
    }
    if (calls != NULL) {
        words_add(&words, xasprintf("--history-out=%s", calls));
    }
    words_add(&words, xstrdup("--"));
    words_add(&words, xstrdup(options_operand(session->options, 0)));
    return words;
}

/* Calls to models that tare-ask wrote down, as the ledger takes them. New; ERR_DATA where a line is none. */
static int read_calls(const char *path, json_t **out, struct err *err)
{
    struct buf text;
    char *rest = NULL;
    buf_init(&text, CALLS_MAX);
    *out = json_array();
    int failed = fs_read(path, &text, err);
    char *line = failed || text.length == 0 ? NULL : strtok_r(text.data, "\n", &rest);
    for (; line != NULL && !failed; line = strtok_r(NULL, "\n", &rest)) {
        json_t *row = json_read(line, strlen(line), "a call to a model", err);
        failed = row == NULL ? -1 : 0;
        if (json_is_object(json_object_get(row, "llm"))) {
            json_array_append(*out, json_object_get(row, "llm"));
        }
        json_decref(row);
    }
    buf_release(&text);
    return failed;
}

/* What was paid for counts in the month's bill. A login that may not write it down has asked all the same. */
static void keep_calls(struct session *session, const struct ledger_run *run, const char *path)
{
    json_t *calls = NULL;
    struct err why = {0};
    int failed = read_calls(path, &calls, &why);
    if (!failed && json_array_size(calls) > 0) {
        failed = ledger_llm_put(session->ledger, run->id, calls, &why);
    }
    if (failed) {
        log_warn("the ledger does not keep what the model cost: %s", why.message);
    }
    json_decref(calls);
}

/* Whether the month's budget leaves nothing: then no model is asked, or the question is refused. */
static int check_month(struct session *session, bool *offline, struct err *err)
{
    int64_t most = config_integer(session->config, "analysis.max_tokens_per_month", -1);
    int64_t tokens = 0;
    int64_t microusd = 0;
    *offline = false;
    if (most < 0 || !asks_model(session)) {
        return 0;
    }
    if (ledger_llm_month(session->ledger, &tokens, &microusd, err)) {
        return -1;
    }
    *offline = tokens >= most;
    if (*offline && str_equal(config_string(session->config, "analysis.over_budget"), "refuse")) {
        err_set(err, ERR_REFUSED, "%" PRId64 " tokens were spent this month, and analysis.max_tokens_per_month allows %" PRId64,
                tokens, most);
        return err_hint(err, "ask without a model: tare ask --llm rules");
    }
    if (*offline) {
        log_warn("no model is asked: %" PRId64 " tokens were spent this month, and analysis.max_tokens_per_month allows %" PRId64,
                 tokens, most);
    }
    return 0;
}

/* The answer, and into the ledger what it took. */
static int answer(struct session *session, const struct ledger_run *run, int artifact, struct err *err)
{
    bool offline = false;
    int calls = -1;
    char *path = NULL;
    if (check_month(session, &offline, err)) {
        return -1;
    }
    if (asks_model(session) && !offline && !options_typed(session->options, OPT_HISTORY_OUT)) {
        const char *parent = getenv("TMPDIR");
        path = xasprintf("%s/tare-ask.XXXXXX", parent == NULL || parent[0] == '\0' ? "/tmp" : parent);
        calls = mkstemp(path); /* mode 0600 */
    }
    struct words words = build_words(session, run, calls < 0 ? NULL : path, offline);
    int failed = session_run_beside(session, &words, artifact, STDOUT_FILENO, err);
    if (calls >= 0) {
        keep_calls(session, run, path);
        (void)unlink(path);
        close(calls);
    }
    free(path);
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
