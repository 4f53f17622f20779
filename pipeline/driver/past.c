#include "pipeline/driver/past.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pipeline/base/log.h"
#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "pipeline/io/fs.h"
#include "pipeline/io/hash.h"
#include "pipeline/io/json.h"
#include "pipeline/run/ledger_answer.h"

/* How far back a run looks, how many runs a report tells of, and how much is sent to the ledger at once. */
enum { PAST_DAYS = 90, DAY_SECONDS = 86400, PAST_RUNS = 30, PAST_BATCH = 1000 };
enum { PAST_BATCH_BYTES = 8 * 1024 * 1024, PAST_LINE_MAX = 2 * 1024 * 1024 };

static const char header[] = "{\"tare\":\"history\",\"version\":1}\n";

static const char *temporary(void)
{
    const char *parent = getenv("TMPDIR");
    return parent == NULL || parent[0] == '\0' ? "/tmp" : parent;
}

static int make_folder(struct past *past, struct err *err)
{
    char *made = xasprintf("%s/tare-past.%s.XXXXXX", temporary(), past->mark);
    /* The stage works in the run's folder: what it is told must not be relative to this one. */
    past->folder = mkdtemp(made) == NULL ? NULL : realpath(made, NULL);
    int failed =
        past->folder == NULL ? err_errno(err, ERR_CANTCREAT, errno, "cannot make the folder %s", made) : 0;
    free(made);
    return failed;
}

/* A file that only this user reads; its descriptor, −1 on failure. */
static int create_known(const struct past *past, struct err *err)
{
    int fd = open(past->known, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    return fd < 0 ? err_errno(err, ERR_CANTCREAT, errno, "cannot create %s", past->known) : fd;
}

/* Batches that an earlier attempt of this run sent. */
static int write_batches(struct session *session, const struct past *past, int fd, int64_t *rows, struct err *err)
{
    json_t *sent;
    if (ledger_llm_batches(session->ledger, past->run, &sent, err)) {
        return -1;
    }
    int failed = 0;
    for (size_t i = 0; i < json_array_size(sent) && !failed; i++) {
        json_t *line = json_pack("{s:O}", "batch", json_array_get(sent, i));
        char *row = json_text(line);
        char *text = xasprintf("%s\n", row);
        failed = fs_write_fd(fd, text, strlen(text), "the history", err);
        free(text);
        free(row);
        json_decref(line);
        (*rows)++;
    }
    json_decref(sent);
    return failed;
}

/* What was spent this month and what models said: for a replay of a run the rows of that one; else what is young enough not to be asked
 * again, and (later in the file, so that they count first) what this run heard in an earlier attempt. */
static int write_models(struct session *session, const struct past *past, int fd, int64_t *rows, struct err *err)
{
    int64_t tokens;
    int64_t microusd;
    char line[120];
    struct ledger *ledger = session->ledger;
    if (ledger_llm_month(ledger, &tokens, &microusd, err)) {
        return -1;
    }
    if (tokens > 0 || microusd > 0) {
        (void)snprintf(line, sizeof line, "{\"spent\":{\"microusd\":%" PRId64 ",\"tokens\":%" PRId64 "}}\n", microusd, tokens);
        (*rows)++;
        if (fs_write_fd(fd, line, strlen(line), "the history", err)) {
            return -1;
        }
    }
    if (past->replayed != 0) {
        return ledger_answers_of(ledger, past->replayed, fd, rows, err);
    }
    return (past->series && ledger_answers_young(ledger, past->run, (int64_t)PAST_DAYS * DAY_SECONDS, fd, rows, err)) ||
                   ledger_answers_of(ledger, past->run, fd, rows, err) || write_batches(session, past, fd, rows, err)
               ? -1
               : 0;
}

/* The header and the rows that the ledger has. A replay sees the series that the run saw. */
static int write_known(struct session *session, struct past *past, int64_t *rows, struct err *err)
{
    int fd = create_known(past, err);
    if (fd < 0) {
        return -1;
    }
    int failed = fs_write_fd(fd, header, strlen(header), "the history", err) ||
                 (past->series && ledger_history_copy(session->ledger, past->replayed != 0 ? past->replayed : past->run, PAST_DAYS, fd,
                                                      rows, err)) ||
                 write_models(session, past, fd, rows, err);
    close(fd);
    return failed ? -1 : 0;
}

/* The file that the stage was writing when it ended early: it stands beside the one it was to become. New, NULL for none. */
static char *unfinished(const struct past *past)
{
    char *found = NULL;
    DIR *folder = opendir(past->folder);
    for (const struct dirent *entry; folder != NULL && (entry = readdir(folder)) != NULL;) {
        if (found == NULL && str_starts(entry->d_name, "learned.")) {
            found = fs_join(past->folder, entry->d_name);
        }
    }
    if (folder != NULL) {
        (void)closedir(folder);
    }
    return found;
}

/* Rows that wait to be sent. */
struct batch {
    struct ledger *ledger;
    const struct past *past;
    bool whole; /* the stage ended well: what it saw counts, too, not only what it was told */
    size_t bytes;
    json_t *extremes;
    json_t *exchanges;
    json_t *answers;
    json_t *batches;
};

static int send(struct batch *batch, struct err *err)
{
    int failed = (json_array_size(batch->extremes) > 0 &&
                  ledger_series_put(batch->ledger, batch->past->cluster, batch->extremes, err)) ||
                 (json_array_size(batch->exchanges) > 0 &&
                  ledger_llm_put(batch->ledger, batch->past->run, batch->exchanges, err)) ||
                 (json_array_size(batch->answers) > 0 &&
                  ledger_answers_put(batch->ledger, batch->past->attempt, batch->answers, err)) ||
                 (json_array_size(batch->batches) > 0 &&
                  ledger_llm_batches_put(batch->ledger, batch->past->attempt, batch->batches, err));
    json_array_clear(batch->extremes);
    json_array_clear(batch->exchanges);
    json_array_clear(batch->answers);
    json_array_clear(batch->batches);
    batch->bytes = 0;
    return failed ? -1 : 0;
}

/* One line after the header: a call to a model, what came of asking about a workload, or the extremes of a day. */
static int take_line(struct batch *batch, const char *line, size_t length, int64_t number, struct err *err)
{
    struct err why = {0};
    json_t *row = json_read(line, length, "what the stage learned", &why);
    if (!json_is_object(row)) {
        json_decref(row);
        return err_set(err, ERR_DATA, "line %" PRId64 " of what the stage learned cannot be read", number);
    }
    json_t *exchange = json_object_get(row, "llm");
    json_t *answer = json_object_get(row, "answer");
    json_t *sent = json_object_get(row, "batch");
    if (exchange != NULL) {
        json_array_append(batch->exchanges, exchange);
    } else if (answer != NULL) {
        json_array_append(batch->answers, answer);
    } else if (sent != NULL) {
        json_array_append(batch->batches, sent);
    } else if (batch->whole && batch->past->series) {
        json_array_append(batch->extremes, row);
    }
    json_decref(row);
    batch->bytes += length;
    size_t rows = json_array_size(batch->extremes) + json_array_size(batch->exchanges) + json_array_size(batch->answers) +
                  json_array_size(batch->batches);
    return rows >= PAST_BATCH || batch->bytes >= PAST_BATCH_BYTES ? send(batch, err) : 0;
}

/* A program that was killed may have left half a line behind. */
static int take_lines(struct batch *batch, FILE *file, struct err *err)
{
    char *line = xmalloc(PAST_LINE_MAX);
    int64_t number = 0;
    int failed = 0;
    while (!failed && fgets(line, PAST_LINE_MAX, file) != NULL) {
        size_t length = strlen(line);
        bool half = !batch->whole && (length == 0 || line[length - 1] != '\n');
        number++;
        failed = number > 1 && !half && take_line(batch, line, length, number, err);
    }
    if (!failed && ferror(file)) {
        failed = err_errno(err, ERR_IO, errno, "cannot read what the stage learned");
    }
    free(line);
    return failed || send(batch, err) ? -1 : 0;
}

static int take_file(struct ledger *ledger, const struct past *past, const char *path, bool whole, struct err *err)
{
    FILE *file = fopen(path, "r");
    if (file == NULL) {
        /* A stage that wrote none has learned nothing. */
        return errno == ENOENT ? 0 : err_errno(err, ERR_IO, errno, "cannot read what the stage learned");
    }
    struct batch batch = {.ledger = ledger,
                          .past = past,
                          .whole = whole,
                          .extremes = json_array(),
                          .exchanges = json_array(),
                          .answers = json_array(),
                          .batches = json_array()};
    int failed = take_lines(&batch, file, err);
    json_decref(batch.extremes);
    json_decref(batch.exchanges);
    json_decref(batch.answers);
    json_decref(batch.batches);
    (void)fclose(file);
    return failed ? -1 : 0;
}

int past_store(struct ledger *ledger, void *context, struct err *err)
{
    const struct past *past = context;
    return take_file(ledger, past, past->learned, true, err);
}

void past_leave(struct past *past, const struct err *why)
{
    past->waits = past->learned != NULL && why->class == ERR_TEMPFAIL;
    if (past->waits) {
        log_warn("what models said stays in %s until the run goes on: %s", past->folder, why->message);
    }
}

void past_salvage(struct ledger *ledger, struct past *past)
{
    struct err err = {0};
    if (past->learned == NULL) {
        return;
    }
    char *rest = access(past->learned, F_OK) == 0 ? xstrdup(past->learned) : unfinished(past);
    if (rest != NULL && take_file(ledger, past, rest, false, &err)) {
        past_leave(past, &err);
        if (!past->waits) {
            log_warn("what models said in this attempt is not kept: %s", err.message);
        }
    }
    free(rest);
}

/* One folder that a conductor left behind: what models said there, and away with it once it is stored. Nobody works on the run but this
 * process, which holds its lock. */
static void inherit(struct ledger *ledger, const struct past *past, const char *path)
{
    struct stat about;
    struct past left = *past;
    if (lstat(path, &about) != 0 || !S_ISDIR(about.st_mode) || about.st_uid != geteuid()) {
        return;
    }
    left.folder = xstrdup(path);
    left.learned = fs_join(path, "learned");
    left.known = fs_join(path, "known");
    past_salvage(ledger, &left);
    past_close(&left);
}

/* What an earlier conductor of this run, killed or cut from the ledger before it could store it, had heard. */
static void past_inherit(struct ledger *ledger, const struct past *past)
{
    char *name = xasprintf("tare-past.%s.", past->mark);
    const char *own = past->folder == NULL ? NULL : strrchr(past->folder, '/') + 1;
    DIR *folder = opendir(temporary());
    for (const struct dirent *entry; folder != NULL && (entry = readdir(folder)) != NULL;) {
        if (str_starts(entry->d_name, name) && !str_equal(entry->d_name, own)) {
            char *path = fs_join(temporary(), entry->d_name);
            inherit(ledger, past, path);
            free(path);
        }
    }
    if (folder != NULL) {
        (void)closedir(folder);
    }
    free(name);
}

/* Part of a folder's name that another run, of this ledger or another, does not have. */
static void past_mark(const struct ledger_run *run, char mark[PAST_MARK])
{
    char digest[DIGEST_HEX];
    char *text = xasprintf("%" PRId64 " %s %s %s", run->id, run->created == NULL ? "" : run->created, run->cluster,
                           run->settings == NULL ? "" : run->settings);
    hash_bytes(text, strlen(text), digest);
    free(text);
    (void)snprintf(mark, PAST_MARK, "%.24s", digest);
}

int past_open(struct session *session, const struct ledger_run *run, const json_t *settings, int64_t attempt, struct past *past,
              struct err *err)
{
    int64_t rows = 0;
    *past = (struct past){.run = run->id,
                          .attempt = attempt,
                          .cluster = run->cluster,
                          .series = json_bool_or(settings, "history", true),
                          .created = run->created,
                          .replayed = json_int_or(settings, "replay", 0)};
    if (attempt == 0) {
        (void)snprintf(past->mark, PAST_MARK, "look"); /* nobody takes this folder over while it is in use */
    } else {
        past_mark(run, past->mark);
    }
    struct ledger_run replayed;
    if (past->replayed != 0) {
        if (ledger_run_get(session->ledger, past->replayed, &session->arena, &replayed, err)) {
            return -1;
        }
        past->created = replayed.created;
    }
    if (make_folder(past, err)) {
        return -1;
    }
    past->learned = fs_join(past->folder, "learned");
    past->known = fs_join(past->folder, "known");
    if (attempt != 0) {
        past_inherit(session->ledger, past);
    }
    if (write_known(session, past, &rows, err)) {
        return -1;
    }
    log_debug("run %" PRId64 ": %" PRId64 " daily extremes and answers of earlier runs", run->id, rows);
    if (rows == 0) {
        (void)unlink(past->known);
        free(past->known);
        past->known = NULL;
    }
    return 0;
}

int past_tell(struct session *session, const struct ledger_run *run, struct past *past, struct err *err)
{
    *past = (struct past){.run = run->id, .cluster = run->cluster, .mark = "report"};
    json_t *known = NULL;
    if (ledger_past(session->ledger, run->id, PAST_RUNS, &known, err) || make_folder(past, err)) {
        json_decref(known);
        return -1;
    }
    char *text = json_text(known);
    json_decref(known);
    past->known = fs_join(past->folder, "known");
    int fd = create_known(past, err);
    int failed = fd < 0 || fs_write_fd(fd, text, strlen(text), "what the ledger knows", err);
    if (fd >= 0) {
        close(fd);
    }
    free(text);
    return failed ? -1 : 0;
}

void past_close(struct past *past)
{
    char *rest;
    if (past->waits) { /* what was learned stays, and with it the folder */
        free(past->learned);
        past->learned = NULL;
    }
    while (past->folder != NULL && past->learned != NULL && (rest = unfinished(past)) != NULL) {
        int gone = unlink(rest);
        free(rest);
        if (gone != 0) {
            break;
        }
    }
    char *files[] = {past->known, past->learned};
    for (size_t i = 0; i < ARRAY_COUNT(files); i++) {
        if (files[i] != NULL) {
            (void)unlink(files[i]);
            free(files[i]);
        }
    }
    if (past->folder != NULL) {
        (void)rmdir(past->folder);
        free(past->folder);
    }
    *past = (struct past){0};
}
