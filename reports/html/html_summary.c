#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "pipeline/base/money.h"
#include "reports/html/html.h"
#include "reports/text/escape.h"
#include "reports/text/figures.h"
#include "reports/text/summary.h"
#include "reports/text/worth.h"

enum { SENTENCE_MAX = 4096, BELOW_MAX = 4 * FIGURE_MAX, CRITICAL = 4, HIGH = 3 };

static const char minus[] = "\xe2\x88\x92";

static enum html_tone tone_of(int64_t before, int64_t after)
{
    return after < before ? TONE_GOOD : after > before ? TONE_BAD : TONE_PLAIN;
}

/* "$762 → $649", or one amount where nothing moves. */
static char *money_pair(int64_t before, int64_t after, char out[BELOW_MAX])
{
    char left[MONEY_TEXT];
    char right[MONEY_TEXT];
    money_format(before, left);
    money_format(after, right);
    snprintf(out, BELOW_MAX, "%s%s%s", left, before == after ? "" : " \xe2\x86\x92 ",
             before == after ? "" : right);
    return out;
}

static void money_cards(const struct report *report, struct buf *out)
{
    const struct report_sums *t = &report->totals;
    char change[FIGURE_MAX];
    char year[FIGURE_MAX];
    char percent[FIGURE_MAX];
    char value[BELOW_MAX];
    char below[BELOW_MAX];
    char other[FIGURE_MAX];
    figure_change(t->before, t->after, minus, change);
    figure_other_currency(report, llabs(t->after - t->before), other);
    figure_percent(t->before, t->after, minus, percent);
    figure_change(12 * t->before, 12 * t->after, minus, year);
    snprintf(below, sizeof below, "%s%s%s a year%s%s", percent, percent[0] == '\0' ? "" : " · ", year,
             other[0] == '\0' ? "" : " · ", other);
    html_card(out, tone_of(t->before, t->after), "Change a month", change, below);
    html_card(out, TONE_PLAIN, "Cost a month", money_pair(t->before, t->after, value),
              "requests or usage, what is larger");
    if (t->waste_before > 0 || t->waste_after > 0) {
        html_card(out, TONE_PLAIN, "Asked for, not used", money_pair(t->waste_before, t->waste_after, value),
                  t->waste_known ? "a month" : "a month, where usage is known");
    }
}

/* Lower requests free room; this is what goes in cash. */
static void node_card(const struct report *report, struct buf *out)
{
    const struct fleet *fleet = report->fleet;
    char value[FIGURE_MAX];
    char change[FIGURE_MAX];
    char below[BELOW_MAX];
    if (fleet == NULL || fleet->unknown != NULL) {
        return;
    }
    bool more = fleet->nodes_gone < 0;
    if (more) {
        snprintf(value, sizeof value, "%" PRId64 " \xe2\x86\x92 %" PRId64, fleet->before.nodes,
                 fleet->after.nodes);
    } else {
        snprintf(value, sizeof value, "%" PRId64 " of %" PRId64, fleet->nodes_gone, fleet->before.nodes);
    }
    if (fleet->priced) {
        snprintf(below, sizeof below, "%s a month in cash",
                 figure_change(fleet->saving_microusd, 0, minus, change));
    } else {
        snprintf(below, sizeof below, "what nodes cost is not known");
    }
    html_card(out, fleet->priced ? tone_of(fleet->saving_microusd, 0) : TONE_PLAIN,
              more ? "Nodes needed" : "Nodes that could go", value, below);
}

/* What the run itself cost against what it saves. */
static void return_card(const struct report *report, struct buf *out)
{
    const struct report_past *past = report->past;
    const struct report_sums *t = &report->totals;
    char value[FIGURE_MAX];
    char dollars[FIGURE_MAX];
    char below[BELOW_MAX];
    if (past == NULL || past->exchanges <= 0) {
        return;
    }
    int64_t saving = t->before - t->after;
    if (past->llm_microusd > 0 && saving > 0) {
        snprintf(value, sizeof value, "%.0f ×", (double)saving / (double)past->llm_microusd);
    } else {
        snprintf(value, sizeof value, "$%s", figure_dollars(past->llm_microusd, dollars));
    }
    snprintf(below, sizeof below, "a month's saving over $%s for %" PRId64 " tokens",
             figure_dollars(past->llm_microusd, dollars), past->input_tokens + past->output_tokens);
    html_card(out, TONE_PLAIN, "Return on the run", value, below);
}

static void count_cards(const struct report *report, struct buf *out)
{
    const struct report_sums *t = &report->totals;
    char value[FIGURE_MAX];
    char below[BELOW_MAX];
    snprintf(value, sizeof value, "%" PRId64 " of %" PRId64, t->changed, t->workloads);
    snprintf(below, sizeof below, "risk: %" PRId64 " high, %" PRId64 " medium, %" PRId64 " low",
             t->risks[RISK_HIGH], t->risks[RISK_MEDIUM], t->risks[RISK_LOW]);
    html_card(out, TONE_PLAIN, "Workloads to change", value, below);
    snprintf(value, sizeof value, "%" PRId64, t->severities[CRITICAL]);
    snprintf(below, sizeof below, "workload%s; %" PRId64 " more with high ones",
             t->severities[CRITICAL] == 1 ? "" : "s", t->severities[HIGH]);
    html_card(out, t->severities[CRITICAL] > 0 ? TONE_BAD : TONE_PLAIN, "Critical findings", value, below);
    if (t->held > 0) {
        char change[FIGURE_MAX];
        snprintf(value, sizeof value, "%" PRId64 "", t->held);
        snprintf(below, sizeof below, "%s a month, not in the sums",
                 figure_change(t->after, t->proposed, minus, change));
        html_card(out, TONE_PLAIN, "Held back", value, below);
    }
}

/* What it comes to, what that is worth, and what is not in it. */
static void sentences(const struct report *report, struct buf *out)
{
    struct buf text;
    buf_init(&text, SENTENCE_MAX);
    summary_total(report, &text);
    html_sentence(out, "p", &text);
    buf_clear(&text);
    size_t before = out->length;
    buf_add_str(out, "<ul class=\"gaps\">");
    size_t opened = out->length;
    for (int i = 0; summary_worth(report, i, &text) != 0; i++) {
        html_sentence(out, "li", &text);
        buf_clear(&text);
    }
    for (int i = 0; summary_gap(report, i, &text) != 0; i++) {
        html_sentence(out, "li", &text);
        buf_clear(&text);
    }
    if (out->length == opened) {
        out->length = before;
        out->data[before] = '\0';
    } else {
        buf_add_str(out, "</ul>\n");
    }
    buf_release(&text);
}

static void first_things(const struct report *report, struct buf *out)
{
    if (report->first_count == 0) {
        return;
    }
    html_section_begin(out, "first", "Look at these first");
    buf_add_str(out, "<ul class=\"first\">\n");
    for (size_t i = 0; i < report->first_count; i++) {
        const struct report_first *first = &report->first[i];
        buf_printf(out, "<li><a href=\"#w%zu\"><bdi>", first->number);
        escape_html(out, first->workload);
        buf_add_str(out, "</bdi></a> ");
        escape_html(out, first->message);
        buf_add_str(out, "</li>\n");
    }
    buf_add_str(out, "</ul>");
    html_section_end(out);
}

void html_summary(const struct report *report, struct buf *out)
{
    buf_add_str(out, "<section aria-labelledby=\"summary\"><h2 id=\"summary\" class=\"hidden\">Summary</h2>");
    html_cards_begin(out);
    if (report->totals.workloads > report->totals.unpriced) {
        money_cards(report, out);
        node_card(report, out);
        return_card(report, out);
    }
    count_cards(report, out);
    html_cards_end(out);
    sentences(report, out);
    html_section_end(out);
    first_things(report, out);
}
