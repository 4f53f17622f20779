#include <stdlib.h>
#include <string.h>

#include "pipeline/base/str.h"
#include "reports/json/members.h"
#include "reports/json/outside.h"
#include "reports/render.h"
#include "reports/text/insight.h"
#include "reports/text/summary.h"
#include "reports/text/worth.h"

enum { SENTENCE_MAX = 4096, MONTHS_PER_YEAR = 12 };

static const char *const field_names[REPORT_FIELDS] = {"cpu_request_millicores", "memory_request_bytes",
                                                       "cpu_limit_millicores", "memory_limit_bytes"};

static const char *const resource_names[REPORT_RESOURCES] = {"cpu", "memory"};

/* `after` is what it comes to as things stand, `proposed` what it would with every recommendation. */
/* A month's money and a year's, which is twelve times that. `after` is what it comes to as things stand, `proposed` what it would with
 * every recommendation. */
static void set_money(json_t *object, bool priced, int64_t before, int64_t after, int64_t proposed)
{
    json_object_set_new(object, "monthly_before_microusd", json_int_or_null(priced, before));
    json_object_set_new(object, "monthly_after_microusd", json_int_or_null(priced, after));
    json_object_set_new(object, "monthly_saving_microusd", json_int_or_null(priced, before - after));
    json_object_set_new(object, "annual_before_microusd", json_int_or_null(priced, MONTHS_PER_YEAR * before));
    json_object_set_new(object, "annual_after_microusd", json_int_or_null(priced, MONTHS_PER_YEAR * after));
    json_object_set_new(object, "annual_saving_microusd", json_int_or_null(priced, MONTHS_PER_YEAR * (before - after)));
    json_object_set_new(object, "proposed_after_microusd", json_int_or_null(priced, proposed));
    json_object_set_new(object, "proposed_saving_microusd", json_int_or_null(priced, before - proposed));
}

static void set_waste(json_t *object, bool known, int64_t before, int64_t after)
{
    json_object_set_new(object, "waste_before_microusd", json_int_or_null(known, before));
    json_object_set_new(object, "waste_after_microusd", json_int_or_null(known, after));
}

/* Money of one resource; the waste is null where it is not that of all that the sums are of. */
static json_t *resource_json(bool priced, int64_t before, int64_t after, bool waste_known, int64_t waste_before, int64_t waste_after)
{
    json_t *object = json_object();
    json_object_set_new(object, "monthly_before_microusd", json_int_or_null(priced, before));
    json_object_set_new(object, "monthly_after_microusd", json_int_or_null(priced, after));
    set_waste(object, priced && waste_known, waste_before, waste_after);
    return object;
}

static void set_counts(json_t *object, const struct report_sums *sums)
{
    json_set_int(object, "workloads", sums->workloads);
    json_set_int(object, "changed", sums->changed);
    json_set_int(object, "new_objects", sums->objects);
    json_set_int(object, "kept", sums->kept);
    json_set_int(object, "no_advice", sums->no_advice);
    json_set_int(object, "unpriced", sums->unpriced);
    json_set_int(object, "no_data", sums->no_data);
    json_set_int(object, "held_back", sums->held);
    json_set_int(object, "blocked", sums->blocked);
    json_set_int(object, "trifles", sums->trifles);
    json_set_int(object, "uneven", sums->uneven);
}

static json_t *sums_json(const struct report_sums *sums)
{
    static const char *const severities[REPORT_SEVERITIES] = {"info", "low", "medium", "high", "critical"};
    json_t *object = json_object();
    set_counts(object, sums);
    set_money(object, true, sums->before, sums->after, sums->proposed);
    json_object_set_new(object, "waste_complete", json_boolean(sums->waste_known));
    set_waste(object, true, sums->waste_before, sums->waste_after);
    json_t *resources = json_object();
    for (int r = 0; r < REPORT_RESOURCES; r++) {
        json_object_set_new(resources, resource_names[r],
                            resource_json(true, sums->resource_before[r], sums->resource_after[r], sums->resource_waste_known,
                                          sums->resource_waste_before[r], sums->resource_waste_after[r]));
    }
    json_object_set_new(object, "resources", resources);
    json_t *risks = json_object();
    for (int risk = RISK_LOW; risk < REPORT_RISKS; risk++) {
        json_set_int(risks, report_risk_name((enum report_risk)risk), sums->risks[risk]);
    }
    json_object_set_new(object, "risks", risks);
    json_t *worst = json_object();
    for (int severity = 0; severity < REPORT_SEVERITIES; severity++) {
        json_set_int(worst, severities[severity], sums->severities[severity]);
    }
    json_object_set_new(object, "worst_findings", worst);
    return object;
}

static json_t *fields_json(const int64_t *values)
{
    json_t *object = json_object();
    for (int field = 0; field < REPORT_FIELDS; field++) {
        json_object_set_new(object, field_names[field],
                            json_int_or_null(values[field] != REPORT_ABSENT, values[field]));
    }
    return object;
}

/* What the container's new numbers would have done; null where that was not judged. */
static json_t *verdict_json(const struct report_row *row, const struct report_container *container, bool cpu)
{
    struct insight_verdict verdict;
    if (!insight_verdict(row, container->name, cpu, 0, &verdict)) {
        return json_null();
    }
    json_t *object = json_object();
    json_object_set_new(object, "time_above", json_real_or_null(verdict.time_above));
    json_object_set_new(object, "slack", json_real_or_null(verdict.slack));
    json_object_set_new(object, cpu ? "throttled" : "oom_kills", json_real_or_null(verdict.hit));
    return object;
}

static json_t *container_json(const struct report_row *row, const struct report_container *container)
{
    bool held = row->group == REPORT_HELD;
    int64_t before = container->before[0] + container->before[1];
    int64_t proposed = container->after[0] + container->after[1];
    json_t *object = json_object();
    json_set_text(object, "name", container->name);
    json_set_text(object, "role", container->role);
    json_object_set_new(object, "now", fields_json(container->now));
    json_object_set_new(object, "new", fields_json(container->next));
    set_money(object, container->priced, before, held ? before : proposed, proposed);
    for (int r = 0; r < REPORT_RESOURCES; r++) {
        json_object_set_new(object, resource_names[r],
                            resource_json(container->priced, container->before[r], held ? container->before[r] : container->after[r],
                                          container->waste_known[r], container->waste_before[r],
                                          held ? container->waste_before[r] : container->waste_after[r]));
    }
    json_object_set_new(object, "backtest_cpu", verdict_json(row, container, true));
    json_object_set_new(object, "backtest_memory", verdict_json(row, container, false));
    return object;
}

static json_t *row_json(const struct report_row *row)
{
    static const char *const actions[] = {"none", "keep", "resize"};
    static const char *const changed[] = {"objects", "objects_file", "objects_patch"};
    static const char *const copied[] = {"reasoning", "class", "source", "provider", "model", "proposed_by", "disagreement",
                                         "fallback", "clamps", "findings", "backtest", "outlook", "scaling"};
    json_t *object = json_object();
    json_set_text(object, "cluster", row->cluster);
    json_set_text(object, "namespace", row->namespace);
    json_set_text(object, "kind", row->kind);
    json_set_text(object, "name", row->name);
    json_set_text(object, "team", row->team);
    json_set_text(object, "state", row->state);
    json_set_text(object, "action", row->action == REPORT_CHANGE && !row->resizes ? "create" : actions[row->action]);
    json_set_text(object, "risk", row->risk == RISK_UNKNOWN ? NULL : report_risk_name(row->risk));
    json_set_text(object, "verdict", row->verdict);
    json_object_set_new(object, "confidence",
                        row->has_confidence ? json_real_or_null(row->confidence) : json_null());
    json_object_set_new(object, "replicas",
                        row->has_replicas ? json_real_or_null(row->replicas) : json_null());
    json_object_set_new(object, "usage_data", json_boolean(!row->no_data));
    json_object_set_new(object, "held_back", json_boolean(row->group == REPORT_HELD));
    set_money(object, row->priced, row->before, row->after, row->proposed);
    set_waste(object, row->priced && row->waste_known, row->waste_before, row->group == REPORT_HELD ? row->waste_before : row->waste_after);
    for (size_t i = 0; i < sizeof copied / sizeof copied[0]; i++) {
        json_t *value = json_object_get(json_object_get(row->record, "recommendation"), copied[i]);
        json_object_set(object, copied[i], value == NULL ? json_null() : value);
    }
    for (size_t i = 0; i < sizeof changed / sizeof changed[0]; i++) {
        json_t *value = json_object_get(json_object_get(row->record, "change"), changed[i]);
        json_object_set(object, changed[i], value == NULL ? json_null() : value);
    }
    size_t findings = 0;
    json_set_text(object, "worst_severity", insight_worst(row, &findings));
    json_set_int(object, "findings_count", (int64_t)findings);
    json_t *problems = json_object_get(row->record, "problems");
    json_object_set(object, "problems", problems == NULL ? json_null() : problems);
    json_t *containers = json_array();
    for (size_t i = 0; i < row->container_count; i++) {
        json_array_append_new(containers, container_json(row, &row->containers[i]));
    }
    json_object_set_new(object, "containers", containers);
    return object;
}

/* Adds `value` (stolen) to the output, with a comma after all but the first of a list. */
static int add_value(struct report_sink *sink, bool first, json_t *value, struct err *err)
{
    buf_add_str(&sink->out, first ? "\n" : ",\n");
    int failed = json_write(value, &sink->out, err);
    json_decref(value);
    return failed || sink_poll(sink, err) ? -1 : 0;
}

static int add_workload(const struct report *report, const struct report_row *row, size_t place, void *context, struct err *err)
{
    (void)report;
    return add_value(context, place == 0, row_json(row), err);
}

static int workloads(const struct report *report, struct report_sink *sink, struct err *err)
{
    return report_each(report, 0, SIZE_MAX, add_workload, sink, err);
}

/* Those of one namespace, team, cluster or class. */
static int parts(const struct report *report, enum report_dimension dimension, struct report_sink *sink, struct err *err)
{
    static const char *const names[REPORT_DIMENSIONS] = {
        [BY_NAMESPACE] = "namespace", [BY_TEAM] = "team", [BY_CLUSTER] = "cluster", [BY_CLASS] = "class"};
    const struct report_parts *list = &report->parts[dimension];
    for (size_t i = 0; i < list->count; i++) {
        json_t *part = sums_json(&list->items[i].sums);
        json_set_text(part, names[dimension], list->items[i].name);
        if (add_value(sink, i == 0, part, err)) {
            return -1;
        }
    }
    return 0;
}

static int notes(const struct report *report, struct report_sink *sink, struct err *err)
{
    for (size_t i = 0; i < report->note_count; i++) {
        json_t *note = NULL;
        if (report_note_at(report, i, &note, err) || add_value(sink, i == 0, note, err)) {
            return -1;
        }
    }
    return 0;
}

static void set_sentence(json_t *object, const char *key, struct buf *text)
{
    json_set_text(object, key, buf_str(text));
    buf_clear(text);
}

/* The sentences that `line` gives, but for the empty ones. */
static json_t *sentences(const struct report *report, int (*line)(const struct report *, int, struct buf *))
{
    json_t *list = json_array();
    struct buf text;
    buf_init(&text, SENTENCE_MAX);
    for (int i = 0; line(report, i, &text) != 0; i++) {
        if (text.length > 0) {
            json_array_append_new(list, json_string_safe(buf_str(&text)));
        }
        buf_clear(&text);
    }
    buf_release(&text);
    return list;
}

static json_t *reasons_json(const struct report *report)
{
    json_t *list = json_array();
    for (size_t i = 0; i < report->reason_count; i++) {
        json_t *reason = json_object();
        json_set_text(reason, "reason", report->reasons[i].text);
        json_set_text(reason, "example", report->reasons[i].example);
        json_set_int(reason, "workloads", report->reasons[i].count);
        json_array_append_new(list, reason);
    }
    return list;
}

static json_t *first_json(const struct report *report)
{
    json_t *list = json_array();
    for (size_t i = 0; i < report->first_count; i++) {
        json_t *first = json_object();
        json_set_text(first, "workload", report->first[i].workload);
        json_set_text(first, "message", report->first[i].message);
        json_array_append_new(list, first);
    }
    return list;
}

/* The header's price without the many types that packing looks at. */
static json_t *price_json(const struct report *report)
{
    if (report->meta.price == NULL) {
        return json_null();
    }
    json_t *price = json_copy(report->meta.price);
    json_object_del(price, "candidates");
    return price;
}

/* Everything but the lists, which are streamed after it. */
static json_t *head_json(const struct report *report)
{
    const struct report_meta *meta = &report->meta;
    json_t *object = json_object();
    json_set_text(object, "tare", "report");
    json_set_int(object, "version", 1);
    json_set_text(object, "created", meta->created);
    json_set_text(object, "cluster", meta->cluster);
    json_set_text(object, "kind", artifact_kind_name(meta->kind));
    json_set_text(object, "digest", meta->digest);
    json_set_text(object, "plan", meta->plan);
    struct buf command;
    buf_init(&command, SENTENCE_MAX);
    json_set_text(object, "approve", summary_approve(report, &command) ? buf_str(&command) : NULL);
    buf_release(&command);
    json_object_set_new(object, "run", json_int_or_null(meta->run > 0, meta->run));
    json_object_set_new(object, "price", price_json(report));
    json_t *currency = json_object_get(meta->price, "currency");
    json_object_set(object, "currency", currency == NULL ? json_null() : currency);
    json_object_set_new(object, "totals", sums_json(&report->totals));
    json_object_set(object, "problems", report->problems);
    json_object_set(object, "skipped", report->skipped);
    json_object_set(object, "states", report->states);
    json_object_set(object, "rules", report->rules);
    json_object_set(object, "recommended_by", report->voices);
    json_object_set(object, "not_used", report->unused);
    json_object_set_new(object, "unpriced", reasons_json(report));
    json_object_set_new(object, "look_first", first_json(report));
    json_object_set_new(object, "fleet", json_fleet(report->fleet));
    json_object_set_new(object, "past", json_past(report->past));
    json_object_set_new(object, "gaps", sentences(report, summary_gap));
    json_object_set_new(object, "worth", sentences(report, summary_worth));
    struct buf text;
    buf_init(&text, SENTENCE_MAX);
    summary_total(report, &text);
    set_sentence(object, "summary", &text);
    summary_method(&text);
    set_sentence(object, "method", &text);
    buf_release(&text);
    return object;
}

int report_json(const struct report *report, struct report_sink *sink, struct err *err)
{
    static const char *const lists[REPORT_DIMENSIONS] = {
        [BY_NAMESPACE] = "namespaces", [BY_TEAM] = "teams", [BY_CLUSTER] = "clusters", [BY_CLASS] = "classes"};
    json_t *head = head_json(report);
    char *text = json_text(head);
    json_decref(head);
    /* The lists go in before the closing brace, so that they need not be in memory. */
    buf_add(&sink->out, text, strlen(text) - 1);
    free(text);
    for (int i = 0; i < REPORT_DIMENSIONS; i++) {
        buf_printf(&sink->out, ",\"%s\":[", lists[i]);
        if (parts(report, (enum report_dimension)i, sink, err)) {
            return -1;
        }
        buf_add_char(&sink->out, ']');
    }
    buf_add_str(&sink->out, ",\"workloads\":[");
    if (workloads(report, sink, err)) {
        return -1;
    }
    buf_add_str(&sink->out, "],\"notes\":[");
    if (notes(report, sink, err)) {
        return -1;
    }
    buf_add_str(&sink->out, "]}\n");
    return sink_finish(sink, err);
}
