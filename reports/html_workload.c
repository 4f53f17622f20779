#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/money.h"
#include "pipeline/base/str.h"
#include "reports/escape.h"
#include "reports/figures.h"
#include "reports/html.h"
#include "reports/svg.h"

enum { PATCH_LINES_MAX = 400 };

static const char minus[] = "\xe2\x88\x92";
static const char none[] = "–";

void html_sentence(struct buf *out, const char *element, const struct buf *text)
{
    if (text->length > 0) {
        buf_printf(out, "<%s>", element);
        escape_html(out, buf_str(text));
        buf_printf(out, "</%s>\n", element);
    }
}

void html_workload_head(const char *caption, struct buf *out)
{
    static const char *const heads[] = {"Workload",    "CPU request", "Memory request",
                                        "Monthly now", "Monthly new", "Change",
                                        "%",           "Confidence",  "Risk"};
    buf_printf(out,
               "<table class=\"workloads\" role=\"table\"><caption>%s</caption><thead role=\"rowgroup\"><tr "
               "role=\"row\">",
               caption);
    for (size_t i = 0; i < sizeof heads / sizeof heads[0]; i++) {
        buf_printf(out, "<th role=\"columnheader\" scope=\"col\"%s>%s</th>",
                   i == 0 || i == 8 ? "" : " class=\"num\"", heads[i]);
    }
    buf_add_str(out, "</tr></thead>\n");
}

/* A cell; how it is aligned, and the label it has on narrow screens, the style knows by its place. `class` is "" for none, `sort` what
 * the script sorts by, NULL for the text. */
static void open_cell(struct buf *out, const char *class, const char *sort)
{
    buf_add_str(out, "<td role=\"cell\"");
    if (class[0] != '\0') {
        buf_printf(out, " class=\"%s\"", class);
    }
    if (sort != NULL) {
        buf_printf(out, " data-v=\"%s\"", sort);
    }
    buf_add_char(out, '>');
}

static void number_cell(struct buf *out, const char *class, double sort, const char *text)
{
    char value[FIGURE_MAX];
    snprintf(value, sizeof value, fabs(sort) < 1000 ? "%.4g" : "%.0f", sort);
    open_cell(out, class, value);
    buf_printf(out, "%s</td>", text);
}

static void pair_html(struct buf *out, enum report_field field, int64_t now, int64_t next)
{
    char text[FIGURE_MAX];
    if (now == next) {
        buf_printf(out, "%s", figure_amount(field, now, text));
        return;
    }
    buf_printf(out, "<span class=\"old\">%s</span> → ", figure_amount(field, now, text));
    buf_printf(out, "<b>%s</b>", figure_amount(field, next, text));
}

static void amount_cell(struct buf *out, enum report_field field, const struct report_row *row)
{
    char value[FIGURE_MAX];
    snprintf(value, sizeof value, "%" PRId64, row->next[field]);
    open_cell(out, "", value);
    pair_html(out, field, row->now[field], row->next[field]);
    buf_add_str(out, "</td>");
}

static const char *change_class(const struct report_row *row)
{
    return !row->priced || row->before == row->proposed ? "" : row->proposed < row->before ? "less" : "more";
}

static void money_cells(struct buf *out, const struct report_row *row)
{
    char text[FIGURE_MAX];
    char money[MONEY_TEXT];
    double change = (double)(row->proposed - row->before);
    bool p = row->priced;
    number_cell(out, "", p ? (double)row->before : -1,
                p ? money_format(row->before, money) : none);
    number_cell(out, "", p ? (double)row->proposed : -1,
                p ? money_format(row->proposed, money) : none);
    number_cell(out, change_class(row), p ? change : 0,
                p ? figure_change(row->before, row->proposed, minus, text) : none);
    number_cell(out, "", p && row->before > 0 ? change / (double)row->before : 0,
                p ? figure_percent(row->before, row->proposed, minus, text) : "");
}

static void badge(struct buf *out, const char *class, const char *text)
{
    buf_printf(out, " <span class=\"badge %s\">", class);
    escape_html(out, text);
    buf_add_str(out, "</span>");
}

static const char *verdict_class(const char *verdict)
{
    return strcmp(verdict, "blocked") == 0 ? "high" : strcmp(verdict, "allowed") == 0 ? "low" : "medium";
}

static void name_cell(struct buf *out, const struct report_row *row)
{
    buf_add_str(out, "<th role=\"rowheader\" scope=\"row\" class=\"name\"><bdi>");
    if (row->namespace != NULL) {
        buf_add_str(out, "<span class=\"ns\">");
        escape_html(out, row->namespace);
        buf_add_str(out, "/</span><wbr>");
    }
    buf_add_str(out, "<b>");
    escape_html(out, row->name);
    buf_add_str(out, "</b></bdi> <span class=\"kind\">");
    escape_html(out, row->kind);
    buf_add_str(out, "</span>");
    if (row->verdict != NULL && strcmp(row->verdict, "unchanged") != 0) {
        badge(out, verdict_class(row->verdict), row->verdict);
    }
    if (row->group == REPORT_HELD && !row->blocked) {
        badge(out, "high", "cannot be written");
    }
    if (row->state != NULL) {
        badge(out, "state", row->state);
    }
    if (row->no_data) {
        badge(out, "medium", "no usage data");
    }
    buf_add_str(out, "</th>");
}

static void summary_row(struct buf *out, const struct report_row *row)
{
    char text[FIGURE_MAX];
    buf_add_str(out, "<tr role=\"row\" class=\"w\">");
    name_cell(out, row);
    amount_cell(out, CPU_REQUEST, row);
    amount_cell(out, MEMORY_REQUEST, row);
    money_cells(out, row);
    number_cell(out, "", row->has_confidence ? row->confidence : -1,
                figure_confidence(row, text));
    static const char *const ranks[REPORT_RISKS] = {"0", "1", "2", "3"};
    open_cell(out, "", ranks[row->risk]);
    if (row->risk == RISK_UNKNOWN) {
        buf_add_str(out, none);
    } else {
        badge(out, report_risk_name(row->risk), report_risk_name(row->risk));
    }
    buf_add_str(out, "</td></tr>\n");
}

static void container_row(struct buf *out, const struct report_container *c)
{
    static const enum report_field order[REPORT_FIELDS] = {CPU_REQUEST, CPU_LIMIT, MEMORY_REQUEST,
                                                           MEMORY_LIMIT};
    buf_add_str(out, "<tr role=\"row\"><th role=\"rowheader\" scope=\"row\" class=\"name\"><bdi>");
    escape_html(out, c->name);
    buf_add_str(out, "</bdi>");
    if (strcmp(c->role, "container") != 0) {
        badge(out, "state", c->role);
    }
    buf_add_str(out, "</th>");
    for (int i = 0; i < REPORT_FIELDS; i++) {
        open_cell(out, "", NULL);
        pair_html(out, order[i], c->now[order[i]], c->next[order[i]]);
        buf_add_str(out, "</td>");
    }
    char before[MONEY_TEXT];
    char after[MONEY_TEXT];
    open_cell(out, "", NULL);
    if (c->priced) {
        money_format(c->before[0] + c->before[1], before);
        money_format(c->after[0] + c->after[1], after);
        if (strcmp(before, after) != 0) {
            buf_printf(out, "<span class=\"old\">%s</span> → ", before);
        }
        buf_printf(out, "<b>%s</b>", after);
    } else {
        buf_add_str(out, none);
    }
    buf_add_str(out, "</td></tr>\n");
}

static void containers(struct buf *out, const struct report_row *row)
{
    static const char *const heads[] = {"Container",      "CPU request",  "CPU limit",
                                        "Memory request", "Memory limit", "Monthly"};
    buf_add_str(out, "<table class=\"containers\" role=\"table\"><thead role=\"rowgroup\"><tr role=\"row\">");
    for (size_t i = 0; i < sizeof heads / sizeof heads[0]; i++) {
        buf_printf(out, "<th role=\"columnheader\">%s</th>", heads[i]);
    }
    buf_add_str(out, "</tr></thead><tbody role=\"rowgroup\">\n");
    for (size_t i = 0; i < row->container_count; i++) {
        container_row(out, &row->containers[i]);
    }
    buf_add_str(out, "</tbody></table>\n");
}

static void charts(struct buf *out, const struct report_row *row)
{
    bool opened = false;
    for (size_t i = 0; i < row->container_count; i++) {
        static const enum report_field requests[] = {CPU_REQUEST, MEMORY_REQUEST};
        for (size_t k = 0; k < 2; k++) {
            struct svg_usage usage;
            if (svg_usage_from(row, &row->containers[i], requests[k], &usage)) {
                buf_add_str(out, opened ? "" : "<div class=\"charts\">");
                svg_usage_chart(&usage, out);
                opened = true;
            }
        }
    }
    buf_add_str(out, opened ? "</div>\n" : "");
}

static const char *severity_class(const char *severity)
{
    bool high = strcmp(severity, "critical") == 0 || strcmp(severity, "high") == 0;
    bool medium = strcmp(severity, "warning") == 0 || strcmp(severity, "medium") == 0;
    return high ? "high" : medium ? "medium" : "state";
}

/* A list of messages with a heading; entries are strings or objects with code, severity and message. */
static void messages(struct buf *out, const char *heading, const json_t *list)
{
    if (json_array_size(list) == 0) {
        return;
    }
    buf_printf(out, "<h3>%s</h3><ul>", heading);
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *entry = json_array_get(list, i);
        const char *severity = json_string_or_null(entry, "severity");
        const char *code = json_string_or_null(entry, "code");
        const char *container = json_string_or_null(entry, "container");
        buf_add_str(out, "<li>");
        if (severity != NULL) {
            badge(out, severity_class(severity), severity);
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
        buf_add_str(out, "</li>");
    }
    buf_add_str(out, "</ul>\n");
}

static void reason_list(struct buf *out, const json_t *reasons, bool passed)
{
    buf_add_str(out, "<ul>");
    for (size_t i = 0; i < json_array_size(reasons); i++) {
        const json_t *reason = json_array_get(reasons, i);
        if (json_bool_or(reason, "ok", false) == passed) {
            buf_add_str(out, "<li>");
            escape_html(out, report_message(reason));
            buf_add_str(out, "</li>");
        }
    }
    buf_add_str(out, "</ul>");
}

/* What stands in the way comes first; what was checked and holds is folded. */
static void gate(struct buf *out, const json_t *gate)
{
    const json_t *reasons = json_object_get(gate, "reasons");
    size_t passed = 0;
    for (size_t i = 0; i < json_array_size(reasons); i++) {
        passed += json_bool_or(json_array_get(reasons, i), "ok", false);
    }
    if (json_array_size(reasons) == 0) {
        return;
    }
    buf_add_str(out, "<h3>Gate</h3>");
    if (passed < json_array_size(reasons)) {
        reason_list(out, reasons, false);
    }
    if (passed > 0) {
        buf_printf(out, "<details><summary>%zu checks passed</summary>", passed);
        reason_list(out, reasons, true);
        buf_add_str(out, "</details>");
    }
}

static const char *line_class(const char *line)
{
    return line[0] == '@'                                       ? "at"
           : str_starts(line, "---") || str_starts(line, "+++") ? "file"
           : line[0] == '+'                                     ? "ins"
           : line[0] == '-'                                     ? "del"
                                                                : "same";
}

/* What to do by hand where a rendered workload's numbers stand in no file that could be edited. */
static void advice(struct buf *out, const json_t *change)
{
    const char *text = json_string_or_null(change, "advice");
    if (text != NULL) {
        buf_add_str(out, "<h3>By hand</h3><p class=\"why\">");
        escape_html(out, text);
        buf_add_str(out, "</p>\n");
    }
}

/* Text of several lines below a title; a long one is cut. */
static void listing(struct buf *out, const char *title, const char *text)
{
    struct buf line;
    if (text[0] == '\0') {
        return;
    }
    buf_init(&line, strlen(text) + 1);
    buf_printf(out, "<h3>%s</h3>", title);
    buf_add_str(out, "<pre class=\"diff\" tabindex=\"0\"><code>");
    for (size_t lines = 0; *text != '\0' && lines < PATCH_LINES_MAX; lines++) {
        size_t length = strcspn(text, "\n");
        buf_clear(&line);
        buf_add(&line, text, length);
        buf_printf(out, "<span class=\"%s\">", line_class(buf_str(&line)));
        escape_html(out, buf_str(&line));
        buf_add_str(out, "\n</span>");
        text += length + (text[length] == '\n');
    }
    buf_add_str(out, *text == '\0' ? "</code></pre>\n"
                                   : "… cut here; the whole diff is in the plan.</code></pre>\n");
    buf_release(&line);
}

/* The diff of the file to change; of a rendered workload without one that of what is rendered; of an object in a
 * cluster the patch for the API. */
static void patch(struct buf *out, const json_t *change)
{
    const char *text = json_string_or_null(change, "patch");
    const char *rendered = json_string_or_null(change, "rendered_patch");
    const json_t *merge = json_object_get(change, "merge_patch");
    const json_t *api = json_is_object(merge) ? merge : json_object_get(change, "json_patch");
    if (text != NULL || rendered != NULL) {
        listing(out, text != NULL ? "Diff" : "Diff of what is rendered, not of a file", text != NULL ? text : rendered);
    } else if (json_is_object(api) || json_is_array(api)) {
        char *dump = json_dumps(api, JSON_INDENT(2) | JSON_SORT_KEYS);
        listing(out, "Patch for the Kubernetes API", dump == NULL ? "" : dump);
        free(dump);
    }
}

static void reasoning(struct buf *out, const json_t *recommendation)
{
    const char *text = json_string_or_null(recommendation, "reasoning");
    const char *source = json_string_or_null(recommendation, "source");
    const char *class = json_string_or_null(recommendation, "class");
    if (text == NULL) {
        return;
    }
    buf_add_str(out, "<h3>Why</h3><p class=\"why\">");
    escape_html(out, text);
    buf_add_str(out, "</p>");
    if (source != NULL || class != NULL) {
        buf_add_str(out, "<p class=\"quiet\">");
        buf_add_str(out, source == NULL             ? ""
                         : str_equal(source, "llm") ? "Proposed by a language model"
                                                    : "Decided by ");
        escape_html(out, source == NULL || str_equal(source, "llm") ? "" : source);
        buf_add_str(out, class == NULL ? "" : source == NULL ? "Class: " : "; class: ");
        escape_html(out, class == NULL ? "" : class);
        buf_add_str(out, ".</p>\n");
    }
}

static void price_line(struct buf *out, const struct report_row *row)
{
    const json_t *price = json_at(row->record, "cost.price");
    char dollars[FIGURE_MAX];
    if (!json_is_object(price)) {
        return;
    }
    static const char *const words[] = {"provider", "region", "instance", "path", "date"};
    buf_add_str(out, "<p class=\"quiet\">Price:");
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        const char *word = json_string_or_null(price, words[i]);
        buf_add_str(out, word == NULL ? "" : " ");
        escape_html(out, word == NULL ? "" : word);
    }
    buf_printf(out, ": $%s a vCPU-hour",
               figure_dollars(json_int_or(price, "microusd_per_vcpu_hour", 0), dollars));
    buf_printf(out, ", $%s a GiB-hour",
               figure_dollars(json_int_or(price, "microusd_per_gib_hour", 0), dollars));
    buf_printf(out, "; %.4g replicas on average; ", row->replicas);
    buf_printf(out, "$%s now, ", figure_dollars(row->before, dollars));
    buf_printf(out, "$%s new a month.</p>\n", figure_dollars(row->proposed, dollars));
}

static void source_line(struct buf *out, const struct report_row *row)
{
    const json_t *source = json_at(row->record, "workload.source");
    const char *file = json_string_or_null(source, "file");
    const char *rendered = json_string_or_null(source, "rendered");
    const char *object = json_string_or_null(source, "object");
    if (object != NULL) {
        buf_add_str(out, "<p class=\"quiet\">From the cluster: <code>");
        escape_html(out, object);
        buf_add_str(out, "</code></p>\n");
    }
    if (file != NULL) {
        buf_add_str(out, "<p class=\"quiet\">From <code>");
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

void html_workload(const struct report_row *row, enum html_depth depth, struct buf *out)
{
    const json_t *recommendation = json_object_get(row->record, "recommendation");
    buf_printf(out, "<tbody role=\"rowgroup\" id=\"w%zu\">", row->number);
    summary_row(out, row);
    buf_add_str(
        out,
        "<tr role=\"row\" class=\"d\"><td role=\"cell\" colspan=\"9\"><details><summary>Why, usage and diff"
        "<span class=\"hidden\"> of ");
    escape_html(out, row->name);
    buf_add_str(out, "</span></summary><div class=\"body\">\n");
    containers(out, row);
    reasoning(out, recommendation);
    gate(out, json_object_get(row->record, "gate"));
    messages(out, "Findings", json_object_get(recommendation, "findings"));
    html_insight(row, depth, out);
    if (depth != HTML_BRIEF) {
        charts(out, row);
    }
    advice(out, json_object_get(row->record, "change"));
    patch(out, json_object_get(row->record, "change"));
    messages(out, "Problems", json_object_get(row->record, "problems"));
    price_line(out, row);
    source_line(out, row);
    buf_add_str(out, "</div></details></td></tr></tbody>\n");
}
