#include <string.h>

#include "reports/text/escape.h"
#include "reports/text/insight.h"
#include "reports/markdown/markdown.h"

enum { LINES_MAX = 64 * 1024 };

static void verdict_line(const struct report_row *row, const char *container, bool cpu, struct buf *out)
{
    struct insight_verdict verdict;
    char text[2 * FIGURE_MAX];
    if (!insight_verdict(row, container, cpu, 0, &verdict)) {
        return;
    }
    buf_add_str(out, "| ");
    escape_markdown(out, container);
    buf_add_str(out, cpu ? " CPU" : " memory");
    for (int i = 0; i < INSIGHT_CONTENDERS; i++) {
        bool known = insight_verdict(row, container, cpu, i, &verdict);
        buf_printf(out, " | %s", known ? insight_verdict_text(&verdict, cpu, text) : "–");
    }
    buf_add_str(out, " |\n");
}

static void backtest(const struct report_row *row, struct buf *out)
{
    struct buf days;
    buf_init(&days, LINES_MAX);
    insight_backtest(row, &days);
    if (days.length > 0) {
        buf_printf(out, "\n| Backtest: %s |", buf_str(&days));
        for (int i = 0; i < INSIGHT_CONTENDERS; i++) {
            buf_printf(out, " %s |", insight_contender(i));
        }
        buf_add_str(out, "\n|---|---|---|---|---|\n");
        for (size_t i = 0; i < row->container_count; i++) {
            verdict_line(row, row->containers[i].name, true, out);
            verdict_line(row, row->containers[i].name, false, out);
        }
        buf_add_char(out, '\n');
    }
    buf_release(&days);
}

/* What the next hours hold, where the request would be met in them or not. */
static void forecasts(const struct report_row *row, struct buf *out)
{
    for (size_t i = 0; i < row->container_count; i++) {
        for (int cpu = 1; cpu >= 0; cpu--) {
            char text[INSIGHT_FORECAST_MAX];
            if (insight_forecast_text(row, &row->containers[i], cpu == 1, text) != NULL) {
                buf_add_str(out, "- ");
                escape_markdown(out, text);
                buf_add_char(out, '\n');
            }
        }
    }
}

/* Lines of plain text as items. */
static void items(const struct buf *lines, struct buf *out)
{
    struct buf line;
    buf_init(&line, LINES_MAX);
    for (const char *text = buf_str(lines); *text != '\0';) {
        size_t length = strcspn(text, "\n");
        buf_clear(&line);
        buf_add(&line, text, length);
        buf_add_str(out, "- ");
        escape_markdown(out, buf_str(&line));
        buf_add_char(out, '\n');
        text += length + (text[length] == '\n');
    }
    buf_release(&line);
}

/* YAML as preformatted HTML: a fence could be closed by what stands in it, and there an entity is text. */
static void manifests(const struct report_row *row, struct buf *out)
{
    const json_t *manifest;
    for (size_t i = 0; (manifest = insight_manifest(row, i)) != NULL; i++) {
        const char *yaml = json_string_or_null(manifest, "yaml");
        const char *kind = json_string_or_null(manifest, "kind");
        buf_add_str(out, "\n<details><summary>YAML: ");
        escape_markdown_html(out, kind == NULL ? "" : kind);
        buf_add_str(out, "</summary><pre>");
        for (const char *line = yaml == NULL ? "" : yaml; *line != '\0';) {
            size_t length = strcspn(line, "\n");
            struct buf text;
            buf_init(&text, length + 1);
            buf_add(&text, line, length);
            /* An empty line would end the block of HTML. */
            escape_markdown_html(out, length == 0 ? "#" : buf_str(&text));
            buf_add_char(out, '\n');
            buf_release(&text);
            line += length + (line[length] == '\n');
        }
        buf_add_str(out, "</pre></details>\n\n");
    }
}

void markdown_insight(const struct report_row *row, struct buf *out)
{
    struct buf lines;
    buf_init(&lines, LINES_MAX);
    backtest(row, out);
    forecasts(row, out);
    insight_outlook(row, &lines);
    insight_scaling(row, &lines);
    items(&lines, out);
    manifests(row, out);
    buf_release(&lines);
}
