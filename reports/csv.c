#include <inttypes.h>
#include <math.h>

#include "reports/escape.h"
#include "reports/insight.h"
#include "reports/render.h"

static const char header[] =
    "cluster,namespace,kind,workload,container,role,action,replicas,"
    "cpu_request_now_millicores,cpu_request_new_millicores,memory_request_now_bytes,memory_request_new_bytes,"
    "cpu_limit_now_millicores,cpu_limit_new_millicores,memory_limit_now_bytes,memory_limit_new_bytes,"
    "monthly_before_microusd,monthly_after_microusd,monthly_saving_microusd,proposed_after_microusd,priced,"
    "usage_data,"
    "confidence,risk,verdict,source_file,source_line,findings,worst_severity,"
    "backtest_cpu_time_above,backtest_cpu_slack,backtest_memory_time_above,backtest_memory_slack,backtest_oom_kills\n";

static void text_cell(struct buf *out, const char *text)
{
    if (text != NULL) {
        escape_csv(out, text);
    }
    buf_add_char(out, ',');
}

static void number_cell(struct buf *out, bool present, int64_t number)
{
    if (present) {
        buf_printf(out, "%" PRId64, number);
    }
    buf_add_char(out, ',');
}

static void real_cell(struct buf *out, bool present, double number)
{
    if (present) {
        buf_printf(out, "%.15g", number);
    }
    buf_add_char(out, ',');
}

static const char *action_name(enum report_action action)
{
    return action == REPORT_CHANGE ? "resize" : action == REPORT_KEEP ? "keep" : "none";
}

/* Findings of the workload, and what the container's new numbers would have done on days that were not learned from. */
static void insight_cells(struct buf *out, const struct report_row *row, const struct report_container *container)
{
    size_t findings = 0;
    const char *worst = insight_worst(row, &findings);
    struct insight_verdict verdict;
    number_cell(out, true, (int64_t)findings);
    text_cell(out, worst);
    insight_verdict(row, container->name, true, 0, &verdict);
    real_cell(out, isfinite(verdict.time_above), verdict.time_above);
    real_cell(out, isfinite(verdict.slack), verdict.slack);
    insight_verdict(row, container->name, false, 0, &verdict);
    real_cell(out, isfinite(verdict.time_above), verdict.time_above);
    real_cell(out, isfinite(verdict.slack), verdict.slack);
    if (isfinite(verdict.hit)) {
        buf_printf(out, "%.15g", verdict.hit);
    }
}

/* Init containers cost nothing: their money cells hold 0 where the workload is priced. */
static void line(struct buf *out, const struct report_row *row, const struct report_container *container)
{
    int64_t before = container->priced ? container->before[0] + container->before[1] : 0;
    int64_t proposed = container->priced ? container->after[0] + container->after[1] : 0;
    int64_t after = row->group == REPORT_HELD ? before : proposed;
    text_cell(out, row->cluster);
    text_cell(out, row->namespace);
    text_cell(out, row->kind);
    text_cell(out, row->name);
    text_cell(out, container->name);
    text_cell(out, container->role);
    text_cell(out, action_name(row->action));
    real_cell(out, row->has_replicas, row->replicas);
    for (int field = 0; field < REPORT_FIELDS; field++) {
        number_cell(out, container->now[field] != REPORT_ABSENT, container->now[field]);
        number_cell(out, container->next[field] != REPORT_ABSENT, container->next[field]);
    }
    number_cell(out, row->priced, before);
    number_cell(out, row->priced, after);
    number_cell(out, row->priced, before - after);
    number_cell(out, row->priced, proposed);
    buf_printf(out, "%s,%s,", row->priced ? "yes" : "no", row->no_data ? "no" : "yes");
    real_cell(out, row->has_confidence, row->confidence);
    text_cell(out, row->risk == RISK_UNKNOWN ? NULL : report_risk_name(row->risk));
    text_cell(out, row->verdict);
    const json_t *source = json_at(row->record, "workload.source");
    text_cell(out, json_string_or_null(source, "file"));
    int64_t number = json_int_or(source, "line", 0);
    number_cell(out, number > 0, number);
    insight_cells(out, row, container);
    buf_add_char(out, '\n');
}

/* A workload without containers still has its row, so that it can be counted. */
static void lines(struct buf *out, const struct report_row *row)
{
    static const struct report_container nothing = {
        .name = "",
        .role = "",
        .now = {REPORT_ABSENT, REPORT_ABSENT, REPORT_ABSENT, REPORT_ABSENT},
        .next = {REPORT_ABSENT, REPORT_ABSENT, REPORT_ABSENT, REPORT_ABSENT}};
    for (size_t i = 0; i < row->container_count; i++) {
        line(out, row, &row->containers[i]);
    }
    if (row->container_count == 0) {
        line(out, row, &nothing);
    }
}

int report_csv(const struct report *report, struct report_sink *sink, struct err *err)
{
    struct arena arena;
    arena_init(&arena);
    int failed = 0;
    buf_add_str(&sink->out, header);
    for (size_t i = 0; i < report->entry_count && !failed; i++) {
        struct report_row row;
        failed = report_row_at(report, i, &arena, &row, err);
        if (!failed) {
            lines(&sink->out, &row);
            report_row_release(&row);
            failed = sink_poll(sink, err);
        }
        arena_clear(&arena);
    }
    arena_release(&arena);
    return failed || sink_finish(sink, err) ? -1 : 0;
}
