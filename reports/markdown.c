#include "reports/markdown.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/money.h"
#include "pipeline/base/str.h"
#include "pipeline/run/record.h"
#include "reports/escape.h"
#include "reports/figures.h"
#include "reports/render.h"
#include "reports/summary.h"

/* A comment on a pull request holds 64 KiB. */
enum { SENTENCE_MAX = 4096, DETAILS_MAX = 20 };

static const char minus[] = "\xe2\x88\x92";
static const char arrow[] = " → ";
static const char none[] = "–";

static void add_money(struct buf *out, bool priced, int64_t microusd)
{
    char money[MONEY_TEXT];
    buf_add_str(out, priced ? money_format(microusd, money) : none);
}

static void money_cells(struct buf *out, bool priced, int64_t before, int64_t after)
{
    char text[FIGURE_MAX];
    add_money(out, priced, before);
    buf_add_str(out, " | ");
    add_money(out, priced, after);
    buf_printf(out, " | %s", priced ? figure_change(before, after, minus, text) : none);
    buf_printf(out, " | %s", priced ? figure_percent(before, after, minus, text) : "");
}

static void amount_cells(struct buf *out, const int64_t *now, const int64_t *next)
{
    static const enum report_field requests[] = {CPU_REQUEST, MEMORY_REQUEST};
    char text[FIGURE_MAX];
    for (size_t i = 0; i < ARRAY_COUNT(requests); i++) {
        enum report_field field = requests[i];
        buf_printf(
            out, " | %s",
            figure_pair(field, report_effective(now, field), report_effective(next, field), arrow, text));
    }
    buf_add_str(out, " | ");
}

static size_t running_containers(const struct report_row *row)
{
    size_t count = 0;
    for (size_t i = 0; i < row->container_count; i++) {
        count += strcmp(row->containers[i].role, "init") != 0;
    }
    return count;
}

static void container_line(struct buf *out, const struct report_container *container)
{
    buf_add_str(out, "| &nbsp;&nbsp;↳ ");
    escape_markdown(out, container->name);
    buf_add_str(out, strcmp(container->role, "container") == 0 ? "" : " (");
    buf_add_str(out, strcmp(container->role, "container") == 0 ? "" : container->role);
    buf_add_str(out, strcmp(container->role, "container") == 0 ? "" : ")");
    amount_cells(out, container->now, container->next);
    money_cells(out, container->priced, container->before[0] + container->before[1],
                container->after[0] + container->after[1]);
    buf_add_str(out, " | | |\n");
}

static void workload_name(struct buf *out, const struct report_row *row)
{
    if (row->namespace != NULL) {
        escape_markdown(out, row->namespace);
        buf_add_char(out, '/');
    }
    buf_add_str(out, "**");
    escape_markdown(out, row->name);
    buf_add_str(out, "** ");
    escape_markdown(out, row->kind);
}

static void workload_line(struct buf *out, const struct report_row *row)
{
    char text[FIGURE_MAX];
    buf_add_str(out, "| ");
    workload_name(out, row);
    if (row->group == REPORT_HELD) {
        buf_add_str(out, row->blocked ? " (blocked by the gate)" : " (cannot be written)");
    }
    amount_cells(out, row->now, row->next);
    money_cells(out, row->priced, row->before, row->proposed);
    buf_printf(out, " | %s | %s |\n", figure_confidence(row, text),
               row->risk == RISK_UNKNOWN ? none : report_risk_name(row->risk));
    if (running_containers(row) < 2) {
        return;
    }
    for (size_t i = 0; i < row->container_count; i++) {
        if (strcmp(row->containers[i].role, "init") != 0 || report_container_changes(&row->containers[i])) {
            container_line(out, &row->containers[i]);
        }
    }
}

static void table_head(struct buf *out)
{
    buf_add_str(out, "| Workload | CPU request now → new | Memory request now → new | Monthly now | Monthly "
                     "new | Change | % "
                     "| Confidence | Risk |\n|---|---:|---:|---:|---:|---:|---:|---:|---|\n");
}

static void total_line(const struct report *report, struct buf *out)
{
    const struct report_sums *t = &report->totals;
    buf_add_str(out, "| **Total** | | | ");
    money_cells(out, t->workloads > t->unpriced, t->before, t->after);
    buf_add_str(out, " | | |\n");
}

static int workloads(const struct report *report, enum report_group group, struct report_sink *sink,
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
            workload_line(&sink->out, &row);
            report_row_release(&row);
            failed = sink_poll(sink, err);
        }
        arena_clear(&arena);
    }
    arena_release(&arena);
    return failed ? -1 : 0;
}

static void sentence(struct buf *out, const struct buf *text, const char *before, const char *after)
{
    if (text->length > 0) {
        buf_add_str(out, before);
        escape_markdown(out, buf_str(text));
        buf_add_str(out, after);
    }
}

static void gaps(const struct report *report, struct buf *out)
{
    struct buf text;
    buf_init(&text, SENTENCE_MAX);
    for (int i = 0; summary_gap(report, i, &text) != 0; i++) {
        sentence(out, &text, "- ", "\n");
        buf_clear(&text);
    }
    const char *code;
    json_t *number;
    json_object_foreach(report->problems, code, number)
    {
        buf_printf(out, "- `%.60s` × %" JSON_INTEGER_FORMAT ": ", code, json_integer_value(number));
        const char *meaning = problem_meaning(code);
        buf_printf(out, "%s\n", meaning == NULL ? "" : meaning);
    }
    buf_release(&text);
}

static void first_things(const struct report *report, struct buf *out)
{
    if (report->first_count > 0) {
        buf_add_str(out, "\n**Look at these first**\n\n");
    }
    for (size_t i = 0; i < report->first_count; i++) {
        buf_add_str(out, "- ");
        escape_markdown(out, report->first[i].workload);
        buf_add_str(out, ": ");
        escape_markdown(out, report->first[i].message);
        buf_add_char(out, '\n');
    }
}

static int notes(const struct report *report, struct report_sink *sink, struct err *err)
{
    struct buf *out = &sink->out;
    if (report->note_count > 0) {
        buf_printf(out, "\n<details><summary>Notes (%zu)</summary>\n\n", report->note_count);
    }
    for (size_t i = 0; i < report->note_count; i++) {
        json_t *note = NULL;
        if (report_note_at(report, i, &note, err)) {
            return -1;
        }
        const char *file = json_string_or_null(json_object_get(note, "source"), "file");
        int64_t line = json_int_or(json_object_get(note, "source"), "line", 0);
        buf_add_str(out, "- ");
        escape_markdown(out, file == NULL ? "" : file);
        if (line > 0) {
            buf_printf(out, ":%" PRId64, line);
        }
        buf_add_str(out, file == NULL ? "" : ": ");
        escape_markdown(out, report_message(note));
        buf_add_char(out, '\n');
        json_decref(note);
        if (sink_poll(sink, err)) {
            return -1;
        }
    }
    buf_add_str(out, report->note_count > 0 ? "\n</details>\n" : "");
    return 0;
}

static void footer(const struct report *report, struct buf *out)
{
    struct buf text;
    buf_init(&text, SENTENCE_MAX);
    buf_add_str(out, "\n---\n");
    summary_prices(report, &text);
    sentence(out, &text, "<sub>", "<br>\n");
    buf_clear(&text);
    summary_method(&text);
    sentence(out, &text, "", "");
    buf_clear(&text);
    summary_window(report, &text);
    sentence(out, &text, "<br>\n", "");
    buf_clear(&text);
    summary_policy(report, &text);
    sentence(out, &text, "<br>\n", "");
    const struct report_meta *meta = &report->meta;
    buf_add_str(out, "<br>\nMade from ");
    buf_printf(out, "%s `%s`", artifact_kind_name(meta->kind), meta->digest == NULL ? "" : meta->digest);
    if (meta->plan != NULL) {
        buf_add_str(out, "; plan `");
        escape_markdown(out, meta->plan);
        buf_add_char(out, '`');
    }
    buf_add_str(out, meta->created == NULL ? "" : ", run started ");
    escape_markdown(out, meta->created == NULL ? "" : meta->created);
    buf_add_str(out, ".</sub>\n");
    buf_release(&text);
}

static void head(const struct report *report, struct buf *out)
{
    struct buf text;
    buf_init(&text, SENTENCE_MAX);
    buf_add_str(out, "## Resource plan");
    if (report->meta.cluster != NULL) {
        buf_add_str(out, " for ");
        escape_markdown(out, report->meta.cluster);
    }
    if (report->meta.run > 0) {
        buf_printf(out, " (run %" PRId64 ")", report->meta.run);
    }
    buf_add_str(out, "\n\n");
    summary_total(report, &text);
    sentence(out, &text, "**", "**\n");
    buf_release(&text);
}

/* A folded table of the workloads of a group, where there are any. */
static int folded(const struct report *report, enum report_group group, const char *title, int64_t count,
                  struct report_sink *sink, struct err *err)
{
    if (count == 0) {
        return 0;
    }
    buf_printf(&sink->out, "\n<details><summary>%s (%" PRId64 ")</summary>\n\n", title, count);
    table_head(&sink->out);
    if (workloads(report, group, sink, err)) {
        return -1;
    }
    buf_add_str(&sink->out, "\n</details>\n");
    return 0;
}

static const char details_head[] =
    "\n### Findings, backtests, forecasts and scaling\n\nShare of the time above the request · request over mean use, on days that were "
    "not learned from; with tare's numbers, today's, and those of KRR's and VPA's rules.\n\n";

/* What the analysis says beside the numbers, of the first workloads in the order of the report. */
static int details(const struct report *report, struct report_sink *sink, struct err *err)
{
    struct arena arena;
    arena_init(&arena);
    int failed = 0;
    size_t told = 0;
    for (size_t i = 0; i < report->entry_count && told < DETAILS_MAX && !failed; i++) {
        struct report_row row;
        failed = report_row_at(report, i, &arena, &row, err);
        if (!failed) {
            size_t before = sink->out.length;
            buf_add_str(&sink->out, told == 0 ? details_head : "");
            if (markdown_insight(&row, &sink->out)) {
                told++;
            } else {
                sink->out.length = before;
            }
            report_row_release(&row);
            failed = sink_poll(sink, err);
        }
        arena_clear(&arena);
    }
    arena_release(&arena);
    if (told == DETAILS_MAX && report->entry_count > DETAILS_MAX) {
        buf_printf(&sink->out, "\n`tare explain` tells this of every workload; here stand the first %d.\n", DETAILS_MAX);
    }
    return failed ? -1 : 0;
}

int report_markdown(const struct report *report, struct report_sink *sink, struct err *err)
{
    const struct report_sums *t = &report->totals;
    struct buf *out = &sink->out;
    head(report, out);
    first_things(report, out);
    if (t->changed > 0) {
        buf_add_char(out, '\n');
        table_head(out);
        if (workloads(report, REPORT_CHANGES, sink, err)) {
            return -1;
        }
        total_line(report, out);
    }
    if (folded(report, REPORT_HELD, "Held back, not in the sums", t->held, sink, err) ||
        folded(report, REPORT_STAYS, "Without a change", t->kept + t->no_advice, sink, err)) {
        return -1;
    }
    if (details(report, sink, err)) {
        return -1;
    }
    buf_add_char(out, '\n');
    gaps(report, out);
    if (notes(report, sink, err)) {
        return -1;
    }
    footer(report, out);
    return sink_finish(sink, err);
}
