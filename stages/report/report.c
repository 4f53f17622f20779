#include "stages/report/report.h"

#include <unistd.h>

#include "pipeline/base/str.h"
#include "pipeline/io/fs.h"
#include "reports/explain/explain.h"
#include "reports/model.h"
#include "reports/render.h"
#include "reports/sink.h"

enum { REPORT_FILE_MODE = 0644 };

/* A file is replaced whole or not at all; standard output is written as the report grows. */
static int finish(struct report_sink *sink, int failed, const char *path, struct err *err)
{
    if (!failed && path != NULL) {
        failed = fs_replace(path, buf_str(&sink->out), sink->out.length, REPORT_FILE_MODE, err);
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

/* All workloads of the artifact. */
static int report(struct stage *stage, const char *name, const char *path, struct err *err)
{
    const struct report_format *format = NULL;
    if (report_format_find(name, &format, err)) {
        return -1;
    }
    struct report report;
    struct report_sink sink;
    int failed = report_init(&report, format->charts, err) || report_read(&report, stage->in, run_id(stage), err);
    if (!failed) {
        sink_init(&sink, path == NULL ? STDOUT_FILENO : -1);
        failed = finish(&sink, format->render(&report, &sink, err), path, err);
    }
    report_release(&report);
    return failed ? -1 : 0;
}

/* One workload of it, from its samples to its numbers. */
static int explain_one(struct stage *stage, bool json, const char *path, struct err *err)
{
    struct explain explain;
    struct report_sink sink;
    const char *option = options_string(stage->options, OPT_OPTION);
    int failed = explain_read(&explain, stage->in, options_string(stage->options, OPT_WORKLOAD), run_id(stage), err);
    if (!failed) {
        sink_init(&sink, path == NULL ? STDOUT_FILENO : -1);
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
    if (check_explain(stage, explains, format, err)) {
        return -1;
    }
    return explains ? explain_one(stage, str_equal(format, "json"), path, err) : report(stage, format, path, err);
}

const struct stage_spec report_stage = {
    .name = "report",
    .program = FOR_REPORT,
    .summary = "shows an artifact to people: markdown, html, csv, json or a table; or one workload from its samples to its numbers",
    .reads = ARTIFACT_ANY,
    .writes = ARTIFACT_NONE,
    .run = run,
};
