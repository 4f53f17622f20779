#include "pipeline/driver/batch_view.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/money.h"
#include "pipeline/base/str.h"
#include "pipeline/driver/line.h"
#include "pipeline/driver/reports.h"
#include "pipeline/driver/rows.h"
#include "pipeline/driver/totals.h"
#include "pipeline/io/fs.h"
#include "pipeline/run/ledger_batch.h"

static void money_cell(struct table *table, const json_t *row, const char *key)
{
    int64_t value;
    char money[MONEY_TEXT];
    table_cell(table, json_get_int(row, key, &value) ? money_format(value, money) : NULL);
}

static void run_cells(struct table *table, const json_t *run)
{
    int64_t later = json_int_or(run, "later", 0);
    table_cell(table, json_string_or_null(run, "cluster"));
    rows_int_cell(table, run, "run");
    if (later > 0) {
        table_cellf(table, "%s (by run %" PRId64 ")", json_string_or_null(run, "state"), later);
    } else {
        table_cell(table, json_string_or_null(run, "state"));
    }
    rows_int_cell(table, run, "workloads");
    rows_int_cell(table, run, "changes");
    rows_int_cell(table, run, "approvals_missing");
    money_cell(table, run, "monthly_before_microusd");
    money_cell(table, run, "monthly_after_microusd");
    money_cell(table, run, "monthly_saving_microusd");
}

/* The sums over the runs that count; the others with their reason. */
static void print_sums(const json_t *batch)
{
    static const char *const keys[] = {"monthly_before_microusd", "monthly_after_microusd", "monthly_saving_microusd"};
    char money[ARRAY_COUNT(keys)][MONEY_TEXT];
    int64_t sums[ARRAY_COUNT(keys)] = {0};
    size_t counted = 0;
    size_t index;
    json_t *run;
    json_array_foreach(json_object_get(batch, "runs"), index, run)
    {
        bool counts = json_bool_or(run, "counted", false);
        counted += counts;
        for (size_t i = 0; counts && i < ARRAY_COUNT(keys); i++) {
            sums[i] = add_amounts(sums[i], json_int_or(run, keys[i], 0));
        }
        if (!counts && json_int_or(run, "later", 0) == 0) {
            const char *reason = json_string_or_null(run, "reason");
            printf("not in the sums: %s (run %" PRId64 ") is %s%s%s\n", json_string_or_null(run, "cluster"), json_int_or(run, "run", 0),
                   json_string_or_null(run, "state"), reason == NULL ? "" : ": ", reason == NULL ? "" : reason);
        }
    }
    for (size_t i = 0; i < ARRAY_COUNT(keys); i++) {
        money_format(sums[i], money[i]);
    }
    printf("%zu cluster%s: monthly %s now, %s after, %s saved\n", counted, counted == 1 ? "" : "s", money[0], money[1], money[2]);
}

int batch_status(struct session *session, bool json, struct err *err)
{
    static const char *const heads[] = {"CLUSTER",  ">RUN", "STATE", ">WORKLOADS", ">CHANGES", ">APPROVALS MISSING",
                                        ">MONTHLY NOW", ">AFTER", ">SAVED"};
    json_t *batch;
    if (ledger_batch_get(session->ledger, options_string(session->options, OPT_BATCH), &batch, err)) {
        return -1;
    }
    if (json) {
        return rows_json(batch);
    }
    printf("batch %s, started %s by %s\n", json_string_or_null(batch, "batch"), json_string_or_null(batch, "created"),
           json_string_or_null(batch, "started_by"));
    rows_print(json_incref(json_object_get(batch, "runs")), heads, ARRAY_COUNT(heads), run_cells, NULL);
    print_sums(batch);
    if (json_bool_or(batch, "narrowed", false)) {
        puts("runs that you do not see are not listed");
    }
    json_decref(batch);
    return 0;
}

/* A folder that only this user can enter, with the list of runs and the artifacts of those that count. */
struct handed {
    char *folder;
    char *list; /* FOLDER/batch.json */
};

static int make_folder(struct handed *handed, struct err *err)
{
    const char *parent = getenv("TMPDIR");
    char *made = xasprintf("%s/tare-batch.XXXXXX", parent == NULL || parent[0] == '\0' ? "/tmp" : parent);
    handed->folder = mkdtemp(made) == NULL ? NULL : realpath(made, NULL);
    int failed = handed->folder == NULL ? err_errno(err, ERR_CANTCREAT, errno, "cannot make the folder %s", made) : 0;
    free(made);
    return failed;
}

static char *artifact_path(const struct handed *handed, const json_t *run)
{
    return xasprintf("%s/run-%" PRId64, handed->folder, json_int_or(run, "run", 0));
}

static int create(const char *path, int *fd, struct err *err)
{
    *fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    return *fd < 0 ? err_errno(err, ERR_CANTCREAT, errno, "cannot create %s", path) : 0;
}

/* The newest artifact of a run that counts. One that is not kept any more takes the run out of the sums, which the report says. */
static int hand_artifact(struct session *session, const struct handed *handed, json_t *run, struct err *err)
{
    char digest[LEDGER_DIGEST_SIZE];
    struct err missing = {0};
    int64_t id = json_int_or(run, "run", 0);
    if (reports_newest(session, id, 0, digest, &missing)) {
        if (missing.class != ERR_NOINPUT) {
            *err = missing;
            return -1;
        }
        json_object_set_new(run, "counted", json_false());
        json_object_set_new(run, "reason", json_string_safe(missing.message));
        return 0;
    }
    int fd;
    char *path = artifact_path(handed, run);
    int failed = create(path, &fd, err);
    free(path);
    if (failed) {
        return -1;
    }
    failed = ledger_artifact_copy(session->ledger, digest, fd, err);
    close(fd);
    return failed;
}

static int hand_list(const struct handed *handed, json_t *batch, struct err *err)
{
    int fd;
    json_object_set_new(batch, "tare", json_string("batch"));
    json_object_set_new(batch, "version", json_integer(1));
    if (create(handed->list, &fd, err)) {
        return -1;
    }
    char *text = json_text(batch);
    int failed = fs_write_fd(fd, text, strlen(text), handed->list, err);
    free(text);
    close(fd);
    return failed;
}

static int hand_over(struct session *session, json_t *batch, struct handed *handed, struct err *err)
{
    size_t index;
    json_t *run;
    if (make_folder(handed, err)) {
        return -1;
    }
    handed->list = fs_join(handed->folder, "batch.json");
    json_array_foreach(json_object_get(batch, "runs"), index, run)
    {
        if (json_bool_or(run, "counted", false) && hand_artifact(session, handed, run, err)) {
            return -1;
        }
    }
    return hand_list(handed, batch, err);
}

static void take_away(const struct handed *handed, const json_t *batch)
{
    size_t index;
    json_t *run;
    json_array_foreach(json_object_get(batch, "runs"), index, run)
    {
        char *path = handed->folder == NULL ? NULL : artifact_path(handed, run);
        if (path != NULL) {
            (void)unlink(path);
        }
        free(path);
    }
    if (handed->list != NULL) {
        (void)unlink(handed->list);
    }
    if (handed->folder != NULL) {
        (void)rmdir(handed->folder);
    }
    free(handed->list);
    free(handed->folder);
}

/* Runs tare-report over what was handed over; the configuration is read here, and not by it. */
static int print(struct session *session, const json_t *batch, const struct handed *handed, const char *format, int out, struct err *err)
{
    char *words[] = {xasprintf("--runs=%s", handed->list), xasprintf("--format=%s", format),
                     xasprintf("--team-label=%s", options_string(session->options, OPT_TEAM_LABEL)), NULL};
    json_t *settings = json_object();
    const char *created = json_string_or_null(batch, "created");
    struct err said = {0};
    int code = 0;
    int failed = line_exec(session, settings, created, "report", (const char *const *)words, -1, out, &code, &said, err);
    if (!failed && code != 0) {
        failed = err_set(err, err_meaning(code) == NULL ? ERR_SOFTWARE : (enum err_class)code, "the report of batch %s failed: %s",
                         json_string_or_null(batch, "batch"), said.message);
        err_hint(err, "%s", said.hint);
    }
    for (size_t i = 0; words[i] != NULL; i++) {
        free(words[i]);
    }
    json_decref(settings);
    return failed;
}

int batch_report(struct session *session, const char *format, int out, struct err *err)
{
    json_t *batch;
    struct handed handed = {0};
    if (ledger_batch_get(session->ledger, options_string(session->options, OPT_BATCH), &batch, err)) {
        return -1;
    }
    int failed = hand_over(session, batch, &handed, err) || print(session, batch, &handed, format, out, err);
    take_away(&handed, batch);
    json_decref(batch);
    return failed ? -1 : 0;
}
