#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "reports/html/svg.h"
#include "reports/html/workload.h"
#include "reports/text/escape.h"
#include "reports/text/insight.h"

enum { LINES_MAX = 64 * 1024 };

/* A container's resource under all contenders; nothing where it was not judged. */
static void verdict_row(const struct report_row *row, const struct report_container *container, bool cpu,
                        struct buf *out)
{
    struct insight_verdict verdict;
    char text[2 * FIGURE_MAX];
    if (!insight_verdict(row, container->name, cpu, 0, &verdict)) {
        return;
    }
    buf_add_str(out, "<tr><th scope=row>");
    escape_html(out, container->name);
    buf_add_str(out, cpu ? " CPU" : " memory");
    for (int i = 0; i < INSIGHT_CONTENDERS; i++) {
        bool known = insight_verdict(row, container->name, cpu, i, &verdict);
        buf_printf(out, "<td>%s", known ? insight_verdict_text(&verdict, cpu, text) : "–");
    }
    buf_add_char(out, '\n');
}

static void backtest(const struct report_row *row, struct buf *out)
{
    struct buf days;
    buf_init(&days, LINES_MAX);
    insight_backtest(row, &days);
    if (days.length > 0) {
        buf_printf(out, "<h3>Backtest: %s</h3><table class=proof><thead><tr><th scope=col>Use",
                   buf_str(&days));
        for (int i = 0; i < INSIGHT_CONTENDERS; i++) {
            buf_printf(out, "<th scope=col>%s", insight_contender(i));
        }
        buf_add_str(out, "</thead><tbody>\n");
        for (size_t i = 0; i < row->container_count; i++) {
            verdict_row(row, &row->containers[i], true, out);
            verdict_row(row, &row->containers[i], false, out);
        }
        buf_add_str(out, "</table>\n");
    }
    buf_release(&days);
}

void html_list(const char *heading, const struct buf *lines, struct buf *out)
{
    const char *text = buf_str(lines);
    struct buf line;
    if (text[0] == '\0') {
        return;
    }
    buf_init(&line, LINES_MAX);
    if (heading != NULL) {
        buf_printf(out, "<h3>%s</h3>", heading);
    }
    buf_add_str(out, "<ul>");
    while (*text != '\0') {
        size_t length = strcspn(text, "\n");
        buf_clear(&line);
        buf_add(&line, text, length);
        buf_add_str(out, "<li>");
        escape_html(out, buf_str(&line));
        text += length + (text[length] == '\n');
    }
    buf_add_str(out, "</ul>\n");
    buf_release(&line);
}

static void add_label(struct buf *out, const json_t *manifest, const char *key)
{
    const char *text = json_string_or_null(manifest, key);
    buf_add_char(out, ' ');
    escape_html(out, text == NULL ? "" : text);
}

static void manifests(const struct report_row *row, struct buf *out)
{
    const json_t *manifest;
    for (size_t i = 0; (manifest = insight_manifest(row, i)) != NULL; i++) {
        const char *yaml = json_string_or_null(manifest, "yaml");
        buf_add_str(out, "<details><summary>YAML:");
        add_label(out, manifest, "kind");
        add_label(out, manifest, "name");
        buf_add_str(out, "</summary><pre tabindex=0><code>");
        escape_html(out, yaml == NULL ? "" : yaml);
        buf_add_str(out, "</code></pre></details>\n");
    }
}

void html_forecasts(const struct report_row *row, struct buf *out)
{
    for (size_t i = 0; i < row->container_count; i++) {
        for (int cpu = 1; cpu >= 0; cpu--) {
            const json_t *forecast = insight_forecast(row, row->containers[i].name, cpu == 1);
            if (forecast != NULL) {
                svg_forecast_chart(forecast, &row->containers[i], cpu == 1 ? CPU_REQUEST : MEMORY_REQUEST,
                                   out);
            }
        }
    }
}

void html_insight(const struct report_row *row, struct buf *out)
{
    struct buf lines;
    if (row->group != REPORT_STAYS || row->severity >= 0) {
        backtest(row, out);
    }
    buf_init(&lines, LINES_MAX);
    insight_outlook(row, &lines);
    html_list("Outlook", &lines, out);
    buf_clear(&lines);
    insight_scaling(row, &lines);
    html_list("Scaling", &lines, out);
    manifests(row, out);
    buf_release(&lines);
}
