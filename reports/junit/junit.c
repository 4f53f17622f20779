#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/clock.h"
#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "pipeline/run/record.h"
#include "reports/render.h"
#include "reports/text/escape.h"
#include "reports/text/figures.h"
#include "reports/text/insight.h"

enum { TEXT_MAX = 64 * 1024, SEVERITY_CRITICAL = 4 };

/* What becomes of a workload's case, the gravest first. */
enum result { CASE_ERROR, CASE_FAILURE, CASE_SKIPPED, CASE_PASSED, CASE_RESULTS };

static const char *const elements[] = {[CASE_ERROR] = "error", [CASE_FAILURE] = "failure", [CASE_SKIPPED] = "skipped"};

/* A workload's place in the report and its suite: an index of the report's namespaces. */
struct placed {
    uint32_t place;
    uint32_t suite;
};

struct suites {
    struct placed *cases;
    size_t count;
    int64_t (*results)[CASE_RESULTS]; /* a suite each */
    int64_t totals[CASE_RESULTS];
    int64_t unread; /* notes of errors: sources that could not be read */
};

/* Why a case is what it is; texts borrowed. */
struct verdict {
    enum result result;
    const char *type;
    const char *message;
};

static const json_t *critical_finding(const struct report_row *row)
{
    const json_t *findings = json_at(row->record, "recommendation.findings");
    for (size_t i = 0; i < json_array_size(findings); i++) {
        if (insight_severity(json_array_get(findings, i)) >= SEVERITY_CRITICAL) {
            return json_array_get(findings, i);
        }
    }
    return NULL;
}

static const char *first_reason(const struct report_row *row, const char *fallback)
{
    const char *text = insight_objection(row, 0);
    return text == NULL || text[0] == '\0' ? fallback : text;
}

/* What apply wanted to do and could not, or had to undo. */
static bool went_wrong(const struct report_row *row)
{
    return str_equal(row->state, "refused") || str_equal(row->state, "rollback-failed") || record_has_problem(row->record, "rolled-back");
}

static struct verdict judge(const struct report_row *row)
{
    const json_t *critical = critical_finding(row);
    if (went_wrong(row)) {
        const char *detail = report_message(json_at(row->record, "outcome.detail"));
        return (struct verdict){CASE_ERROR, row->state, detail[0] == '\0' ? "the change was not made" : detail};
    }
    if (row->blocked) {
        return (struct verdict){CASE_FAILURE, "blocked", first_reason(row, "the gate blocks the change")};
    }
    if (critical != NULL) {
        return (struct verdict){CASE_FAILURE, "critical-finding", report_message(critical)};
    }
    if (row->trifle) {
        return (struct verdict){CASE_SKIPPED, NULL, "held back: the change saves too little"};
    }
    if (row->group == REPORT_HELD) {
        return (struct verdict){CASE_SKIPPED, NULL, "held back: the change cannot be written into the manifest"};
    }
    if (row->no_data) {
        return (struct verdict){CASE_SKIPPED, NULL, "no usage data"};
    }
    if (row->action == REPORT_NO_ADVICE) {
        return (struct verdict){CASE_SKIPPED, NULL, "no recommendation"};
    }
    return (struct verdict){.result = CASE_PASSED};
}

static uint32_t suite_of(const struct report *report, const char *namespace)
{
    const struct report_parts *parts = &report->parts[BY_NAMESPACE];
    for (size_t i = 0; i < parts->count; i++) {
        if (str_equal(parts->items[i].name, namespace)) {
            return (uint32_t)i;
        }
    }
    return 0;
}

static int place_case(const struct report *report, const struct report_row *row, size_t place, void *context, struct err *err)
{
    (void)err;
    struct suites *suites = context;
    /* Neighbours are of one namespace more often than not. */
    uint32_t last = suites->count > 0 ? suites->cases[suites->count - 1].suite : 0;
    uint32_t suite = report->parts[BY_NAMESPACE].count > 0 && str_equal(report->parts[BY_NAMESPACE].items[last].name, row->namespace)
                         ? last
                         : suite_of(report, row->namespace);
    enum result result = judge(row).result;
    suites->cases[suites->count++] = (struct placed){(uint32_t)place, suite};
    suites->results[suite][result]++;
    suites->totals[result]++;
    return 0;
}

static int compare_placed(const void *left, const void *right)
{
    const struct placed *a = left;
    const struct placed *b = right;
    if (a->suite != b->suite) {
        return a->suite < b->suite ? -1 : 1;
    }
    return a->place < b->place ? -1 : a->place > b->place;
}

static int count_unread(const struct report *report, struct suites *suites, struct err *err)
{
    for (size_t i = 0; i < report->note_count; i++) {
        json_t *note = NULL;
        if (report_note_at(report, i, &note, err)) {
            return -1;
        }
        suites->unread += str_equal(json_string_or_null(note, "outcome"), "error");
        json_decref(note);
    }
    return 0;
}

static int suites_init(const struct report *report, struct suites *suites, struct err *err)
{
    *suites = (struct suites){.cases = xcalloc_array(report->entry_count + 1, sizeof *suites->cases),
                              .results = xcalloc_array(report->parts[BY_NAMESPACE].count + 1, sizeof *suites->results)};
    if (report_each_brief(report, 0, SIZE_MAX, place_case, suites, err) || count_unread(report, suites, err)) {
        return -1;
    }
    qsort(suites->cases, suites->count, sizeof *suites->cases, compare_placed);
    return 0;
}

static void suites_release(struct suites *suites)
{
    free(suites->cases);
    free(suites->results);
}

/* Text on one line, so that nothing in it looks like a line of ours. */
static void add_text(struct buf *out, const char *text)
{
    size_t from = out->length;
    escape_html(out, text);
    for (size_t i = from; i < out->length; i++) {
        out->data[i] = out->data[i] == '\n' || out->data[i] == '\t' ? ' ' : out->data[i];
    }
}

static void attribute(struct buf *out, const char *name, const char *value)
{
    buf_printf(out, " %s=\"", name);
    add_text(out, value);
    buf_add_char(out, '"');
}

static void counts(struct buf *out, const int64_t results[CASE_RESULTS], int64_t unread)
{
    int64_t tests = unread;
    for (int i = 0; i < CASE_RESULTS; i++) {
        tests += results[i];
    }
    buf_printf(out, " tests=\"%" PRId64 "\" failures=\"%" PRId64 "\" errors=\"%" PRId64 "\" skipped=\"%" PRId64 "\" time=\"0\"", tests,
               results[CASE_FAILURE], results[CASE_ERROR], results[CASE_SKIPPED] + unread);
}

static void property(struct buf *out, const char *name, int64_t value)
{
    buf_printf(out, "<property name=\"%s\" value=\"%" PRId64 "\"/>\n", name, value);
}

/* The plan, so that a pipeline that reads the results can approve it. */
static void plan_property(const struct report *report, struct buf *out)
{
    const char *plan = report->meta.plan;
    if (plan != NULL) {
        buf_add_str(out, "<property name=\"plan\"");
        attribute(out, "value", plan);
        buf_add_str(out, "/>\n");
    }
}

static void suite_head(const struct report *report, const struct report_part *part, const int64_t results[CASE_RESULTS], struct buf *out)
{
    const struct report_sums *sums = &part->sums;
    buf_add_str(out, "<testsuite");
    attribute(out, "name", part->name == NULL ? "(no namespace)" : part->name);
    counts(out, results, 0);
    if (report->meta.created != NULL) {
        /* The schemas know no time zone here; it is UTC. */
        char instant[RFC3339_MAX];
        snprintf(instant, sizeof instant, "%.19s", report->meta.created);
        attribute(out, "timestamp", instant);
    }
    buf_add_str(out, ">\n<properties>\n");
    property(out, "monthly_before_microusd", sums->before);
    property(out, "monthly_after_microusd", sums->after);
    property(out, "monthly_saving_microusd", sums->before - sums->after);
    property(out, "workloads_unpriced", sums->unpriced);
    plan_property(report, out);
    buf_add_str(out, "</properties>\n");
}

static void out_line(struct buf *out, const char *label, const char *text)
{
    if (text != NULL && text[0] != '\0') {
        buf_add_str(out, label);
        add_text(out, text);
        buf_add_char(out, '\n');
    }
}

static void out_numbers(struct buf *out, const struct report_row *row)
{
    static const struct {
        const char *label;
        enum report_field field;
    } fields[] = {{" CPU request ", CPU_REQUEST},
                  {", memory request ", MEMORY_REQUEST},
                  {", CPU limit ", CPU_LIMIT},
                  {", memory limit ", MEMORY_LIMIT}};
    char text[FIGURE_MAX];
    for (size_t i = 0; i < row->container_count; i++) {
        const struct report_container *c = &row->containers[i];
        add_text(out, c->name);
        buf_add_str(out, ":");
        for (size_t f = 0; f < ARRAY_COUNT(fields); f++) {
            enum report_field field = fields[f].field;
            buf_printf(out, "%s%s", fields[f].label, figure_pair(field, c->now[field], c->next[field], " → ", text));
        }
        buf_add_char(out, '\n');
    }
    for (size_t i = 0; i < row->objects; i++) {
        const json_t *object = json_array_get(json_at(row->record, "change.objects"), i);
        out_line(out, i == 0 ? "new object: " : "and: ", json_string_or_null(object, "kind"));
        out_line(out, "  ", json_string_or_null(object, "name"));
    }
    if (row->priced) {
        char before[FIGURE_MAX];
        char after[FIGURE_MAX];
        buf_printf(out, "monthly: $%s now, $%s new", figure_dollars(row->before, before), figure_dollars(row->proposed, after));
        buf_printf(out, " (%s)\n", figure_change(row->before, row->proposed, "-", text));
    } else {
        buf_add_str(out, "monthly: not priced\n");
    }
    buf_printf(out, "confidence: %s\n", figure_confidence(row, text));
}

static void out_findings(struct buf *out, const struct report_row *row)
{
    const json_t *findings = json_at(row->record, "recommendation.findings");
    for (size_t i = 0; i < json_array_size(findings); i++) {
        const json_t *finding = json_array_get(findings, i);
        const char *severity = json_string_or_null(finding, "severity");
        buf_add_str(out, "finding, ");
        add_text(out, severity == NULL ? "info" : severity);
        out_line(out, ": ", report_message(finding)[0] == '\0' ? "-" : report_message(finding));
    }
    const char *objection;
    for (size_t i = 0; (objection = insight_objection(row, i)) != NULL; i++) {
        out_line(out, "gate: ", objection);
    }
}

static void result_element(struct buf *out, const struct verdict *verdict)
{
    if (verdict->result == CASE_PASSED) {
        return;
    }
    buf_printf(out, "<%s", elements[verdict->result]);
    attribute(out, "message", verdict->message);
    if (verdict->type != NULL) {
        attribute(out, "type", verdict->type);
    }
    buf_add_str(out, "/>\n");
}

static void add_case(const struct report_row *row, struct buf *out)
{
    struct verdict verdict = judge(row);
    struct buf name;
    buf_init(&name, TEXT_MAX);
    buf_printf(&name, "%s%s%s", row->cluster == NULL ? "" : row->cluster, row->cluster == NULL ? "" : ".",
               row->namespace == NULL ? "(no namespace)" : row->namespace);
    buf_add_str(out, "<testcase");
    attribute(out, "classname", buf_str(&name));
    buf_clear(&name);
    buf_printf(&name, "%s/%s", row->kind, row->name);
    attribute(out, "name", buf_str(&name));
    buf_add_str(out, " time=\"0\">\n");
    result_element(out, &verdict);
    buf_add_str(out, "<system-out>");
    out_numbers(out, row);
    out_line(out, "risk: ", report_risk_name(row->risk));
    out_line(out, "verdict: ", row->verdict);
    out_line(out, "outcome: ", row->state);
    out_findings(out, row);
    buf_add_str(out, "</system-out>\n</testcase>\n");
    buf_release(&name);
}

static int visit_case(const struct report *report, const struct report_row *row, size_t place, void *context, struct err *err)
{
    (void)report;
    (void)place;
    struct report_sink *sink = context;
    add_case(row, &sink->out);
    return sink_poll(sink, err);
}

static int add_suites(const struct report *report, const struct suites *suites, struct report_sink *sink, struct err *err)
{
    const struct report_parts *parts = &report->parts[BY_NAMESPACE];
    size_t next = 0;
    for (size_t i = 0; i < parts->count; i++) {
        suite_head(report, &parts->items[i], suites->results[i], &sink->out);
        for (; next < suites->count && suites->cases[next].suite == i; next++) {
            if (report_each_brief(report, suites->cases[next].place, 1, visit_case, sink, err)) {
                return -1;
            }
        }
        buf_add_str(&sink->out, "</testsuite>\n");
    }
    return 0;
}

static void source_case(const json_t *note, struct buf *out)
{
    const json_t *source = json_object_get(note, "source");
    const char *file = json_string_or_null(source, "file");
    const char *code = json_string_or_null(note, "code");
    char line[FIGURE_MAX];
    snprintf(line, sizeof line, ":%" PRId64, json_int_or(source, "line", 0));
    buf_add_str(out, "<testcase");
    attribute(out, "classname", "(sources)");
    buf_add_str(out, " name=\"");
    add_text(out, file == NULL ? "" : file);
    buf_add_str(out, json_int_or(source, "line", 0) > 0 ? line : "");
    buf_add_str(out, "\" time=\"0\">\n<skipped message=\"");
    add_text(out, code == NULL ? "" : code);
    buf_add_str(out, code == NULL ? "" : ": ");
    add_text(out, report_message(note));
    buf_add_str(out, "\"/>\n</testcase>\n");
}

/* Nothing is judged in what could not be read: that must not look like success. */
static int add_sources(const struct report *report, int64_t unread, struct report_sink *sink, struct err *err)
{
    static const int64_t nothing[CASE_RESULTS];
    if (unread == 0) {
        return 0;
    }
    buf_add_str(&sink->out, "<testsuite name=\"(sources)\"");
    counts(&sink->out, nothing, unread);
    buf_add_str(&sink->out, ">\n");
    for (size_t i = 0; i < report->note_count; i++) {
        json_t *note = NULL;
        if (report_note_at(report, i, &note, err)) {
            return -1;
        }
        if (str_equal(json_string_or_null(note, "outcome"), "error")) {
            source_case(note, &sink->out);
        }
        json_decref(note);
        if (sink_poll(sink, err)) {
            return -1;
        }
    }
    buf_add_str(&sink->out, "</testsuite>\n");
    return 0;
}

int report_junit(const struct report *report, struct report_sink *sink, struct err *err)
{
    struct suites suites;
    int failed = suites_init(report, &suites, err);
    if (!failed) {
        buf_add_str(&sink->out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"tare\"");
        counts(&sink->out, suites.totals, suites.unread);
        buf_add_str(&sink->out, ">\n");
        failed = add_suites(report, &suites, sink, err) || add_sources(report, suites.unread, sink, err);
        buf_add_str(&sink->out, "</testsuites>\n");
    }
    suites_release(&suites);
    return failed || sink_finish(sink, err) ? -1 : 0;
}
