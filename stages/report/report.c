#include "stages/report/report.h"

#include <unistd.h>

#include "pipeline/io/fs.h"
#include "reports/model.h"
#include "reports/render.h"
#include "reports/sink.h"

enum { REPORT_FILE_MODE = 0644 };

/* A file is replaced whole or not at all; standard output is written as the report grows. */
static int render(const struct report *report, const struct report_format *format, const char *path,
                  struct err *err)
{
    struct report_sink sink;
    sink_init(&sink, path == NULL ? STDOUT_FILENO : -1);
    int failed = format->render(report, &sink, err);
    if (!failed && path != NULL) {
        failed = fs_replace(path, buf_str(&sink.out), sink.out.length, REPORT_FILE_MODE, err);
    }
    sink_release(&sink);
    return failed ? -1 : 0;
}

static int run(struct stage *stage, struct err *err)
{
    const char *name = options_string(stage->options, OPT_FORMAT);
    const char *path = options_string(stage->options, OPT_OUTPUT);
    const struct report_format *format = NULL;
    if (report_format_find(name == NULL ? "markdown" : name, &format, err)) {
        return -1;
    }
    bool given = false;
    int64_t id = options_integer(stage->options, OPT_RUN, &given);
    struct report report;
    int failed = report_init(&report, format->charts, err) ||
                 report_read(&report, stage->in, given ? id : 0, err) || render(&report, format, path, err);
    report_release(&report);
    return failed ? -1 : 0;
}

const struct stage_spec report_stage = {
    .name = "report",
    .program = FOR_REPORT,
    .summary = "shows an artifact to people: markdown, html, csv, json or a table",
    .reads = ARTIFACT_ANY,
    .writes = ARTIFACT_NONE,
    .run = run,
};
