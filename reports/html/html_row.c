#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "pipeline/base/money.h"
#include "pipeline/base/str.h"
#include "reports/html/workload.h"
#include "reports/text/escape.h"
#include "reports/text/figures.h"
#include "reports/text/insight.h"

enum { SEVERITY_SHOWN = 3, SEVERITY_CRITICAL = 4, FINDING_BYTES = 240 };

static const char minus[] = "\xe2\x88\x92";
static const char none[] = "\xe2\x80\x93";

void html_workloads_begin(struct buf *out, const char *caption)
{
    static const char *const heads[] = {"Workload", "CPU request", "Memory request", "Now", "New",
                                        "Change",   "%",           "Confidence",     "Risk"};
    buf_printf(out, "<table class=\"workloads\"><caption class=\"h\">%s</caption><thead><tr>", caption);
    for (size_t i = 0; i < sizeof heads / sizeof heads[0]; i++) {
        buf_printf(out, "<th scope=\"col\">%s</th>", heads[i]);
    }
    buf_add_str(out, "</tr></thead>\n");
}

void html_workloads_end(struct buf *out)
{
    buf_add_str(out, "</table>\n");
}

/* How a cell is aligned, and the label it has on narrow screens, the style knows by its place. */
static void open_cell(struct buf *out, const char *class)
{
    buf_add_str(out, class[0] == '\0' ? "<td>" : "<td class=");
    if (class[0] != '\0') {
        buf_printf(out, "%s>", class);
    }
}

static void amount_cell(struct buf *out, enum report_field field, const struct report_row *row)
{
    char text[FIGURE_MAX];
    open_cell(out, "");
    if (row->now[field] != row->next[field]) {
        buf_printf(out, "<s>%s</s> → ", figure_amount(field, row->now[field], text));
        buf_printf(out, "<b>%s</b>", figure_amount(field, row->next[field], text));
    } else {
        buf_add_str(out, figure_amount(field, row->now[field], text));
    }
}

static void money_cells(struct buf *out, const struct report_row *row)
{
    char text[FIGURE_MAX];
    char money[MONEY_TEXT];
    bool p = row->priced;
    open_cell(out, "");
    buf_add_str(out, p ? money_format(row->before, money) : none);
    open_cell(out, "");
    buf_add_str(out, p ? money_format(row->proposed, money) : none);
    open_cell(out, !p || row->before == row->proposed ? "" : row->proposed < row->before ? "less" : "more");
    buf_add_str(out, p ? figure_change(row->before, row->proposed, minus, text) : none);
    open_cell(out, "");
    buf_add_str(out, p ? figure_percent(row->before, row->proposed, minus, text) : "");
}

/* What most workloads wait for, an approval, is not told of each. */
static void badges(struct buf *out, const struct report_row *row)
{
    if (row->blocked) {
        html_badge(out, "high", "blocked");
    } else if (str_equal(row->verdict, "allowed")) {
        html_badge(out, "low", "allowed");
    }
    if (row->group == REPORT_HELD && !row->blocked) {
        html_badge(out, row->trifle ? "state" : "high", row->trifle ? "saves too little" : "cannot be written");
    }
    if (row->state != NULL) {
        html_badge(out, "state", row->state);
    }
    if (row->severity >= SEVERITY_SHOWN) {
        html_badge(out, "high", row->severity >= SEVERITY_CRITICAL ? "critical finding" : "high finding");
    }
    if (row->no_data) {
        html_badge(out, "medium", "no usage data");
    }
    if (!row->priced) {
        html_badge(out, "medium", "not priced");
    }
}

/* What the worst finding says stands in the row: on paper, and of ten thousand workloads, details are not there. */
static void worst_finding(struct buf *out, const struct report_row *row)
{
    if (row->severity < SEVERITY_SHOWN) {
        return;
    }
    const char *message = report_message(insight_worst_finding(row->record));
    char shown[FINDING_BYTES];
    bool cut = snprintf(shown, sizeof shown, "%s", message) >= (int)sizeof shown;
    str_trim_utf8(shown);
    buf_add_str(out, "<p class=wf><bdi>");
    escape_html(out, shown);
    buf_add_str(out, cut ? "…</bdi>" : "</bdi>");
}

static void name_cell(struct buf *out, const struct report_row *row)
{
    buf_add_str(out, "<th scope=row><bdi>");
    if (row->namespace != NULL) {
        buf_add_str(out, "<span class=ns>");
        escape_html(out, row->namespace);
        buf_add_str(out, "</span>/<wbr>");
    }
    buf_add_str(out, "<b>");
    escape_html(out, row->name);
    buf_add_str(out, "</b></bdi> <i>");
    escape_html(out, row->kind);
    buf_add_str(out, "</i>");
    if (row->team != NULL) {
        buf_add_str(out, " <i>· <bdi class=tm>");
        escape_html(out, row->team);
        buf_add_str(out, "</bdi></i>");
    }
    badges(out, row);
    worst_finding(out, row);
}

/* What the script sorts by where a cell's text does not tell it: amounts and money of the cells, in their
 * order. */
static void sort_values(struct buf *out, const struct report_row *row)
{
    buf_printf(out, " data-v=\"%" PRId64 " %" PRId64 " %" PRId64 " %" PRId64 "\"", row->next[CPU_REQUEST],
               row->next[MEMORY_REQUEST], row->priced ? row->before : -1, row->priced ? row->proposed : -1);
    if (row->severity >= 0) {
        buf_printf(out, " data-f=%d", row->severity);
    }
}

void html_workload_row(const struct report_row *row, struct buf *out)
{
    char text[FIGURE_MAX];
    buf_printf(out, "<tbody id=w%zu", row->number);
    sort_values(out, row);
    buf_add_str(out, "><tr class=w>");
    name_cell(out, row);
    amount_cell(out, CPU_REQUEST, row);
    amount_cell(out, MEMORY_REQUEST, row);
    money_cells(out, row);
    open_cell(out, "");
    buf_add_str(out, figure_confidence(row, text));
    open_cell(out, "");
    if (row->risk == RISK_UNKNOWN) {
        buf_add_str(out, none);
    } else {
        html_badge(out, report_risk_name(row->risk), report_risk_name(row->risk));
    }
    buf_add_char(out, '\n');
}
