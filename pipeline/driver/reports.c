#include "pipeline/driver/reports.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pipeline/base/log.h"
#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "pipeline/driver/line.h"
#include "pipeline/driver/other.h"
#include "pipeline/driver/past.h"
#include "pipeline/io/fs.h"

static const struct {
    const char *format;
    const char *ending;
} formats[] = {{"html", "html"}, {"markdown", "md"}, {"csv", "csv"}, {"json", "json"},
             {"junit", "xml"}, {"prometheus", "prom"}, {"table", "txt"}};

int reports_newest(struct session *session, int64_t run, size_t first, char digest[LEDGER_DIGEST_SIZE], struct err *err)
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

enum { WORDS_MAX = 6 };

/* What tare-report is told besides the run's own settings. */
static void report_words(const struct session *session, const struct ledger_run *run, const char *format, const struct past *past,
                         const struct other *other, char *words[WORDS_MAX + 1])
{
    size_t count = 0;
    words[count++] = xasprintf("--format=%s", format);
    words[count++] = xasprintf("--run=%" PRId64, run->id);
    if (past->known != NULL) {
        words[count++] = xasprintf("--past=%s", past->known);
    }
    if (options_given(session->options, OPT_TEAM_LABEL)) {
        words[count++] = xasprintf("--team-label=%s", options_string(session->options, OPT_TEAM_LABEL));
    }
    if (options_given(session->options, OPT_MAX_BYTES)) {
        words[count++] = xasprintf("--max-bytes=%" PRId64, options_integer(session->options, OPT_MAX_BYTES, NULL));
    }
    if (other->file != NULL) {
        words[count++] = xasprintf("--compare=%s", other->file);
    }
    words[count] = NULL;
}

/* The run that --compare names, as a file; nothing without it. */
static int fetch_other(struct session *session, struct other *other, struct err *err)
{
    const char *text = options_string(session->options, OPT_COMPARE);
    int64_t id = 0;
    char digest[LEDGER_DIGEST_SIZE];
    struct ledger_run run;
    *other = (struct other){0};
    if (text == NULL) {
        return 0;
    }
    if (str_int64(text, 1, INT64_MAX, &id)) {
        err_set(err, ERR_USAGE, "--compare: \"%s\" is not the number of a run", text);
        return err_hint(err, "tare status lists the runs");
    }
    return ledger_run_get(session->ledger, id, &session->arena, &run, err) || reports_newest(session, id, 0, digest, err) ||
                   other_open(session, id, digest, other, err)
               ? -1
               : 0;
}

int reports_one(struct session *session, const struct ledger_run *run, const char *format, int out, struct err *err)
{
    char digest[LEDGER_DIGEST_SIZE];
    struct past past = {0};
    struct other other;
    struct err why = {0};
    if (fetch_other(session, &other, err) || reports_newest(session, run->id, 0, digest, err)) {
        other_close(&other);
        return -1;
    }
    if (other.file == NULL && past_tell(session, run, &past, &why)) {
        log_warn("the report of run %" PRId64 " says nothing of earlier runs: %s", run->id, why.message);
        past_close(&past);
    }
    char *words[WORDS_MAX + 1];
    report_words(session, run, format, &past, &other, words);
    char *what = xasprintf("the %s report", format);
    int failed = print_artifact(session, run, digest, (const char *const *)words, what, out, err);
    for (size_t i = 0; words[i] != NULL; i++) {
        free(words[i]);
    }
    free(what);
    past_close(&past);
    other_close(&other);
    return failed;
}

int reports_explain(struct session *session, const struct ledger_run *run, const char *const *words, int out, struct err *err)
{
    char digest[LEDGER_DIGEST_SIZE];
    struct err missing = {0};
    if (reports_newest(session, run->id, line_index("analyze"), digest, &missing)) {
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
    err_set(err, ERR_USAGE, "--format is \"%s\", it must be one of html|markdown|csv|json|junit|prometheus|table", format);
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
    char *path = reports_path(session, run, format);
    int failed = reports_one(session, run, format, spool, err) ||
                 fs_make_dirs(config_string(session->config, "reports.directory"), 0755, err) ||
                 fs_replace_from(path, spool, 0644, err);
    free(path);
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
