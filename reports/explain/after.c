#include "reports/explain/sections.h"

#include "reports/explain/page.h"

static void change_section(const struct explain *explain, struct buf *out)
{
    const json_t *change = json_object_get(explain->row.record, "change");
    const json_t *edits = json_object_get(change, "edits");
    if (!json_is_object(change)) {
        return;
    }
    page_heading(out, "CHANGE");
    const json_t *objects = json_object_get(change, "objects");
    if (json_array_size(edits) == 0) {
        page_line(out, 2, "", "nothing is edited");
    }
    for (size_t i = 0; i < json_array_size(edits); i++) {
        const json_t *edit = json_array_get(edits, i);
        const char *from = json_string_or_null(edit, "from");
        const char *to = json_string_or_null(edit, "to");
        page_line(out, 2, "", "%s: %s \xe2\x86\x92 %s", page_string(edit, "path"),
                  from == NULL ? "unset" : from, to == NULL ? "unset" : to);
    }
    page_line(out, 2, "by hand", "%s", page_string(change, "advice"));
    page_block(out, 4, page_string(change, "patch"));
    for (size_t i = 0; i < json_array_size(objects); i++) {
        const json_t *object = json_array_get(objects, i);
        page_line(out, 2, "new object", "%s %s (advice %s)", page_string(object, "kind"), page_string(object, "name"),
                  page_string(object, "advice"));
    }
    page_block(out, 4, page_string(change, "objects_patch"));
}

static void gate_section(const struct explain *explain, struct buf *out)
{
    const json_t *gate = json_object_get(explain->row.record, "gate");
    const json_t *outcome = json_object_get(explain->row.record, "outcome");
    if (json_is_object(gate)) {
        page_heading(out, "GATE");
        page_line(out, 2, "verdict", "%s", page_string(gate, "verdict"));
        const json_t *reasons = json_object_get(gate, "reasons");
        for (size_t i = 0; i < json_array_size(reasons); i++) {
            page_line(out, 2, " ", "%s", report_message(json_array_get(reasons, i)));
        }
    }
    if (json_is_object(outcome)) {
        page_heading(out, "OUTCOME");
        page_line(out, 2, "state", "%s", page_string(outcome, "state"));
        page_line(out, 2, "detail", "%s", page_string(outcome, "detail"));
    }
}

static void problem_section(const struct explain *explain, struct buf *out)
{
    const json_t *problems = json_object_get(explain->row.record, "problems");
    if (json_array_size(problems) > 0) {
        page_heading(out, "PROBLEMS");
    }
    for (size_t i = 0; i < json_array_size(problems); i++) {
        const json_t *problem = json_array_get(problems, i);
        page_line(out, 2, page_string(problem, "stage"), "%s: %s", page_string(problem, "code"),
                  report_message(problem));
    }
}

void explain_after(const struct explain *explain, struct buf *out)
{
    change_section(explain, out);
    gate_section(explain, out);
    problem_section(explain, out);
}
