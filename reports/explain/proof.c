#include "reports/explain/sections.h"

#include <math.h>
#include <stdio.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "reports/explain/page.h"

static const struct {
    const char *member;
    const char *name;
} contenders[] = {{"ours", "tare's rule"},
                  {"today", "as set today"},
                  {"krr", "KRR's rule"},
                  {"vpa", "VPA's rule"},
                  {"plan", "this plan"}};

enum { NAME_WIDTH = -13, LAST_WIDTH = 11 };

/* Columns of shares between the amounts and what happened at the limit. */
static const struct {
    const char *member;
    const char *head;
    int width;
} shares[] = {{"time_above", "time above", 12},
              {"peak_above", "peaks above", 12},
              {"worst_hour", "worst hour", 12},
              {"starved", "use above", 11}};

static const struct {
    const char *member;
    int width;
} amounts[] = {{"request", 9}, {"limit", 9}};

enum { SLACK_WIDTH = 7 };

static void head_line(bool cpu, struct buf *out)
{
    buf_add_str(out, "    ");
    page_cell(out, NAME_WIDTH, cpu ? "CPU" : "memory");
    for (size_t i = 0; i < ARRAY_COUNT(amounts); i++) {
        page_cell(out, amounts[i].width, amounts[i].member);
    }
    for (size_t i = 0; i < ARRAY_COUNT(shares); i++) {
        page_cell(out, shares[i].width, shares[i].head);
    }
    page_cell(out, SLACK_WIDTH, "slack");
    page_cell(out, LAST_WIDTH, cpu ? "throttled" : "OOM kills");
    buf_add_char(out, '\n');
}

static void verdict_line(const json_t *verdict, const char *name, bool cpu, struct buf *out)
{
    char text[FIGURE_MAX];
    if (!json_is_object(verdict)) {
        return;
    }
    buf_add_str(out, "    ");
    page_cell(out, NAME_WIDTH, name);
    for (size_t i = 0; i < ARRAY_COUNT(amounts); i++) {
        double amount = page_number(verdict, amounts[i].member);
        page_cell(out, amounts[i].width, page_amount(cpu ? CPU_REQUEST : MEMORY_REQUEST, amount, text));
    }
    for (size_t i = 0; i < ARRAY_COUNT(shares); i++) {
        page_cell(out, shares[i].width, figure_share(page_number(verdict, shares[i].member), text));
    }
    page_cell(out, SLACK_WIDTH, figure_plain(page_number(verdict, "slack"), text));
    page_cell(out, LAST_WIDTH,
              cpu ? figure_share(page_number(verdict, "throttled"), text)
                  : figure_plain(page_number(verdict, "oom_kills"), text));
    buf_add_char(out, '\n');
}

static void resource_table(const json_t *judged, bool cpu, struct buf *out)
{
    if (!json_is_object(judged)) {
        return;
    }
    head_line(cpu, out);
    bool censored = false;
    for (size_t i = 0; i < ARRAY_COUNT(contenders); i++) {
        const json_t *verdict = json_object_get(judged, contenders[i].member);
        verdict_line(verdict, contenders[i].name, cpu, out);
        censored = censored || json_bool_or(verdict, "censored", false);
    }
    if (censored) {
        page_line(out, 4, "", "%s",
                  cpu ? "It was throttled: use above the limit cannot be seen, so these shares are too low."
                      : "It was killed for memory: what it would have used more cannot be seen.");
    }
}

static void span_line(const json_t *part, int indent, struct buf *out)
{
    char learned[FIGURE_MAX];
    char judged[FIGURE_MAX];
    char from[FIGURE_MAX];
    char to[FIGURE_MAX];
    if (!isfinite(page_number(part, "judged_seconds"))) {
        return;
    }
    page_line(out, indent, "",
              "learned from %s of data, judged on the %s from %s to %s UTC that were not learned from%s",
              figure_duration(page_number(part, "learned_seconds"), learned),
              figure_duration(page_number(part, "judged_seconds"), judged),
              figure_instant(part, "judged_from", from), figure_instant(part, "judged_to", to),
              json_bool_or(part, "by_runs", false) ? " (parted between runs)" : "");
}

/* Whether a container was judged on the days that are told for all. */
static bool same_span(const json_t *whole, const json_t *part)
{
    return json_equal(json_object_get(whole, "judged_from"), json_object_get(part, "judged_from")) &&
           json_equal(json_object_get(whole, "judged_to"), json_object_get(part, "judged_to"));
}

static void container_tables(const char *name, const json_t *judged, const json_t *whole, struct buf *out)
{
    char text[FIGURE_MAX];
    const char *reason = json_string_or_null(judged, "reason");
    page_line(out, 2, "", "%s%s%s", name, reason == NULL ? "" : ": not judged, ",
              reason == NULL ? "" : reason);
    if (!same_span(whole, judged)) {
        span_line(judged, 4, out);
    }
    resource_table(json_object_get(judged, "cpu_millicores"), true, out);
    resource_table(json_object_get(judged, "memory_bytes"), false, out);
    if (isfinite(page_number(judged, "promised"))) {
        page_line(out, 4, "", "The rule lets CPU pass its request for %s of the time by design.",
                  figure_share(page_number(judged, "promised"), text));
    }
}

void explain_proof(const struct explain *explain, struct buf *out)
{
    const json_t *backtest = json_object_get(explain->recommendation, "backtest");
    const char *reason = json_string_or_null(explain->recommendation, "backtest_reason");
    if (!json_is_object(backtest) && reason == NULL) {
        return;
    }
    page_heading(out, "BACKTEST: WHAT WOULD HAVE HAPPENED");
    if (!json_is_object(backtest)) {
        page_line(out, 2, "", "nothing could be judged: %s", reason);
        return;
    }
    const char *name;
    json_t *judged;
    span_line(backtest, 2, out);
    json_t *containers = json_object_get(backtest, "containers");
    json_object_foreach(containers, name, judged)
    {
        container_tables(name, judged, backtest, out);
    }
    page_line(
        out, 2, "",
        "time above: share of the time in which the mean of all pods lies above the request; peaks above: in "
        "which some "
        "sample of some pod does; worst hour: time above in the worst hour of the day; use above: share of "
        "all use that "
        "lies above it; slack: request over mean use. \"this plan\" are the numbers above, which have seen "
        "these days; the others have not.");
}
