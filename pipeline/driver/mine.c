#include "pipeline/driver/mine.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/str.h"
#include "pipeline/driver/plan_view.h"

enum { CELL_TEXT = 240 };

/* Text in a cell of a Markdown table: what Markdown or HTML would read is taken out of force. */
static void put_cell(const char *text)
{
    char safe[CELL_TEXT];
    snprintf(safe, sizeof safe, "%s", text == NULL || *text == '\0' ? "-" : text);
    str_trim_utf8(safe);
    str_mask_controls(safe);
    fputs("| ", stdout);
    for (const char *c = safe; *c != '\0'; c++) {
        if (*c == '<' || *c == '&' || *c == '>') {
            printf("%s", *c == '<' ? "&lt;" : *c == '>' ? "&gt;" : "&amp;");
            continue;
        }
        if (strchr("\\`*_{}[]()#!|~@", *c) != NULL) {
            putchar('\\');
        }
        putchar(*c);
    }
    putchar(' ');
}

static void markdown_row(const json_t *row)
{
    char text[CELL_TEXT];
    const char *rejected = json_string_or_null(row, "rejected");
    char *name = plan_view_name(row);
    put_cell(name);
    free(name);
    plan_view_change(row, "cpu", "request", text, sizeof text);
    put_cell(text);
    plan_view_change(row, "memory", "request", text, sizeof text);
    put_cell(text);
    put_cell(plan_view_money(row, text, sizeof text));
    put_cell(json_string_or_null(row, "risk"));
    put_cell(rejected != NULL ? rejected : json_string_or_null(row, "verdict"));
    snprintf(text, sizeof text, "%" PRId64 " of %" PRId64, json_int_or(row, "approvals_valid", 0),
             json_int_or(row, "approvals_required", 0));
    put_cell(str_equal(json_string_or_null(row, "verdict"), "needs-approval") ? text : NULL);
    puts("|");
}

static void print_markdown(const struct ledger_run *run, const json_t *rows)
{
    printf("## Run %" PRId64 ": the workloads that you see\n\n", run->id);
    puts("| Workload | CPU request | Memory request | Change a month | Risk | Verdict | Approvals |\n|---|---|---|--:|---|---|---|");
    size_t index;
    json_t *row;
    json_array_foreach(rows, index, row)
    {
        markdown_row(row);
    }
    putchar('\n');
    if (plan_view_objects(rows, "`")) {
        putchar('\n');
    }
}

static void print_json(const struct ledger_run *run, bool whole, const json_t *rows)
{
    json_t *out = json_pack("{s:I, s:s, s:s?, s:s?, s:s?, s:s?, s:b, s:O}", "run", (json_int_t)run->id, "state",
                            ledger_state_name(run->state), "plan", run->plan_digest, "cluster", run->cluster, "created", run->created,
                            "requested_by", run->requested_by, "whole", whole, "workloads", rows);
    char *text = json_text(out);
    puts(text);
    free(text);
    json_decref(out);
}

/* What every form for people ends with: sums, windows, and the digest with the command that approves it. */
static void print_end(const struct ledger_run *run, bool whole, const json_t *rows, bool markdown)
{
    const char *code = markdown ? "`" : "";
    const char *end = markdown ? "\n" : "";
    plan_view_totals(rows);
    fputs(end, stdout);
    plan_view_windows(rows, stdout);
    if (!whole) {
        printf("workloads of namespaces that you do not see are not listed\n%s", end);
    }
    printf("run %" PRId64 ": %s; plan %s%s%s; to approve it: %stare approve %" PRId64 " --plan %s%s\n", run->id,
           ledger_state_name(run->state), code, run->plan_digest, code, code, run->id, run->plan_digest, code);
}

int mine_report(struct session *session, const struct ledger_run *run, const char *format, struct err *err)
{
    bool json = strcmp(format, "json") == 0;
    bool markdown = strcmp(format, "markdown") == 0;
    bool whole = run->settings != NULL;
    json_t *rows;
    if (!json && !markdown && strcmp(format, "table") != 0) {
        err_set(err, ERR_USAGE, "--mine is written as table, json or markdown, not as %s", format);
        return err_hint(err, "tare report %" PRId64 " --mine --format table", run->id);
    }
    if (run->plan_digest == NULL) {
        err_set(err, ERR_DATA, "run %" PRId64 " is %s and has no plan yet", run->id, ledger_state_name(run->state));
        return err_hint(err, "tare status %" PRId64 " tells how far it came", run->id);
    }
    if (plan_view_rows(session, run, &rows, err)) {
        return -1;
    }
    if (json) {
        print_json(run, whole, rows);
    } else if (markdown) {
        print_markdown(run, rows);
    } else {
        plan_view_table(rows);
    }
    if (!json) {
        print_end(run, whole, rows, markdown);
    }
    json_decref(rows);
    return 0;
}
