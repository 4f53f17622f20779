#include "reports/explain/sections.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#include "pipeline/base/money.h"
#include "reports/explain/page.h"

static void price_section(const struct explain *explain, struct buf *out)
{
    const struct report_row *row = &explain->row;
    const json_t *price = json_at(row->record, "cost.price");
    char money[3][MONEY_TEXT];
    char dollars[2][FIGURE_MAX];
    char replicas[FIGURE_MAX];
    if (!row->priced) {
        return;
    }
    page_heading(out, "PRICE");
    page_line(out, 2, "monthly", "%s now, %s with the recommendation: %s%s",
              money_format(row->before, money[0]), money_format(row->proposed, money[1]),
              row->proposed <= row->before ? "saves " : "costs more: ",
              money_format(llabs(row->before - row->proposed), money[2]));
    page_line(out, 2, "from",
              "%s replicas in the mean; the larger of request and mean use counts; $%s a vCPU-hour, $%s a "
              "GiB-hour (%s %s %s, %s)",
              figure_plain(row->replicas, replicas),
              figure_dollars(json_int_or(price, "microusd_per_vcpu_hour", 0), dollars[0]),
              figure_dollars(json_int_or(price, "microusd_per_gib_hour", 0), dollars[1]),
              page_string(price, "provider"), page_string(price, "region"), page_string(price, "instance"),
              page_string(price, "date"));
}

static void change_section(const struct explain *explain, struct buf *out)
{
    const json_t *change = json_object_get(explain->row.record, "change");
    const json_t *edits = json_object_get(change, "edits");
    if (!json_is_object(change)) {
        return;
    }
    page_heading(out, "CHANGE");
    if (json_array_size(edits) == 0) {
        page_line(out, 2, "", "nothing is edited");
    }
    for (size_t i = 0; i < json_array_size(edits); i++) {
        const json_t *edit = json_array_get(edits, i);
        const char *from = json_string_or_null(edit, "from");
        const char *to = json_string_or_null(edit, "to");
        page_line(out, 2, "", "%s: %s \xe2\x86\x92 %s", page_string(edit, "path"),
                  from == NULL ? "unset" : from, to == NULL ? "unset" : to);
    }
    page_line(out, 2, "by hand", "%s", page_string(change, "advice"));
    page_block(out, 4, page_string(change, "patch"));
}

static void gate_section(const struct explain *explain, struct buf *out)
{
    const json_t *gate = json_object_get(explain->row.record, "gate");
    const json_t *outcome = json_object_get(explain->row.record, "outcome");
    if (json_is_object(gate)) {
        page_heading(out, "GATE");
        page_line(out, 2, "verdict", "%s", page_string(gate, "verdict"));
        const json_t *reasons = json_object_get(gate, "reasons");
        for (size_t i = 0; i < json_array_size(reasons); i++) {
            page_line(out, 2, " ", "%s", report_message(json_array_get(reasons, i)));
        }
    }
    if (json_is_object(outcome)) {
        page_heading(out, "OUTCOME");
        page_line(out, 2, "state", "%s", page_string(outcome, "state"));
        page_line(out, 2, "detail", "%s", page_string(outcome, "detail"));
    }
}

static void problem_section(const struct explain *explain, struct buf *out)
{
    const json_t *problems = json_object_get(explain->row.record, "problems");
    if (json_array_size(problems) > 0) {
        page_heading(out, "PROBLEMS");
    }
    for (size_t i = 0; i < json_array_size(problems); i++) {
        const json_t *problem = json_array_get(problems, i);
        page_line(out, 2, page_string(problem, "stage"), "%s: %s", page_string(problem, "code"),
                  report_message(problem));
    }
}

void explain_after(const struct explain *explain, struct buf *out)
{
    price_section(explain, out);
    change_section(explain, out);
    gate_section(explain, out);
    problem_section(explain, out);
}
