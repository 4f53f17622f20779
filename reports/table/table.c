#include <stdio.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/money.h"
#include "reports/render.h"
#include "reports/table/layout.h"
#include "reports/text/escape.h"
#include "reports/text/opinion.h"
#include "reports/text/summary.h"
#include "reports/text/worth.h"

enum { SENTENCE_MAX = 8192, NAME_MAX_BYTES = 4096, OBJECT_NAME_MAX = 253 };

struct writing {
    struct table_layout layout;
    struct report_sink *sink;
    struct buf name;
};

static void money_cells(struct table_cells *cells, bool priced, int64_t before, int64_t after)
{
    if (!priced) {
        snprintf(cells->text[COLUMN_NOW], FIGURE_MAX, "-");
        snprintf(cells->text[COLUMN_NEW], FIGURE_MAX, "-");
        snprintf(cells->text[COLUMN_CHANGE], FIGURE_MAX, "-");
        return;
    }
    money_format(before, cells->text[COLUMN_NOW]);
    money_format(after, cells->text[COLUMN_NEW]);
    figure_change(before, after, "-", cells->text[COLUMN_CHANGE]);
    figure_percent(before, after, "-", cells->text[COLUMN_PERCENT]);
}

/* The name is as it came; cells are safe to show. */
static void read_row(const struct report_row *row, struct writing *w, struct table_cells *cells)
{
    *cells = (struct table_cells){0};
    buf_clear(&w->name);
    buf_printf(&w->name, "%s%s%s/%s", row->namespace == NULL ? "" : row->namespace, row->namespace == NULL ? "" : "/", row->kind,
               row->name);
    figure_pair(CPU_REQUEST, row->now[CPU_REQUEST], row->next[CPU_REQUEST], " → ", cells->text[COLUMN_CPU]);
    figure_pair(MEMORY_REQUEST, row->now[MEMORY_REQUEST], row->next[MEMORY_REQUEST], " → ", cells->text[COLUMN_MEMORY]);
    money_cells(cells, row->priced, row->before, row->proposed);
    figure_confidence(row, cells->text[COLUMN_CONFIDENCE]);
    const char *last = row->blocked                ? "blocked"
                       : row->trifle               ? "trifle"
                       : row->group == REPORT_HELD ? "unwritable"
                                                   : report_risk_name(row->risk);
    snprintf(cells->text[COLUMN_RISK], FIGURE_MAX, "%s", row->no_data && last[0] == '\0' ? "no data" : last);
}

static int measure_row(const struct report *report, const struct report_row *row, size_t place, void *context, struct err *err)
{
    (void)report;
    (void)place;
    (void)err;
    struct writing *w = context;
    struct table_cells cells;
    read_row(row, w, &cells);
    table_measure(&w->layout, buf_str(&w->name), &cells);
    return 0;
}

/* The new objects that a change brings, a line each. */
static void object_lines(const struct report_row *row, struct buf *out)
{
    for (size_t i = 0; i < row->objects; i++) {
        const json_t *object = json_array_get(json_at(row->record, "change.objects"), i);
        const char *kind = json_string_or_null(object, "kind");
        const char *name = json_string_or_null(object, "name");
        buf_add_str(out, "  + new ");
        escape_terminal(out, kind == NULL ? "object" : kind, OBJECT_NAME_MAX);
        buf_add_char(out, ' ');
        escape_terminal(out, name == NULL ? "" : name, OBJECT_NAME_MAX);
        buf_add_char(out, '\n');
    }
}

/* Who recommended, where it was not the rules, and who was not used. */
static void opinion_line(const struct report_row *row, struct buf *out)
{
    char who[OPINION_WHO_MAX];
    char fallback[OPINION_REASON_MAX];
    size_t moved = opinion_moved(row->record);
    if (!opinion_differs(row->record)) {
        return;
    }
    buf_add_str(out, "  by ");
    escape_terminal(out, opinion_who(row->record, who), OBJECT_NAME_MAX);
    if (moved > 0) {
        buf_printf(out, "; %zu amount%s moved into bounds", moved, moved == 1 ? "" : "s");
    }
    if (opinion_fallback(row->record, fallback)[0] != '\0') {
        buf_add_str(out, "; ");
        escape_terminal(out, fallback, OPINION_REASON_MAX);
    }
    buf_add_char(out, '\n');
}

static int add_row(const struct report *report, const struct report_row *row, size_t place, void *context, struct err *err)
{
    (void)report;
    (void)place;
    struct writing *w = context;
    struct table_cells cells;
    read_row(row, w, &cells);
    table_row(&w->layout, buf_str(&w->name), &cells, &w->sink->out);
    object_lines(row, &w->sink->out);
    opinion_line(row, &w->sink->out);
    return sink_poll(w->sink, err);
}

static void total_cells(const struct report *report, struct table_cells *cells)
{
    const struct report_sums *t = &report->totals;
    *cells = (struct table_cells){0};
    money_cells(cells, t->workloads > t->unpriced, t->before, t->after);
}

/* In one piece, however narrow the screen is, so that it can be copied. */
static void plan_line(const struct report *report, struct buf *out)
{
    struct buf command;
    buf_init(&command, SENTENCE_MAX);
    if (summary_approve(report, &command)) {
        buf_printf(out, "To approve exactly this: %s\n", buf_str(&command));
    }
    buf_release(&command);
}

static void foot(const struct report *report, struct writing *w)
{
    struct buf *out = &w->sink->out;
    struct table_cells cells;
    struct buf text;
    buf_init(&text, SENTENCE_MAX);
    total_cells(report, &cells);
    table_row(&w->layout, "total", &cells, out);
    buf_add_char(out, '\n');
    summary_total(report, &text);
    table_sentence(&w->layout, &text, out);
    int (*const lists[])(const struct report *, int, struct buf *) = {summary_worth, summary_gap};
    for (size_t l = 0; l < ARRAY_COUNT(lists); l++) {
        buf_clear(&text);
        for (int i = 0; lists[l](report, i, &text) != 0; i++) {
            table_sentence(&w->layout, &text, out);
            buf_clear(&text);
        }
    }
    buf_clear(&text);
    summary_prices(report, &text);
    table_sentence(&w->layout, &text, out);
    buf_release(&text);
    plan_line(report, out);
}

int report_table(const struct report *report, struct report_sink *sink, struct err *err)
{
    struct writing w = {.sink = sink};
    struct table_cells cells;
    table_layout_init(&w.layout, table_screen());
    buf_init(&w.name, NAME_MAX_BYTES);
    total_cells(report, &cells);
    table_measure(&w.layout, "total", &cells);
    int failed = report_each_brief(report, 0, SIZE_MAX, measure_row, &w, err);
    if (!failed) {
        table_decide(&w.layout);
        table_row(&w.layout, NULL, NULL, &sink->out);
        failed = report_each_brief(report, 0, SIZE_MAX, add_row, &w, err);
    }
    if (!failed) {
        foot(report, &w);
        failed = sink_finish(sink, err);
    }
    buf_release(&w.name);
    return failed ? -1 : 0;
}
