#include "pipeline/driver/line.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pipeline/base/clock.h"
#include "pipeline/base/log.h"
#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "pipeline/driver/past.h"
#include "pipeline/driver/plan.h"
#include "pipeline/driver/private_file.h"
#include "pipeline/io/fs.h"
#include "pipeline/run/artifact.h"

enum { TRIES = 3, BACK_OFF_MS = 1000, LOCK_TRIES = 60, LOCK_WAIT_MS = 50 };

static const struct {
    const char *name;
    enum artifact_kind kind;
} line[] = {
#define X(stage, artifact) {#stage, artifact},
#include "pipeline/run/line.def"
#undef X
};

/* What is handed from stage to stage. */
struct progress {
    struct session *session;
    const struct ledger_run *run;
    json_t *settings;
    int fd;                            /* artifact of the stage before, -1 before the first */
    char digest[LEDGER_DIGEST_SIZE];   /* its digest, "" before the first */
    char plan[LEDGER_DIGEST_SIZE];     /* digest of the changes */
};

size_t line_length(void)
{
    return ARRAY_COUNT(line);
}

const char *line_stage(size_t index)
{
    return line[index].name;
}

size_t line_index(const char *name)
{
    size_t i = 0;
    while (i < ARRAY_COUNT(line) && strcmp(line[i].name, name) != 0) {
        i++;
    }
    return i;
}

static void advance(struct progress *progress, size_t stage, int fd, const char *digest)
{
    if (progress->fd >= 0) {
        close(progress->fd);
    }
    progress->fd = fd;
    memcpy(progress->digest, digest, LEDGER_DIGEST_SIZE);
    if (line[stage].kind == ARTIFACT_CHANGES) {
        memcpy(progress->plan, digest, LEDGER_DIGEST_SIZE);
    }
}

/* Signals that a program gets for its own fault: another try would end the same way. */
static bool is_crash(int signal_number)
{
    return signal_number == SIGSEGV || signal_number == SIGABRT || signal_number == SIGBUS || signal_number == SIGILL ||
           signal_number == SIGFPE;
}

static int stage_failed(struct progress *progress, const char *stage, int64_t attempt, int code, const struct err *said,
                        struct err *err)
{
    const char *why = said->message[0] == '\0' ? "it printed no reason" : said->message;
    if (ledger_attempt_fail(progress->session->ledger, attempt, code, why, err)) {
        return -1;
    }
    if (progress->session->interrupted != 0) {
        return err_set(err, ERR_TEMPFAIL, "run %" PRId64 " was interrupted in its %s", progress->run->id, stage);
    }
    enum err_class class = err_meaning(code) == NULL ? ERR_SOFTWARE : (enum err_class)code;
    if (code > 128) {
        err_set(err, is_crash(code - 128) ? ERR_SOFTWARE : ERR_TEMPFAIL,
                "the stage %s of run %" PRId64 " was ended by signal %d", stage, progress->run->id, code - 128);
        return is_crash(code - 128)
                   ? err_hint(err, "a bug in tare: please report it with the output of tare status %" PRId64, progress->run->id)
                   : -1; /* the run is not over: end_failed says how it goes on */
    }
    err_set(err, class, "the stage %s of run %" PRId64 " failed: %s", stage, progress->run->id, why);
    return err_hint(err, "mend that, then: tare rerun %" PRId64 " --from %s", progress->run->id, stage);
}

/* Runs the stage's program from the artifact before to `out`; what it learned of the past and for later runs is in `past`. */
static int run_program(struct progress *progress, size_t stage, const struct past *past, int out, int *code, struct err *said,
                       struct err *err)
{
    char *words[4] = {NULL};
    size_t count = 0;
    char *proposal = NULL;
    bool proposes = progress->run->proposal != NULL && line[stage].kind == ARTIFACT_RECOMMENDATIONS;
    if (proposes && private_file_make(progress->run->proposal, &proposal, err)) {
        return -1;
    }
    if (proposes) {
        words[count++] = xasprintf("--proposal=%s", proposal);
    }
    if (line[stage].kind == ARTIFACT_GATED) {
        words[count++] = xasprintf("--run=%" PRId64, progress->run->id);
    }
    if (past->known != NULL) {
        words[count++] = xasprintf("--history=%s", past->known);
    }
    if (past->learned != NULL) {
        words[count++] = xasprintf("--history-out=%s", past->learned);
    }
    if (progress->fd >= 0) {
        lseek(progress->fd, 0, SEEK_SET);
    }
    const char *const extra[] = {words[0], words[1], words[2], words[3], NULL};
    const char *created = past->created == NULL ? progress->run->created : past->created;
    int failed = line_exec(progress->session, progress->settings, created, line[stage].name, extra, progress->fd, out, code, said, err);
    private_file_remove(proposal);
    for (size_t i = 0; i < count; i++) {
        free(words[i]);
    }
    return failed;
}

/* A replay gives the very artifact that it replays, unless something else than the models changed. */
static void compare_replay(const struct progress *progress, const struct past *past, const char *digest)
{
    char then[LEDGER_DIGEST_SIZE];
    struct err none = {0};
    if (past->replayed == 0 || ledger_artifact_find(progress->session->ledger, past->replayed, "analyze", then, &none)) {
        return;
    }
    if (strcmp(digest, then) == 0) {
        log_info("the recommendations are those of run %" PRId64 ", byte for byte", past->replayed);
    } else {
        log_warn("the recommendations are not those of run %" PRId64 ": its options, its configuration or tare itself changed since",
                 past->replayed);
    }
}

/* The stage's program, and what it gave into the ledger: its artifact and what it learned, both or neither. */
static int work(struct progress *progress, size_t stage, int64_t id, struct past *past, int out, bool *again, struct err *err)
{
    struct session *session = progress->session;
    int code = 0;
    struct err said = {0};
    char digest[LEDGER_DIGEST_SIZE];
    if (run_program(progress, stage, past, out, &code, &said, err)) {
        return -1;
    }
    if (code != 0) {
        *again = err_retryable(code) && session->interrupted == 0;
        past_salvage(session->ledger, past);
        return stage_failed(progress, line[stage].name, id, code, &said, err);
    }
    /* Before the stage counts as finished, so that a run that is resumed after it has its namespaces. */
    if (line[stage].kind == ARTIFACT_INVENTORY && plan_namespaces(session, progress->run, out, err)) {
        return -1;
    }
    if (ledger_artifact_store_with(session->ledger, id, artifact_kind_name(line[stage].kind), out,
                                   past->learned == NULL ? NULL : past_store, past, digest, err)) {
        past_leave(past, err);
        return -1;
    }
    compare_replay(progress, past, digest);
    advance(progress, stage, out, digest);
    return 0;
}

/* One attempt at a stage. *again tells whether another one may help. */
static int attempt(struct progress *progress, size_t stage, bool *again, struct err *err)
{
    struct session *session = progress->session;
    struct past past = {0};
    int64_t id;
    int out;
    *again = false;
    if (ledger_attempt_begin(session->ledger, progress->run->id, line[stage].name,
                             progress->digest[0] == '\0' ? NULL : progress->digest, NULL, &id, err) ||
        fs_spool(&out, err)) {
        return -1;
    }
    bool learns = line[stage].kind == ARTIFACT_RECOMMENDATIONS;
    int failed = (learns && past_open(session, progress->run, progress->settings, id, &past, err)) ||
                 work(progress, stage, id, &past, out, again, err);
    past_close(&past);
    if (failed) {
        close(out);
    }
    return failed ? -1 : 0;
}

static int run_stage(struct progress *progress, size_t stage, struct err *err)
{
    for (int try = 1;; try++) {
        bool again = false;
        log_debug("run %" PRId64 ": %s", progress->run->id, line[stage].name);
        if (attempt(progress, stage, &again, err) == 0) {
            return 0;
        }
        if (!again || try == TRIES) {
            return -1;
        }
        log_warn("%s; trying again", err->message);
        clock_sleep_ms((int64_t)BACK_OFF_MS << try);
    }
}

/* Takes over what an earlier process (or the parent run) has finished; *next is the first stage that is missing. */
static int take_finished(struct progress *progress, size_t *next, struct err *err)
{
    struct session *session = progress->session;
    char digest[LEDGER_DIGEST_SIZE];
    size_t done = 0;
    char last[LEDGER_DIGEST_SIZE] = "";
    for (; done < ARRAY_COUNT(line); done++) {
        struct err missing = {0};
        if (ledger_artifact_find(session->ledger, progress->run->id, line[done].name, digest, &missing)) {
            if (missing.class != ERR_NOINPUT) {
                *err = missing;
                return -1;
            }
            break;
        }
        memcpy(last, digest, sizeof last);
        if (line[done].kind == ARTIFACT_CHANGES) {
            memcpy(progress->plan, digest, sizeof progress->plan);
        }
    }
    *next = done;
    if (done == 0) {
        return 0;
    }
    int fd;
    if (line_fetch(session, last, &fd, err)) {
        return -1;
    }
    progress->fd = fd;
    memcpy(progress->digest, last, sizeof last);
    return 0;
}

/* A run that is resumed must use what it began with; a changed configuration is a new run. */
static int check_config(const struct progress *progress, struct err *err)
{
    const char *began = json_string_or_null(progress->settings, "config_sha256");
    const char *path = json_string_or_null(progress->settings, "config");
    char now[DIGEST_HEX];
    if (began == NULL || path == NULL) {
        return 0;
    }
    if (line_config_digest(progress->settings, now, err)) {
        return -1;
    }
    if (strcmp(began, now) != 0) {
        err_set(err, ERR_STALE, "%s changed since run %" PRId64 " began (sha256 %.12s then, %.12s now)", path,
                progress->run->id, began, now);
        return err_hint(err, "start a new run, or: tare rerun %" PRId64 " --from parse", progress->run->id);
    }
    return 0;
}

static int run_stages(struct progress *progress, struct err *err)
{
    size_t next;
    if (check_config(progress, err) || take_finished(progress, &next, err)) {
        return -1;
    }
    for (size_t stage = next; stage < ARRAY_COUNT(line); stage++) {
        progress->session->interrupted = 0;
        if (run_stage(progress, stage, err)) {
            return -1;
        }
        if (progress->session->interrupted != 0) {
            return err_set(err, ERR_TEMPFAIL, "run %" PRId64 " was interrupted after its %s", progress->run->id, line[stage].name);
        }
    }
    return 0;
}

/* A failure of the work ends the run; a lost ledger or a signal leaves it to be resumed. */
static int end_failed(struct session *session, const struct ledger_run *run, struct err *why)
{
    if (why->class == ERR_TEMPFAIL) {
        return err_hint(why, "tare run --resume %" PRId64 " goes on with it", run->id);
    }
    if (why->class == ERR_STALE) {
        return -1;
    }
    struct err ignored = {0};
    ledger_run_fail(session->ledger, run->id, why->message, &ignored);
    return -1;
}

/* Another tare that looks for interrupted runs holds the lock for a moment, and so does the session of one that was just killed. */
static int lock_run(struct session *session, int64_t run, struct err *err)
{
    for (int try = 1;; try++) {
        struct err why = {0};
        if (ledger_run_lock(session->ledger, run, &why) == 0) {
            return 0;
        }
        if (why.class != ERR_TEMPFAIL || try == LOCK_TRIES) {
            *err = why;
            return -1;
        }
        clock_sleep_ms(LOCK_WAIT_MS);
    }
}

/* What the run is now that its lock is held: a conductor killed at its last statement may have left the database to end the run
 * after this one had read it as running. */
static int read_state(struct session *session, int64_t id, enum ledger_state *state, struct err *err)
{
    struct ledger_run now;
    if (ledger_run_get(session->ledger, id, &session->arena, &now, err)) {
        return -1;
    }
    *state = now.state;
    return 0;
}

int line_run(struct session *session, const struct ledger_run *run, enum ledger_state *state, struct err *err)
{
    struct progress progress = {.session = session, .run = run, .fd = -1};
    if (lock_run(session, run->id, err) || read_state(session, run->id, state, err)) {
        return -1;
    }
    if (*state != LEDGER_RUNNING) {
        log_info("run %" PRId64 " is %s: nothing is left to do", run->id, ledger_state_name(*state));
        return 0;
    }
    if (line_stored_settings(run, &progress.settings, err)) {
        return -1;
    }
    int failed = run_stages(&progress, err) || plan_register(session, run, progress.plan, progress.fd, state, err);
    if (failed) {
        failed = end_failed(session, run, err);
    }
    if (progress.fd >= 0) {
        close(progress.fd);
    }
    json_decref(progress.settings);
    return failed;
}
