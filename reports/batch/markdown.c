#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/money.h"
#include "reports/batch/render.h"
#include "reports/batch/words.h"
#include "reports/text/escape.h"

enum { SENTENCE_MAX = 16 * 1024, DIGEST_SHOWN = 12 };

static void add_item(const char *text, void *context)
{
    struct buf *out = context;
    buf_add_str(out, "- ");
    escape_markdown(out, text);
    buf_add_char(out, '\n');
}

static void money_cell(struct buf *out, int64_t microusd)
{
    char text[MONEY_TEXT];
    buf_printf(out, " | %s%s", microusd < 0 ? "−" : "", money_format(llabs(microusd), text));
}

static void sums_cells(const struct report_sums *sums, int64_t problems, struct buf *out)
{
    buf_printf(out, " | %" PRId64 " | %" PRId64, sums->workloads, sums->changed);
    money_cell(out, sums->before);
    money_cell(out, sums->after);
    money_cell(out, sums->before - sums->after);
    buf_printf(out, " | %" PRId64 " | %" PRId64, sums->unpriced, problems);
}

static void run_row(const struct batch_run *run, struct buf *out)
{
    buf_add_str(out, "| ");
    escape_markdown(out, run->cluster);
    buf_printf(out, " | %" PRId64 " | %s", run->run, run->state);
    if (run->counted) {
        sums_cells(&run->sums, run->problems, out);
    } else {
        buf_add_str(out, " | – | – | – | – | – | – | –");
    }
    if (run->missing >= 0) {
        buf_printf(out, " | %" PRId64, run->missing);
    } else {
        buf_add_str(out, " | –");
    }
    if (run->plan != NULL) {
        buf_printf(out, " | `%.*s` |\n", DIGEST_SHOWN, run->plan);
    } else {
        buf_add_str(out, " | – |\n");
    }
}

static void head(const struct batch_report *batch, struct buf *out)
{
    struct buf text;
    buf_init(&text, SENTENCE_MAX);
    buf_add_str(out, "## Batch ");
    escape_markdown(out, batch->name);
    buf_add_str(out, "\n\n**");
    batch_total(batch, &text);
    escape_markdown(out, buf_str(&text));
    buf_add_str(out, "**\n\n");
    buf_release(&text);
}

static int runs(const struct batch_report *batch, struct report_sink *sink, struct err *err)
{
    struct buf *out = &sink->out;
    buf_add_str(out, "| Cluster | Run | State | Workloads | Changes | Monthly now | After | Saved | No price | Problems "
                     "| Approvals missing | Plan |\n"
                     "|---|---:|---|---:|---:|---:|---:|---:|---:|---:|---:|---|\n");
    for (size_t i = 0; i < batch->run_count; i++) {
        run_row(&batch->runs[i], out);
        if (sink_poll(sink, err)) {
            return -1;
        }
    }
    buf_add_str(out, "| **All** | | ");
    sums_cells(&batch->totals, batch->problems, out);
    buf_add_str(out, " | | |\n");
    return 0;
}

static void place(const struct batch_report *batch, const struct batch_item *item, struct buf *out)
{
    escape_markdown(out, batch->runs[item->run].cluster);
    buf_add_str(out, " · ");
    escape_markdown(out, item->workload);
    buf_printf(out, " (run %" PRId64 ")", batch->runs[item->run].run);
}

static void critical(const struct batch_report *batch, struct buf *out)
{
    if (batch->critical_total == 0) {
        return;
    }
    buf_printf(out, "\n### Critical findings (%" PRId64 ")\n\n", batch->critical_total);
    for (size_t i = 0; i < batch->critical_count; i++) {
        buf_add_str(out, "- ");
        place(batch, &batch->critical[i], out);
        buf_add_str(out, ": ");
        escape_markdown(out, batch->critical[i].message);
        buf_add_char(out, '\n');
    }
    if ((int64_t)batch->critical_count < batch->critical_total) {
        buf_printf(out, "- … and %" PRId64 " more: the runs' own reports have all of them\n",
                   batch->critical_total - (int64_t)batch->critical_count);
    }
}

static void savings(const struct batch_report *batch, struct buf *out)
{
    if (batch->top_count == 0) {
        return;
    }
    buf_add_str(out, "\n### Largest savings\n\n| Workload | Monthly now | After | Saved |\n|---|---:|---:|---:|\n");
    for (size_t i = 0; i < batch->top_count; i++) {
        const struct batch_item *item = &batch->top[i];
        buf_add_str(out, "| ");
        place(batch, item, out);
        money_cell(out, item->before);
        money_cell(out, item->after);
        money_cell(out, item->before - item->after);
        buf_add_str(out, " |\n");
    }
}

int batch_markdown(const struct batch_report *batch, struct report_sink *sink, struct err *err)
{
    struct buf *out = &sink->out;
    head(batch, out);
    batch_gaps(batch, add_item, out);
    buf_add_char(out, '\n');
    if (runs(batch, sink, err)) {
        return -1;
    }
    critical(batch, out);
    savings(batch, out);
    buf_add_str(out, "\n### Prices\n\n");
    batch_prices(batch, add_item, out);
    buf_add_str(out, "\nAmounts are US dollars a month. Each run has its own plan and its own approvals: "
                     "`tare report RUN`, `tare approve RUN`.\n");
    return sink_finish(sink, err);
}
