#include "reports/batch/words.h"

#include <inttypes.h>
#include <string.h>

#include "pipeline/base/money.h"
#include "pipeline/base/str.h"
#include "reports/text/summary.h"

enum { SENTENCE_MAX = 16 * 1024 };

static void money(struct buf *out, int64_t microusd)
{
    char text[MONEY_TEXT];
    buf_add_str(out, money_format(microusd, text));
}

static void count(struct buf *out, int64_t number, const char *noun)
{
    char text[FIGURE_MAX];
    buf_add_str(out, figure_count(number, noun, text));
}

void batch_total(const struct batch_report *batch, struct buf *out)
{
    const struct report_sums *t = &batch->totals;
    int64_t saving = t->before - t->after;
    count(out, (int64_t)batch->counted, "cluster");
    buf_add_str(out, ", ");
    count(out, t->workloads, "workload");
    buf_add_str(out, ", ");
    count(out, t->changed, "change");
    if (saving == 0) {
        buf_add_str(out, "; the cost stays at ");
        money(out, t->before);
        buf_add_str(out, " a month.");
        return;
    }
    buf_add_str(out, ": from ");
    money(out, t->before);
    buf_add_str(out, " to ");
    money(out, t->after);
    buf_add_str(out, " a month, ");
    money(out, saving < 0 ? -saving : saving);
    buf_add_str(out, saving < 0 ? " more a month (" : " less a month (");
    money(out, 12 * (saving < 0 ? -saving : saving));
    buf_add_str(out, " a year).");
}

/* Why a run is in no sum. */
static void left_out(const struct batch_run *run, struct buf *out)
{
    buf_printf(out, "%s (run %" PRId64 ") ", run->cluster, run->run);
    if (run->later > 0) {
        buf_printf(out, "is not in the sums: run %" PRId64 " took its place.", run->later);
    } else if (strcmp(run->state, "running") == 0) {
        buf_printf(out, "is not finished and in no sum: tare run --resume %" PRId64 " goes on with it.", run->run);
    } else {
        buf_printf(out, "%s%s and is in no sum: %s", strcmp(run->state, "failed") == 0 ? "" : "is ", run->state,
                   run->reason == NULL ? "no reason was given." : run->reason);
    }
}

/* What a run whose plan counts came to, where there is a reason for it. */
static void told(const struct batch_run *run, struct buf *out)
{
    buf_printf(out, "%s (run %" PRId64 ") is %s: %s; its plan is in the sums.", run->cluster, run->run, run->state, run->reason);
}

static void say(struct buf *text, batch_line *line, void *context)
{
    line(buf_str(text), context);
    buf_clear(text);
}

static void sums_gaps(const struct report_sums *t, struct buf *text, batch_line *line, void *context)
{
    if (t->unpriced > 0) {
        count(text, t->unpriced, "workload");
        buf_add_str(text, " without a price: in no sum of money.");
        say(text, line, context);
    }
    if (t->held > 0) {
        count(text, t->held, "change");
        buf_add_str(text, " held back (");
        summary_held_why(t, text);
        buf_add_str(text, "), worth ");
        money(text, t->after - t->proposed);
        buf_add_str(text, " a month: counted with today's cost.");
        say(text, line, context);
    }
    if (t->no_data > 0) {
        count(text, t->no_data, "workload");
        buf_add_str(text, " without usage data: nothing is recommended for them.");
        say(text, line, context);
    }
    if (t->uneven > 0) {
        count(text, t->uneven, "record");
        buf_add_str(text, " whose containers do not add up to their money: an artifact was changed.");
        say(text, line, context);
    }
}

void batch_gaps(const struct batch_report *batch, batch_line *line, void *context)
{
    struct buf text;
    buf_init(&text, SENTENCE_MAX);
    for (size_t i = 0; i < batch->run_count; i++) {
        const struct batch_run *run = &batch->runs[i];
        if (!run->counted || run->reason != NULL) {
            run->counted ? told(run, &text) : left_out(run, &text);
            say(&text, line, context);
        }
    }
    sums_gaps(&batch->totals, &text, line, context);
    if (batch->narrowed) {
        line("Runs that you do not see are not in this report.", context);
    }
    buf_release(&text);
}

/* The one wording of all counted runs, NULL where there are several or none. */
static const char *same_prices(const struct batch_report *batch)
{
    const char *first = NULL;
    for (size_t i = 0; i < batch->run_count; i++) {
        const char *prices = batch->runs[i].prices;
        if (prices != NULL && first != NULL && strcmp(prices, first) != 0) {
            return NULL;
        }
        first = first == NULL ? prices : first;
    }
    return first;
}

void batch_prices(const struct batch_report *batch, batch_line *line, void *context)
{
    const char *same = same_prices(batch);
    struct buf text;
    buf_init(&text, SENTENCE_MAX);
    if (same != NULL) {
        line(same, context);
    }
    for (size_t i = 0; i < batch->run_count; i++) {
        const struct batch_run *run = &batch->runs[i];
        if (run->prices != NULL && same == NULL) {
            buf_printf(&text, "%s: %s", run->cluster, run->prices);
            say(&text, line, context);
        }
    }
    for (size_t i = 0; i < batch->run_count; i++) {
        const struct batch_run *run = &batch->runs[i];
        if (run->counted && run->saving[0] != '\0') {
            buf_printf(&text, "%s: in the currency that it states its saving is %s a month.", run->cluster, run->saving);
            say(&text, line, context);
        }
    }
    buf_release(&text);
}
