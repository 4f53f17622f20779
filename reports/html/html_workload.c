#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/money.h"
#include "pipeline/base/str.h"
#include "reports/html/svg.h"
#include "reports/html/workload.h"
#include "reports/text/escape.h"
#include "reports/text/figures.h"
#include "reports/text/insight.h"
#include "reports/text/opinion.h"

enum { PATCH_LINES_MAX = 400, OPINION_BYTES_MAX = 16384 };

static const char none[] = "\xe2\x80\x93";

static void pair_html(struct buf *out, enum report_field field, int64_t now, int64_t next)
{
    char text[FIGURE_MAX];
    buf_add_str(out, "<td>");
    if (now != next) {
        buf_printf(out, "<s>%s</s> → ", figure_amount(field, now, text));
        buf_printf(out, "<b>%s</b>", figure_amount(field, next, text));
    } else {
        buf_add_str(out, figure_amount(field, now, text));
    }
}

static void money_html(struct buf *out, bool known, int64_t now, int64_t next)
{
    char before[MONEY_TEXT];
    char after[MONEY_TEXT];
    buf_add_str(out, "<td>");
    if (!known) {
        buf_add_str(out, none);
        return;
    }
    money_format(now, before);
    money_format(next, after);
    if (strcmp(before, after) != 0) {
        buf_printf(out, "<s>%s</s> → ", before);
    }
    buf_add_str(out, after);
}

static void container_row(struct buf *out, const struct report_container *c)
{
    static const enum report_field order[REPORT_FIELDS] = {CPU_REQUEST, CPU_LIMIT, MEMORY_REQUEST,
                                                           MEMORY_LIMIT};
    buf_add_str(out, "<tr><th scope=row><bdi>");
    escape_html(out, c->name);
    buf_add_str(out, "</bdi>");
    if (strcmp(c->role, "container") != 0) {
        html_badge(out, "state", c->role);
    }
    for (int i = 0; i < REPORT_FIELDS; i++) {
        pair_html(out, order[i], c->now[order[i]], c->next[order[i]]);
    }
    money_html(out, c->priced, c->before[0] + c->before[1], c->after[0] + c->after[1]);
    money_html(out, c->priced && c->waste_known[0] && c->waste_known[1],
               c->waste_before[0] + c->waste_before[1], c->waste_after[0] + c->waste_after[1]);
    buf_add_char(out, '\n');
}

static void containers(struct buf *out, const struct report_row *row)
{
    static const char *const heads[] = {"Container",    "CPU request", "CPU limit", "Memory request",
                                        "Memory limit", "A month",     "Not used"};
    buf_add_str(out, "<table class=cs><thead><tr>");
    for (size_t i = 0; i < ARRAY_COUNT(heads); i++) {
        buf_printf(out, "<th scope=col>%s", heads[i]);
    }
    buf_add_str(out, "</thead><tbody>\n");
    for (size_t i = 0; i < row->container_count; i++) {
        container_row(out, &row->containers[i]);
    }
    buf_add_str(out, "</table>\n");
}

/* Whose container's part of a reasoning begins here ("cart: CPU use …"): the length of its name; 0 nobody's.
 */
static size_t container_prefix(const struct report_row *row, const char *text)
{
    for (size_t i = 0; i < row->container_count; i++) {
        size_t length = strlen(row->containers[i].name);
        if (length > 0 && strncmp(text, row->containers[i].name, length) == 0 &&
            str_starts(text + length, ": ")) {
            return length;
        }
    }
    return 0;
}

/* The next sentence of a reasoning: up to a full stop before a capital letter or a container's part, or the
 * end of a line. */
static size_t sentence_length(const struct report_row *row, const char *text)
{
    size_t i = 0;
    for (; text[i] != '\0' && text[i] != '\n'; i++) {
        bool stops = text[i] == '.' && text[i + 1] == ' ' &&
                     ((text[i + 2] >= 'A' && text[i + 2] <= 'Z') || container_prefix(row, text + i + 2) > 0);
        if (stops) {
            return i + 1;
        }
    }
    return i;
}

static void reason(struct buf *out, const struct report_row *row, const char *text, size_t length)
{
    struct buf part;
    size_t prefix = container_prefix(row, text);
    buf_init(&part, length + 1);
    buf_add_str(out, "<li>");
    if (prefix > 0) {
        buf_add(&part, text, prefix);
        buf_add_str(out, "<b>");
        escape_html(out, buf_str(&part));
        buf_add_str(out, "</b>");
        buf_clear(&part);
    }
    buf_add(&part, text + prefix, length - prefix);
    escape_html(out, buf_str(&part));
    buf_release(&part);
}

/* A paragraph as a list. The rules tell the backtest in words too; it stands here as a table. */
static void reasons(struct buf *out, const struct report_row *row, const char *text, bool told_by_rules)
{
    buf_add_str(out, "<ul>");
    while (*text != '\0') {
        size_t length = sentence_length(row, text);
        if (length > 0 && !(told_by_rules && str_starts(text, "Backtest of "))) {
            reason(out, row, text, length);
        }
        text += length;
        text += strspn(text, " \n");
    }
    buf_add_str(out, "</ul>\n");
}

/* Who was not used, how far it is from the rules, and what was moved into bounds. */
static void opinion(struct buf *out, const struct report_row *row)
{
    struct buf lines;
    buf_init(&lines, OPINION_BYTES_MAX);
    opinion_lines(row->record, &lines);
    html_list(NULL, &lines, out);
    buf_release(&lines);
}

static void reasoning(struct buf *out, const struct report_row *row)
{
    char who[OPINION_WHO_MAX];
    const json_t *recommendation = json_object_get(row->record, "recommendation");
    const char *text = json_string_or_null(recommendation, "reasoning");
    const char *source = json_string_or_null(recommendation, "source");
    bool rules = str_equal(source, "rules");
    if (text == NULL) {
        return;
    }
    buf_add_str(out, "<h3>Why</h3>");
    reasons(out, row, text, rules && json_is_object(json_object_get(recommendation, "backtest")));
    if (source != NULL || row->class != NULL) {
        buf_add_str(out, "<p class=quiet>");
        buf_add_str(out, source == NULL ? "" : "Recommended by ");
        escape_html(out, source == NULL ? "" : opinion_who(row->record, who));
        buf_add_str(out, row->class == NULL ? "" : source == NULL ? "Class: " : "; class: ");
        escape_html(out, row->class == NULL ? "" : row->class);
        buf_add_str(out, ".</p>\n");
    }
    opinion(out, row);
}

/* A list of messages with a heading; entries are strings or objects with code, severity and message. Findings
 * are numbered: charts name them. */
static void messages(struct buf *out, const char *heading, const char *element, const json_t *list)
{
    static const char *const classes[] = {"state", "state", "medium", "high", "high"};
    if (json_array_size(list) == 0) {
        return;
    }
    buf_printf(out, "<h3>%s</h3><%s>", heading, element);
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *entry = json_array_get(list, i);
        const char *severity = json_string_or_null(entry, "severity");
        const char *code = json_string_or_null(entry, "code");
        const char *container = json_string_or_null(entry, "container");
        buf_add_str(out, "<li>");
        if (severity != NULL) {
            html_badge(out, classes[insight_severity(entry)], severity);
            buf_add_char(out, ' ');
        }
        if (container != NULL) {
            buf_add_str(out, "<b>");
            escape_html(out, container);
            buf_add_str(out, "</b>: ");
        }
        escape_html(out, report_message(entry));
        if (code != NULL) {
            buf_add_str(out, " <code>");
            escape_html(out, code);
            buf_add_str(out, "</code>");
        }
    }
    buf_printf(out, "</%s>\n", element);
}

/* What was checked and holds, folded away; in a large report it is only counted: `tare gate RUN --explain` names it. */
static void passed_checks(struct buf *out, const json_t *reasons, bool named)
{
    size_t passed = 0;
    for (size_t i = 0; i < json_array_size(reasons); i++) {
        passed += json_bool_or(json_array_get(reasons, i), "ok", false);
    }
    if (passed == 0) {
        return;
    }
    if (!named) {
        buf_printf(out, "<p class=quiet>%zu check%s passed.</p>\n", passed, passed == 1 ? "" : "s");
        return;
    }
    buf_printf(out, "<details><summary>%zu check%s passed</summary><ul>", passed, passed == 1 ? "" : "s");
    for (size_t i = 0; i < json_array_size(reasons); i++) {
        const json_t *reason = json_array_get(reasons, i);
        if (json_bool_or(reason, "ok", false)) {
            buf_add_str(out, "<li>");
            escape_html(out, report_message(reason));
        }
    }
    buf_add_str(out, "</ul></details>\n");
}

static void gate(struct buf *out, const json_t *gate, bool passed_named)
{
    const json_t *list = json_object_get(gate, "reasons");
    bool opened = false;
    if (json_array_size(list) == 0) {
        return;
    }
    buf_add_str(out, "<h3>Gate</h3>");
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *reason = json_array_get(list, i);
        if (!json_bool_or(reason, "ok", false)) {
            buf_add_str(out, opened ? "<li>" : "<ul><li>");
            escape_html(out, report_message(reason));
            opened = true;
        }
    }
    buf_add_str(out, opened ? "</ul>" : "");
    passed_checks(out, list, passed_named);
}

/* The element of a diff's line, by its first character. */
static const char *line_element(const char *line)
{
    return line[0] == '@' || str_starts(line, "---") || str_starts(line, "+++") ? "i"
           : line[0] == '+'                                                     ? "ins"
           : line[0] == '-'                                                     ? "del"
                                                                                : NULL;
}

/* A diff or another listing of several lines below a title; a long one is cut. */
static void listing(struct buf *out, const char *title, const char *text)
{
    struct buf line;
    if (text[0] == '\0') {
        return;
    }
    buf_init(&line, strlen(text) + 1);
    buf_printf(out, "<h3>%s</h3><pre tabindex=0><code>", title);
    for (size_t lines = 0; *text != '\0' && lines < PATCH_LINES_MAX; lines++) {
        size_t length = strcspn(text, "\n");
        buf_clear(&line);
        buf_add(&line, text, length);
        const char *element = line_element(buf_str(&line));
        if (element != NULL) {
            buf_printf(out, "<%s>", element);
        }
        escape_html(out, buf_str(&line));
        buf_add_char(out, '\n');
        if (element != NULL) {
            buf_printf(out, "</%s>", element);
        }
        text += length + (text[length] == '\n');
    }
    buf_add_str(out, *text == '\0' ? "</code></pre>\n"
                                   : "… cut here; the whole diff is in the plan.</code></pre>\n");
    buf_release(&line);
}

/* What to do by hand where a rendered workload's numbers stand in no file that could be edited; the diff of
 * the file to change; of a rendered workload without one that of what is rendered; of an object in a cluster
 * the patch for the API. */
static void change(struct buf *out, const json_t *change)
{
    const char *by_hand = json_string_or_null(change, "advice");
    const char *text = json_string_or_null(change, "patch");
    const char *rendered = json_string_or_null(change, "rendered_patch");
    const json_t *merge = json_object_get(change, "merge_patch");
    const json_t *api = json_is_object(merge) ? merge : json_object_get(change, "json_patch");
    if (by_hand != NULL) {
        buf_add_str(out, "<h3>By hand</h3><p class=why>");
        escape_html(out, by_hand);
        buf_add_str(out, "</p>\n");
    }
    if (text != NULL || rendered != NULL) {
        listing(out, text != NULL ? "Diff" : "Diff of what is rendered, not of a file",
                text != NULL ? text : rendered);
    } else if (json_is_object(api) || json_is_array(api)) {
        char *dump = json_dumps(api, JSON_INDENT(2) | JSON_SORT_KEYS);
        listing(out, "Patch for the Kubernetes API", dump == NULL ? "" : dump);
        free(dump);
    }
    const char *objects = json_string_or_null(change, "objects_patch");
    if (objects != NULL) {
        listing(out, "New objects", objects);
    }
}

static void source_line(struct buf *out, const struct report_row *row)
{
    const json_t *source = json_at(row->record, "workload.source");
    const char *file = json_string_or_null(source, "file");
    const char *rendered = json_string_or_null(source, "rendered");
    const char *object = json_string_or_null(source, "object");
    if (object != NULL) {
        buf_add_str(out, "<p class=quiet>From the cluster: <code>");
        escape_html(out, object);
        buf_add_str(out, "</code></p>\n");
    }
    if (file != NULL) {
        buf_add_str(out, "<p class=quiet>From <code>");
        escape_html(out, file);
        int64_t line = json_int_or(source, "line", 0);
        if (line > 0) {
            buf_printf(out, ":%" PRId64, line);
        }
        buf_add_str(out, "</code>");
        if (rendered != NULL) {
            buf_add_str(out, ", line of what ");
            escape_html(out, rendered);
            buf_add_str(out, " renders");
        }
        buf_add_str(out, "</p>\n");
    }
}

void html_details_begin(const struct report_row *row, struct buf *out)
{
    buf_add_str(out, "<tr class=d><td colspan=9><details><summary>Why, usage and diff<span class=h> of ");
    escape_html(out, row->name);
    buf_add_str(out, "</span></summary><div class=body>\n");
    containers(out, row);
    reasoning(out, row);
    messages(out, "Findings", "ol", json_at(row->record, "recommendation.findings"));
}

void html_drawings(const struct report_row *row, const struct plot_axis *shared, struct buf *out)
{
    size_t before = out->length;
    buf_add_str(out, "<div class=charts>");
    size_t opened = out->length;
    for (size_t i = 0; i < row->container_count; i++) {
        svg_usage_chart(row, &row->containers[i], CPU_REQUEST, shared, out);
        svg_usage_chart(row, &row->containers[i], MEMORY_REQUEST, shared, out);
    }
    html_forecasts(row, out);
    if (out->length == opened) {
        out->length = before;
    } else {
        buf_add_str(out, "</div>\n");
    }
}

void html_details_end(const struct report_row *row, bool passed_named, struct buf *out)
{
    gate(out, json_object_get(row->record, "gate"), passed_named);
    html_insight(row, out);
    change(out, json_object_get(row->record, "change"));
    messages(out, "Problems", "ul", json_object_get(row->record, "problems"));
    html_money(row, out);
    source_line(out, row);
    buf_add_str(out, "</div></details>\n");
}
