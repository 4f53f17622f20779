#include <inttypes.h>
#include <math.h>

#include "pipeline/base/mem.h"
#include "reports/csv/cells.h"
#include "reports/text/escape.h"
#include "reports/text/insight.h"
#include "reports/text/opinion.h"
#include "reports/render.h"

static const char header[] =
    "cluster,namespace,kind,workload,container,role,action,replicas,"
    "cpu_request_now_millicores,cpu_request_new_millicores,memory_request_now_bytes,memory_request_new_bytes,"
    "cpu_limit_now_millicores,cpu_limit_new_millicores,memory_limit_now_bytes,memory_limit_new_bytes,"
    "monthly_before_microusd,monthly_after_microusd,monthly_saving_microusd,proposed_after_microusd,priced,"
    "usage_data,"
    "confidence,risk,verdict,source_file,source_line,findings,worst_severity,"
    "backtest_cpu_time_above,backtest_cpu_slack,backtest_memory_time_above,backtest_memory_slack,backtest_oom_kills,"
    "team,class,held_back,annual_before_microusd,annual_after_microusd,annual_saving_microusd,"
    "cpu_before_microusd,cpu_after_microusd,memory_before_microusd,memory_after_microusd,"
    "cpu_waste_before_microusd,cpu_waste_after_microusd,memory_waste_before_microusd,memory_waste_after_microusd,"
    "price_path,price_provider,price_region,price_instance,price_pool,price_date,problems,plan,new_objects,"
    "source,provider,model,proposed_by,fallback,disagreement,clamps" CSV_LINE_END;

enum { MONTHS_PER_YEAR = 12, PROBLEMS_MAX = 4096, OBJECTS_MAX_BYTES = 32768 };

static const char *action_name(const struct report_row *row)
{
    return row->action == REPORT_CHANGE ? (row->resizes ? "resize" : "create") : row->action == REPORT_KEEP ? "keep" : "none";
}

/* Findings of the workload, and what the container's new numbers would have done on days that were not learned from. */
static void insight_cells(struct buf *out, const struct report_row *row, const struct report_container *container)
{
    size_t findings = 0;
    const char *worst = insight_worst(row, &findings);
    struct insight_verdict verdict;
    csv_number(out, true, (int64_t)findings);
    csv_text(out, worst);
    insight_verdict(row, container->name, true, 0, &verdict);
    csv_real(out, isfinite(verdict.time_above), verdict.time_above);
    csv_real(out, isfinite(verdict.slack), verdict.slack);
    insight_verdict(row, container->name, false, 0, &verdict);
    csv_real(out, isfinite(verdict.time_above), verdict.time_above);
    csv_real(out, isfinite(verdict.slack), verdict.slack);
    csv_real(out, isfinite(verdict.hit), verdict.hit);
}

/* Money and waste by resource; what is held back goes on costing and wasting what it does. */
static void resource_cells(struct buf *out, const struct report_row *row, const struct report_container *container)
{
    bool held = row->group == REPORT_HELD;
    for (int i = 0; i < REPORT_RESOURCES; i++) {
        int64_t before = container->priced ? container->before[i] : 0;
        csv_number(out, row->priced, before);
        csv_number(out, row->priced, held || !container->priced ? before : container->after[i]);
    }
    for (int i = 0; i < REPORT_RESOURCES; i++) {
        csv_number(out, container->waste_known[i], container->waste_before[i]);
        csv_number(out, container->waste_known[i], held ? container->waste_before[i] : container->waste_after[i]);
    }
}

/* How the workload's price was found. */
static void price_cells(struct buf *out, const struct report_row *row)
{
    static const char *const members[] = {"path", "provider", "region", "instance", "pool", "date"};
    const json_t *price = json_at(row->record, "cost.price");
    for (size_t i = 0; i < ARRAY_COUNT(members); i++) {
        csv_text(out, json_string_or_null(price, members[i]));
    }
}

/* Codes of what could not be done for the workload. */
static void problems_cell(struct buf *out, const struct report_row *row)
{
    const json_t *list = json_object_get(row->record, "problems");
    struct buf codes;
    buf_init(&codes, PROBLEMS_MAX);
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *code = json_string_or_null(json_array_get(list, i), "code");
        buf_printf(&codes, "%s%s", codes.length == 0 ? "" : " ", code == NULL ? "" : code);
    }
    if (codes.length > 0) {
        escape_csv(out, buf_str(&codes));
    }
    buf_release(&codes);
}

/* "HorizontalPodAutoscaler/cart; …" of the new objects that a change brings. */
static void objects_cell(struct buf *out, const struct report_row *row)
{
    struct buf text;
    buf_init(&text, OBJECTS_MAX_BYTES);
    for (size_t i = 0; i < row->objects; i++) {
        const json_t *object = json_array_get(json_at(row->record, "change.objects"), i);
        const char *kind = json_string_or_null(object, "kind");
        const char *name = json_string_or_null(object, "name");
        buf_printf(&text, "%s%s/%s", i == 0 ? "" : "; ", kind == NULL ? "?" : kind, name == NULL ? "?" : name);
    }
    escape_csv(out, buf_str(&text));
    buf_release(&text);
}

/* Who recommended, who was not used and why, how far from the rules, and how many amounts were moved. */
static void opinion_cells(struct buf *out, const struct report_row *row)
{
    static const char *const members[] = {"source", "provider", "model", "proposed_by"};
    const json_t *advice = json_object_get(row->record, "recommendation");
    char text[OPINION_REASON_MAX];
    double far = opinion_disagreement(row->record);
    for (size_t i = 0; i < ARRAY_COUNT(members); i++) {
        csv_text(out, json_string_or_null(advice, members[i]));
    }
    csv_text(out, opinion_fallback(row->record, text)[0] == '\0' ? NULL : text);
    csv_real(out, isfinite(far), far);
    buf_printf(out, "%zu", opinion_moved(row->record));
}

/* Init containers cost nothing: their money cells hold 0 where the workload is priced. */
static void line(struct buf *out, const struct report_row *row, const struct report_container *container, const char *plan)
{
    int64_t before = container->priced ? container->before[0] + container->before[1] : 0;
    int64_t proposed = container->priced ? container->after[0] + container->after[1] : 0;
    int64_t after = row->group == REPORT_HELD ? before : proposed;
    csv_text(out, row->cluster);
    csv_text(out, row->namespace);
    csv_text(out, row->kind);
    csv_text(out, row->name);
    csv_text(out, container->name);
    csv_text(out, container->role);
    csv_text(out, action_name(row));
    csv_real(out, row->has_replicas, row->replicas);
    for (int field = 0; field < REPORT_FIELDS; field++) {
        csv_number(out, container->now[field] != REPORT_ABSENT, container->now[field]);
        csv_number(out, container->next[field] != REPORT_ABSENT, container->next[field]);
    }
    csv_number(out, row->priced, before);
    csv_number(out, row->priced, after);
    csv_number(out, row->priced, before - after);
    csv_number(out, row->priced, proposed);
    buf_printf(out, "%s,%s,", row->priced ? "yes" : "no", row->no_data ? "no" : "yes");
    csv_real(out, row->has_confidence, row->confidence);
    csv_text(out, row->risk == RISK_UNKNOWN ? NULL : report_risk_name(row->risk));
    csv_text(out, row->verdict);
    const json_t *source = json_at(row->record, "workload.source");
    csv_text(out, json_string_or_null(source, "file"));
    int64_t number = json_int_or(source, "line", 0);
    csv_number(out, number > 0, number);
    insight_cells(out, row, container);
    csv_text(out, row->team);
    csv_text(out, row->class);
    buf_add_str(out, row->group == REPORT_HELD ? "yes," : "no,");
    csv_number(out, row->priced, MONTHS_PER_YEAR * before);
    csv_number(out, row->priced, MONTHS_PER_YEAR * after);
    csv_number(out, row->priced, MONTHS_PER_YEAR * (before - after));
    resource_cells(out, row, container);
    price_cells(out, row);
    problems_cell(out, row);
    buf_add_char(out, ',');
    if (plan != NULL) {
        escape_csv(out, plan);
    }
    buf_add_char(out, ',');
    objects_cell(out, row);
    buf_add_char(out, ',');
    opinion_cells(out, row);
    buf_add_str(out, CSV_LINE_END);
}

/* What the workload costs beyond its containers: of those that a report has no room for, or of the pod itself. */
static struct report_container rest_of(const struct report_row *row)
{
    struct report_container rest = {
        .name = "",
        .role = row->container_count == 0 ? "" : "rest",
        .now = {REPORT_ABSENT, REPORT_ABSENT, REPORT_ABSENT, REPORT_ABSENT},
        .next = {REPORT_ABSENT, REPORT_ABSENT, REPORT_ABSENT, REPORT_ABSENT},
        .priced = row->priced,
        .before = {row->before},
        .after = {row->proposed}};
    for (size_t i = 0; i < row->container_count; i++) {
        const struct report_container *container = &row->containers[i];
        for (int r = 0; container->priced && r < REPORT_RESOURCES; r++) {
            rest.before[0] -= container->before[r];
            rest.after[0] -= container->after[r];
        }
    }
    return rest;
}

/* A workload without containers still has its row, so that it can be counted; the rows add up to what it costs. */
static int lines(const struct report *report, const struct report_row *row, size_t place, void *context, struct err *err)
{
    (void)place;
    struct report_sink *sink = context;
    for (size_t i = 0; i < row->container_count; i++) {
        line(&sink->out, row, &row->containers[i], report->meta.plan);
    }
    struct report_container rest = rest_of(row);
    if (row->container_count == 0 || (row->priced && (rest.before[0] != 0 || rest.after[0] != 0))) {
        line(&sink->out, row, &rest, report->meta.plan);
    }
    return sink_poll(sink, err);
}

int report_csv(const struct report *report, struct report_sink *sink, struct err *err)
{
    buf_add_str(&sink->out, header);
    return report_each_brief(report, 0, SIZE_MAX, lines, sink, err) || sink_finish(sink, err) ? -1 : 0;
}
