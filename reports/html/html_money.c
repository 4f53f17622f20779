#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "reports/html/workload.h"
#include "reports/text/escape.h"
#include "reports/text/figures.h"

enum { PER_CORE = 1000, GIB = 1024 * 1024 * 1024 };

static const struct {
    const char *name;
    const char *unit;
    double one;
    const char *members[4]; /* billed before, billed after, money before, money after */
} resources[] = {
    {"CPU",
     "vCPU",
     PER_CORE,
     {"cpu_billed_before_millicores", "cpu_billed_after_millicores", "cpu_before_microusd",
      "cpu_after_microusd"}},
    {"memory",
     "GiB",
     GIB,
     {"memory_billed_before_bytes", "memory_billed_after_bytes", "memory_before_microusd",
      "memory_after_microusd"}},
};

/* What counts, with the digits that make the money again to the micro-dollar. */
static void counted_cell(struct buf *out, const json_t *cost, const char *member, double one)
{
    double amount = NAN;
    if (json_get_number(cost, member, &amount)) {
        buf_printf(out, "<td>%.9g", amount / one);
    } else {
        buf_add_str(out, "<td>–");
    }
}

static void money_row(struct buf *out, const char *name, const json_t *cost, size_t r)
{
    char dollars[FIGURE_MAX];
    buf_add_str(out, "<tr><th scope=row>");
    escape_html(out, name);
    buf_printf(out, " %s, %s", resources[r].name, resources[r].unit);
    counted_cell(out, cost, resources[r].members[0], resources[r].one);
    counted_cell(out, cost, resources[r].members[1], resources[r].one);
    buf_printf(out, "<td>$%s", figure_dollars(json_int_or(cost, resources[r].members[2], 0), dollars));
    buf_printf(out, "<td>$%s\n", figure_dollars(json_int_or(cost, resources[r].members[3], 0), dollars));
}

/* Amount × unit price × hours × replicas: what is the same for all rows. */
static void factors(const struct report_row *row, const json_t *price, struct buf *out)
{
    char dollars[FIGURE_MAX];
    const char *pool = json_string_or_null(price, "pool");
    const char *date = json_string_or_null(price, "date");
    buf_printf(out, "<p class=quiet>The larger of request and mean use, × $%s a vCPU-hour",
               figure_dollars(json_int_or(price, "microusd_per_vcpu_hour", 0), dollars));
    buf_printf(out, " or $%s a GiB-hour",
               figure_dollars(json_int_or(price, "microusd_per_gib_hour", 0), dollars));
    buf_printf(out, " × 730 h × %.9g replicas in the mean. <a href=#method>Prices", row->replicas);
    if (pool != NULL) {
        buf_add_str(out, " of ");
        escape_html(out, pool);
    }
    if (date != NULL) {
        buf_add_str(out, ", ");
        escape_html(out, date);
    }
    buf_add_str(out, "</a></p>\n");
}

static void sum_row(const struct report_row *row, struct buf *out)
{
    char dollars[FIGURE_MAX];
    buf_printf(out, "</tbody><tfoot><tr><th scope=row>All<td><td><td>$%s",
               figure_dollars(row->before, dollars));
    buf_printf(out, "<td>$%s</tfoot></table>\n", figure_dollars(row->proposed, dollars));
}

void html_money(const struct report_row *row, struct buf *out)
{
    const json_t *price = json_at(row->record, "cost.price");
    const json_t *costs = json_at(row->record, "cost.containers");
    const char *name;
    json_t *cost;
    if (!row->priced || !json_is_object(price) || json_object_size(costs) == 0) {
        return;
    }
    buf_add_str(out, "<h3>How the money came about</h3><table class=proof><thead><tr><th scope=col>What "
                     "counts<th scope=col>Now"
                     "<th scope=col>New<th scope=col>Now a month<th scope=col>New a month</thead><tbody>\n");
    json_object_foreach((json_t *)(uintptr_t)costs, name, cost)
    {
        for (size_t r = 0; r < ARRAY_COUNT(resources); r++) {
            money_row(out, name, cost, r);
        }
    }
    sum_row(row, out);
    factors(row, price, out);
}
