#include "reports/html/html.h"

#include "reports/render.h"

/* What a page may have that is opened on a phone. */
enum { BYTES_DEFAULT = 24000000, BUF_MAX = 16 * 1024 * 1024, SHARE = 8 };

static void begin(const struct report *report, struct buf *out)
{
    struct html_page page = {.title = "Resource plan",
                             .cluster = report->meta.cluster,
                             .plan = report->meta.plan,
                             .created = report->meta.created,
                             .run = report->meta.run,
                             .skip = "workloads"};
    html_page_begin(out, &page);
    html_summary(report, out);
}

/* Everything behind the workloads. Lists that may be long have an eighth of the page each. */
static int end(const struct report *report, size_t bytes, struct buf *out, struct err *err)
{
    html_past(report, out);
    if (html_notes(report, bytes / SHARE, out, err)) {
        return -1;
    }
    html_method(report, out);
    html_page_foot(out);
    html_foot(report, out);
    html_page_end(out);
    return 0;
}

int report_html(const struct report *report, struct report_sink *sink, struct err *err)
{
    struct buf after;
    size_t bytes = report->max_bytes > 0 ? (size_t)report->max_bytes : BYTES_DEFAULT;
    buf_init(&after, BUF_MAX);
    begin(report, &sink->out);
    html_parts(report, bytes / SHARE, &sink->out);
    html_nodes(report, &sink->out);
    int failed = end(report, bytes, &after, err);
    if (!failed) {
        size_t taken = sink->out.length + after.length;
        failed = html_workloads(report, bytes > taken ? bytes - taken : 0, sink, err);
    }
    buf_add(&sink->out, buf_str(&after), after.length);
    buf_release(&after);
    return failed ? -1 : sink_finish(sink, err);
}
