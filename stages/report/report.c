#include "stages/report/report.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "pipeline/io/fs.h"
#include "reports/batch/render.h"
#include "reports/compare/render.h"
#include "reports/explain/explain.h"
#include "reports/model/model.h"
#include "reports/render.h"
#include "reports/text/sink.h"
#include "stages/report/fleet.h"

enum { REPORT_FILE_MODE = 0644 };

/* Where a report grows: standard output, or a spool that becomes the file. */
static int begin(struct report_sink *sink, const char *path, struct err *err)
{
    int fd = STDOUT_FILENO;
    if (path != NULL && fs_spool(&fd, err)) {
        return -1;
    }
    sink_init(sink, fd);
    return 0;
}

/* A file is replaced whole or not at all. */
static int finish(struct report_sink *sink, int failed, const char *path, struct err *err)
{
    if (path != NULL) {
        failed = failed || fs_replace_from(path, sink->fd, REPORT_FILE_MODE, err);
        close(sink->fd);
    }
    sink_release(sink);
    return failed ? -1 : 0;
}

static int64_t run_id(const struct stage *stage)
{
    bool given = false;
    int64_t id = options_integer(stage->options, OPT_RUN, &given);
    return given ? id : 0;
}

/* Reads the artifact, and packs its pods. */
static int read_all(struct stage *stage, struct report *report, struct err *err)
{
    struct fleet_gather *gather = gather_new(artifact_reader_header(stage->in));
    report->watch = gather == NULL ? NULL : gather_row;
    report->watch_context = gather;
    int failed = report_read(report, stage->in, run_id(stage), err);
    if (!failed && gather != NULL) {
        report->fleet = gather_finish(gather);
    }
    gather_free(gather);
    return failed;
}

/* All workloads of the artifact. */
static int report(struct stage *stage, const char *name, const char *path, struct err *err)
{
    const struct report_format *format = NULL;
    bool limited = false;
    int64_t max_bytes = options_integer(stage->options, OPT_MAX_BYTES, &limited);
    if (report_format_find(name, &format, err) || (limited && report_format_check(format, max_bytes, err))) {
        return -1;
    }
    struct report report;
    struct report_sink sink;
    const char *past = options_string(stage->options, OPT_PAST);
    int failed = report_init(&report, format->charts, err);
    report.max_bytes = max_bytes;
    report.team_label = options_string(stage->options, OPT_TEAM_LABEL);
    failed = failed || (past != NULL && past_read(past, &report.past, err)) || read_all(stage, &report, err);
    failed = failed || begin(&sink, path, err);
    if (!failed) {
        failed = finish(&sink, format->render(&report, &sink, err), path, err);
    }
    report_release(&report);
    return failed ? -1 : 0;
}

/* The number that the file of a run's artifact is named by ("run-12"), as tare hands it over; 0 otherwise. */
static int64_t run_of_file(const char *path)
{
    const char *name = strrchr(path, '/');
    int64_t id = 0;
    name = name == NULL ? path : name + 1;
    return str_starts(name, "run-") && str_int64(name + strlen("run-"), 1, INT64_MAX, &id) == 0 ? id : 0;
}

static int compare_with(struct stage *stage, struct artifact_reader *then, compare_renderer *render, int64_t max_bytes, const char *path,
                        struct err *err)
{
    struct compare compare;
    struct report_sink sink;
    int failed = compare_read(&compare, then, run_of_file(options_string(stage->options, OPT_COMPARE)), stage->in, run_id(stage),
                              options_string(stage->options, OPT_TEAM_LABEL), err);
    failed = failed || begin(&sink, path, err);
    if (!failed) {
        failed = finish(&sink, render(&compare, max_bytes, &sink, err), path, err);
    }
    compare_release(&compare);
    return failed;
}

/* What changed since the artifact of the file. */
static int compare(struct stage *stage, const char *name, const char *path, struct err *err)
{
    compare_renderer *render = NULL;
    struct artifact_reader *then = NULL;
    bool limited = false;
    int64_t max_bytes = options_integer(stage->options, OPT_MAX_BYTES, &limited);
    const char *file = options_string(stage->options, OPT_COMPARE);
    if (compare_format_find(name, limited, max_bytes, &render, err)) {
        return -1;
    }
    int fd = open(file, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return err_errno(err, ERR_NOINPUT, errno, "--compare: cannot read %s", file);
    }
    int failed = artifact_reader_new(fd, file, ARTIFACT_ANY, &then, err) || compare_with(stage, then, render, max_bytes, path, err);
    artifact_reader_free(then);
    close(fd);
    return failed ? -1 : 0;
}

/* The runs that the file lists, together. */
static int several(struct stage *stage, const char *name, const char *path, struct err *err)
{
    static const enum option_id others[] = {OPT_COMPARE, OPT_WORKLOAD, OPT_PAST, OPT_RUN, OPT_MAX_BYTES, OPT_YAML};
    batch_renderer *render = NULL;
    struct batch_report batch = {0};
    struct report_sink sink;
    for (size_t i = 0; i < ARRAY_COUNT(others); i++) {
        if (options_given(stage->options, others[i])) {
            err_set(err, ERR_USAGE, "--%s is for one run, and --runs names several", option_table()[others[i]].long_name);
            return err_hint(err, "leave one of them out");
        }
    }
    if (batch_format_find(name, &render, err)) {
        return -1;
    }
    int failed = batch_read(&batch, options_string(stage->options, OPT_RUNS), options_string(stage->options, OPT_TEAM_LABEL), err) ||
                 begin(&sink, path, err);
    if (!failed) {
        failed = finish(&sink, render(&batch, &sink, err), path, err);
    }
    batch_release(&batch);
    return failed ? -1 : 0;
}

static bool reads_none(const struct options *options)
{
    return options_given(options, OPT_RUNS);
}

/* One workload of it, from its samples to its numbers. */
static int explain_one(struct stage *stage, bool json, const char *path, struct err *err)
{
    struct explain explain;
    struct report_sink sink;
    const char *option = options_string(stage->options, OPT_OPTION);
    int failed = explain_read(&explain, stage->in, options_string(stage->options, OPT_WORKLOAD), run_id(stage), err);
    failed = failed || begin(&sink, path, err);
    if (!failed) {
        failed = options_flag(stage->options, OPT_YAML) ? explain_yaml(&explain, option, &sink, err)
                 : json                                 ? explain_json(&explain, &sink, err)
                                                        : explain_text(&explain, &sink, err);
        failed = finish(&sink, failed, path, err);
    }
    explain_release(&explain);
    return failed ? -1 : 0;
}

/* What belongs to one workload alone. */
static int check_explain(const struct stage *stage, bool explains, const char *format, struct err *err)
{
    size_t count = options_list_count(stage->options, OPT_WORKLOAD);
    if (!explains && options_flag(stage->options, OPT_YAML)) {
        err_set(err, ERR_USAGE, "--yaml needs the workload whose manifests are wanted");
        return err_hint(err, "--format explain --workload NAMESPACE/KIND/NAME --yaml");
    }
    if (!explains) {
        return 0;
    }
    if (options_given(stage->options, OPT_COMPARE)) {
        err_set(err, ERR_USAGE, "--compare is for whole runs, one workload is explained by itself");
        return err_hint(err, "leave --workload out, or leave --compare out");
    }
    if (count != 1) {
        err_set(err, ERR_USAGE, "--format explain needs one workload, %zu are given", count);
        return err_hint(err, "--workload NAMESPACE/KIND/NAME, as in shop/Deployment/cart");
    }
    if (!str_equal(format, "explain") && !str_equal(format, "json")) {
        err_set(err, ERR_USAGE, "one workload is shown as explain or json, not as %s", format);
        return err_hint(err, "--format explain, or leave --workload out");
    }
    if (options_given(stage->options, OPT_OPTION) && !options_flag(stage->options, OPT_YAML)) {
        err_set(err, ERR_USAGE, "--option chooses among the manifests that --yaml prints");
        return err_hint(err, "--yaml --option %s", options_string(stage->options, OPT_OPTION));
    }
    return 0;
}

static int run(struct stage *stage, struct err *err)
{
    const char *name = options_string(stage->options, OPT_FORMAT);
    const char *path = options_string(stage->options, OPT_OUTPUT);
    bool explains = str_equal(name, "explain") || options_given(stage->options, OPT_WORKLOAD);
    const char *format = name != NULL ? name : explains ? "explain" : "markdown";
    if (options_given(stage->options, OPT_RUNS)) {
        return several(stage, name == NULL ? "markdown" : name, path, err);
    }
    if (check_explain(stage, explains, format, err)) {
        return -1;
    }
    if (explains) {
        return explain_one(stage, str_equal(format, "json"), path, err);
    }
    return options_given(stage->options, OPT_COMPARE) ? compare(stage, format, path, err) : report(stage, format, path, err);
}

const struct stage_spec report_stage = {
    .name = "report",
    .program = FOR_REPORT,
    .summary = "shows an artifact to people and their tools: markdown, html, csv, json, junit, prometheus or a table; or one workload "
               "from its samples to its numbers",
    .reads = ARTIFACT_ANY,
    .reads_none = reads_none,
    .writes = ARTIFACT_NONE,
    .run = run,
};
