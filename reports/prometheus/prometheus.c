#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/clock.h"
#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "reports/prometheus/families.h"
#include "reports/render.h"
#include "reports/text/escape.h"
#include "reports/text/figures.h"
#include "reports/text/insight.h"

/* What has series of its own: a metrics server pays for each. */
enum {
    WORKLOADS_MAX = 5000,
    CONTAINERS_MAX = 20000,
    PARTS_MAX = 1000,
    APPLIED_MAX = 50,
    LABEL_MAX = 256,
    LABELS_MAX = 64 * 1024,
    SEVERITIES = 5
};

enum metric {
#define X(id, name, help) M_##id,
#include "reports/prometheus/metrics.def"
#undef X
    METRICS
};

static const struct family_text texts[METRICS] = {
#define X(id, name, help) [M_##id] = {"tare_" name, help},
#include "reports/prometheus/metrics.def"
#undef X
};

static const char *const severities[SEVERITIES] = {"info", "low", "medium", "high", "critical"};

/* Text of the labels of a workload, as a number: series must differ, and manifests may name an object twice. */
struct known {
    uint64_t label;
    uint32_t place;
    uint32_t copy; /* 1 for the first */
};

struct walk {
    struct families families;
    struct known *known; /* in the order of the report */
    int64_t findings[SEVERITIES];
    int64_t containers;
    int64_t containers_left_out;
    struct buf labels;
    int failed;
    struct err *err;
};

static void add_text(struct walk *walk, enum metric metric, const char *value)
{
    walk->failed = walk->failed || families_add(&walk->families, (size_t)metric, buf_str(&walk->labels), value, walk->err);
}

static void add_int(struct walk *walk, enum metric metric, int64_t value)
{
    char text[FIGURE_MAX];
    snprintf(text, sizeof text, "%" PRId64, value);
    add_text(walk, metric, text);
}

static void add_usd(struct walk *walk, enum metric metric, int64_t microusd)
{
    char text[FIGURE_MAX];
    add_text(walk, metric, figure_dollars(microusd, text));
}

static void add_real(struct walk *walk, enum metric metric, double value)
{
    char text[FIGURE_MAX];
    snprintf(text, sizeof text, "%.15g", value);
    add_text(walk, metric, text);
}

/* Adds name="text" to the labels; of long text the beginning. */
static void label(struct buf *labels, const char *name, const char *text)
{
    char cut[LABEL_MAX + 1];
    snprintf(cut, sizeof cut, "%s", text == NULL ? "" : text);
    str_trim_utf8(cut);
    buf_printf(labels, "%s%s=\"", labels->length == 0 ? "" : ",", name);
    escape_label(labels, cut);
    buf_add_char(labels, '"');
}

static void label_int(struct buf *labels, const char *name, int64_t value)
{
    char text[FIGURE_MAX];
    snprintf(text, sizeof text, "%" PRId64, value);
    label(labels, name, text);
}

/* Starts the labels anew with the report's cluster. */
static void start_labels(struct walk *walk, const struct report *report)
{
    buf_clear(&walk->labels);
    label(&walk->labels, "cluster", report->meta.cluster);
}

static void workload_labels(struct buf *labels, const struct report_row *row)
{
    buf_clear(labels);
    label(labels, "cluster", row->cluster);
    label(labels, "namespace", row->namespace);
    label(labels, "kind", row->kind);
    label(labels, "workload", row->name);
}

/* FNV-1a: two texts of one number only make the second look like a copy. */
static uint64_t number_of(const struct buf *text)
{
    uint64_t number = UINT64_C(14695981039346656037);
    for (size_t i = 0; i < text->length; i++) {
        number = (number ^ (unsigned char)text->data[i]) * UINT64_C(1099511628211);
    }
    return number;
}

static int note_label(const struct report *report, const struct report_row *row, size_t place, void *context, struct err *err)
{
    (void)report;
    (void)err;
    struct walk *walk = context;
    workload_labels(&walk->labels, row);
    walk->known[place] = (struct known){number_of(&walk->labels), (uint32_t)place, 1};
    const json_t *findings = json_at(row->record, "recommendation.findings");
    for (size_t i = 0; i < json_array_size(findings); i++) {
        walk->findings[insight_severity(json_array_get(findings, i))]++;
    }
    return 0;
}

static int by_label(const void *left, const void *right)
{
    const struct known *a = left;
    const struct known *b = right;
    if (a->label != b->label) {
        return a->label < b->label ? -1 : 1;
    }
    return a->place < b->place ? -1 : a->place > b->place;
}

static int by_place(const void *left, const void *right)
{
    const struct known *a = left;
    const struct known *b = right;
    return a->place < b->place ? -1 : a->place > b->place;
}

/* A first walk over all workloads: which of them have the same labels, and how many findings there are. */
static int find_copies(const struct report *report, struct walk *walk, struct err *err)
{
    size_t count = report->entry_count;
    walk->known = xcalloc_array(count + 1, sizeof *walk->known);
    if (report_each_brief(report, 0, SIZE_MAX, note_label, walk, err)) {
        return -1;
    }
    qsort(walk->known, count, sizeof *walk->known, by_label);
    for (size_t i = 1; i < count; i++) {
        if (walk->known[i].label == walk->known[i - 1].label) {
            walk->known[i].copy = walk->known[i - 1].copy + 1;
        }
    }
    qsort(walk->known, count, sizeof *walk->known, by_place);
    return 0;
}

/* Adds a sample with one more label, which is taken off again. */
static void add_with(struct walk *walk, enum metric metric, const char *name, const char *text, int64_t value)
{
    size_t length = walk->labels.length;
    label(&walk->labels, name, text);
    add_int(walk, metric, value);
    walk->labels.length = length;
    walk->labels.data[length] = '\0';
}

static void add_container(struct walk *walk, const struct report_row *row, size_t index)
{
    const struct report_container *container = &row->containers[index];
    static const enum metric now[REPORT_FIELDS] = {M_CONTAINER_CPU_REQUEST, M_CONTAINER_MEMORY_REQUEST, M_CONTAINER_CPU_LIMIT,
                                                   M_CONTAINER_MEMORY_LIMIT};
    static const enum metric next[REPORT_FIELDS] = {M_CONTAINER_CPU_REQUEST_NEW, M_CONTAINER_MEMORY_REQUEST_NEW,
                                                    M_CONTAINER_CPU_LIMIT_NEW, M_CONTAINER_MEMORY_LIMIT_NEW};
    char text[FIGURE_MAX];
    if (walk->containers++ >= CONTAINERS_MAX) {
        walk->containers_left_out++;
        return;
    }
    label(&walk->labels, "container", container->name);
    int64_t copy = 1;
    for (size_t i = 0; i < index; i++) {
        copy += strcmp(row->containers[i].name, container->name) == 0;
    }
    if (copy > 1) {
        label_int(&walk->labels, "container_copy", copy);
    }
    for (int field = 0; field < REPORT_FIELDS; field++) {
        bool cpu = field == CPU_REQUEST || field == CPU_LIMIT;
        /* Millicores are thousandths, as micro-dollars are millionths. */
        int64_t scale = cpu ? 1000 : 1;
        int64_t values[] = {container->now[field], container->next[field]};
        for (size_t i = 0; i < ARRAY_COUNT(values); i++) {
            if (values[i] >= 0 && cpu && values[i] <= INT64_MAX / scale) {
                add_text(walk, i == 0 ? now[field] : next[field], figure_dollars(values[i] * scale, text));
            } else if (values[i] >= 0 && !cpu) {
                add_int(walk, i == 0 ? now[field] : next[field], values[i]);
            }
        }
    }
}

static void add_money(struct walk *walk, const struct report_row *row)
{
    bool held = row->group == REPORT_HELD;
    if (row->priced) {
        add_usd(walk, M_WORKLOAD_BEFORE, row->before);
        add_usd(walk, M_WORKLOAD_AFTER, row->after);
        add_usd(walk, M_WORKLOAD_SAVING, row->before - row->after);
    }
    if (row->waste_known) {
        add_usd(walk, M_WORKLOAD_WASTE_BEFORE, row->waste_before);
        add_usd(walk, M_WORKLOAD_WASTE_AFTER, held ? row->waste_before : row->waste_after);
    }
}

static void add_findings(struct walk *walk, const struct report_row *row)
{
    int64_t found[SEVERITIES] = {0};
    const json_t *findings = json_at(row->record, "recommendation.findings");
    for (size_t i = 0; i < json_array_size(findings); i++) {
        found[insight_severity(json_array_get(findings, i))]++;
    }
    for (int i = 0; i < SEVERITIES; i++) {
        if (found[i] > 0) {
            add_with(walk, M_WORKLOAD_FINDINGS, "severity", severities[i], found[i]);
        }
    }
}

static int add_workload(const struct report *report, const struct report_row *row, size_t place, void *context, struct err *err)
{
    (void)report;
    struct walk *walk = context;
    walk->err = err;
    workload_labels(&walk->labels, row);
    if (walk->known[place].copy > 1) {
        label_int(&walk->labels, "copy", walk->known[place].copy);
    }
    add_money(walk, row);
    if (row->has_confidence) {
        add_real(walk, M_WORKLOAD_CONFIDENCE, row->confidence);
    }
    if (row->risk != RISK_UNKNOWN) {
        add_int(walk, M_WORKLOAD_RISK, row->risk);
    }
    if (row->group == REPORT_HELD) {
        add_int(walk, M_WORKLOAD_HELD, 1);
    }
    add_findings(walk, row);
    size_t length = walk->labels.length;
    for (size_t i = 0; i < row->container_count; i++) {
        add_container(walk, row, i);
        walk->labels.length = length;
        walk->labels.data[length] = '\0';
    }
    return walk->failed;
}

static void add_run(const struct report *report, struct walk *walk)
{
    const struct report_meta *meta = &report->meta;
    int64_t created = 0;
    start_labels(walk, report);
    if (meta->created != NULL && time_parse(meta->created, &created, NULL) == 0) {
        add_int(walk, M_RUN_CREATED, created);
    }
    if (meta->run > 0) {
        label_int(&walk->labels, "run", meta->run);
    }
    label(&walk->labels, "kind", artifact_kind_name(meta->kind));
    label(&walk->labels, "digest", meta->digest);
    if (meta->plan != NULL) {
        label(&walk->labels, "plan", meta->plan);
    }
    label(&walk->labels, "made_by", meta->by);
    add_int(walk, M_RUN_INFO, 1);
}

static void add_totals(const struct report *report, struct walk *walk)
{
    const struct report_sums *t = &report->totals;
    start_labels(walk, report);
    add_with(walk, M_WORKLOADS, "state", "changed", t->changed);
    add_with(walk, M_WORKLOADS, "state", "held_back", t->held);
    add_with(walk, M_WORKLOADS, "state", "kept", t->kept);
    add_with(walk, M_WORKLOADS, "state", "no_recommendation", t->no_advice);
    add_int(walk, M_NEW_OBJECTS, t->objects);
    add_int(walk, M_UNPRICED, t->unpriced);
    add_int(walk, M_NO_DATA, t->no_data);
    add_usd(walk, M_BEFORE, t->before);
    add_usd(walk, M_AFTER, t->after);
    add_usd(walk, M_PROPOSED, t->proposed);
    add_usd(walk, M_SAVING, t->before - t->after);
    add_usd(walk, M_WASTE_BEFORE, t->waste_before);
    add_usd(walk, M_WASTE_AFTER, t->waste_after);
    for (int i = 0; i < SEVERITIES; i++) {
        add_with(walk, M_FINDINGS, "severity", severities[i], walk->findings[i]);
    }
    const char *code;
    json_t *number;
    json_object_foreach(report->problems, code, number)
    {
        add_with(walk, M_PROBLEMS, "code", code, json_integer_value(number));
    }
}

static void add_fleet(const struct report *report, struct walk *walk)
{
    const struct fleet *fleet = report->fleet;
    start_labels(walk, report);
    if (fleet == NULL || fleet->unknown != NULL) {
        return;
    }
    if (fleet->live) {
        add_int(walk, M_NODES_TODAY, fleet->nodes_today);
    }
    add_int(walk, M_NODES_BEFORE, fleet->before.nodes);
    add_int(walk, M_NODES_AFTER, fleet->after.nodes);
    add_int(walk, M_PODS_UNPLACED, fleet->unplaced);
    if (fleet->priced) {
        add_usd(walk, M_NODES_COST_BEFORE, fleet->before.monthly_microusd);
        add_usd(walk, M_NODES_COST_AFTER, fleet->after.monthly_microusd);
        add_usd(walk, M_NODES_SAVING, fleet->saving_microusd);
    }
}

static void add_past(const struct report *report, struct walk *walk)
{
    const struct report_past *past = report->past;
    if (past == NULL) {
        return;
    }
    start_labels(walk, report);
    add_with(walk, M_LLM_TOKENS, "direction", "input", past->input_tokens);
    add_with(walk, M_LLM_TOKENS, "direction", "output", past->output_tokens);
    add_usd(walk, M_LLM_COST, past->llm_microusd);
    for (size_t i = 0; i < past->applied_count && i < APPLIED_MAX; i++) {
        const struct past_applied *applied = &past->applied[i];
        if (applied->measured > 0) {
            start_labels(walk, report);
            label_int(&walk->labels, "applied_run", applied->run);
            add_usd(walk, M_PREDICTED, applied->predicted);
            add_usd(walk, M_REALIZED, applied->realized);
        }
    }
}

/* The families of a dimension stand in a row, from `first` on. */
static void add_parts(const struct report *report, struct walk *walk, enum report_dimension dimension, const char *name, enum metric first)
{
    const struct report_parts *parts = &report->parts[dimension];
    for (size_t i = 0; i < parts->count && i < PARTS_MAX; i++) {
        const struct report_sums *sums = &parts->items[i].sums;
        int64_t money[] = {sums->before, sums->after, sums->before - sums->after, sums->waste_before, sums->waste_after};
        start_labels(walk, report);
        label(&walk->labels, name, parts->items[i].name);
        add_int(walk, first, sums->workloads);
        for (size_t m = 0; m < ARRAY_COUNT(money); m++) {
            add_usd(walk, (enum metric)((size_t)first + 1 + m), money[m]);
        }
    }
}

static int64_t beyond(size_t count, size_t most)
{
    return count > most ? (int64_t)(count - most) : 0;
}

static void add_left_out(const struct report *report, struct walk *walk)
{
    start_labels(walk, report);
    add_with(walk, M_LEFT_OUT, "level", "workload", beyond(report->entry_count, WORKLOADS_MAX));
    add_with(walk, M_LEFT_OUT, "level", "container", walk->containers_left_out);
    add_with(walk, M_LEFT_OUT, "level", "namespace", beyond(report->parts[BY_NAMESPACE].count, PARTS_MAX));
    add_with(walk, M_LEFT_OUT, "level", "team", beyond(report->parts[BY_TEAM].count, PARTS_MAX));
}

int report_prometheus(const struct report *report, struct report_sink *sink, struct err *err)
{
    struct walk walk = {.err = err};
    families_init(&walk.families, texts, METRICS);
    buf_init(&walk.labels, LABELS_MAX);
    int failed = find_copies(report, &walk, err);
    if (!failed) {
        add_run(report, &walk);
        add_totals(report, &walk);
        add_fleet(report, &walk);
        add_past(report, &walk);
        add_parts(report, &walk, BY_NAMESPACE, "namespace", M_NAMESPACE_WORKLOADS);
        add_parts(report, &walk, BY_TEAM, "team", M_TEAM_WORKLOADS);
        failed = walk.failed || report_each_brief(report, 0, WORKLOADS_MAX, add_workload, &walk, err);
    }
    if (!failed) {
        add_left_out(report, &walk);
        failed = walk.failed || families_write(&walk.families, sink, err) || sink_finish(sink, err);
    }
    free(walk.known);
    buf_release(&walk.labels);
    families_release(&walk.families);
    return failed ? -1 : 0;
}
