#include <stdlib.h>
#include <string.h>

#include "pipeline/base/str.h"
#include "reports/insight.h"
#include "reports/render.h"
#include "reports/summary.h"

enum { SENTENCE_MAX = 4096 };

static const char *const field_names[REPORT_FIELDS] = {"cpu_request_millicores", "memory_request_bytes",
                                                       "cpu_limit_millicores", "memory_limit_bytes"};

static void set_int(json_t *object, const char *key, int64_t value)
{
    json_object_set_new(object, key, json_integer(value));
}

static void set_text(json_t *object, const char *key, const char *text)
{
    json_object_set_new(object, key, json_string_safe(text));
}

/* `after` is what it comes to as things stand, `proposed` what it would with every recommendation. */
static void set_money(json_t *object, bool priced, int64_t before, int64_t after, int64_t proposed)
{
    json_object_set_new(object, "monthly_before_microusd", json_int_or_null(priced, before));
    json_object_set_new(object, "monthly_after_microusd", json_int_or_null(priced, after));
    json_object_set_new(object, "monthly_saving_microusd", json_int_or_null(priced, before - after));
    json_object_set_new(object, "proposed_after_microusd", json_int_or_null(priced, proposed));
    json_object_set_new(object, "proposed_saving_microusd", json_int_or_null(priced, before - proposed));
}

static json_t *sums_json(const struct report_sums *sums)
{
    json_t *object = json_object();
    set_int(object, "workloads", sums->workloads);
    set_int(object, "changed", sums->changed);
    set_int(object, "kept", sums->kept);
    set_int(object, "no_advice", sums->no_advice);
    set_int(object, "unpriced", sums->unpriced);
    set_int(object, "no_data", sums->no_data);
    set_int(object, "held_back", sums->held);
    set_int(object, "blocked", sums->blocked);
    set_money(object, true, sums->before, sums->after, sums->proposed);
    json_object_set_new(object, "waste_complete", json_boolean(sums->waste_known));
    set_int(object, "waste_before_microusd", sums->waste_before);
    set_int(object, "waste_after_microusd", sums->waste_after);
    json_t *risks = json_object();
    for (int risk = RISK_LOW; risk < REPORT_RISKS; risk++) {
        set_int(risks, report_risk_name((enum report_risk)risk), sums->risks[risk]);
    }
    json_object_set_new(object, "risks", risks);
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
    set_text(object, "name", container->name);
    set_text(object, "role", container->role);
    json_object_set_new(object, "now", fields_json(container->now));
    json_object_set_new(object, "new", fields_json(container->next));
    set_money(object, container->priced, before, held ? before : proposed, proposed);
    json_object_set_new(object, "backtest_cpu", verdict_json(row, container, true));
    json_object_set_new(object, "backtest_memory", verdict_json(row, container, false));
    return object;
}

static json_t *row_json(const struct report_row *row)
{
    static const char *const actions[] = {"none", "keep", "resize"};
    static const char *const copied[] = {"reasoning", "class", "source", "findings", "backtest", "outlook", "scaling"};
    json_t *object = json_object();
    set_text(object, "cluster", row->cluster);
    set_text(object, "namespace", row->namespace);
    set_text(object, "kind", row->kind);
    set_text(object, "name", row->name);
    set_text(object, "action", actions[row->action]);
    set_text(object, "risk", row->risk == RISK_UNKNOWN ? NULL : report_risk_name(row->risk));
    set_text(object, "verdict", row->verdict);
    json_object_set_new(object, "confidence",
                        row->has_confidence ? json_real_or_null(row->confidence) : json_null());
    json_object_set_new(object, "replicas",
                        row->has_replicas ? json_real_or_null(row->replicas) : json_null());
    json_object_set_new(object, "usage_data", json_boolean(!row->no_data));
    json_object_set_new(object, "held_back", json_boolean(row->group == REPORT_HELD));
    set_money(object, row->priced, row->before, row->after, row->proposed);
    for (size_t i = 0; i < sizeof copied / sizeof copied[0]; i++) {
        json_t *value = json_object_get(json_object_get(row->record, "recommendation"), copied[i]);
        json_object_set(object, copied[i], value == NULL ? json_null() : value);
    }
    size_t findings = 0;
    set_text(object, "worst_severity", insight_worst(row, &findings));
    set_int(object, "findings_count", (int64_t)findings);
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

static int workloads(const struct report *report, struct report_sink *sink, struct err *err)
{
    struct arena arena;
    arena_init(&arena);
    int failed = 0;
    for (size_t i = 0; i < report->entry_count && !failed; i++) {
        struct report_row row;
        failed = report_row_at(report, i, &arena, &row, err);
        if (!failed) {
            failed = add_value(sink, i == 0, row_json(&row), err);
            report_row_release(&row);
        }
        arena_clear(&arena);
    }
    arena_release(&arena);
    return failed ? -1 : 0;
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
    set_text(object, key, buf_str(text));
    buf_clear(text);
}

/* Everything but the lists, which are streamed after it. */
static json_t *head_json(const struct report *report)
{
    const struct report_meta *meta = &report->meta;
    json_t *object = json_object();
    set_text(object, "tare", "report");
    set_int(object, "version", 1);
    set_text(object, "created", meta->created);
    set_text(object, "cluster", meta->cluster);
    set_text(object, "kind", artifact_kind_name(meta->kind));
    set_text(object, "digest", meta->digest);
    set_text(object, "plan", meta->plan);
    json_object_set_new(object, "run", json_int_or_null(meta->run > 0, meta->run));
    json_object_set(object, "price", meta->price == NULL ? json_null() : meta->price);
    json_object_set_new(object, "totals", sums_json(&report->totals));
    json_object_set(object, "problems", report->problems);
    json_object_set(object, "skipped", report->skipped);
    json_t *spaces = json_array();
    for (size_t i = 0; i < report->namespace_count; i++) {
        json_t *space = sums_json(&report->namespaces[i].sums);
        set_text(space, "namespace", report->namespaces[i].name);
        json_array_append_new(spaces, space);
    }
    json_object_set_new(object, "namespaces", spaces);
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
    json_t *head = head_json(report);
    char *text = json_text(head);
    json_decref(head);
    /* The lists go in before the closing brace, so that they need not be in memory. */
    buf_add(&sink->out, text, strlen(text) - 1);
    free(text);
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
