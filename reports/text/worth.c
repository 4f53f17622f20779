#include "reports/text/worth.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/money.h"
#include "reports/text/figures.h"

static void money(struct buf *out, int64_t microusd)
{
    char text[MONEY_TEXT];
    buf_add_str(out, money_format(llabs(microusd), text));
}

static void count(struct buf *out, int64_t number, const char *noun)
{
    char text[FIGURE_MAX];
    buf_add_str(out, figure_count(number, noun, text));
}

static bool is_priced(const struct report *report)
{
    return report->totals.workloads > report->totals.unpriced;
}

/* The share of a whole that is there, " (53%)"; nothing where a side is 0. */
static void share(struct buf *out, int64_t part, int64_t whole)
{
    char text[FIGURE_MAX];
    if (part > 0 && whole > 0) {
        buf_printf(out, " (%s)", figure_share((double)part / (double)whole, text));
    }
}

/* A sentence of another part, with a stop at its end. */
static void add_sentence(struct buf *out, const char *text)
{
    size_t length = strlen(text);
    buf_printf(out, "%s%s", text, length > 0 && text[length - 1] == '.' ? "" : ".");
}

/* `saving` is that of requests: room comes about only where it is one. */
static void nodes_that_go(const struct fleet *fleet, int64_t saving, struct buf *out)
{
    int64_t gone = fleet->nodes_gone;
    if (gone > 0) {
        buf_printf(out, "%" PRId64 " of ", gone);
        count(out, fleet->before.nodes, "node");
        buf_add_str(out, " could go");
    } else if (gone < 0) {
        count(out, -gone, "node");
        buf_add_str(out, " more would be needed");
    } else {
        buf_add_str(out, saving < 0 ? "no more nodes are needed" : "no node could go");
    }
    if (!fleet->priced) {
        buf_add_str(out, "; what nodes cost is not known");
    } else if (fleet->saving_microusd != 0) {
        buf_add_str(out, ", ");
        money(out, fleet->saving_microusd);
        buf_printf(out, " a month %sin cash", fleet->saving_microusd < 0 ? "more " : "");
    } else if (gone == 0 && saving > 0) {
        buf_add_str(out, ": the room stays on the nodes that there are");
    }
    buf_add_char(out, '.');
}

/* Room that is no longer asked for is cash only where nodes go. */
static void cash(const struct report *report, struct buf *out)
{
    const struct fleet *fleet = report->fleet;
    int64_t saving = report->totals.before - report->totals.after;
    if (fleet == NULL || report->totals.workloads == 0) {
        return;
    }
    if (fleet->unknown != NULL) {
        buf_add_str(out, "How many nodes could go, and what that saves in cash, is not known: ");
        add_sentence(out, fleet->unknown);
        return;
    }
    if (!is_priced(report)) {
        saving = 0;
    }
    if (saving != 0) {
        buf_add_str(out, "Requests worth ");
        money(out, saving);
        buf_printf(out, " a month %s; ", saving < 0 ? "more" : "less");
    } else {
        buf_add_str(out, "By nodes: ");
    }
    nodes_that_go(fleet, saving, out);
}

static void waste(const struct report *report, struct buf *out)
{
    const struct report_sums *t = &report->totals;
    if (!is_priced(report) || (t->waste_before == 0 && t->waste_after == 0)) {
        return;
    }
    money(out, t->waste_before);
    buf_add_str(out, " a month");
    share(out, t->waste_before, t->before);
    buf_add_str(out, " is asked for and not used");
    if (t->waste_after != t->waste_before) {
        buf_add_str(out, "; with the plan ");
        money(out, t->waste_after);
        share(out, t->waste_after, t->after);
    }
    buf_add_str(out, t->waste_known ? "." : "; workloads without usage data are not in it.");
}

/* Whether the analysis was told to ask a language model. */
static bool asks_model(const struct report *report)
{
    size_t index;
    json_t *provider;
    json_array_foreach(json_at(report->meta.settings, "analyze.providers"), index, provider)
    {
        const char *name = json_string_or_null(provider, "provider");
        if (name != NULL && strcmp(name, "rules") != 0) {
            return true;
        }
    }
    return false;
}

/* Who recommended, where it was not the rules alone. */
static void voices(const struct report *report, struct buf *out)
{
    const char *who;
    json_t *number;
    const char *between = "Recommended by ";
    bool rules_alone = json_object_size(report->voices) == 1 && json_object_get(report->voices, "the rules") != NULL;
    if (rules_alone && json_object_size(report->unused) == 0) {
        return;
    }
    json_object_foreach(report->voices, who, number)
    {
        buf_printf(out, "%s%s for ", between, who);
        count(out, json_integer_value(number), "workload");
        between = ", ";
    }
    buf_add_str(out, json_object_size(report->voices) > 0 ? "." : "");
}

/* Who was asked in vain, a line a reason. */
static int unused(const struct report *report, size_t index, struct buf *out)
{
    const char *reason;
    json_t *number;
    size_t at = 0;
    json_object_foreach(report->unused, reason, number)
    {
        if (at++ == index) {
            count(out, json_integer_value(number), "workload");
            buf_printf(out, ": %s.", reason);
            return 1;
        }
    }
    return 0;
}

/* What the advice cost, against what it is worth. */
static void analysis(const struct report *report, struct buf *out)
{
    const struct report_past *past = report->past;
    int64_t saving = report->totals.before - report->totals.after;
    char dollars[FIGURE_MAX];
    if (past == NULL || past->run == 0) {
        return;
    }
    if (past->exchanges == 0) {
        buf_add_str(out, asks_model(report) ? "No language model had to be paid for this run." : "");
        return;
    }
    buf_add_str(out, "Return on the run: ");
    count(out, past->exchanges, "exchange");
    buf_add_str(out, " with a language model");
    if (past->failed > 0) {
        buf_printf(out, " (%" PRId64 " without an answer)", past->failed);
    }
    buf_printf(out, ", %" PRId64 " tokens for $%s", past->input_tokens + past->output_tokens,
               figure_dollars(past->llm_microusd, dollars));
    if (past->unpriced > 0) {
        buf_printf(out, " (%" PRId64 " at a price that is not known)", past->unpriced);
    }
    if (saving > 0) {
        buf_add_str(out, ", against ");
        money(out, saving);
        buf_add_str(out, " a month");
    }
    buf_add_char(out, '.');
}

static void waiting(struct buf *out, const struct past_sums *sums)
{
    if (sums->plans > 0) {
        buf_printf(out, "%" PRId64 " more", sums->waiting);
    } else {
        count(out, sums->waiting, "applied plan");
    }
}

/* What applied plans were said to save and do. */
static void realized(const struct report *report, struct buf *out)
{
    if (report->past == NULL || report->past->applied_count == 0) {
        return;
    }
    struct past_sums sums = past_sum(report->past);
    if (sums.plans > 0) {
        count(out, sums.plans, "applied plan");
        buf_printf(out, " %s said to save ", sums.plans == 1 ? "was" : "were");
        buf_add_str(out, sums.predicted < 0 ? "-" : "");
        money(out, sums.predicted);
        buf_printf(out, " a month and %s%s ", sums.realized < 0 ? "cost" : "save", sums.plans == 1 ? "s" : "");
        money(out, sums.realized);
        share(out, sums.realized, sums.predicted);
        buf_printf(out, "%s, as later runs found for ", sums.realized < 0 ? " more" : "");
        count(out, sums.workloads, "workload");
    }
    if (sums.waiting > 0) {
        buf_add_str(out, sums.plans > 0 ? "; " : "");
        waiting(out, &sums);
        buf_printf(out, " %s not measured by a later run yet", sums.waiting == 1 ? "is" : "are");
    }
    buf_add_str(out, report->past->narrowed ? ". Runs that the asking login does not see whole are not counted." : ".");
}

static void currency(const struct report *report, struct buf *out)
{
    const json_t *stated = json_object_get(json_object_get(report->meta.settings, "price"), "currency");
    const char *date = json_string_or_null(stated, "date");
    char other[FIGURE_MAX];
    char rate[FIGURE_MAX];
    if (figure_other_currency(report, 0, other)[0] == '\0') {
        return;
    }
    buf_printf(out, "Amounts in %s are at %s to the dollar%s%s.", json_string_or_null(stated, "code"),
               figure_dollars(json_int_or(stated, "per_usd_ppm", 0), rate), date == NULL ? "" : ", as stated for ",
               date == NULL ? "" : date);
}

int summary_worth(const struct report *report, int index, struct buf *out)
{
    static void (*const lines[])(const struct report *, struct buf *) = {cash, waste, voices, analysis, realized, currency};
    size_t fixed = sizeof lines / sizeof lines[0];
    if (index < 0 || (size_t)index >= fixed) {
        return index < 0 ? 0 : unused(report, (size_t)index - fixed, out);
    }
    lines[index](report, out);
    return 1;
}
