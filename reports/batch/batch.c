#include "reports/batch/batch.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pipeline/base/buf.h"
#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "pipeline/io/fs.h"
#include "pipeline/io/json.h"
#include "reports/text/insight.h"
#include "reports/text/summary.h"

enum { FACTS_MAX = 32 * 1024 * 1024, NAME_MAX_BYTES = 1024, SENTENCE_MAX = 8192, SEVERITY_CRITICAL = 4 };

/* What the walk over one run's workloads fills. */
struct gathering {
    struct batch_report *batch;
    size_t run;
};

static char *text_of(const json_t *object, const char *key)
{
    return xstrdup_null(json_string_or_null(object, key));
}

static char *workload_name(const struct report_row *row)
{
    struct buf name;
    buf_init(&name, NAME_MAX_BYTES);
    buf_printf(&name, "%s%s%s/", row->namespace == NULL ? "" : row->namespace, row->namespace == NULL ? "" : "/", row->kind);
    buf_add_str(&name, row->name);
    char *text = buf_steal(&name);
    str_trim_utf8(text);
    return text;
}

static void item_release(struct batch_item *item)
{
    free(item->workload);
    free(item->message);
}

/* Keeps the workload where its saving is among the largest; of equal ones the earlier stays before. */
static void take_saving(struct batch_report *batch, size_t run, const struct report_row *row)
{
    int64_t saving = row->before - row->after;
    if (row->group != REPORT_CHANGES || !row->priced || saving <= 0) {
        return;
    }
    size_t at = batch->top_count;
    while (at > 0 && batch->top[at - 1].before - batch->top[at - 1].after < saving) {
        at--;
    }
    if (at == BATCH_TOP_MAX) {
        return;
    }
    if (batch->top_count == BATCH_TOP_MAX) {
        item_release(&batch->top[--batch->top_count]);
    }
    memmove(&batch->top[at + 1], &batch->top[at], (batch->top_count - at) * sizeof batch->top[0]);
    batch->top[at] = (struct batch_item){.run = run, .workload = workload_name(row), .before = row->before, .after = row->after};
    batch->top_count++;
}

static void take_critical(struct batch_report *batch, size_t run, const struct report_row *row)
{
    if (row->severity != SEVERITY_CRITICAL) {
        return;
    }
    batch->critical_total++;
    if (batch->critical_count < BATCH_CRITICAL_MAX) {
        batch->critical[batch->critical_count++] = (struct batch_item){
            .run = run, .workload = workload_name(row), .message = xstrdup(report_message(insight_worst_finding(row->record)))};
    }
}

static int gather(const struct report *report, const struct report_row *row, size_t place, void *context, struct err *err)
{
    (void)report;
    (void)place;
    (void)err;
    struct gathering *gathering = context;
    take_saving(gathering->batch, gathering->run, row);
    take_critical(gathering->batch, gathering->run, row);
    return 0;
}

static int64_t problems_of(const struct report *report)
{
    int64_t sum = 0;
    const char *code;
    json_t *count;
    json_object_foreach(report->problems, code, count)
    {
        sum += json_integer_value(count);
    }
    return sum;
}

/* What the batch keeps of a run's report. */
static int take_report(struct batch_report *batch, struct batch_run *run, const struct report *report, struct err *err)
{
    struct buf text;
    run->sums = report->totals;
    run->problems = problems_of(report);
    figure_other_currency(report, run->sums.before - run->sums.after, run->saving);
    buf_init(&text, SENTENCE_MAX);
    summary_prices(report, &text);
    run->prices = buf_steal(&text);
    batch->counted++;
    batch->problems += run->problems;
    if (!report_sums_add(&batch->totals, &run->sums)) {
        return err_set(err, ERR_DATA, "the costs of the clusters up to %s come to more than can be added up", run->cluster);
    }
    return 0;
}

static int read_artifact(struct batch_report *batch, size_t index, const char *path, const char *team_label, struct err *err)
{
    struct batch_run *run = &batch->runs[index];
    struct gathering gathering = {batch, index};
    struct artifact_reader *reader = NULL;
    struct report report;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return err_errno(err, ERR_NOINPUT, errno, "cannot read the artifact of run %" PRId64 ": %s", run->run, path);
    }
    int failed = report_init(&report, false, err);
    report.team_label = team_label;
    report.watch = gather;
    report.watch_context = &gathering;
    failed = failed || artifact_reader_new(fd, path, ARTIFACT_ANY, &reader, err) || report_read(&report, reader, run->run, err) ||
             take_report(batch, run, &report, err);
    artifact_reader_free(reader);
    report_release(&report);
    close(fd);
    return failed ? -1 : 0;
}

static int read_run(struct batch_report *batch, const json_t *facts, struct err *err)
{
    struct batch_run *run = &batch->runs[batch->run_count++];
    run->run = json_int_or(facts, "run", 0);
    run->cluster = text_of(facts, "cluster");
    run->state = text_of(facts, "state");
    run->created = text_of(facts, "created");
    run->plan = text_of(facts, "plan");
    run->reason = text_of(facts, "reason");
    run->counted = json_bool_or(facts, "counted", false);
    run->later = json_int_or(facts, "later", 0);
    run->missing = json_int_or(facts, "approvals_missing", -1);
    if (run->run <= 0 || run->cluster == NULL || run->state == NULL) {
        return err_set(err, ERR_DATA, "the list of runs has one without number, cluster or state");
    }
    return 0;
}

static int read_facts(struct batch_report *batch, const json_t *facts, const char *path, struct err *err)
{
    const json_t *runs = json_object_get(facts, "runs");
    if (!str_equal(json_string_or_null(facts, "tare"), "batch") || json_int_or(facts, "version", 0) != 1 ||
        json_string_or_null(facts, "batch") == NULL || !json_is_array(runs) || json_array_size(runs) > BATCH_RUNS_MAX) {
        err_set(err, ERR_DATA, "%s is no list of runs that this program knows", path);
        return err_hint(err, "tare report --batch NAME makes one and reads it");
    }
    batch->name = text_of(facts, "batch");
    batch->created = text_of(facts, "created");
    batch->started_by = text_of(facts, "started_by");
    batch->narrowed = json_bool_or(facts, "narrowed", false);
    batch->runs = xcalloc_array(json_array_size(runs) + 1, sizeof *batch->runs);
    for (size_t i = 0; i < json_array_size(runs); i++) {
        if (read_run(batch, json_array_get(runs, i), err)) {
            return err_prefix(err, "%s", path);
        }
    }
    return 0;
}

static int read_runs(struct batch_report *batch, const char *path, const char *team_label, struct err *err)
{
    char *folder = fs_dirname(path);
    int failed = 0;
    for (size_t i = 0; i < batch->run_count && !failed; i++) {
        if (batch->runs[i].counted) {
            char *file = xasprintf("%s/run-%" PRId64, folder, batch->runs[i].run);
            failed = read_artifact(batch, i, file, team_label, err);
            free(file);
        }
    }
    free(folder);
    return failed;
}

int batch_read(struct batch_report *batch, const char *path, const char *team_label, struct err *err)
{
    struct buf text;
    *batch = (struct batch_report){.totals = report_no_sums()};
    buf_init(&text, FACTS_MAX);
    json_t *facts = fs_read(path, &text, err) ? NULL : json_read(buf_str(&text), text.length, path, err);
    buf_release(&text);
    int failed = facts == NULL || read_facts(batch, facts, path, err) || read_runs(batch, path, team_label, err);
    json_decref(facts);
    return failed ? -1 : 0;
}

void batch_release(struct batch_report *batch)
{
    for (size_t i = 0; i < batch->run_count; i++) {
        struct batch_run *run = &batch->runs[i];
        free(run->cluster);
        free(run->state);
        free(run->created);
        free(run->plan);
        free(run->reason);
        free(run->prices);
    }
    for (size_t i = 0; i < batch->top_count; i++) {
        item_release(&batch->top[i]);
    }
    for (size_t i = 0; i < batch->critical_count; i++) {
        item_release(&batch->critical[i]);
    }
    free(batch->runs);
    free(batch->name);
    free(batch->created);
    free(batch->started_by);
}
