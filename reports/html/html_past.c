#include <inttypes.h>
#include <stdio.h>

#include "pipeline/base/clock.h"
#include "pipeline/base/money.h"
#include "reports/html/html.h"
#include "reports/html/svg.h"
#include "reports/text/escape.h"
#include "reports/text/figures.h"

enum { DAY_LENGTH = 10 };

/* The day of an instant; what has another form is shown as it is. */
static void day_cell(struct buf *out, const char *instant)
{
    int64_t at = 0;
    char text[RFC3339_MAX];
    buf_add_str(out, "<td>");
    if (instant != NULL && time_parse(instant, &at, NULL) == 0) {
        time_format(at, text);
        buf_printf(out, "%.*s", DAY_LENGTH, text);
    } else {
        escape_html(out, instant == NULL ? "–" : instant);
    }
    buf_add_str(out, "</td>");
}

static void run_head(struct buf *out, int64_t run)
{
    buf_printf(out, "<tr><th scope=\"row\">%" PRId64 "</th>", run);
}

static void open_table(struct buf *out, const char *label, const char *const *heads, size_t count)
{
    buf_printf(out,
               "<div class=\"scroll\" tabindex=\"0\" role=\"group\" aria-label=\"%s\"><table "
               "class=\"runs\"><thead><tr>",
               label);
    for (size_t i = 0; i < count; i++) {
        buf_printf(out, "<th scope=\"col\"%s>%s</th>", i < 2 ? "" : " class=\"num\"", heads[i]);
    }
    buf_add_str(out, "</tr></thead><tbody>\n");
}

static void trend(const struct report_past *past, struct buf *out)
{
    static const char *const heads[] = {"Run",          "Day",           "Workloads", "Changes",
                                        "Cost a month", "With the plan", "Change"};
    if (past->trend_count == 0) {
        return;
    }
    buf_add_str(out, "<h3>Runs</h3>\n");
    svg_trend_chart(past, out);
    buf_printf(out, "<details><summary>The figures of %zu run%s</summary>", past->trend_count,
               past->trend_count == 1 ? "" : "s");
    open_table(out, "Runs", heads, sizeof heads / sizeof heads[0]);
    for (size_t i = 0; i < past->trend_count; i++) {
        const struct past_run *run = &past->trend[i];
        run_head(out, run->run);
        day_cell(out, run->created);
        html_count_cell(out, run->workloads);
        html_count_cell(out, run->changes);
        html_money_cell(out, true, run->before);
        html_money_cell(out, true, run->after);
        html_change_cell(out, true, run->before, run->before - run->saving);
        buf_add_str(out, "</tr>\n");
    }
    buf_add_str(out, "</tbody></table></div></details>\n");
}

static void applied(const struct report_past *past, struct buf *out)
{
    static const char *const heads[] = {"Run", "Applied", "Measured", "Said to save", "Saved in fact"};
    if (past->applied_count == 0) {
        return;
    }
    buf_add_str(out, "<h3>Plans that were applied: said and done</h3>\n");
    open_table(out, "Applied plans", heads, sizeof heads / sizeof heads[0]);
    for (size_t i = 0; i < past->applied_count; i++) {
        const struct past_applied *plan = &past->applied[i];
        bool measured = plan->measured > 0;
        run_head(out, plan->run);
        day_cell(out, plan->applied);
        buf_printf(out, "<td class=\"num\">%" PRId64 " of %" PRId64 "</td>", plan->measured, plan->workloads);
        html_money_cell(out, measured, plan->predicted);
        html_money_cell(out, measured, plan->realized);
        buf_add_str(out, "</tr>\n");
    }
    buf_add_str(out, "</tbody></table></div>\n<p class=\"quiet\">A month, over the workloads that a later "
                     "run priced again.</p>\n");
}

static void tokens(const struct report *report, struct buf *out)
{
    const struct report_past *past = report->past;
    char dollars[FIGURE_MAX];
    if (past->exchanges == 0) {
        return;
    }
    buf_printf(out,
               "<p>Language models were asked %" PRId64 " time%s in this run: %" PRId64 " tokens in, %" PRId64
               " out, ",
               past->exchanges, past->exchanges == 1 ? "" : "s", past->input_tokens, past->output_tokens);
    buf_printf(out, "for $%s", figure_dollars(past->llm_microusd, dollars));
    if (past->failed > 0) {
        buf_printf(out, "; %" PRId64 " without an answer", past->failed);
    }
    if (past->unpriced > 0) {
        buf_printf(out, "; %" PRId64 " at a price that is not known", past->unpriced);
    }
    buf_add_str(out, ".</p>\n");
}

void html_past(const struct report *report, struct buf *out)
{
    if (report->past == NULL) {
        return;
    }
    html_section_begin(out, "runs", "This run and those before it");
    tokens(report, out);
    trend(report->past, out);
    applied(report->past, out);
    html_section_end(out);
}
