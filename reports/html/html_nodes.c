#include <inttypes.h>
#include <stdio.h>

#include "pipeline/base/money.h"
#include "reports/html/html.h"
#include "reports/text/escape.h"
#include "reports/text/figures.h"

static void paragraph(struct buf *out, const char *element, const char *text)
{
    buf_printf(out, "<%s>", element);
    escape_html(out, text);
    buf_printf(out, "</%s>\n", element);
}

static void headline(const struct fleet *fleet, struct buf *out)
{
    char money[MONEY_TEXT];
    buf_add_str(out, "<p>");
    if (fleet->live) {
        buf_printf(out, "The cluster runs %" PRId64 " node%s today", fleet->nodes_today,
                   fleet->nodes_today == 1 ? "" : "s");
        if (fleet->priced && fleet->today_monthly_microusd >= 0) {
            buf_printf(out, " for %s a month", money_format(fleet->today_monthly_microusd, money));
        }
        buf_add_str(out, ". ");
    }
    buf_printf(out,
               "%" PRId64 " pod%s packed on nodes need %" PRId64 " with today's requests and %" PRId64
               " with the plan",
               fleet->pods, fleet->pods == 1 ? "" : "s", fleet->before.nodes, fleet->after.nodes);
    if (fleet->unplaced > 0) {
        buf_printf(out, "; %" PRId64 " of them fit%s no node", fleet->unplaced,
                   fleet->unplaced == 1 ? "s" : "");
    }
    buf_add_str(out, ".</p>\n");
}

/* Below 0: not known. */
static void known_count_cell(struct buf *out, int64_t count)
{
    if (count >= 0) {
        html_count_cell(out, count);
    } else {
        buf_add_str(out, "<td class=\"num\">–</td>");
    }
}

static void side_cells(const struct fleet_side *side, struct buf *out)
{
    html_count_cell(out, side->nodes);
    known_count_cell(out, side->lower_bound);
}

static void pool_row(const struct fleet *fleet, const struct fleet_pool *pool, struct buf *out)
{
    char dollars[FIGURE_MAX];
    bool known = fleet->priced && pool->before.monthly_microusd >= 0 && pool->after.monthly_microusd >= 0;
    bool hour = fleet->priced && pool->microusd_per_hour >= 0;
    html_row_head(out, pool->name == NULL ? (fleet->live ? "no pool" : "default") : pool->name);
    buf_add_str(out, "<td>");
    escape_html(out, pool->instance == NULL ? "unknown" : pool->instance);
    buf_printf(out, "</td><td class=\"num\">%s%s</td>", hour ? "$" : "–",
               hour ? figure_dollars(pool->microusd_per_hour, dollars) : "");
    if (fleet->live) {
        known_count_cell(out, pool->nodes_today);
    }
    side_cells(&pool->before, out);
    side_cells(&pool->after, out);
    html_money_cell(out, known, pool->before.monthly_microusd);
    html_money_cell(out, known, pool->after.monthly_microusd);
    html_change_cell(out, known, pool->before.monthly_microusd, pool->after.monthly_microusd);
    buf_add_str(out, "</tr>\n");
}

static void pool_table(const struct fleet *fleet, struct buf *out)
{
    static const char *const heads[] = {"Nodes now",   "at least",    "Nodes new", "at least",
                                        "Now a month", "New a month", "Change"};
    buf_add_str(out, "<div class=\"scroll\" tabindex=\"0\" role=\"group\" aria-label=\"Nodes by "
                     "pool\"><table class=\"pools\">"
                     "<caption>“at least”: no packing needs fewer nodes</caption><thead><tr>"
                     "<th scope=\"col\">Pool</th><th scope=\"col\">Node type</th><th scope=\"col\" "
                     "class=\"num\">An hour</th>");
    buf_add_str(out, fleet->live ? "<th scope=\"col\" class=\"num\">Today</th>" : "");
    for (size_t i = 0; i < sizeof heads / sizeof heads[0]; i++) {
        buf_printf(out, "<th scope=\"col\" class=\"num\">%s</th>", heads[i]);
    }
    buf_add_str(out, "</tr></thead><tbody>\n");
    for (size_t i = 0; i < fleet->pool_count; i++) {
        pool_row(fleet, &fleet->pools[i], out);
    }
    buf_add_str(out, "</tbody></table></div>\n");
}

static void better_type(const struct fleet *fleet, struct buf *out)
{
    const struct fleet_better *better = &fleet->better;
    char money[2][MONEY_TEXT];
    char nodes[FIGURE_MAX];
    if (better->instance == NULL) {
        return;
    }
    buf_add_str(out, "<p>A node type that fits the plan better: <b>");
    escape_html(out, better->instance);
    buf_add_str(out, "</b>");
    if (better->pool != NULL) {
        buf_add_str(out, " for the pool ");
        escape_html(out, better->pool);
    }
    buf_printf(out, ". The same pods fit on %s for %s a month, which is %s less.</p>\n", figure_count(better->nodes, "node", nodes),
               money_format(better->monthly_microusd, money[0]), money_format(better->saving_microusd, money[1]));
}

void html_nodes(const struct report *report, struct buf *out)
{
    const struct fleet *fleet = report->fleet;
    if (fleet == NULL) {
        return;
    }
    html_section_begin(out, "nodes", "What the nodes come to");
    if (fleet->unknown != NULL) {
        paragraph(out, "p", fleet->unknown);
    } else {
        headline(fleet, out);
        pool_table(fleet, out);
        better_type(fleet, out);
    }
    buf_add_str(out, fleet->note_count > 0 ? "<ul class=\"gaps\">" : "");
    for (size_t i = 0; i < fleet->note_count; i++) {
        paragraph(out, "li", fleet->notes[i]);
    }
    buf_add_str(out, fleet->note_count > 0 ? "</ul>\n" : "");
    html_section_end(out);
}
