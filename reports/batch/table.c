#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/money.h"
#include "reports/batch/render.h"
#include "reports/batch/words.h"
#include "reports/text/escape.h"

enum { COLUMNS = 12, DIGEST_SHOWN = 12, NAME_COLUMNS = 30, CELL_MAX = 256, LINE_COLUMNS = 4096, SENTENCE_MAX = 16 * 1024, SHOWN = 10 };

/* A cell, safe to show, and how many columns it takes. */
struct cell {
    char text[CELL_MAX];
    size_t width;
};

struct grid {
    struct cell heads[COLUMNS];
    size_t widths[COLUMNS];
};

static void put(struct cell *cell, const char *text)
{
    struct buf safe;
    buf_init(&safe, CELL_MAX - 1);
    cell->width = escape_terminal(&safe, text, NAME_COLUMNS);
    snprintf(cell->text, sizeof cell->text, "%s", buf_str(&safe));
    buf_release(&safe);
}

static void put_count(struct cell *cell, bool known, int64_t count)
{
    char text[FIGURE_MAX];
    snprintf(text, sizeof text, "%" PRId64, count);
    put(cell, known ? text : "-");
}

static void put_money(struct cell *cell, bool known, int64_t microusd)
{
    char text[MONEY_TEXT];
    put(cell, known ? money_format(microusd, text) : "-");
}

static void sums_cells(struct cell *cells, bool known, const struct report_sums *s, int64_t problems)
{
    put_count(&cells[0], known, s->workloads);
    put_count(&cells[1], known, s->changed);
    put_money(&cells[2], known, s->before);
    put_money(&cells[3], known, s->after);
    put_money(&cells[4], known, s->before - s->after);
    put_count(&cells[5], known, s->unpriced);
    put_count(&cells[6], known, problems);
}

static void run_cells(const struct batch_run *run, struct cell cells[COLUMNS])
{
    put(&cells[0], run->cluster);
    put_count(&cells[1], true, run->run);
    put(&cells[2], run->state);
    sums_cells(&cells[3], run->counted, &run->sums, run->problems);
    put_count(&cells[10], run->missing >= 0, run->missing);
    char plan[DIGEST_SHOWN + 1];
    snprintf(plan, sizeof plan, "%.*s", DIGEST_SHOWN, run->plan == NULL ? "-" : run->plan);
    put(&cells[11], plan);
}

static void all_cells(const struct batch_report *batch, struct cell cells[COLUMNS])
{
    put(&cells[0], "all");
    put(&cells[1], "");
    put(&cells[2], "");
    sums_cells(&cells[3], true, &batch->totals, batch->problems);
    put(&cells[10], "");
    put(&cells[11], "-");
}

static void measure(struct grid *grid, const struct cell cells[COLUMNS])
{
    for (size_t i = 0; i < COLUMNS; i++) {
        grid->widths[i] = cells[i].width > grid->widths[i] ? cells[i].width : grid->widths[i];
    }
}

static void print(const struct grid *grid, const struct cell cells[COLUMNS], struct buf *out)
{
    for (size_t i = 0; i < COLUMNS; i++) {
        int pad = (int)(grid->widths[i] - cells[i].width);
        bool right = i == 1 || (i > 2 && i < COLUMNS - 1);
        buf_add_str(out, i == 0 ? "" : "  ");
        buf_printf(out, "%*s", right ? pad : 0, "");
        buf_add_str(out, cells[i].text);
        buf_printf(out, "%*s", right || i == COLUMNS - 1 ? 0 : pad, "");
    }
    buf_add_char(out, '\n');
}

static int runs(const struct batch_report *batch, struct report_sink *sink, struct err *err)
{
    static const char *const heads[COLUMNS] = {"CLUSTER", "RUN",   "STATE",    "WORKLOADS", "CHANGES",           "NOW",
                                               "AFTER",   "SAVED", "NO PRICE", "PROBLEMS",  "APPROVALS MISSING", "PLAN"};
    struct grid grid = {.widths = {0}};
    struct cell cells[COLUMNS];
    for (size_t i = 0; i < COLUMNS; i++) {
        put(&grid.heads[i], heads[i]);
    }
    measure(&grid, grid.heads);
    for (size_t i = 0; i <= batch->run_count; i++) {
        i < batch->run_count ? run_cells(&batch->runs[i], cells) : all_cells(batch, cells);
        measure(&grid, cells);
    }
    print(&grid, grid.heads, &sink->out);
    for (size_t i = 0; i <= batch->run_count; i++) {
        i < batch->run_count ? run_cells(&batch->runs[i], cells) : all_cells(batch, cells);
        print(&grid, cells, &sink->out);
        if (sink_poll(sink, err)) {
            return -1;
        }
    }
    return 0;
}

static void add_text(const char *text, void *context)
{
    struct buf *out = context;
    escape_terminal(out, text, LINE_COLUMNS);
    buf_add_char(out, '\n');
}

static void items(const struct batch_report *batch, const struct batch_item *list, size_t count, struct buf *out)
{
    for (size_t i = 0; i < count && i < SHOWN; i++) {
        char saved[MONEY_TEXT];
        buf_add_str(out, "  ");
        escape_terminal(out, batch->runs[list[i].run].cluster, NAME_COLUMNS);
        buf_add_str(out, "  ");
        escape_terminal(out, list[i].workload, LINE_COLUMNS);
        buf_add_str(out, "  ");
        escape_terminal(out, list[i].message != NULL ? list[i].message : money_format(list[i].before - list[i].after, saved), LINE_COLUMNS);
        buf_add_char(out, '\n');
    }
}

int batch_table(const struct batch_report *batch, struct report_sink *sink, struct err *err)
{
    struct buf *out = &sink->out;
    struct buf text;
    if (runs(batch, sink, err)) {
        return -1;
    }
    if (batch->critical_count > 0) {
        buf_printf(out, "\ncritical findings (%" PRId64 ")\n", batch->critical_total);
        items(batch, batch->critical, batch->critical_count, out);
    }
    if (batch->top_count > 0) {
        buf_add_str(out, "\nlargest savings a month\n");
        items(batch, batch->top, batch->top_count, out);
    }
    buf_init(&text, SENTENCE_MAX);
    buf_printf(&text, "batch %s: ", batch->name);
    batch_total(batch, &text);
    buf_add_char(out, '\n');
    add_text(buf_str(&text), out);
    buf_release(&text);
    batch_gaps(batch, add_text, out);
    batch_prices(batch, add_text, out);
    return sink_finish(sink, err);
}
