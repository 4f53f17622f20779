#include "reports/markdown/markdown.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "pipeline/run/record.h"
#include "reports/render.h"
#include "reports/text/escape.h"
#include "reports/text/figures.h"
#include "reports/text/summary.h"
#include "reports/text/worth.h"

/* A comment on a pull request holds 65,536 characters. */
enum { DEFAULT_BYTES = 65536, SENTENCE_MAX = 4096, CUT_BYTES = 640, MISSES_MAX = 20, STOP = 1 };

/* A workload whose fold is on the page, with what it takes there without the analysis. */
struct shown_fold {
    size_t place;
    size_t length;
};

/* The report on its way: what there is to show, and what has been shown. */
struct writing {
    const struct report *report;
    struct markdown_page page;
    struct markdown_rows changes;
    struct markdown_rows held;
    struct markdown_rows stays;
    int64_t diffs;
    int64_t diffs_shown;
    int64_t shortened; /* of these */
    int64_t folds; /* workloads that have something to tell */
    bool backtests;
    struct shown_fold *shown;
    size_t shown_count;
    size_t shown_capacity;
    int64_t full; /* folds with all that the analysis says */
    bool completed; /* whether the last one was */
    size_t keep;    /* bytes that what comes after it takes */
    size_t misses;
    int64_t notes_shown;
    int64_t firsts_shown;
};

static void add_sentence(struct buf *out, const struct buf *text, const char *before, const char *after)
{
    if (text->length > 0) {
        buf_add_str(out, before);
        escape_markdown(out, buf_str(text));
        buf_add_str(out, after);
    }
}

/* The heading and what it comes to. It is always there: with a name that is too long for the page, without it. */
static void head(struct writing *w)
{
    const struct report *report = w->report;
    struct buf *out = &w->page.piece;
    struct buf text;
    buf_init(&text, SENTENCE_MAX);
    buf_add_str(out, "## Resource plan");
    if (report->meta.cluster != NULL) {
        buf_add_str(out, " for ");
        markdown_text(out, report->meta.cluster, 80);
    }
    if (report->meta.run > 0) {
        buf_printf(out, " (run %" PRId64 ")", report->meta.run);
    }
    buf_add_str(out, "\n\n");
    summary_total(report, &text);
    add_sentence(out, &text, "**", "**\n");
    markdown_add(&w->page, MD_HEAD, 0);
    buf_release(&text);
}

/* What the plan is worth, in cash by nodes too, and what it cost to make. */
static void worth(struct writing *w)
{
    struct buf text;
    buf_init(&text, SENTENCE_MAX);
    bool any = false;
    for (int i = 0; summary_worth(w->report, i, &text) != 0; i++) {
        add_sentence(&w->page.piece, &text, any ? "- " : "\n- ", "\n");
        any = (markdown_add(&w->page, MD_WORTH, w->page.size * 5 / 8) && text.length > 0) || any;
        buf_clear(&text);
    }
    buf_release(&text);
}

/* Tells exactly which artifact this is; its room is the first that is taken. */
static void foot(struct writing *w)
{
    const struct report_meta *meta = &w->report->meta;
    struct buf *out = &w->page.piece;
    buf_printf(out, "\n<sub>Made from %s `%s`", artifact_kind_name(meta->kind), meta->digest == NULL ? "" : meta->digest);
    if (meta->plan != NULL && strspn(meta->plan, "0123456789abcdef") == strlen(meta->plan)) {
        buf_printf(out, "; plan `%.64s`", meta->plan);
    }
    buf_add_str(out, meta->created == NULL ? "" : ", run started ");
    markdown_text(out, meta->created == NULL ? "" : meta->created, 40);
    buf_add_str(out, ".");
    struct buf command;
    buf_init(&command, SENTENCE_MAX);
    if (summary_approve(w->report, &command)) {
        buf_printf(out, "<br>\nTo approve exactly this: `%s`", buf_str(&command));
    }
    buf_release(&command);
    buf_add_str(out, "</sub>\n");
    markdown_add(&w->page, MD_FOOT, 0);
}

static void method(struct writing *w)
{
    struct buf text;
    buf_init(&text, SENTENCE_MAX);
    buf_add_str(&w->page.piece, "\n---\n");
    summary_prices(w->report, &text);
    add_sentence(&w->page.piece, &text, "<sub>", "<br>\n");
    buf_clear(&text);
    summary_method(&text);
    add_sentence(&w->page.piece, &text, "", "");
    buf_clear(&text);
    summary_window(w->report, &text);
    add_sentence(&w->page.piece, &text, "<br>\n", "");
    buf_clear(&text);
    summary_policy(w->report, &text);
    add_sentence(&w->page.piece, &text, "<br>\n", "");
    buf_add_str(&w->page.piece, "</sub>\n");
    markdown_add(&w->page, MD_METHOD, 0);
    buf_release(&text);
}

/* What is not in the sums, and what could not be done. */
static void gaps(struct writing *w)
{
    struct buf text;
    buf_init(&text, SENTENCE_MAX);
    for (int i = 0; summary_gap(w->report, i, &text) != 0; i++) {
        add_sentence(&w->page.piece, &text, markdown_has(&w->page, MD_GAPS) ? "- " : "\n- ", "\n");
        markdown_add(&w->page, MD_GAPS, 0);
        buf_clear(&text);
    }
    const char *code;
    json_t *number;
    json_object_foreach(w->report->problems, code, number)
    {
        const char *meaning = problem_meaning(code);
        buf_add_str(&w->page.piece, markdown_has(&w->page, MD_GAPS) ? "- " : "\n- ");
        markdown_text(&w->page.piece, code, 60);
        buf_printf(&w->page.piece, " × %" JSON_INTEGER_FORMAT ": %s\n", json_integer_value(number), meaning == NULL ? "" : meaning);
        markdown_add(&w->page, MD_GAPS, 0);
    }
    buf_release(&text);
}

static void first_things(struct writing *w)
{
    const struct report *report = w->report;
    for (size_t i = 0; i < report->first_count; i++) {
        buf_add_str(&w->page.piece, w->firsts_shown == 0 ? "\n**Look at these first**\n\n- " : "- ");
        markdown_text(&w->page.piece, report->first[i].workload, 2 * MARKDOWN_NAME_MAX);
        buf_add_str(&w->page.piece, ": ");
        markdown_text(&w->page.piece, report->first[i].message, MARKDOWN_SENTENCE_MAX);
        buf_add_char(&w->page.piece, '\n');
        w->firsts_shown += markdown_add(&w->page, MD_FIRST, w->page.size * 5 / 8);
    }
}

static void note_item(const json_t *note, struct buf *out)
{
    const char *file = json_string_or_null(json_object_get(note, "source"), "file");
    int64_t line = json_int_or(json_object_get(note, "source"), "line", 0);
    buf_add_str(out, "- ");
    markdown_text(out, file == NULL ? "" : file, MARKDOWN_NAME_MAX);
    if (line > 0) {
        buf_printf(out, ":%" PRId64, line);
    }
    buf_add_str(out, file == NULL ? "" : ": ");
    markdown_text(out, report_message(note), MARKDOWN_SENTENCE_MAX);
    buf_add_char(out, '\n');
}

static int notes(struct writing *w, struct err *err)
{
    const struct report *report = w->report;
    buf_printf(&w->page.piece, "\n<details><summary>Notes (%zu)</summary>\n\n", report->note_count);
    if (report->note_count == 0 || !markdown_open(&w->page, MD_NOTES, "\n</details>\n", 0)) {
        buf_clear(&w->page.piece);
        return 0;
    }
    for (size_t i = 0; i < report->note_count; i++) {
        json_t *note = NULL;
        if (report_note_at(report, i, &note, err)) {
            return -1;
        }
        note_item(note, &w->page.piece);
        json_decref(note);
        if (!markdown_add(&w->page, MD_NOTES, 0)) {
            return 0;
        }
        w->notes_shown++;
    }
    return 0;
}

static bool has_backtest(const struct report_row *row)
{
    return json_object_size(json_at(row->record, "recommendation.backtest.containers")) > 0;
}

/* Of those that stay as they are, a fold needs something that is said of them. */
static bool has_fold(const struct report_row *row)
{
    return row->group != REPORT_STAYS || json_array_size(json_at(row->record, "recommendation.findings")) > 0 || has_backtest(row);
}

static int count_folds(const struct report *report, const struct report_row *row, size_t place, void *context, struct err *err)
{
    (void)report;
    (void)place;
    (void)err;
    struct writing *w = context;
    w->folds += has_fold(row);
    w->backtests = w->backtests || has_backtest(row);
    w->diffs += row->group != REPORT_STAYS && record_changes(row->record);
    return 0;
}

static int add_fold(const struct report *report, const struct report_row *row, size_t place, void *context, struct err *err)
{
    (void)report;
    (void)err;
    struct writing *w = context;
    struct markdown_fold fold = {.full = false};
    if (!has_fold(row)) {
        return 0;
    }
    markdown_fold(row, &fold, &w->page.piece);
    size_t length = w->page.piece.length;
    if (!markdown_add(&w->page, MD_FOLDS, 0)) {
        return ++w->misses < MISSES_MAX ? 0 : STOP;
    }
    GROW(w->shown, w->shown_capacity, w->shown_count + 1);
    w->shown[w->shown_count++] = (struct shown_fold){place, length};
    w->diffs_shown += fold.diff;
    w->shortened += fold.shortened;
    return 0;
}

/* Writes a fold anew, with all that the analysis says where there is room for the difference. */
static int complete_fold(const struct report *report, const struct report_row *row, size_t place, void *context, struct err *err)
{
    (void)report;
    (void)place;
    (void)err;
    struct writing *w = context;
    struct markdown_fold fold = {.full = true};
    markdown_fold(row, &fold, &w->page.piece);
    w->completed = markdown_add(&w->page, MD_FOLDS, w->keep);
    w->full += w->completed;
    return 0;
}

static const char folds_head[] = "\n### Reasons, findings and diffs\n\n";
static const char backtest_words[] =
    "Backtests: share of the time above the request · request over mean use, on days that were not learned from; with tare's numbers, "
    "today's, and those of KRR's and VPA's rules.\n\n";

/* First a fold for as many workloads as there is room for, each with its reason and its diff; the room that is left then goes to
 * backtests, forecasts and scaling, the most money first. */
static int folds(struct writing *w, struct err *err)
{
    struct markdown_page *page = &w->page;
    buf_add_str(&page->piece, folds_head);
    buf_add_str(&page->piece, w->backtests ? backtest_words : "");
    if (w->folds == 0 || !markdown_add(page, MD_FOLDS, 0)) {
        buf_clear(&page->piece);
        return 0;
    }
    return report_each(w->report, 0, SIZE_MAX, add_fold, w, err) < 0 ? -1 : 0;
}

static int complete_folds(struct writing *w, struct err *err)
{
    struct markdown_page *page = &w->page;
    struct buf *section = &page->sections[MD_FOLDS];
    struct buf brief = *section;
    size_t from = strlen(folds_head) + (w->backtests ? strlen(backtest_words) : 0);
    if (w->shown_count == 0) {
        return 0;
    }
    buf_init(section, page->size);
    buf_add(section, brief.data, from);
    w->keep = brief.length - from;
    page->left += w->keep;
    int failed = 0;
    for (size_t i = 0; i < w->shown_count && !failed; i++) {
        const struct shown_fold *fold = &w->shown[i];
        w->keep -= fold->length;
        failed = report_each(w->report, fold->place, 1, complete_fold, w, err) < 0;
        if (!w->completed && !failed) {
            buf_add(&page->piece, brief.data + from, fold->length);
            markdown_add(page, MD_FOLDS, w->keep);
        }
        from += fold->length;
    }
    buf_release(&brief);
    return failed ? -1 : 0;
}

static void cut_count(struct buf *out, int64_t number, const char *noun, bool *any)
{
    char text[FIGURE_MAX];
    if (number > 0) {
        buf_printf(out, "%s%s", *any ? ", " : "", figure_count(number, noun, text));
        *any = true;
    }
}

/* What there was no room for, and where it is. */
static void cut(struct writing *w)
{
    const struct report *report = w->report;
    struct buf *out = &w->page.piece;
    const struct markdown_rows *groups[] = {&w->changes, &w->held, &w->stays};
    static const char *const names[] = {"that changes", "held back", "without a change"};
    int64_t hidden = 0;
    bool any = false;
    for (size_t i = 0; i < ARRAY_COUNT(groups); i++) {
        hidden += groups[i]->count - groups[i]->shown;
    }
    buf_add_str(out, "\n> **Not shown here**: ");
    size_t begin = out->length;
    cut_count(out, hidden, "workload", &any);
    const char *between = " (";
    for (size_t i = 0; hidden > 0 && i < ARRAY_COUNT(groups); i++) {
        int64_t number = groups[i]->count - groups[i]->shown;
        if (number > 0) {
            buf_printf(out, "%s%" PRId64 " %s", between, number, i == 0 && number > 1 ? "that change" : names[i]);
            between = ", ";
        }
    }
    buf_add_str(out, hidden > 0 ? ")" : "");
    cut_count(out, w->diffs - w->diffs_shown, "diff", &any);
    cut_count(out, w->folds - (int64_t)w->shown_count, "fold", &any);
    buf_add_str(out, w->folds > (int64_t)w->shown_count ? " of reasons and findings" : "");
    cut_count(out, (int64_t)report->first_count - w->firsts_shown, "first thing to look at", &any);
    cut_count(out, (int64_t)report->note_count - w->notes_shown, "note", &any);
    if ((int64_t)w->shown_count > w->full) {
        buf_printf(out, "%sbacktests, forecasts and the whole of reasons in %" PRId64 " of the folds", any ? ", " : "",
                   (int64_t)w->shown_count - w->full);
        any = true;
    }
    if (w->shortened > 0) {
        buf_printf(out, "%sthe ends of %" PRId64 " long diffs", any ? ", " : "", w->shortened);
        any = true;
    }
    if (out->length == begin) {
        buf_clear(out);
        return;
    }
    buf_printf(out, "; this text has at most %zu bytes. All of it: `", w->page.size);
    if (report->meta.run > 0) {
        buf_printf(out, "tare report %" PRId64 " --format html", report->meta.run);
    } else {
        buf_add_str(out, "tare-report --format html");
    }
    buf_add_str(out, "`\n");
    w->page.left += CUT_BYTES;
    markdown_add(&w->page, MD_CUT, 0);
}

/* The most valuable first: what it comes to, what is dangerous, the changes with the most money, then their diffs. */
static int write_page(struct writing *w, struct err *err)
{
    const struct report *report = w->report;
    struct markdown_page *page = &w->page;
    size_t size = page->size;
    head(w);
    foot(w);
    page->left -= CUT_BYTES;
    worth(w);
    first_things(w);
    markdown_nodes(report, page);
    if (report_each_brief(report, 0, SIZE_MAX, count_folds, w, err) ||
        markdown_rows(report, page, &w->changes, size * 3 / 8, err)) {
        return -1;
    }
    markdown_parts(report, page);
    gaps(w);
    method(w);
    if (markdown_rows(report, page, &w->held, size / 4, err) || folds(w, err) || markdown_rows(report, page, &w->changes, 0, err) ||
        markdown_rows(report, page, &w->held, 0, err) || markdown_rows(report, page, &w->stays, 0, err)) {
        return -1;
    }
    markdown_past(report, page);
    return notes(w, err) || complete_folds(w, err) ? -1 : 0;
}

int report_markdown(const struct report *report, struct report_sink *sink, struct err *err)
{
    const struct report_sums *t = &report->totals;
    struct writing w = {
        .report = report,
        .changes = {.section = MD_CHANGES, .group = REPORT_CHANGES, .count = t->changed},
        .held = {.section = MD_HELD, .group = REPORT_HELD, .title = "Held back, not in the sums", .count = t->held},
        .stays = {.section = MD_STAYS, .group = REPORT_STAYS, .title = "Without a change", .count = t->kept + t->no_advice}};
    markdown_page_init(&w.page, report->max_bytes > 0 ? (size_t)report->max_bytes : DEFAULT_BYTES);
    int failed = write_page(&w, err);
    if (!failed) {
        cut(&w);
        markdown_put(&w.page, sink);
        failed = sink_finish(sink, err);
    }
    free(w.shown);
    free(w.changes.taken);
    free(w.held.taken);
    free(w.stays.taken);
    markdown_page_release(&w.page);
    return failed ? -1 : 0;
}
