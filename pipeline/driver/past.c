#include "pipeline/driver/past.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pipeline/base/log.h"
#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "pipeline/io/fs.h"
#include "pipeline/io/json.h"

/* How far back a run looks, how many runs a report tells of, and how much is sent to the ledger at once. */
enum { PAST_DAYS = 90, PAST_RUNS = 30, PAST_BATCH = 1000, PAST_LINE_MAX = 2 * 1024 * 1024 };

static const char header[] = "{\"tare\":\"history\",\"version\":1}\n";

static int make_folder(struct past *past, struct err *err)
{
    const char *parent = getenv("TMPDIR");
    char *made = xasprintf("%s/tare-past.XXXXXX", parent == NULL || parent[0] == '\0' ? "/tmp" : parent);
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

/* The header and the rows that the ledger has. */
static int write_known(struct session *session, struct past *past, int64_t *rows, struct err *err)
{
    int fd = create_known(past, err);
    if (fd < 0) {
        return -1;
    }
    int failed = fs_write_fd(fd, header, strlen(header), "the history", err) ||
                 ledger_history_copy(session->ledger, past->run, PAST_DAYS, fd, rows, err);
    close(fd);
    return failed ? -1 : 0;
}

int past_open(struct session *session, const struct ledger_run *run, struct past *past, struct err *err)
{
    int64_t rows = 0;
    *past = (struct past){.run = run->id, .cluster = run->cluster};
    if (make_folder(past, err)) {
        return -1;
    }
    past->learned = fs_join(past->folder, "learned");
    past->known = fs_join(past->folder, "known");
    if (write_known(session, past, &rows, err)) {
        return -1;
    }
    log_debug("run %" PRId64 ": %" PRId64 " daily extremes of earlier runs", run->id, rows);
    if (rows == 0) {
        (void)unlink(past->known);
        free(past->known);
        past->known = NULL;
    }
    return 0;
}

int past_tell(struct session *session, const struct ledger_run *run, struct past *past, struct err *err)
{
    *past = (struct past){.run = run->id, .cluster = run->cluster};
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

/* Rows that wait to be sent. */
struct batch {
    struct ledger *ledger;
    const struct past *past;
    json_t *extremes;
    json_t *exchanges;
};

static int send(struct batch *batch, struct err *err)
{
    int failed = (json_array_size(batch->extremes) > 0 &&
                  ledger_series_put(batch->ledger, batch->past->cluster, batch->extremes, err)) ||
                 (json_array_size(batch->exchanges) > 0 &&
                  ledger_llm_put(batch->ledger, batch->past->run, batch->exchanges, err));
    json_array_clear(batch->extremes);
    json_array_clear(batch->exchanges);
    return failed ? -1 : 0;
}

/* One line after the header: an exchange with a model, or the extremes of a day. */
static int take_line(struct batch *batch, const char *line, size_t length, int64_t number, struct err *err)
{
    struct err why = {0};
    json_t *row = json_read(line, length, "what the stage learned", &why);
    if (!json_is_object(row)) {
        json_decref(row);
        return err_set(err, ERR_DATA, "line %" PRId64 " of what the stage learned cannot be read", number);
    }
    json_t *exchange = json_object_get(row, "llm");
    json_array_append(exchange == NULL ? batch->extremes : batch->exchanges,
                      exchange == NULL ? row : exchange);
    json_decref(row);
    bool full = json_array_size(batch->extremes) + json_array_size(batch->exchanges) >= PAST_BATCH;
    return full ? send(batch, err) : 0;
}

static int take_lines(struct batch *batch, FILE *file, struct err *err)
{
    char *line = xmalloc(PAST_LINE_MAX);
    int64_t number = 0;
    int failed = 0;
    while (!failed && fgets(line, PAST_LINE_MAX, file) != NULL) {
        number++;
        failed = number > 1 && take_line(batch, line, strlen(line), number, err);
    }
    if (!failed && ferror(file)) {
        failed = err_errno(err, ERR_IO, errno, "cannot read what the stage learned");
    }
    free(line);
    return failed || send(batch, err) ? -1 : 0;
}

int past_store(struct ledger *ledger, void *context, struct err *err)
{
    const struct past *past = context;
    FILE *file = fopen(past->learned, "r");
    if (file == NULL) {
        /* A stage that wrote none has learned nothing. */
        return errno == ENOENT ? 0 : err_errno(err, ERR_IO, errno, "cannot read what the stage learned");
    }
    struct batch batch = {
        .ledger = ledger, .past = past, .extremes = json_array(), .exchanges = json_array()};
    int failed = take_lines(&batch, file, err);
    json_decref(batch.extremes);
    json_decref(batch.exchanges);
    (void)fclose(file);
    return failed ? -1 : 0;
}
