#include "reports/explain/sections.h"

#include <stdio.h>
#include "reports/explain/page.h"

/* What it rests on: figures by their names, what is nested one level down after its own. */
static void add_evidence(struct buf *text, const char *before, const json_t *evidence)
{
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)evidence, name, value)
    {
        char number[FIGURE_MAX];
        const char *comma = text->length > 0 ? ", " : "";
        if (json_is_number(value)) {
            buf_printf(text, "%s%s%s %s", comma, before, name,
                       figure_plain(json_number_value(value), number));
        } else if (json_is_string(value)) {
            buf_printf(text, "%s%s%s %s", comma, before, name, json_string_value(value));
        } else if (json_is_object(value) && before[0] == '\0') {
            char inner[FIGURE_MAX];
            snprintf(inner, sizeof inner, "%.40s ", name);
            add_evidence(text, inner, value);
        }
    }
}

static void finding_lines(const json_t *finding, struct buf *out)
{
    char from[FIGURE_MAX];
    char to[FIGURE_MAX];
    struct buf text;
    const char *container = page_string(finding, "container");
    page_line(out, 2, page_string(finding, "severity"), "%s%s%s: %s", page_string(finding, "code"),
              container[0] == '\0' ? "" : " in ", container, report_message(finding));
    if (json_string_or_null(finding, "start") != NULL) {
        page_line(out, 2, " ", "%s to %s UTC", figure_instant(finding, "start", from),
                  figure_instant(finding, "end", to));
    }
    buf_init(&text, 16384);
    add_evidence(&text, "", json_object_get(finding, "evidence"));
    page_line(out, 2, " ", "%s%s", text.length > 0 ? "evidence: " : "", buf_str(&text));
    buf_release(&text);
}

void explain_findings(const struct explain *explain, struct buf *out)
{
    const json_t *findings = json_object_get(explain->recommendation, "findings");
    if (!json_is_array(findings)) {
        return;
    }
    page_heading(out, "FINDINGS");
    if (json_array_size(findings) == 0) {
        page_line(out, 2, "", "none");
    }
    for (size_t i = 0; i < json_array_size(findings); i++) {
        finding_lines(json_array_get(findings, i), out);
    }
}
