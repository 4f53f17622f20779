#include "pipeline/driver/reports.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "pipeline/driver/line.h"
#include "pipeline/io/fs.h"

enum { REPORT_MAX = 256 * 1024 * 1024 };

static const struct {
    const char *format;
    const char *ending;
} formats[] = {{"html", "html"}, {"markdown", "md"}, {"csv", "csv"}, {"json", "json"}, {"table", "txt"}};

/* Digest of the newest artifact of the run that stage `first` of the line, or one after it, made: the further along, the more the
 * report can say. ERR_NOINPUT where there is none. */
static int newest(struct session *session, int64_t run, size_t first, char digest[LEDGER_DIGEST_SIZE], struct err *err)
{
    static const char *const outside[] = {"rollback", "apply"};
    struct err missing = {0};
    for (size_t i = 0; i < ARRAY_COUNT(outside); i++) {
        if (ledger_artifact_find(session->ledger, run, outside[i], digest, &missing) == 0) {
            return 0;
        }
    }
    for (size_t i = line_length(); i > first; i--) {
        if (ledger_artifact_find(session->ledger, run, line_stage(i - 1), digest, &missing) == 0) {
            return 0;
        }
    }
    err_set(err, missing.class == ERR_NOINPUT ? ERR_NOINPUT : missing.class, "run %" PRId64 " has no artifact to report on: %s",
            run, missing.message);
    return -1;
}

/* A report needs nothing but the artifact: it can be had where the run's folder is not, by a reviewer on another machine. */
static void leave_folder(json_t *settings)
{
    const char *folder = json_string_or_null(settings, "directory");
    if (folder != NULL && access(folder, X_OK) != 0) {
        json_object_del(settings, "directory");
        json_object_del(settings, "config");
    }
}

/* Runs tare-report with these words (and the run's number) over an artifact; `what` names it in an error. */
static int print_artifact(struct session *session, const struct ledger_run *run, const char *digest, const char *const *words,
                          const char *what, int out, struct err *err)
{
    int in;
    json_t *settings;
    if (line_stored_settings(run, &settings, err)) {
        return -1;
    }
    if (line_fetch(session, digest, &in, err)) {
        json_decref(settings);
        return -1;
    }
    leave_folder(settings);
    int code = 0;
    struct err said = {0};
    int failed = line_exec(session, settings, run->created, "report", words, in, out, &code, &said, err);
    if (!failed && code != 0) {
        failed = err_set(err, err_meaning(code) == NULL ? ERR_SOFTWARE : (enum err_class)code, "%s of run %" PRId64 " failed: %s", what,
                         run->id, said.message);
        err_hint(err, "%s", said.hint);
    }
    close(in);
    json_decref(settings);
    return failed;
}

int reports_one(struct session *session, const struct ledger_run *run, const char *format, int out, struct err *err)
{
    char digest[LEDGER_DIGEST_SIZE];
    if (newest(session, run->id, 0, digest, err)) {
        return -1;
    }
    char *words[] = {xasprintf("--format=%s", format), xasprintf("--run=%" PRId64, run->id)};
    char *what = xasprintf("the %s report", format);
    const char *const extra[] = {words[0], words[1], NULL};
    int failed = print_artifact(session, run, digest, extra, what, out, err);
    free(words[0]);
    free(words[1]);
    free(what);
    return failed;
}

int reports_explain(struct session *session, const struct ledger_run *run, const char *const *words, int out, struct err *err)
{
    char digest[LEDGER_DIGEST_SIZE];
    struct err missing = {0};
    if (newest(session, run->id, line_index("analyze"), digest, &missing)) {
        if (missing.class != ERR_NOINPUT) {
            *err = missing;
            return -1;
        }
        err_set(err, ERR_DATA, "run %" PRId64 " is %s and was not analyzed yet: there is nothing to explain", run->id,
                ledger_state_name(run->state));
        return run->state == LEDGER_RUNNING ? err_hint(err, "tare run --resume %" PRId64 " goes on with it", run->id)
                                            : err_hint(err, "tare status %" PRId64 " tells how far it came", run->id);
    }
    return print_artifact(session, run, digest, words, "the explanation", out, err);
}

int reports_check_format(const char *format, struct err *err)
{
    const char *names[ARRAY_COUNT(formats)];
    for (size_t i = 0; i < ARRAY_COUNT(formats); i++) {
        names[i] = formats[i].format;
        if (strcmp(format, names[i]) == 0) {
            return 0;
        }
    }
    const char *near = str_nearest(format, names, ARRAY_COUNT(names));
    err_set(err, ERR_USAGE, "--format is \"%s\", it must be one of html|markdown|csv|json|table", format);
    return near == NULL ? err_hint(err, "markdown is the default; html has the charts")
                        : err_hint(err, "did you mean %s?", near);
}

static const char *ending_of(const char *format)
{
    for (size_t i = 0; i < ARRAY_COUNT(formats); i++) {
        if (strcmp(formats[i].format, format) == 0) {
            return formats[i].ending;
        }
    }
    return "txt";
}

char *reports_path(const struct session *session, const struct ledger_run *run, const char *format)
{
    size_t index;
    json_t *configured;
    json_array_foreach(config_value(session->config, "reports.formats"), index, configured)
    {
        if (str_equal(json_string_value(configured), format)) {
            char name[64];
            snprintf(name, sizeof name, "run-%" PRId64 ".%s", run->id, ending_of(format));
            return fs_join(config_string(session->config, "reports.directory"), name);
        }
    }
    return NULL;
}

static int write_format(struct session *session, const struct ledger_run *run, const char *format, struct err *err)
{
    int spool;
    if (fs_spool(&spool, err)) {
        return -1;
    }
    struct buf text;
    buf_init(&text, REPORT_MAX);
    char *path = reports_path(session, run, format);
    int failed = reports_one(session, run, format, spool, err);
    if (!failed) {
        lseek(spool, 0, SEEK_SET);
        failed = fs_read_fd(spool, "the report", &text, err) ||
                 fs_make_dirs(config_string(session->config, "reports.directory"), 0755, err) ||
                 fs_replace(path, buf_str(&text), text.length, 0644, err);
    }
    free(path);
    buf_release(&text);
    close(spool);
    return failed ? -1 : 0;
}

int reports_write(struct session *session, const struct ledger_run *run, struct err *err)
{
    size_t index;
    json_t *format;
    json_array_foreach(config_value(session->config, "reports.formats"), index, format)
    {
        if (write_format(session, run, json_string_value(format), err)) {
            return -1;
        }
    }
    return 0;
}
