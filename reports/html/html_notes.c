#include <inttypes.h>

#include "pipeline/base/str.h"
#include "pipeline/run/record.h"
#include "reports/html/html.h"
#include "reports/text/escape.h"

enum { NOTES_OPEN = 10 };

/* Codes and kinds are few, unless somebody made them up. */
static void problem_counts(const struct report *report, size_t end, struct buf *out)
{
    const char *code;
    json_t *number;
    if (json_object_size(report->problems) > 0) {
        buf_add_str(out, "<h3>Problems by kind</h3><ul>");
    }
    json_object_foreach(report->problems, code, number)
    {
        const char *meaning = problem_meaning(code);
        if (out->length > end) {
            break;
        }
        buf_printf(out, "<li>%" JSON_INTEGER_FORMAT " × <code>", json_integer_value(number));
        escape_html(out, code);
        buf_printf(out, "</code> %s</li>", meaning == NULL ? "" : meaning);
    }
    buf_add_str(out, json_object_size(report->problems) > 0 ? "</ul>\n" : "");
    if (json_object_size(report->skipped) > 0) {
        buf_add_str(out, "<h3>Objects that are no workloads</h3><p>");
    }
    bool first = true;
    json_object_foreach(report->skipped, code, number)
    {
        if (out->length > end) {
            break;
        }
        buf_add_str(out, first ? "" : ", ");
        escape_html(out, code);
        buf_printf(out, " %" JSON_INTEGER_FORMAT, json_integer_value(number));
        first = false;
    }
    buf_add_str(out, first ? "" : "</p>\n");
}

static void note_item(const json_t *note, struct buf *out)
{
    const json_t *source = json_object_get(note, "source");
    const char *file = json_string_or_null(source, "file");
    int64_t line = json_int_or(source, "line", 0);
    bool error = str_equal(json_string_or_null(note, "outcome"), "error");
    buf_add_str(out, "<li>");
    html_badge(out, error ? "high" : "state", error ? "error" : "skipped");
    buf_add_char(out, ' ');
    if (file != NULL) {
        buf_add_str(out, "<code>");
        escape_html(out, file);
        if (line > 0) {
            buf_printf(out, ":%" PRId64, line);
        }
        buf_add_str(out, "</code> ");
    }
    escape_html(out, report_message(note));
    buf_add_str(out, "</li>\n");
}

int html_notes(const struct report *report, size_t room, struct buf *out, struct err *err)
{
    size_t end = out->length + room;
    size_t shown = 0;
    if (report->note_count == 0 && json_object_size(report->problems) == 0 &&
        json_object_size(report->skipped) == 0) {
        return 0;
    }
    html_section_begin(out, "notes", "Notes and problems");
    problem_counts(report, end - room / 2, out);
    if (report->note_count > 0) {
        buf_printf(out, "<details%s><summary>Sources that gave no workload (%zu)</summary><ul>\n",
                   report->note_count <= NOTES_OPEN ? " open" : "", report->note_count);
    }
    for (; shown < report->note_count && out->length < end; shown++) {
        json_t *note = NULL;
        if (report_note_at(report, shown, &note, err)) {
            return -1;
        }
        note_item(note, out);
        json_decref(note);
    }
    if (shown < report->note_count) {
        buf_printf(out, "<li>and %zu more, which the report as JSON has</li>", report->note_count - shown);
    }
    buf_add_str(out, report->note_count > 0 ? "</ul></details>\n" : "");
    html_section_end(out);
    return 0;
}
