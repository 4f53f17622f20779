#include <inttypes.h>
#include <stdio.h>

#include "pipeline/base/str.h"
#include "pipeline/run/record.h"
#include "reports/html/html.h"
#include "reports/text/escape.h"
#include "reports/text/figures.h"
#include "reports/text/summary.h"

enum { SENTENCE_MAX = 4096 };

static void sentence(const struct report *report, void (*of)(const struct report *, struct buf *),
                     struct buf *out)
{
    struct buf text;
    buf_init(&text, SENTENCE_MAX);
    of(report, &text);
    html_sentence(out, "p", &text);
    buf_release(&text);
}

static void text_cell(struct buf *out, const json_t *object, const char *key)
{
    const char *text = json_string_or_null(object, key);
    buf_add_str(out, "<td>");
    escape_html(out, text == NULL ? "–" : text);
    buf_add_str(out, "</td>");
}

static void dollar_cell(struct buf *out, const json_t *object, const char *key)
{
    char dollars[FIGURE_MAX];
    buf_printf(out, "<td class=\"num\">$%s</td>", figure_dollars(json_int_or(object, key, 0), dollars));
}

static void price_row(const json_t *price, const char *pool, struct buf *out)
{
    static const char *const words[] = {"provider", "region", "instance", "path", "date", "source"};
    html_row_head(out, pool);
    dollar_cell(out, price, "microusd_per_vcpu_hour");
    dollar_cell(out, price, "microusd_per_gib_hour");
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        text_cell(out, price, words[i]);
    }
    buf_add_str(out, "</tr>\n");
}

/* Each unit price once, with where it is from; workloads name their pool. */
static void prices(const struct report *report, struct buf *out)
{
    static const char *const heads[] = {"Pool",      "vCPU-hour", "GiB-hour", "Provider", "Region",
                                        "Node type", "How found", "Date",     "Source"};
    const json_t *price = report->meta.price;
    const json_t *pools = json_object_get(json_object_get(report->meta.settings, "price"), "pools");
    if (price == NULL) {
        return;
    }
    buf_add_str(out, "<div class=\"scroll\" tabindex=\"0\" role=\"group\" aria-label=\"Unit prices\"><table "
                     "class=\"prices\"><caption>Unit prices</caption><thead><tr>");
    for (size_t i = 0; i < sizeof heads / sizeof heads[0]; i++) {
        buf_printf(out, "<th scope=\"col\"%s>%s</th>", i == 1 || i == 2 ? " class=\"num\"" : "", heads[i]);
    }
    buf_add_str(out, "</tr></thead><tbody>\n");
    for (size_t i = 0; i < json_array_size(pools); i++) {
        const json_t *pool = json_array_get(pools, i);
        const char *name = json_string_or_null(pool, "name");
        price_row(json_object_get(pool, "price"),
                  name != NULL                 ? name
                  : json_array_size(pools) > 1 ? "all else"
                                               : "all",
                  out);
    }
    if (json_array_size(pools) == 0) {
        price_row(price, "all", out);
    }
    buf_add_str(out, "</tbody></table></div>\n");
}

static void definitions(struct buf *out)
{
    buf_add_str(
        out,
        "<details><summary>What the words mean</summary><dl class=\"words\">"
        "<dt>Now, new</dt><dd>A month's cost with today's requests and with the plan's, at the same usage "
        "and replicas.</dd>"
        "<dt>A month, a year</dt><dd>730 hours, and twelve such months.</dd>"
        "<dt>Asked for, not used</dt><dd>Request less mean use, where the request is the larger, at the same "
        "unit price.</dd>"
        "<dt>Held back</dt><dd>The gate forbids it or no manifest can be edited: listed, and in no sum.</dd>"
        "<dt>Confidence</dt><dd>From 0 to 1: age and coverage of the samples, steadiness of the use, and how "
        "the rule did on days it had not seen.</dd>"
        "<dt>Backtest</dt><dd>Over days that were not learned from: share of the time above the request · "
        "request over mean use; "
        "with tare's numbers, today's, and those that KRR's and VPA's rules give.</dd>"
        "<dt>Charts</dt><dd>Of each hour the median and the 90th percentile of its means of five minutes, "
        "and its largest sample; a pod's use. "
        "A numbered field is the time of the finding with that number.</dd></dl></details>\n");
}

void html_foot(const struct report *report, struct buf *out)
{
    const struct report_meta *meta = &report->meta;
    buf_printf(out, "<p>Made from %s <code class=\"digest\">%s</code>", artifact_kind_name(meta->kind),
               meta->digest == NULL ? "" : meta->digest);
    if (meta->plan != NULL) {
        buf_add_str(out, "; plan <code class=\"digest\">");
        escape_html(out, meta->plan);
        buf_add_str(out, "</code>, which is what an approval names");
    }
    buf_add_str(out, ".</p>\n");
    struct buf command;
    buf_init(&command, SENTENCE_MAX);
    if (summary_approve(report, &command)) {
        buf_printf(out,
                   "<p>Approve what this page shows, and nothing else, with <code class=\"digest\">%s</code>, some of it with "
                   "<code>--workload NAMESPACE/KIND/NAME</code>; reject with <code>tare reject %" PRId64 " --reason TEXT</code>.</p>\n",
                   buf_str(&command), meta->run);
    }
    buf_release(&command);
}

void html_method(const struct report *report, struct buf *out)
{
    struct buf text;
    buf_init(&text, SENTENCE_MAX);
    html_section_begin(out, "method", "How this was computed");
    sentence(report, summary_prices, out);
    prices(report, out);
    summary_method(&text);
    html_sentence(out, "p", &text);
    sentence(report, summary_window, out);
    sentence(report, summary_policy, out);
    definitions(out);
    html_section_end(out);
    buf_release(&text);
}
