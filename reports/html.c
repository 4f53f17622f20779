#include "reports/html.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "asset_embed.h"
#include "pipeline/base/clock.h"
#include "pipeline/base/money.h"
#include "pipeline/base/str.h"
#include "pipeline/io/hash.h"
#include "pipeline/run/record.h"
#include "reports/escape.h"
#include "reports/figures.h"
#include "reports/render.h"
#include "reports/summary.h"
#include "reports/svg.h"

enum { SENTENCE_MAX = 4096, DIGEST_BYTES = 32, BASE64_MAX = 48 };

/* A page with charts of ten thousand workloads would be too heavy for a phone. */
enum { CHARTS_MAX = 500, FULL_MAX = 150 };

static const char minus[] = "\xe2\x88\x92";
static const char none[] = "\xe2\x80\x93";

static unsigned hex_digit(char c)
{
    return (unsigned)(c <= '9' ? c - '0' : c - 'a' + 10);
}

/* The digest of inline text as a content policy wants it: base64 of the 32 bytes. */
static void policy_hash(const unsigned char *text, size_t length, char out[BASE64_MAX])
{
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    char hex[DIGEST_HEX];
    unsigned bytes[DIGEST_BYTES + 1] = {0};
    hash_bytes(text, length, hex);
    for (size_t i = 0; i < DIGEST_BYTES; i++) {
        bytes[i] = hex_digit(hex[2 * i]) << 4 | hex_digit(hex[2 * i + 1]);
    }
    size_t at = 0;
    for (size_t i = 0; i < DIGEST_BYTES; i += 3) {
        unsigned group = bytes[i] << 16 | bytes[i + 1] << 8 | (i + 2 < DIGEST_BYTES ? bytes[i + 2] : 0);
        out[at++] = alphabet[group >> 18 & 63];
        out[at++] = alphabet[group >> 12 & 63];
        out[at++] = alphabet[group >> 6 & 63];
        out[at++] = alphabet[group & 63];
    }
    /* 32 bytes are ten groups and two bytes. */
    out[at - 1] = '=';
    out[at] = '\0';
}

static void title(const struct report *report, struct buf *out)
{
    buf_add_str(out, "Resource plan");
    if (report->meta.cluster != NULL) {
        buf_add_str(out, " for ");
        escape_html(out, report->meta.cluster);
    }
}

static void document_head(const struct report *report, struct buf *out)
{
    char style[BASE64_MAX];
    char script[BASE64_MAX];
    policy_hash(asset_report_css, asset_report_css_length, style);
    policy_hash(asset_report_js, asset_report_js_length, script);
    buf_printf(
        out,
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'sha256-%s'; "
        "script-src 'sha256-%s'; base-uri 'none'; form-action 'none'\">\n",
        style, script);
    buf_add_str(out, "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
                     "<meta name=\"color-scheme\" content=\"light dark\">\n"
                     "<meta name=\"referrer\" content=\"no-referrer\">\n");
    if (report->meta.plan != NULL) {
        buf_add_str(out, "<meta name=\"tare-plan\" content=\"");
        escape_html(out, report->meta.plan);
        buf_add_str(out, "\">\n");
    }
    buf_add_str(out, "<title>");
    title(report, out);
    buf_add_str(out, "</title>\n<style>");
    buf_add(out, asset_report_css, asset_report_css_length);
    buf_add_str(out,
                "</style></head>\n<body>\n<a class=\"skip\" href=\"#workloads\">Skip to the workloads</a>\n");
}

/* "2026-11-22T03:00:00Z" as "2026-11-22 03:00 UTC"; what has another form is shown as it is. */
static void started(const char *created, struct buf *out)
{
    int64_t instant = 0;
    char text[RFC3339_MAX];
    if (created == NULL || time_parse(created, &instant, NULL)) {
        escape_html(out, created == NULL ? "start unknown" : created);
        return;
    }
    time_format(instant, text);
    buf_printf(out, "started <time datetime=\"%s\">%.10s %.5s UTC</time>", text, text, text + 11);
}

static void page_head(const struct report *report, struct buf *out)
{
    const struct report_meta *meta = &report->meta;
    buf_add_str(out, "<header><p class=\"brand\">tare</p><h1>");
    title(report, out);
    buf_add_str(out, "</h1><p class=\"quiet\">");
    if (meta->run > 0) {
        buf_printf(out, "Run %" PRId64 " · ", meta->run);
    }
    started(meta->created, out);
    if (meta->plan != NULL) {
        buf_add_str(out, " · plan <code>");
        buf_add(out, meta->plan, strnlen(meta->plan, 12));
        buf_add_str(out, "</code>");
    }
    buf_add_str(out, "</p></header>\n<main>\n");
}

static void card(struct buf *out, const char *label, const char *value, const char *class, const char *below)
{
    buf_printf(out, "<div class=\"card %s\"><dt>%s</dt><dd><b>%s</b>%s%s%s</dd></div>\n", class, label, value,
               below[0] == '\0' ? "" : "<small>", below, below[0] == '\0' ? "" : "</small>");
}

static void money_cards(const struct report *report, struct buf *out)
{
    const struct report_sums *t = &report->totals;
    char change[FIGURE_MAX];
    char year[FIGURE_MAX];
    char percent[FIGURE_MAX];
    char money[MONEY_TEXT];
    char below[3 * FIGURE_MAX];
    figure_change(t->before, t->after, minus, change);
    figure_percent(t->before, t->after, minus, percent);
    figure_change(12 * t->before, 12 * t->after, minus, year);
    snprintf(below, sizeof below, "%s%s%s a year", percent, percent[0] == '\0' ? "" : " · ", year);
    card(out, "Change a month", change,
         t->after < t->before   ? "less"
         : t->after > t->before ? "more"
                                : "",
         below);
    card(out, "Monthly now", money_format(t->before, money), "", "requests or usage, what is larger");
    card(out, "Monthly new", money_format(t->after, money), "", "with the same usage");
    if (t->waste_before > 0 || t->waste_after > 0) {
        snprintf(below, sizeof below, "new: %s%s", money_format(t->waste_after, money),
                 t->waste_known ? "" : ", where usage is known");
        card(out, "Asked for, not used", money_format(t->waste_before, money), "", below);
    }
}

static void count_cards(const struct report *report, struct buf *out)
{
    const struct report_sums *t = &report->totals;
    char value[FIGURE_MAX];
    char below[2 * FIGURE_MAX];
    snprintf(value, sizeof value, "%" PRId64, t->changed);
    snprintf(below, sizeof below, "of %" PRId64 "; %" PRId64 " stay, %" PRId64 " without advice",
             t->workloads, t->kept, t->no_advice);
    card(out, "Workloads to change", value, "", below);
    snprintf(value, sizeof value, "%" PRId64 " high", t->risks[RISK_HIGH]);
    snprintf(below, sizeof below, "%" PRId64 " medium, %" PRId64 " low", t->risks[RISK_MEDIUM],
             t->risks[RISK_LOW]);
    card(out, "Risk of the changes", value, t->risks[RISK_HIGH] > 0 ? "more" : "", below);
    if (t->held > 0) {
        char change[FIGURE_MAX];
        snprintf(value, sizeof value, "%" PRId64, t->held);
        snprintf(below, sizeof below, "%s a month, not in the sums",
                 figure_change(t->after, t->proposed, minus, change));
        card(out, "Held back", value, "more", below);
    }
}

static void summary(const struct report *report, struct buf *out)
{
    struct buf text;
    buf_init(&text, SENTENCE_MAX);
    buf_add_str(out, "<section aria-labelledby=\"h-sum\"><h2 id=\"h-sum\" class=\"hidden\">Summary</h2><dl "
                     "class=\"cards\">\n");
    if (report->totals.workloads > report->totals.unpriced) {
        money_cards(report, out);
    }
    count_cards(report, out);
    buf_add_str(out, "</dl>\n");
    summary_total(report, &text);
    html_sentence(out, "p", &text);
    buf_add_str(out, "<ul class=\"gaps\">");
    buf_clear(&text);
    for (int i = 0; summary_gap(report, i, &text) != 0; i++) {
        html_sentence(out, "li", &text);
        buf_clear(&text);
    }
    buf_add_str(out, "</ul></section>\n");
    buf_release(&text);
}

static void first_things(const struct report *report, struct buf *out)
{
    if (report->first_count == 0) {
        return;
    }
    buf_add_str(out, "<section aria-labelledby=\"h-first\"><h2 id=\"h-first\">Look at these first</h2><ul "
                     "class=\"first\">\n");
    for (size_t i = 0; i < report->first_count; i++) {
        const struct report_first *first = &report->first[i];
        buf_printf(out, "<li><a href=\"#w%zu\"><bdi>", first->number);
        escape_html(out, first->workload);
        buf_add_str(out, "</bdi></a> ");
        escape_html(out, first->message);
        buf_add_str(out, "</li>\n");
    }
    buf_add_str(out, "</ul></section>\n");
}

static int64_t biggest_change(const struct report *report)
{
    int64_t biggest = 1;
    for (size_t i = 0; i < report->namespace_count; i++) {
        const struct report_sums *sums = &report->namespaces[i].sums;
        int64_t change = llabs(sums->before - sums->after);
        biggest = change > biggest ? change : biggest;
    }
    return biggest;
}

static void namespace_row(const struct report_namespace *space, int64_t biggest, struct buf *out)
{
    const struct report_sums *sums = &space->sums;
    char text[FIGURE_MAX];
    char money[MONEY_TEXT];
    bool less = sums->after <= sums->before;
    bool priced = sums->workloads > sums->unpriced;
    buf_add_str(out, "<tr><th scope=\"row\" class=\"name\"><bdi>");
    escape_html(out, space->name == NULL ? "no namespace" : space->name);
    buf_printf(out, "</bdi></th><td class=\"num\">%" PRId64 " of %" PRId64 "</td>", sums->changed,
               sums->workloads);
    buf_printf(out, "<td class=\"num\">%s</td>", priced ? money_format(sums->before, money) : none);
    buf_printf(out, "<td class=\"num\">%s</td>", priced ? money_format(sums->after, money) : none);
    buf_printf(out, "<td class=\"num %s\">%s</td>",
               sums->after == sums->before ? ""
               : less                      ? "less"
                                           : "more",
               priced ? figure_change(sums->before, sums->after, minus, text) : none);
    buf_printf(out, "<td class=\"num\">%s</td><td class=\"wide\">",
               figure_percent(sums->before, sums->after, minus, text));
    svg_bar((double)llabs(sums->before - sums->after) / (double)biggest, less, out);
    buf_add_str(out, "</td></tr>\n");
}

static void namespaces(const struct report *report, struct buf *out)
{
    if (report->totals.workloads == report->totals.unpriced) {
        return;
    }
    buf_add_str(out,
                "<section aria-labelledby=\"h-ns\"><h2 id=\"h-ns\">By namespace</h2><div class=\"scroll\">"
                "<table class=\"spaces\"><thead><tr><th scope=\"col\">Namespace</th>"
                "<th scope=\"col\" class=\"num\">Changes</th><th scope=\"col\" class=\"num\">Now</th>"
                "<th scope=\"col\" class=\"num\">New</th><th scope=\"col\" class=\"num\">Change</th>"
                "<th scope=\"col\" class=\"num\">%</th><td class=\"wide\"></td></tr></thead><tbody>\n");
    int64_t biggest = biggest_change(report);
    for (size_t i = 0; i < report->namespace_count; i++) {
        namespace_row(&report->namespaces[i], biggest, out);
    }
    buf_add_str(out, "</tbody></table></div></section>\n");
}

static int workload_rows(const struct report *report, enum report_group group, struct report_sink *sink,
                         struct err *err)
{
    struct arena arena;
    arena_init(&arena);
    int failed = 0;
    for (size_t i = 0; i < report->entry_count && !failed; i++) {
        struct report_row row;
        if (report_group_at(report, i) != group) {
            continue;
        }
        failed = report_row_at(report, i, &arena, &row, err);
        if (!failed) {
            html_workload(&row, i < FULL_MAX ? HTML_FULL : i < CHARTS_MAX ? HTML_CHARTS : HTML_BRIEF, &sink->out);
            report_row_release(&row);
            failed = sink_poll(sink, err);
        }
        arena_clear(&arena);
    }
    arena_release(&arena);
    return failed ? -1 : 0;
}

/* The workloads of a group in a fold of their own, where there are any. */
static int folded(const struct report *report, enum report_group group, const char *title, int64_t count,
                  bool open, struct report_sink *sink, struct err *err)
{
    if (count == 0) {
        return 0;
    }
    buf_printf(&sink->out, "<details class=\"rest\"%s><summary>%s (%" PRId64 ")</summary>\n",
               open ? " open" : "", title, count);
    html_workload_head(title, &sink->out);
    if (workload_rows(report, group, sink, err)) {
        return -1;
    }
    buf_add_str(&sink->out, "</table></details>\n");
    return 0;
}

static int workloads(const struct report *report, struct report_sink *sink, struct err *err)
{
    const struct report_sums *t = &report->totals;
    struct buf *out = &sink->out;
    buf_add_str(out,
                "<section aria-labelledby=\"workloads\"><h2 id=\"workloads\" tabindex=\"-1\">Workloads</h2>"
                "<div id=\"tools\"></div>\n");
    if (report->entry_count > CHARTS_MAX) {
        buf_printf(out,
                   "<p class=\"quiet\">Usage is drawn for the first %d workloads of this order, forecasts and YAML are shown for the "
                   "first %d; <code>tare explain</code> tells all of any.</p>\n",
                   CHARTS_MAX, FULL_MAX);
    }
    buf_add_str(out, "<p class=\"quiet\">Backtests are over days that were not learned from: share of the time above the request · "
                     "request over mean use, with tare's numbers, today's, and those of KRR's and VPA's rules.</p>\n");
    if (t->changed > 0) {
        html_workload_head("What would change, the most money first", out);
        if (workload_rows(report, REPORT_CHANGES, sink, err)) {
            return -1;
        }
        buf_add_str(out, "</table>\n");
    }
    if (folded(report, REPORT_HELD, "Held back, not in the sums", t->held, true, sink, err) ||
        folded(report, REPORT_STAYS, "Without a change", t->kept + t->no_advice, t->changed == 0, sink,
               err)) {
        return -1;
    }
    buf_add_str(out, "</section>\n");
    return 0;
}

static void problem_counts(const struct report *report, struct buf *out)
{
    const char *code;
    json_t *number;
    if (json_object_size(report->problems) > 0) {
        buf_add_str(out, "<h3>Problems by kind</h3><ul>");
    }
    json_object_foreach(report->problems, code, number)
    {
        const char *meaning = problem_meaning(code);
        buf_printf(out, "<li>%" JSON_INTEGER_FORMAT " × <code>", json_integer_value(number));
        escape_html(out, code);
        buf_printf(out, "</code> %s</li>", meaning == NULL ? "" : meaning);
    }
    buf_add_str(out, json_object_size(report->problems) > 0 ? "</ul>\n" : "");
    if (json_object_size(report->skipped) > 0) {
        buf_add_str(out, "<h3>Objects that are no workloads</h3><p>");
    }
    bool first = true;
    json_object_foreach(report->skipped, code, number)
    {
        buf_add_str(out, first ? "" : ", ");
        escape_html(out, code);
        buf_printf(out, " %" JSON_INTEGER_FORMAT, json_integer_value(number));
        first = false;
    }
    buf_add_str(out, first ? "" : "</p>\n");
}

static void note_item(const json_t *note, struct buf *out)
{
    const json_t *source = json_object_get(note, "source");
    const char *file = json_string_or_null(source, "file");
    int64_t line = json_int_or(source, "line", 0);
    bool error = str_equal(json_string_or_null(note, "outcome"), "error");
    buf_printf(out, "<li><span class=\"badge %s\">%s</span> ", error ? "high" : "state",
               error ? "error" : "skipped");
    if (file != NULL) {
        buf_add_str(out, "<code>");
        escape_html(out, file);
        if (line > 0) {
            buf_printf(out, ":%" PRId64, line);
        }
        buf_add_str(out, "</code> ");
    }
    escape_html(out, report_message(note));
    buf_add_str(out, "</li>\n");
}

static int notes(const struct report *report, struct report_sink *sink, struct err *err)
{
    struct buf *out = &sink->out;
    if (report->note_count == 0 && json_object_size(report->problems) == 0 &&
        json_object_size(report->skipped) == 0) {
        return 0;
    }
    buf_add_str(out, "<section aria-labelledby=\"h-notes\"><h2 id=\"h-notes\">Notes and problems</h2>\n");
    problem_counts(report, out);
    if (report->note_count > 0) {
        buf_printf(out, "<details%s><summary>Sources that gave no workload (%zu)</summary><ul>\n",
                   report->note_count <= 10 ? " open" : "", report->note_count);
    }
    for (size_t i = 0; i < report->note_count; i++) {
        json_t *note = NULL;
        if (report_note_at(report, i, &note, err)) {
            return -1;
        }
        note_item(note, out);
        json_decref(note);
        if (sink_poll(sink, err)) {
            return -1;
        }
    }
    buf_add_str(out, report->note_count > 0 ? "</ul></details>\n</section>\n" : "</section>\n");
    return 0;
}

static void page_foot(const struct report *report, struct buf *out)
{
    const struct report_meta *meta = &report->meta;
    struct buf text;
    buf_init(&text, SENTENCE_MAX);
    buf_add_str(out, "</main>\n<footer>\n");
    summary_prices(report, &text);
    html_sentence(out, "p", &text);
    buf_clear(&text);
    summary_method(&text);
    html_sentence(out, "p", &text);
    buf_clear(&text);
    summary_window(report, &text);
    html_sentence(out, "p", &text);
    buf_clear(&text);
    summary_policy(report, &text);
    html_sentence(out, "p", &text);
    buf_printf(out, "<p>Made from %s <code class=\"digest\">%s</code>", artifact_kind_name(meta->kind),
               meta->digest == NULL ? "" : meta->digest);
    if (meta->plan != NULL) {
        buf_add_str(out, "; plan <code class=\"digest\">");
        escape_html(out, meta->plan);
        buf_add_str(out, "</code>, which is what an approval names");
    }
    buf_add_str(out, ".</p>\n");
    if (meta->run > 0 && meta->plan != NULL) {
        buf_printf(out,
                   "<p>Approve with <code>tare approve %" PRId64
                   "</code>, reject with <code>tare reject %" PRId64 " --reason TEXT</code>.</p>\n",
                   meta->run, meta->run);
    }
    buf_add_str(out, "</footer>\n<script>");
    buf_add(out, asset_report_js, asset_report_js_length);
    buf_add_str(out, "</script>\n</body></html>\n");
    buf_release(&text);
}

int report_html(const struct report *report, struct report_sink *sink, struct err *err)
{
    struct buf *out = &sink->out;
    document_head(report, out);
    page_head(report, out);
    summary(report, out);
    first_things(report, out);
    namespaces(report, out);
    if (workloads(report, sink, err) || notes(report, sink, err)) {
        return -1;
    }
    page_foot(report, out);
    return sink_finish(sink, err);
}
