#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "reports/html/html.h"
#include "reports/html/svg.h"
#include "reports/text/escape.h"
#include "reports/text/figures.h"

enum { OPEN_ROWS = 12 };

static const char minus[] = "\xe2\x88\x92";

static const struct {
    const char *title;
    const char *head;
    const char *none;
} words[REPORT_DIMENSIONS] = {
    [BY_NAMESPACE] = {"By namespace", "Namespace", "no namespace"},
    [BY_TEAM] = {"By team", "Team", "no team"},
    [BY_CLASS] = {"By class", "Class", "no class"},
    [BY_CLUSTER] = {"By cluster", "Cluster", "no cluster"},
};

static int64_t biggest_change(const struct report_parts *parts)
{
    int64_t biggest = 1;
    for (size_t i = 0; i < parts->count; i++) {
        int64_t change = llabs(parts->items[i].sums.before - parts->items[i].sums.after);
        biggest = change > biggest ? change : biggest;
    }
    return biggest;
}

static void part_row(const char *name, const struct report_sums *sums, int64_t biggest, struct buf *out)
{
    char text[FIGURE_MAX];
    bool priced = sums->workloads > sums->unpriced;
    html_row_head(out, name);
    buf_printf(out, "<td class=\"num\">%" PRId64 " of %" PRId64 "</td>", sums->changed, sums->workloads);
    html_money_cell(out, priced, sums->before);
    html_money_cell(out, priced, sums->after);
    html_change_cell(out, priced, sums->before, sums->after);
    buf_printf(out, "<td class=\"num\">%s</td>", figure_percent(sums->before, sums->after, minus, text));
    html_money_cell(out, priced && (sums->waste_known || sums->waste_after > 0), sums->waste_after);
    buf_add_str(out, "<td class=\"wide\">");
    if (biggest > 0) {
        svg_bar((double)llabs(sums->before - sums->after) / (double)biggest, sums->after <= sums->before,
                out);
    }
    buf_add_str(out, "</td></tr>\n");
}

/* As many parts as there is room for, and the others in a row. */
static void part_rows(const struct report *report, enum report_dimension by, size_t room, struct buf *out)
{
    const struct report_parts *parts = &report->parts[by];
    int64_t biggest = biggest_change(parts);
    size_t end = out->length + room;
    size_t i = 0;
    for (; i < parts->count && out->length < end; i++) {
        const char *name = parts->items[i].name;
        part_row(name == NULL ? words[by].none : name, &parts->items[i].sums, biggest, out);
    }
    if (i < parts->count) {
        char name[FIGURE_MAX];
        struct report_sums rest = report_rest(parts, i);
        snprintf(name, sizeof name, "the other %zu", parts->count - i);
        part_row(name, &rest, biggest, out);
    }
}

static void part_table(const struct report *report, enum report_dimension by, bool open, size_t room,
                       struct buf *out)
{
    const struct report_parts *parts = &report->parts[by];
    buf_printf(out,
               "<details%s><summary>%s (%zu)</summary><div class=\"scroll\" tabindex=\"0\" role=\"group\" "
               "aria-label=\"%s\"><table class=\"spaces\">"
               "<thead><tr><th scope=\"col\">%s</th>"
               "<th scope=\"col\" class=\"num\">Changes</th><th scope=\"col\" class=\"num\">Now</th>"
               "<th scope=\"col\" class=\"num\">New</th><th scope=\"col\" class=\"num\">Change</th>"
               "<th scope=\"col\" class=\"num\">%%</th><th scope=\"col\" class=\"num\">Still unused</th><td "
               "class=\"wide\"></td></tr></thead><tbody>\n",
               open ? " open" : "", words[by].title, parts->count, words[by].title, words[by].head);
    part_rows(report, by, room, out);
    buf_add_str(out, "</tbody><tfoot>");
    part_row("All", &report->totals, 0, out);
    buf_add_str(out, "</tfoot></table></div></details>\n");
}

/* One part says no more than the total; that of the namespaces is shown all the same, so that there is one
 * table. */
static bool worth_showing(const struct report_parts *parts, enum report_dimension by)
{
    return parts->count > 1 || by == BY_NAMESPACE;
}

void html_parts(const struct report *report, size_t room, struct buf *out)
{
    static const enum report_dimension order[] = {BY_NAMESPACE, BY_TEAM, BY_CLASS, BY_CLUSTER};
    bool open = true;
    if (report->totals.workloads == report->totals.unpriced) {
        return;
    }
    html_section_begin(out, "money", "Where the money is");
    for (size_t i = 0; i < REPORT_DIMENSIONS; i++) {
        const struct report_parts *parts = &report->parts[order[i]];
        if (worth_showing(parts, order[i])) {
            part_table(report, order[i], open && parts->count <= OPEN_ROWS, room / REPORT_DIMENSIONS, out);
            open = false;
        }
    }
    html_section_end(out);
}
