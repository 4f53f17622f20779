#include <inttypes.h>
#include <string.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/money.h"
#include "reports/escape.h"
#include "reports/figures.h"
#include "reports/render.h"
#include "reports/summary.h"

enum { NAME_COLUMNS = 38, SENTENCE_MAX = 4096 };

/* Heads and widths of the columns after the name; all but the last align right. */
static const struct {
    const char *head;
    size_t width;
} columns[] = {{"CPU", 15},   {"MEMORY", 18}, {"NOW", 9},  {"NEW", 9},
               {"CHANGE", 9}, {"%", 6},       {"CONF", 5}, {"RISK", 6}};

/* Characters, not bytes: figures hold "→" and "–". */
static size_t characters(const char *text)
{
    size_t count = 0;
    for (; *text != '\0'; text++) {
        count += ((unsigned char)*text & 0xc0U) != 0x80U;
    }
    return count;
}

static void pad(struct buf *out, size_t used, size_t width)
{
    for (size_t i = used; i < width; i++) {
        buf_add_char(out, ' ');
    }
}

static void cell(struct buf *out, size_t column, const char *text)
{
    buf_add_str(out, "  ");
    if (column + 1 == ARRAY_COUNT(columns)) {
        buf_add_str(out, text);
        return;
    }
    pad(out, characters(text), columns[column].width);
    buf_add_str(out, text);
}

static void money_cells(struct buf *out, bool priced, int64_t before, int64_t after)
{
    char text[FIGURE_MAX];
    cell(out, 2, priced ? money_format(before, text) : "-");
    cell(out, 3, priced ? money_format(after, text) : "-");
    cell(out, 4, priced ? figure_change(before, after, "-", text) : "-");
    cell(out, 5, priced ? figure_percent(before, after, "-", text) : "");
}

static void head(struct buf *out)
{
    buf_add_str(out, "WORKLOAD");
    pad(out, strlen("WORKLOAD"), NAME_COLUMNS);
    for (size_t i = 0; i < ARRAY_COUNT(columns); i++) {
        cell(out, i, columns[i].head);
    }
    buf_add_char(out, '\n');
}

static void name_cell(struct buf *out, const struct report_row *row, struct arena *arena)
{
    const char *name = row->namespace == NULL
                           ? arena_printf(arena, "%s/%s", row->kind, row->name)
                           : arena_printf(arena, "%s/%s/%s", row->namespace, row->kind, row->name);
    pad(out, escape_terminal(out, name, NAME_COLUMNS), NAME_COLUMNS);
}

static void line(struct buf *out, const struct report_row *row, struct arena *arena)
{
    char text[FIGURE_MAX];
    name_cell(out, row, arena);
    cell(out, 0, figure_pair(CPU_REQUEST, row->now[CPU_REQUEST], row->next[CPU_REQUEST], " → ", text));
    cell(out, 1,
         figure_pair(MEMORY_REQUEST, row->now[MEMORY_REQUEST], row->next[MEMORY_REQUEST], " → ", text));
    money_cells(out, row->priced, row->before, row->proposed);
    cell(out, 6, figure_confidence(row, text));
    const char *last = row->blocked                ? "blocked"
                       : row->group == REPORT_HELD ? "unwritable"
                                                   : report_risk_name(row->risk);
    cell(out, 7, row->no_data && last[0] == '\0' ? "no data" : last);
    buf_add_char(out, '\n');
}

static void foot(const struct report *report, struct buf *out)
{
    const struct report_sums *t = &report->totals;
    buf_add_str(out, "total");
    pad(out, strlen("total"), NAME_COLUMNS);
    cell(out, 0, "");
    cell(out, 1, "");
    money_cells(out, t->workloads > t->unpriced, t->before, t->after);
    buf_add_str(out, "\n\n");
    struct buf text;
    buf_init(&text, SENTENCE_MAX);
    summary_total(report, &text);
    for (int i = 0, more = 1; more != 0; i++) {
        escape_terminal(out, buf_str(&text), SENTENCE_MAX);
        buf_add_str(out, text.length > 0 ? "\n" : "");
        buf_clear(&text);
        more = summary_gap(report, i, &text);
    }
    summary_prices(report, &text);
    escape_terminal(out, buf_str(&text), SENTENCE_MAX);
    buf_add_char(out, '\n');
    buf_release(&text);
}

int report_table(const struct report *report, struct report_sink *sink, struct err *err)
{
    struct arena arena;
    arena_init(&arena);
    int failed = 0;
    head(&sink->out);
    for (size_t i = 0; i < report->entry_count && !failed; i++) {
        struct report_row row;
        failed = report_row_at(report, i, &arena, &row, err);
        if (!failed) {
            line(&sink->out, &row, &arena);
            report_row_release(&row);
            failed = sink_poll(sink, err);
        }
        arena_clear(&arena);
    }
    arena_release(&arena);
    if (failed) {
        return -1;
    }
    foot(report, &sink->out);
    return sink_finish(sink, err);
}
