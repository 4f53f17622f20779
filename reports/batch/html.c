#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/money.h"
#include "reports/batch/render.h"
#include "reports/batch/words.h"
#include "reports/html/page.h"
#include "reports/text/escape.h"

enum { SENTENCE_MAX = 16 * 1024, DIGEST_SHOWN = 12 };

static void add_item(const char *text, void *context)
{
    struct buf *out = context;
    buf_add_str(out, "<li>");
    escape_html(out, text);
    buf_add_str(out, "</li>\n");
}

static void cards(const struct batch_report *batch, struct buf *out)
{
    char number[FIGURE_MAX];
    char below[FIGURE_MAX];
    char money[MONEY_TEXT];
    const struct report_sums *t = &batch->totals;
    html_cards_begin(out);
    snprintf(number, sizeof number, "%zu", batch->counted);
    snprintf(below, sizeof below, "of %zu runs", batch->run_count);
    html_card(out, batch->counted < batch->run_count ? TONE_BAD : TONE_PLAIN, "Clusters", number, below);
    html_card(out, TONE_PLAIN, "Monthly now", money_format(t->before, money), "");
    html_card(out, TONE_PLAIN, "After", money_format(t->after, money), "");
    html_card(out, t->after < t->before ? TONE_GOOD : TONE_PLAIN, "Saved a month", money_format(t->before - t->after, money), "");
    snprintf(number, sizeof number, "%" PRId64, t->changed);
    snprintf(below, sizeof below, "of %" PRId64 " workloads", t->workloads);
    html_card(out, TONE_PLAIN, "Changes", number, below);
    snprintf(number, sizeof number, "%" PRId64, batch->critical_total);
    html_card(out, batch->critical_total > 0 ? TONE_BAD : TONE_PLAIN, "Critical findings", number, "workloads");
    html_cards_end(out);
}

static void begin(const struct batch_report *batch, struct buf *out)
{
    struct buf text;
    char *title = xasprintf("Batch %s", batch->name);
    struct html_page page = {.title = title, .created = batch->created, .skip = "runs"};
    html_page_begin(out, &page);
    cards(batch, out);
    buf_init(&text, SENTENCE_MAX);
    batch_total(batch, &text);
    html_sentence(out, "p", &text);
    buf_add_str(out, "<ul>\n");
    batch_gaps(batch, add_item, out);
    buf_add_str(out, "</ul>\n");
    buf_release(&text);
    free(title);
}

/* Opens a table that scrolls; the first head is of text, the next `numbers` are of numbers, the rest of text. */
static void table_begin(struct buf *out, const char *label, const char *const *heads, size_t count, size_t numbers)
{
    buf_printf(out, "<div class=\"scroll\" tabindex=\"0\" role=\"group\" aria-label=\"%s\"><table class=\"spaces\"><thead><tr>", label);
    for (size_t i = 0; i < count; i++) {
        buf_printf(out, "<th scope=\"col\"%s>%s</th>", i >= 1 && i <= numbers ? " class=\"num\"" : "", heads[i]);
    }
    buf_add_str(out, "</tr></thead><tbody>\n");
}

static void text_cell(struct buf *out, const char *text)
{
    buf_add_str(out, "<td>");
    escape_html(out, text);
    buf_add_str(out, "</td>");
}

static void count_or_none(struct buf *out, bool known, int64_t count)
{
    if (known) {
        html_count_cell(out, count);
    } else {
        buf_add_str(out, "<td class=\"num\">–</td>");
    }
}

static void sums_cells(const struct report_sums *s, bool known, int64_t problems, struct buf *out)
{
    count_or_none(out, known, s->workloads);
    count_or_none(out, known, s->changed);
    html_money_cell(out, known, s->before);
    html_money_cell(out, known, s->after);
    html_money_cell(out, known, s->before - s->after);
    count_or_none(out, known, s->unpriced);
    count_or_none(out, known, problems);
}

static void run_row(const struct batch_run *run, struct buf *out)
{
    char plan[DIGEST_SHOWN + 1];
    snprintf(plan, sizeof plan, "%.*s", DIGEST_SHOWN, run->plan == NULL ? "" : run->plan);
    html_row_head(out, run->cluster);
    html_count_cell(out, run->run);
    sums_cells(&run->sums, run->counted, run->problems, out);
    count_or_none(out, run->missing >= 0, run->missing);
    text_cell(out, run->state);
    text_cell(out, run->plan == NULL ? "–" : plan);
    buf_add_str(out, "</tr>\n");
}

static int runs(const struct batch_report *batch, struct report_sink *sink, struct err *err)
{
    static const char *const heads[] = {"Cluster", "Run",      "Workloads", "Changes",           "Monthly now", "After", "Saved",
                                        "No price", "Problems", "Approvals missing", "State",       "Plan"};
    struct buf *out = &sink->out;
    html_section_begin(out, "runs", "Runs, a cluster each");
    table_begin(out, "Runs", heads, ARRAY_COUNT(heads), 9);
    for (size_t i = 0; i < batch->run_count; i++) {
        run_row(&batch->runs[i], out);
        if (sink_poll(sink, err)) {
            return -1;
        }
    }
    buf_add_str(out, "</tbody><tfoot>");
    html_row_head(out, "All");
    buf_add_str(out, "<td></td>");
    sums_cells(&batch->totals, true, batch->problems, out);
    buf_add_str(out, "<td></td><td></td><td></td></tr></tfoot></table></div>\n");
    html_section_end(out);
    return 0;
}

static void critical(const struct batch_report *batch, struct buf *out)
{
    if (batch->critical_total == 0) {
        return;
    }
    html_section_begin(out, "critical", "Critical findings");
    buf_add_str(out, "<ul>\n");
    for (size_t i = 0; i < batch->critical_count; i++) {
        const struct batch_item *item = &batch->critical[i];
        buf_add_str(out, "<li><bdi>");
        escape_html(out, batch->runs[item->run].cluster);
        buf_add_str(out, "</bdi> · <bdi>");
        escape_html(out, item->workload);
        buf_printf(out, "</bdi> (run %" PRId64 "): ", batch->runs[item->run].run);
        escape_html(out, item->message);
        buf_add_str(out, "</li>\n");
    }
    if ((int64_t)batch->critical_count < batch->critical_total) {
        buf_printf(out, "<li>… and %" PRId64 " more: the runs' own reports have all of them</li>\n",
                   batch->critical_total - (int64_t)batch->critical_count);
    }
    buf_add_str(out, "</ul>\n");
    html_section_end(out);
}

static void savings(const struct batch_report *batch, struct buf *out)
{
    static const char *const heads[] = {"Workload", "Run", "Monthly now", "After", "Saved", "Cluster"};
    if (batch->top_count == 0) {
        return;
    }
    html_section_begin(out, "savings", "Largest savings");
    table_begin(out, "Largest savings", heads, ARRAY_COUNT(heads), 4);
    for (size_t i = 0; i < batch->top_count; i++) {
        const struct batch_item *item = &batch->top[i];
        html_row_head(out, item->workload);
        html_count_cell(out, batch->runs[item->run].run);
        html_money_cell(out, true, item->before);
        html_money_cell(out, true, item->after);
        html_money_cell(out, true, item->before - item->after);
        text_cell(out, batch->runs[item->run].cluster);
        buf_add_str(out, "</tr>\n");
    }
    buf_add_str(out, "</tbody></table></div>\n");
    html_section_end(out);
}

int batch_html(const struct batch_report *batch, struct report_sink *sink, struct err *err)
{
    struct buf *out = &sink->out;
    begin(batch, out);
    if (runs(batch, sink, err)) {
        return -1;
    }
    critical(batch, out);
    savings(batch, out);
    html_page_foot(out);
    buf_add_str(out, "<h2>Prices</h2>\n<ul>\n");
    batch_prices(batch, add_item, out);
    buf_add_str(out, "</ul>\n<p>Amounts are US dollars a month. Each run has its own plan and its own approvals.</p>\n");
    html_page_end(out);
    return sink_finish(sink, err);
}
