#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/money.h"
#include "pipeline/base/str.h"
#include "reports/markdown/markdown.h"
#include "reports/text/figures.h"

enum { CONTAINERS_SHOWN = 12, CONTAINER_NAME_MAX = 63, PARTS_SHOWN = 10, POOLS_SHOWN = 8, RUNS_SHOWN = 6 };

/* How many rows may find no room before the rest is not tried, and what the first row needs at least. */
enum { MISSES_MAX = 20, ROW_ROOM = 400, STOP = 1 };

static const char minus[] = "−";
static const char arrow[] = " → ";
static const char none[] = "–";

static void add_money(struct buf *out, bool known, int64_t microusd)
{
    char money[MONEY_TEXT];
    buf_add_str(out, known ? money_format(microusd, money) : none);
}

/* Four cells of money a month: now, new, change, percent; "–" where it is not known. */
static void money_cells(struct buf *out, bool known, int64_t before, int64_t after)
{
    char text[FIGURE_MAX];
    add_money(out, known, before);
    buf_add_str(out, " | ");
    add_money(out, known, after);
    buf_printf(out, " | %s", known ? figure_change(before, after, minus, text) : none);
    buf_printf(out, " | %s", known ? figure_percent(before, after, minus, text) : "");
}

static void amount_cells(struct buf *out, const int64_t *now, const int64_t *next)
{
    static const enum report_field requests[] = {CPU_REQUEST, MEMORY_REQUEST};
    char text[FIGURE_MAX];
    for (size_t i = 0; i < ARRAY_COUNT(requests); i++) {
        enum report_field field = requests[i];
        buf_printf(out, " | %s", figure_pair(field, report_effective(now, field), report_effective(next, field), arrow, text));
    }
    buf_add_str(out, " | ");
}

void markdown_name(const struct report_row *row, struct buf *out)
{
    if (row->namespace != NULL) {
        markdown_text(out, row->namespace, MARKDOWN_NAME_MAX);
        buf_add_char(out, '/');
    }
    buf_add_str(out, "**");
    markdown_text(out, row->name, MARKDOWN_NAME_MAX);
    buf_add_str(out, "** ");
    markdown_text(out, row->kind, MARKDOWN_NAME_MAX);
}

static void container_line(struct buf *out, const struct report_container *container)
{
    bool plain = strcmp(container->role, "container") == 0;
    buf_add_str(out, "| &nbsp;&nbsp;↳ ");
    markdown_text(out, container->name, CONTAINER_NAME_MAX);
    if (!plain) {
        buf_add_str(out, " (");
        markdown_text(out, container->role, CONTAINER_NAME_MAX);
        buf_add_char(out, ')');
    }
    amount_cells(out, container->now, container->next);
    money_cells(out, container->priced, container->before[0] + container->before[1], container->after[0] + container->after[1]);
    buf_add_str(out, " | | |\n");
}

/* Where more than one container runs, a line for each of the first. */
static void container_lines(struct buf *out, const struct report_row *row)
{
    size_t running = 0;
    size_t shown = 0;
    for (size_t i = 0; i < row->container_count; i++) {
        running += strcmp(row->containers[i].role, "init") != 0;
    }
    for (size_t i = 0; running > 1 && i < row->container_count; i++) {
        bool init = strcmp(row->containers[i].role, "init") == 0;
        if (shown < CONTAINERS_SHOWN && (!init || report_container_changes(&row->containers[i]))) {
            container_line(out, &row->containers[i]);
            shown++;
        }
    }
    if (shown == CONTAINERS_SHOWN && row->container_count > shown) {
        buf_printf(out, "| &nbsp;&nbsp;↳ … and %zu more containers | | | | | | | | |\n", row->container_count - shown);
    }
}

static void workload_line(struct buf *out, const struct report_row *row, bool containers)
{
    char text[FIGURE_MAX];
    buf_add_str(out, "| ");
    markdown_name(row, out);
    if (row->group == REPORT_HELD) {
        buf_add_str(out, row->blocked ? " (blocked by the gate)" : row->trifle ? " (saves too little)" : " (cannot be written)");
    }
    amount_cells(out, row->now, row->next);
    money_cells(out, row->priced, row->before, row->proposed);
    buf_printf(out, " | %s | %s |\n", figure_confidence(row, text), row->risk == RISK_UNKNOWN ? none : report_risk_name(row->risk));
    if (containers) {
        container_lines(out, row);
    }
}

struct adding {
    struct markdown_page *page;
    struct markdown_rows *rows;
    size_t first; /* place of the group's first */
    size_t keep;
};

static int add_row(const struct report *report, const struct report_row *row, size_t place, void *context, struct err *err)
{
    (void)report;
    (void)err;
    struct adding *adding = context;
    struct markdown_rows *rows = adding->rows;
    bool *taken = &rows->taken[place - adding->first];
    if (*taken) {
        return 0;
    }
    for (int containers = 1; containers >= 0 && !*taken; containers--) {
        workload_line(&adding->page->piece, row, containers == 1);
        *taken = markdown_add(adding->page, rows->section, adding->keep);
    }
    if (*taken) {
        rows->shown++;
        return 0;
    }
    /* One row of many long names must not hide those behind it; several that do not fit say that there is no room. */
    return ++rows->misses < MISSES_MAX ? 0 : STOP;
}

static bool open_rows(const struct report *report, struct markdown_page *page, const struct markdown_rows *rows, size_t keep)
{
    const struct report_sums *t = &report->totals;
    struct buf end;
    buf_init(&end, SINK_FLUSH_AT);
    if (rows->title != NULL) {
        buf_printf(&page->piece, "\n<details><summary>%s (%" PRId64 ")</summary>\n", rows->title, rows->count);
        buf_add_str(&end, "\n</details>\n");
    } else {
        buf_add_str(&end, "| **Total** | | | ");
        money_cells(&end, t->workloads > t->unpriced, t->before, t->after);
        buf_add_str(&end, " | | |\n");
    }
    buf_add_str(&page->piece, "\n| Workload | CPU request now → new | Memory request now → new | Monthly now | Monthly new | Change "
                              "| % | Confidence | Risk |\n|---|---:|---:|---:|---:|---:|---:|---:|---|\n");
    bool opened = markdown_open(page, rows->section, buf_str(&end), keep + ROW_ROOM);
    buf_release(&end);
    return opened;
}

int markdown_rows(const struct report *report, struct markdown_page *page, struct markdown_rows *rows, size_t keep, struct err *err)
{
    size_t first = rows->group == REPORT_CHANGES ? 0
                   : rows->group == REPORT_HELD  ? (size_t)report->totals.changed
                                                 : (size_t)(report->totals.changed + report->totals.held);
    if (rows->count == 0 || (!markdown_has(page, rows->section) && !open_rows(report, page, rows, keep))) {
        return 0;
    }
    if (rows->taken == NULL) {
        rows->taken = xcalloc_array((size_t)rows->count, sizeof *rows->taken);
    }
    struct adding adding = {page, rows, first, keep};
    rows->misses = 0;
    int result = report_each_brief(report, first, (size_t)rows->count, add_row, &adding, err);
    return result < 0 ? -1 : 0;
}

static void part_line(struct buf *out, const char *name, int64_t more, const struct report_sums *sums)
{
    buf_add_str(out, "| ");
    if (more > 0) {
        buf_printf(out, "%" PRId64 " others", more);
    } else if (name == NULL) {
        buf_add_str(out, "*none*");
    } else {
        markdown_text(out, name, MARKDOWN_NAME_MAX);
    }
    buf_printf(out, " | %" PRId64 " | %" PRId64 " | ", sums->workloads, sums->changed);
    money_cells(out, sums->workloads > sums->unpriced, sums->before, sums->after);
    buf_add_str(out, " | ");
    add_money(out, sums->waste_before > 0 || sums->waste_known, sums->waste_before);
    buf_add_str(out, " |\n");
}

static void parts_of(const struct report_parts *parts, const char *title, struct buf *out)
{
    buf_printf(out,
               "\n| %s | Workloads | Changes | Monthly now | Monthly new | Change | %% | Unused now |\n"
               "|---|---:|---:|---:|---:|---:|---:|---:|\n",
               title);
    size_t shown = parts->count <= PARTS_SHOWN + 1 ? parts->count : PARTS_SHOWN;
    for (size_t i = 0; i < shown; i++) {
        part_line(out, parts->items[i].name, 0, &parts->items[i].sums);
    }
    if (shown < parts->count) {
        struct report_sums others = report_rest(parts, shown);
        part_line(out, NULL, (int64_t)(parts->count - shown), &others);
    }
}

void markdown_parts(const struct report *report, struct markdown_page *page)
{
    const struct report_parts *spaces = &report->parts[BY_NAMESPACE];
    const struct report_parts *teams = &report->parts[BY_TEAM];
    if (spaces->count > 1) {
        parts_of(spaces, "Namespace", &page->piece);
        markdown_add(page, MD_PARTS, 0);
    }
    if (teams->count > 1) {
        parts_of(teams, "Team", &page->piece);
        markdown_add(page, MD_PARTS, 0);
    }
}

static void node_line(struct buf *out, const char *name, const char *instance, const struct fleet_side *before,
                      const struct fleet_side *after)
{
    buf_add_str(out, "| ");
    markdown_text(out, name, MARKDOWN_NAME_MAX);
    if (instance != NULL && !str_equal(name, instance)) {
        buf_add_str(out, " (");
        markdown_text(out, instance, MARKDOWN_NAME_MAX);
        buf_add_char(out, ')');
    }
    buf_printf(out, " | %" PRId64 " | %" PRId64 " | ", before->nodes, after->nodes);
    money_cells(out, before->monthly_microusd >= 0 && after->monthly_microusd >= 0, before->monthly_microusd, after->monthly_microusd);
    buf_add_str(out, " |\n");
}

/* A type that would do better, and what was not known or not modelled. */
static void node_notes(const struct fleet *fleet, struct markdown_page *page)
{
    struct buf *out = &page->piece;
    const struct fleet_better *better = &fleet->better;
    char money[MONEY_TEXT];
    char nodes[FIGURE_MAX];
    buf_add_str(out, better->instance != NULL || fleet->note_count > 0 ? "\n" : "");
    if (better->instance != NULL) {
        buf_add_str(out, "- With ");
        markdown_text(out, better->instance, MARKDOWN_NAME_MAX);
        buf_add_str(out, better->pool == NULL ? "" : " in the pool ");
        markdown_text(out, better->pool == NULL ? "" : better->pool, MARKDOWN_NAME_MAX);
        buf_printf(out, " the same pods fit on %s for %s a month, ", figure_count(better->nodes, "node", nodes),
                   money_format(better->monthly_microusd, money));
        buf_printf(out, "%s less again\n", money_format(better->saving_microusd, money));
    }
    for (size_t i = 0; i < fleet->note_count; i++) {
        buf_add_str(out, "- ");
        markdown_text(out, fleet->notes[i], MARKDOWN_SENTENCE_MAX);
        buf_add_char(out, '\n');
    }
    markdown_add(page, MD_NODES, page->size / 2);
}

void markdown_nodes(const struct report *report, struct markdown_page *page)
{
    const struct fleet *fleet = report->fleet;
    if (fleet == NULL || fleet->unknown != NULL) {
        return;
    }
    buf_add_str(&page->piece, "\n| Nodes | Needed now | Needed new | Monthly now | Monthly new | Change | % |\n"
                              "|---|---:|---:|---:|---:|---:|---:|\n");
    for (size_t i = 0; fleet->pool_count > 1 && i < fleet->pool_count && i < POOLS_SHOWN; i++) {
        const struct fleet_pool *pool = &fleet->pools[i];
        node_line(&page->piece, pool->name == NULL ? "default" : pool->name, pool->instance, &pool->before, &pool->after);
    }
    const char *instance = fleet->pool_count == 1 ? fleet->pools[0].instance : NULL;
    node_line(&page->piece, "All", instance, &fleet->before, &fleet->after);
    if (markdown_add(page, MD_NODES, page->size / 2)) {
        node_notes(fleet, page);
    }
}

static void trend_line(struct buf *out, const struct past_run *run)
{
    buf_printf(out, "| %" PRId64 " | ", run->run);
    markdown_text(out, run->created == NULL ? none : run->created, 10);
    buf_add_str(out, " | ");
    markdown_text(out, run->state == NULL ? none : run->state, 40);
    buf_printf(out, " | %" PRId64 " | ", run->changes);
    money_cells(out, true, run->before, run->after);
    buf_add_str(out, " |\n");
}

void markdown_past(const struct report *report, struct markdown_page *page)
{
    const struct report_past *past = report->past;
    if (past == NULL || past->trend_count < 2) {
        return;
    }
    buf_add_str(&page->piece,
               "\n<details><summary>Earlier runs</summary>\n\n"
               "| Run | Started | State | Changes | Monthly now | Monthly new | Change | % |\n|---:|---|---|---:|---:|---:|---:|---:|\n");
    if (!markdown_open(page, MD_PAST, "\n</details>\n", 0)) {
        return;
    }
    for (size_t i = 0; i < past->trend_count && i < RUNS_SHOWN; i++) {
        trend_line(&page->piece, &past->trend[i]);
        markdown_add(page, MD_PAST, 0);
    }
}
