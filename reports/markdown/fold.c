#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "reports/markdown/markdown.h"
#include "reports/text/escape.h"
#include "reports/text/figures.h"
#include "reports/text/insight.h"
#include "reports/text/opinion.h"

enum { DIFF_LINES = 120, DIFF_COLUMNS = 400, DIFF_BYTES = 8 * 1024, FENCE_MAX = 64 };

/* How much of a reason and how many findings: in brief the diff matters more. */
enum { REASON_BRIEF = 320, REASON_FULL = 2000, FINDINGS_BRIEF = 3, FINDINGS_FULL = 20, FINDING_BRIEF = 200 };

static void summary_line(const struct report_row *row, struct buf *out)
{
    char text[FIGURE_MAX];
    buf_add_str(out, "<details><summary>");
    if (row->namespace != NULL) {
        markdown_text_html(out, row->namespace, MARKDOWN_NAME_MAX);
        buf_add_char(out, '/');
    }
    markdown_text_html(out, row->name, MARKDOWN_NAME_MAX);
    buf_add_char(out, ' ');
    markdown_text_html(out, row->kind, MARKDOWN_NAME_MAX);
    if (row->group != REPORT_STAYS) {
        if (row->priced) {
            buf_printf(out, ": %s a month", figure_change(row->before, row->proposed, "−", text));
        } else {
            buf_add_str(out, ": not priced");
        }
        buf_printf(out, ", risk %s, confidence %s", row->risk == RISK_UNKNOWN ? "–" : report_risk_name(row->risk),
                   figure_confidence(row, text));
    }
    buf_add_str(out, "</summary>\n\n");
}

static void finding_item(const json_t *finding, size_t most, struct buf *out)
{
    const char *severity = json_string_or_null(finding, "severity");
    const char *container = json_string_or_null(finding, "container");
    buf_add_str(out, "- **");
    markdown_text(out, severity == NULL ? "info" : severity, MARKDOWN_NAME_MAX);
    buf_add_str(out, "** ");
    markdown_text(out, container == NULL ? "" : container, MARKDOWN_NAME_MAX);
    buf_add_str(out, container == NULL ? "" : ": ");
    markdown_text(out, report_message(finding), most);
    buf_add_char(out, '\n');
}

static void findings(const struct report_row *row, bool full, struct buf *out)
{
    size_t most = full ? FINDINGS_FULL : FINDINGS_BRIEF;
    size_t length = full ? MARKDOWN_SENTENCE_MAX : FINDING_BRIEF;
    const json_t *list = json_at(row->record, "recommendation.findings");
    size_t shown = 0;
    for (size_t i = 0; i < json_array_size(list) && shown < most; i++) {
        if (json_is_object(json_array_get(list, i))) {
            finding_item(json_array_get(list, i), length, out);
            shown++;
        }
    }
    if (shown == most && json_array_size(list) > shown) {
        size_t more = json_array_size(list) - shown;
        buf_printf(out, "- … and %zu more finding%s\n", more, more == 1 ? "" : "s");
    }
    const char *objection;
    for (size_t i = 0; i < most && (objection = insight_objection(row, i)) != NULL; i++) {
        buf_add_str(out, "- Gate: ");
        markdown_text(out, objection, length);
        buf_add_char(out, '\n');
    }
}

static void word(const json_t *object, const char *key, struct buf *out)
{
    const char *text = json_string_or_null(object, key);
    if (text != NULL) {
        buf_add_char(out, ' ');
        markdown_text(out, text, MARKDOWN_NAME_MAX);
    }
}

/* The price path in short: what was looked up, what came of it. */
static void price(const struct report_row *row, struct buf *out)
{
    const json_t *found = json_at(row->record, "cost.price");
    char cpu[FIGURE_MAX];
    char memory[FIGURE_MAX];
    if (!json_is_object(found)) {
        return;
    }
    buf_add_str(out, "- Price:");
    word(found, "pool", out);
    word(found, "provider", out);
    word(found, "region", out);
    word(found, "instance", out);
    buf_add_str(out, " (");
    markdown_text(out, json_string_or_null(found, "path") == NULL ? "?" : json_string_or_null(found, "path"), MARKDOWN_NAME_MAX);
    buf_printf(out, "), $%s a vCPU-hour, $%s a GiB-hour", figure_dollars(json_int_or(found, "microusd_per_vcpu_hour", 0), cpu),
               figure_dollars(json_int_or(found, "microusd_per_gib_hour", 0), memory));
    if (row->has_replicas) {
        buf_printf(out, ", × 730 h × %.4g replicas", row->replicas);
    }
    buf_add_char(out, '\n');
}

/* Longer than any run of backticks inside, so that nothing in the diff ends it. */
static void fence_of(const char *patch, char fence[FENCE_MAX])
{
    size_t longest = 2;
    for (const char *c = patch; *c != '\0';) {
        size_t run = strspn(c, "`");
        longest = run > longest ? run : longest;
        c += run == 0 ? 1 : run;
    }
    size_t length = longest + 1 < FENCE_MAX ? longest + 1 : FENCE_MAX - 1;
    memset(fence, '`', length);
    fence[length] = '\0';
}

/* One line of the diff; of a long one the beginning. */
static void diff_line(const char *line, size_t length, struct buf *out)
{
    char text[4 * DIFF_COLUMNS + 1];
    snprintf(text, sizeof text, "%.*s", (int)(length < sizeof text ? length : sizeof text - 1), line);
    escape_terminal(out, text, DIFF_COLUMNS);
    buf_add_char(out, '\n');
}

/* The diff that a member of the change holds. */
static void diff(const struct report_row *row, const char *member, struct markdown_fold *fold, struct buf *out)
{
    const char *patch = json_string_or_null(json_object_get(row->record, "change"), member);
    char fence[FENCE_MAX];
    if (patch == NULL || patch[0] == '\0') {
        return;
    }
    fence_of(patch, fence);
    if (strlen(fence) == FENCE_MAX - 1) {
        return;
    }
    fold->diff = true;
    buf_printf(out, "\n%sdiff\n", fence);
    size_t from = out->length;
    size_t lines = 0;
    while (*patch != '\0' && lines < DIFF_LINES && out->length - from < DIFF_BYTES) {
        size_t length = strcspn(patch, "\n");
        diff_line(patch, length, out);
        patch += length + (patch[length] == '\n');
        lines++;
    }
    buf_printf(out, "%s\n", fence);
    size_t more = 0;
    for (const char *c = patch; *c != '\0'; c++) {
        more += *c == '\n' || c[1] == '\0';
    }
    if (more > 0) {
        fold->shortened = true;
        buf_printf(out, "\n… and %zu more lines of the diff.\n", more);
    }
}

/* Who recommended; with all that there is room for, what became of it too. */
static void opinion(const struct report_row *row, bool full, struct buf *out)
{
    char who[OPINION_WHO_MAX];
    struct buf lines;
    buf_init(&lines, 2 * DIFF_BYTES);
    buf_add_str(out, "- Recommended by ");
    markdown_text(out, opinion_who(row->record, who), MARKDOWN_NAME_MAX);
    buf_add_char(out, '\n');
    opinion_lines(row->record, &lines);
    for (const char *text = buf_str(&lines); *text != '\0' && full;) {
        size_t length = strcspn(text, "\n");
        char line[MARKDOWN_SENTENCE_MAX + 1];
        (void)snprintf(line, sizeof line, "%.*s", (int)(length < sizeof line ? length : sizeof line - 1), text);
        str_trim_utf8(line);
        buf_add_str(out, "  - ");
        markdown_text(out, line, MARKDOWN_SENTENCE_MAX);
        buf_add_char(out, '\n');
        text += length + (text[length] == '\n');
    }
    buf_release(&lines);
}

void markdown_fold(const struct report_row *row, struct markdown_fold *fold, struct buf *out)
{
    const char *reasoning = json_string_or_null(json_object_get(row->record, "recommendation"), "reasoning");
    summary_line(row, out);
    if (reasoning != NULL && reasoning[0] != '\0') {
        buf_add_str(out, "- Reason: ");
        markdown_text(out, reasoning, fold->full ? REASON_FULL : REASON_BRIEF);
        buf_add_char(out, '\n');
    }
    if (opinion_differs(row->record)) {
        opinion(row, fold->full, out);
    }
    findings(row, fold->full, out);
    if (row->group != REPORT_STAYS) {
        price(row, out);
        diff(row, "patch", fold, out);
        diff(row, "objects_patch", fold, out);
    }
    if (fold->full) {
        markdown_insight(row, out);
    }
    buf_add_str(out, "\n</details>\n");
}
