#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/money.h"
#include "reports/compare/render.h"
#include "reports/compare/words.h"
#include "reports/markdown/markdown.h"
#include "reports/text/figures.h"

enum { DEFAULT_BYTES = 65536, CUT_BYTES = 400, TEXT_MAX = 1024 * 1024, LINES_SHOWN = 16, SPACES_SHOWN = 20, MISSES_MAX = 20, STOP = 1 };

struct writing {
    struct markdown_page page;
    struct buf text; /* plain */
    size_t lines;
    size_t shown;
    size_t misses;
    size_t shortened;
};

static void add_item(const char *text, void *context)
{
    struct writing *w = context;
    buf_add_str(&w->page.piece, "- ");
    markdown_text(&w->page.piece, text, MARKDOWN_SENTENCE_MAX);
    buf_add_char(&w->page.piece, '\n');
}

static void add_nested(const char *text, void *context)
{
    struct writing *w = context;
    if (w->lines++ < LINES_SHOWN) {
        buf_add_str(&w->page.piece, "  ");
        add_item(text, w);
    }
}

static int add_pair(const struct compare *compare, const struct compare_pair *pair, void *context, struct err *err)
{
    (void)err;
    struct writing *w = context;
    struct buf *out = &w->page.piece;
    buf_clear(&w->text);
    compare_lines(compare, pair, &w->text);
    buf_add_str(out, "- ");
    markdown_name(pair->now != NULL ? pair->now : pair->then, out);
    buf_printf(out, pair->entry->kind == COMPARE_CHANGED ? "\n" : " (%s)\n", compare_kind_name(pair->entry->kind));
    w->lines = 0;
    compare_split(&w->text, add_nested, w);
    if (w->lines > LINES_SHOWN) {
        buf_printf(out, "  - … and %zu more\n", w->lines - LINES_SHOWN);
    }
    if (!markdown_add(&w->page, MD_FOLDS, 0)) {
        return ++w->misses < MISSES_MAX ? 0 : STOP;
    }
    w->shown++;
    w->shortened += w->lines > LINES_SHOWN;
    return 0;
}

static void head(const struct compare *compare, struct writing *w)
{
    struct buf *out = &w->page.piece;
    const char *cluster = compare->now.meta.cluster != NULL ? compare->now.meta.cluster : compare->then.meta.cluster;
    buf_add_str(out, "## What changed");
    if (cluster != NULL) {
        buf_add_str(out, " for ");
        markdown_text(out, cluster, 80);
    }
    buf_add_str(out, ": ");
    compare_side(&compare->then, out);
    buf_add_str(out, " → ");
    compare_side(&compare->now, out);
    buf_add_str(out, "\n\n**");
    compare_total(compare, &w->text);
    markdown_text(out, buf_str(&w->text), w->text.length);
    buf_add_str(out, "**\n");
    markdown_add(&w->page, MD_HEAD, 0);
}

static void foot(const struct compare *compare, struct writing *w)
{
    struct buf *out = &w->page.piece;
    const struct report *sides[] = {&compare->then, &compare->now};
    buf_add_str(out, "\n---\n<sub>");
    for (size_t i = 0; i < ARRAY_COUNT(sides); i++) {
        const struct report_meta *meta = &sides[i]->meta;
        buf_printf(out, "%s %s `%s`", i == 0 ? "Then:" : "<br>\nNow:", artifact_kind_name(meta->kind),
                   meta->digest == NULL ? "" : meta->digest);
        if (meta->created != NULL) {
            buf_add_str(out, " of a run started ");
            markdown_text(out, meta->created, 40);
        }
    }
    buf_add_str(out, ".</sub>\n");
    markdown_add(&w->page, MD_FOOT, 0);
}

static void money_cell(struct buf *out, int64_t microusd)
{
    char text[MONEY_TEXT];
    buf_printf(out, " | %s%s", microusd < 0 ? "−" : "", money_format(llabs(microusd), text));
}

static void space_cells(const struct compare_space *space, struct buf *out)
{
    static const struct report_sums nothing;
    const struct report_sums *then = space->then == NULL ? &nothing : space->then;
    const struct report_sums *now = space->now == NULL ? &nothing : space->now;
    char change[FIGURE_MAX];
    for (int i = 0; i < COMPARE_KINDS; i++) {
        buf_printf(out, " | %" PRId64, space->kinds[i]);
    }
    money_cell(out, then->before);
    money_cell(out, now->before);
    buf_printf(out, " | %s", figure_change(then->before, now->before, "−", change));
    money_cell(out, then->before - then->after);
    money_cell(out, now->before - now->after);
    buf_add_str(out, " |\n");
}

static void space_line(const struct compare_space *space, struct buf *out)
{
    buf_add_str(out, "| ");
    if (space->name == NULL) {
        buf_add_str(out, "*none*");
    } else {
        markdown_text(out, space->name, MARKDOWN_NAME_MAX);
    }
    space_cells(space, out);
}

/* Of all namespaces, those that have no line too. */
static void space_total(const struct compare *compare, struct buf *out)
{
    struct compare_space all = {.then = &compare->then.totals, .now = &compare->now.totals};
    memcpy(all.kinds, compare->kinds, sizeof all.kinds);
    buf_add_str(out, "| **All**");
    space_cells(&all, out);
}

static bool differs(const struct compare_space *space)
{
    return space->kinds[COMPARE_CHANGED] + space->kinds[COMPARE_ADDED] + space->kinds[COMPARE_GONE] > 0;
}

static void spaces(const struct compare *compare, struct writing *w)
{
    size_t shown = 0;
    size_t more = 0;
    buf_add_str(&w->page.piece, "\n| Namespace | Differ | Added | Gone | As before | Monthly then | Monthly now | Change | Saved then "
                                "| Saved now |\n|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|\n");
    for (size_t i = 0; i < compare->space_count; i++) {
        if (!differs(&compare->spaces[i])) {
            continue;
        }
        if (shown < SPACES_SHOWN) {
            space_line(&compare->spaces[i], &w->page.piece);
            shown++;
        } else {
            more++;
        }
    }
    if (more > 0) {
        buf_printf(&w->page.piece, "| … and %zu more | | | | | | | | | |\n", more);
    }
    space_total(compare, &w->page.piece);
    markdown_add(&w->page, MD_PARTS, 0);
}

static void cut(const struct compare *compare, struct writing *w)
{
    size_t hidden = compare_different(compare) - w->shown;
    struct buf *out = &w->page.piece;
    char count[FIGURE_MAX];
    if (hidden + w->shortened == 0) {
        return;
    }
    buf_add_str(out, "\n> **Not shown here**: ");
    buf_add_str(out, hidden > 0 ? figure_count((int64_t)hidden, "workload", count) : "");
    buf_add_str(out, hidden > 0 && w->shortened > 0 ? ", " : "");
    if (w->shortened > 0) {
        buf_printf(out, "the ends of %zu long lists", w->shortened);
    }
    buf_printf(out, "; this text has at most %zu bytes. All of it: `", w->page.size);
    if (compare->now.meta.run > 0 && compare->then.meta.run > 0) {
        buf_printf(out, "tare report %" PRId64 " --compare %" PRId64 " --format html`\n", compare->now.meta.run, compare->then.meta.run);
    } else {
        buf_add_str(out, "tare-report --compare FILE --format html`\n");
    }
    w->page.left += CUT_BYTES;
    markdown_add(&w->page, MD_CUT, 0);
}

int compare_markdown(const struct compare *compare, int64_t max_bytes, struct report_sink *sink, struct err *err)
{
    struct writing w = {.lines = 0};
    int failed = 0;
    markdown_page_init(&w.page, max_bytes > 0 ? (size_t)max_bytes : DEFAULT_BYTES);
    buf_init(&w.text, TEXT_MAX);
    head(compare, &w);
    foot(compare, &w);
    w.page.left -= CUT_BYTES;
    buf_clear(&w.text);
    compare_remarks(compare, &w.text);
    buf_add_str(&w.page.piece, w.text.length > 0 ? "\n" : "");
    compare_split(&w.text, add_item, &w);
    markdown_add(&w.page, MD_GAPS, 0);
    if (compare_different(compare) > 0) {
        spaces(compare, &w);
        buf_add_str(&w.page.piece, "\n### Workloads, the most money first\n\n");
        failed = markdown_add(&w.page, MD_FOLDS, 0) && compare_each(compare, 0, compare_different(compare), add_pair, &w, err) < 0;
    }
    if (!failed) {
        cut(compare, &w);
        markdown_put(&w.page, sink);
        failed = sink_finish(sink, err);
    }
    buf_release(&w.text);
    markdown_page_release(&w.page);
    return failed ? -1 : 0;
}
