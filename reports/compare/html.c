#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "pipeline/base/mem.h"
#include "reports/compare/render.h"
#include "reports/compare/words.h"
#include "reports/html/page.h"
#include "reports/text/escape.h"

enum { TEXT_MAX = 1024 * 1024 };

struct writing {
    struct report_sink *sink;
    struct buf text;
    const char *element;
};

static void add_line(const char *text, void *context)
{
    struct writing *w = context;
    buf_printf(&w->sink->out, "<%s>", w->element);
    escape_html(&w->sink->out, text);
    buf_printf(&w->sink->out, "</%s>\n", w->element);
}

static void cards(const struct compare *compare, struct buf *out)
{
    static const char *const labels[COMPARE_KINDS] = {"Differ", "Added", "Gone", "As before"};
    char number[FIGURE_MAX];
    html_cards_begin(out);
    for (int i = 0; i < COMPARE_KINDS; i++) {
        snprintf(number, sizeof number, "%" PRId64, compare->kinds[i]);
        html_card(out, TONE_PLAIN, labels[i], number, "workloads");
    }
    html_cards_end(out);
}

static void begin(const struct compare *compare, struct writing *w)
{
    struct buf *out = &w->sink->out;
    const struct report_meta *now = &compare->now.meta;
    compare_side(&compare->then, &w->text);
    buf_add_str(&w->text, " → ");
    compare_side(&compare->now, &w->text);
    struct html_page page = {.title = "What changed",
                             .cluster = now->cluster != NULL ? now->cluster : compare->then.meta.cluster,
                             .created = now->created,
                             .run = now->run,
                             .skip = "workloads"};
    html_page_begin(out, &page);
    w->element = "p";
    add_line(buf_str(&w->text), w);
    buf_clear(&w->text);
    cards(compare, out);
    compare_total(compare, &w->text);
    buf_add_char(&w->text, '\n');
    compare_remarks(compare, &w->text);
    compare_split(&w->text, add_line, w);
}

static void space_row(const struct compare_space *space, struct buf *out)
{
    static const struct report_sums nothing;
    const struct report_sums *then = space->then == NULL ? &nothing : space->then;
    const struct report_sums *now = space->now == NULL ? &nothing : space->now;
    buf_add_str(out, "<tr>");
    html_row_head(out, space->name == NULL ? "no namespace" : space->name);
    for (int i = 0; i < COMPARE_KINDS; i++) {
        html_count_cell(out, space->kinds[i]);
    }
    html_money_cell(out, true, then->before);
    html_money_cell(out, true, now->before);
    html_change_cell(out, true, then->before, now->before);
    html_money_cell(out, true, then->before - then->after);
    html_money_cell(out, true, now->before - now->after);
    buf_add_str(out, "</tr>\n");
}

static void spaces(const struct compare *compare, struct buf *out)
{
    html_section_begin(out, "namespaces", "Namespaces");
    static const char *const heads[] = {"Differ",      "Added",  "Gone",       "As before", "Monthly then",
                                        "Monthly now", "Change", "Saved then", "Saved now"};
    buf_add_str(out, "<div class=\"scroll\" tabindex=\"0\" role=\"group\" aria-label=\"Namespaces\"><table class=\"spaces\"><thead><tr>"
                     "<th scope=\"col\">Namespace</th>");
    for (size_t i = 0; i < ARRAY_COUNT(heads); i++) {
        buf_printf(out, "<th scope=\"col\" class=\"num\">%s</th>", heads[i]);
    }
    buf_add_str(out, "</tr></thead><tbody>\n");
    for (size_t i = 0; i < compare->space_count; i++) {
        space_row(&compare->spaces[i], out);
    }
    struct compare_space all = {.name = "All", .then = &compare->then.totals, .now = &compare->now.totals};
    memcpy(all.kinds, compare->kinds, sizeof all.kinds);
    buf_add_str(out, "</tbody><tfoot>");
    space_row(&all, out);
    buf_add_str(out, "</tfoot></table></div>\n");
    html_section_end(out);
}

static int add_pair(const struct compare *compare, const struct compare_pair *pair, void *context, struct err *err)
{
    struct writing *w = context;
    struct buf *out = &w->sink->out;
    const struct report_row *row = pair->now != NULL ? pair->now : pair->then;
    buf_add_str(out, "<h3><bdi>");
    escape_html(out, row->namespace == NULL ? "" : row->namespace);
    buf_add_str(out, row->namespace == NULL ? "" : "/");
    escape_html(out, row->name);
    buf_add_str(out, "</bdi> ");
    escape_html(out, row->kind);
    buf_add_char(out, ' ');
    html_badge(out, "state", compare_kind_name(pair->entry->kind));
    buf_add_str(out, "</h3>\n<ul>\n");
    buf_clear(&w->text);
    compare_lines(compare, pair, &w->text);
    compare_split(&w->text, add_line, w);
    buf_add_str(out, "</ul>\n");
    return sink_poll(w->sink, err);
}

int compare_html(const struct compare *compare, int64_t max_bytes, struct report_sink *sink, struct err *err)
{
    (void)max_bytes;
    struct writing w = {.sink = sink};
    buf_init(&w.text, TEXT_MAX);
    begin(compare, &w);
    spaces(compare, &sink->out);
    html_section_begin(&sink->out, "workloads", "Workloads, the most money first");
    w.element = "li";
    int failed = compare_each(compare, 0, compare_different(compare), add_pair, &w, err);
    html_section_end(&sink->out);
    html_page_foot(&sink->out);
    html_page_end(&sink->out);
    buf_release(&w.text);
    return failed || sink_finish(sink, err) ? -1 : 0;
}
