#include "stages/ask/facts.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/money.h"
#include "pipeline/base/quantity.h"
#include "pipeline/base/str.h"
#include "pipeline/run/reasons.h"
#include "reports/explain/page.h"
#include "reports/explain/sections.h"
#include "reports/text/insight.h"
#include "reports/text/summary.h"

enum { TEXT_MAX = 600, LIST_MAX = 6, CONTAINERS_MAX = 12 };

static const struct {
    enum report_field field;
    const char *what;
    const char *section;
    const char *resource;
    const char *path;
} numbers[REPORT_FIELDS] = {
    {CPU_REQUEST, "CPU request", "requests", "cpu_millicores", "requests.cpu"},
    {CPU_LIMIT, "CPU limit", "limits", "cpu_millicores", "limits.cpu"},
    {MEMORY_REQUEST, "memory request", "requests", "memory_bytes", "requests.memory"},
    {MEMORY_LIMIT, "memory limit", "limits", "memory_bytes", "limits.memory"},
};

/* Adds a text that may come from outside: masked, cut, left out where there is none. */
static void put(json_t *object, const char *key, const char *text)
{
    char safe[TEXT_MAX + 8];
    if (text == NULL || *text == '\0') {
        return;
    }
    snprintf(safe, TEXT_MAX, "%s", text);
    str_trim_utf8(safe);
    if (strlen(text) > strlen(safe)) {
        (void)strcat(safe, "\xe2\x80\xa6");
    }
    str_mask_controls(safe);
    json_object_set_new(object, key, json_string_safe(safe));
}

static void append(json_t *list, const char *text)
{
    json_t *holder = json_object();
    put(holder, "text", text);
    if (json_array_size(list) < LIST_MAX && json_object_size(holder) > 0) {
        json_array_append(list, json_object_get(holder, "text"));
    }
    json_decref(holder);
}

static void put_list(json_t *object, const char *key, json_t *list)
{
    if (json_array_size(list) > 0) {
        json_object_set(object, key, list);
    }
    json_decref(list);
}

/* An amount with its unit in any case: whole cores are "2 CPU". */
static const char *amount(enum report_field field, int64_t value, char out[FIGURE_MAX])
{
    bool cpu = field == CPU_REQUEST || field == CPU_LIMIT;
    if (value == REPORT_ABSENT) {
        return "not set";
    }
    if (cpu && value % 1000 == 0 && value != 0) {
        snprintf(out, FIGURE_MAX, "%" PRId64 " CPU", value / 1000);
    } else if (cpu) {
        snprintf(out, FIGURE_MAX, "%" PRId64 "m", value);
    } else {
        quantity_memory_format(value, out);
    }
    return out;
}

static const char *measured(enum report_field field, double value, char out[FIGURE_MAX])
{
    bool cpu = field == CPU_REQUEST || field == CPU_LIMIT;
    return !isfinite(value) ? "unknown" : cpu && value < 9e15 ? amount(field, (int64_t)ceil(value - 1e-9), out) : page_amount(field,
                     value, out);
}

/* A code with its words. */
static void put_reason(json_t *object, const char *key, const char *code)
{
    char text[TEXT_MAX];
    const char *words = reason_words(code);
    if (code != NULL) {
        snprintf(text, sizeof text, "%.100s%s%.400s", code, words == NULL ? "" : ": ", words == NULL ? "" : words);
        put(object, key, text);
    }
}

/* What the number could not pass, and why. */
static void put_bounds(json_t *out, const json_t *why, const json_t *bounds, enum report_field field)
{
    char text[TEXT_MAX];
    char value[FIGURE_MAX];
    size_t index = 0;
    json_t *cap = NULL;
    json_t *caps = json_array();
    if (json_is_object(bounds)) {
        put(out, "least", measured(field, page_number(bounds, "min"), value));
        put(out, "most", measured(field, page_number(bounds, "max"), value));
    }
    json_array_foreach(json_object_get(why, "caps"), index, cap)
    {
        bool least = json_object_get(cap, "min") != NULL;
        const char *code = json_string_or_null(cap, "by");
        const char *words = reason_words(code);
        snprintf(text, sizeof text, "at %s %s (%.200s)", least ? "least" : "most", measured(field, page_number(cap,
                 least ? "min" : "max"), value),
                 words != NULL ? words : code != NULL ? code : "");
        append(caps, text);
    }
    put_list(out, "caps", caps);
}

/* How the number came about, of what the record keeps of it. */
static void put_why(json_t *out, const json_t *why, enum report_field field)
{
    struct buf inputs;
    char value[FIGURE_MAX];
    double target = page_number(why, "target");
    buf_init(&inputs, TEXT_MAX);
    put_reason(out, "rule", json_string_or_null(why, "rule"));
    put(out, "formula", json_string_or_null(why, "formula"));
    explain_inputs(json_object_get(why, "inputs"), field, &inputs);
    put(out, "inputs", buf_str(&inputs));
    if (isfinite(target)) {
        put(out, "asked", measured(field, target, value));
    }
    put_reason(out, "moved_by", json_string_or_null(why, "moved_by"));
    buf_release(&inputs);
}

/* What was proposed for the number and could not stay. */
static void put_clamps(json_t *out, const json_t *clamps, const char *container, const char *path, enum report_field field)
{
    size_t index = 0;
    json_t *clamp = NULL;
    json_array_foreach(clamps, index, clamp)
    {
        char text[TEXT_MAX];
        char proposed[FIGURE_MAX];
        char value[FIGURE_MAX];
        const char *code = json_string_or_null(clamp, "by");
        const char *words = reason_words(code);
        double number = page_number(clamp, "proposed");
        if (str_equal(json_string_or_null(clamp, "container"), container) && str_equal(json_string_or_null(clamp, "field"), path) &&
            isfinite(number)) {
            double settled = page_number(clamp, "value");
            snprintf(text, sizeof text, "%s was proposed and %s%s (%.200s)", measured(field, number, proposed),
                     isfinite(settled) ? "became " : "it stays as it is", isfinite(settled) ? measured(field, settled, value) : "",
                     words != NULL ? words : code != NULL ? code : "");
            put(out, "clamped", text);
        }
    }
}

/* New; NULL where neither today nor then there is such a number. */
static json_t *number_of(const json_t *recommendation, const struct report_container *container, size_t i)
{
    const json_t *advice = json_object_get(json_object_get(recommendation, "containers"), container->name);
    const json_t *why = json_object_get(json_object_get(json_object_get(advice, "why"), numbers[i].section), numbers[i].resource);
    const json_t *bounds =
        json_object_get(json_object_get(json_object_get(advice, numbers[i].section), "bounds"), numbers[i].resource);
    enum report_field field = numbers[i].field;
    int64_t now = container->now[field];
    int64_t next = container->next[field];
    char value[FIGURE_MAX];
    if (now == REPORT_ABSENT && next == REPORT_ABSENT) {
        return NULL;
    }
    json_t *out = json_object();
    json_object_set_new(out, "what", json_string(numbers[i].what));
    put(out, "now", amount(field, now, value));
    put(out, "advised", amount(field, next, value));
    if (now > 0 && next > 0 && now != next) {
        snprintf(value, sizeof value, "%+.0f%%", 100 * ((double)next / (double)now - 1));
        put(out, "change", value);
    }
    put_why(out, why, field);
    put_bounds(out, why, bounds, field);
    put_clamps(out, json_object_get(recommendation, "clamps"), container->name, numbers[i].path, field);
    return out;
}

static void put_measured(json_t *out, const json_t *usage, enum report_field field, const char *key, const char *resource)
{
    static const char *const shown[] = {"mean", "p50", "p95", "p99", "max"};
    const json_t *use = json_object_get(usage, resource);
    struct buf text;
    char value[FIGURE_MAX];
    buf_init(&text, TEXT_MAX);
    for (size_t i = 0; i < ARRAY_COUNT(shown); i++) {
        double number = page_number(use, shown[i]);
        if (isfinite(number)) {
            buf_printf(&text, "%s%s %s", text.length == 0 ? "" : ", ", strcmp(shown[i], "max") == 0 ? "peak" : shown[i],
                       measured(field, number, value));
        }
    }
    put(out, key, buf_str(&text));
    buf_release(&text);
}

static void put_pressure(json_t *out, const json_t *usage)
{
    char text[TEXT_MAX];
    char share[FIGURE_MAX];
    char worst[FIGURE_MAX];
    double throttled = page_number(usage, "throttled_ratio");
    double kills = page_number(usage, "oom_kills");
    double restarts = page_number(usage, "restarts");
    if (throttled > 0) {
        snprintf(text, sizeof text, "%s of the periods, %s in the worst hour", figure_share(throttled, share),
                 figure_share(page_number(usage, "throttled_worst_hour"), worst));
        put(out, "throttled", text);
    }
    if (kills > 0 || restarts > 0) {
        snprintf(text, sizeof text, "%s OOM kills, %s restarts", figure_plain(kills, share), figure_plain(restarts, worst));
        put(out, "trouble", text);
    }
}

static json_t *container_of(const struct report_row *row, const struct report_container *container)
{
    const json_t *recommendation = json_object_get(row->record, "recommendation");
    json_t *out = json_object();
    json_t *list = json_array();
    put(out, "name", container->name);
    for (size_t i = 0; i < REPORT_FIELDS; i++) {
        json_t *number = number_of(recommendation, container, i);
        if (number != NULL) {
            json_array_append_new(list, number);
        }
    }
    json_object_set_new(out, "numbers", list);
    put_measured(out, container->usage, CPU_REQUEST, "cpu_used", "cpu_millicores");
    put_measured(out, container->usage, MEMORY_REQUEST, "memory_used", "memory_bytes");
    put_pressure(out, container->usage);
    return out;
}

static void put_decision(json_t *out, const json_t *recommendation)
{
    char text[TEXT_MAX];
    const char *source = json_string_or_null(recommendation, "source");
    const char *provider = json_string_or_null(recommendation, "provider");
    const char *model = json_string_or_null(recommendation, "model");
    const json_t *fallback = json_object_get(recommendation, "fallback");
    double differs = page_number(recommendation, "disagreement");
    put(out, "action", json_string_or_null(recommendation, "action"));
    put(out, "class", json_string_or_null(recommendation, "class"));
    if (str_equal(source, "llm")) {
        snprintf(text, sizeof text, "the model %.100s of %.100s, inside the bounds of the rules", model == NULL ? "" : model,
                 provider == NULL ? "a provider" : provider);
        put(out, "decided_by", text);
    } else if (source != NULL) {
        put(out, "decided_by", str_equal(source, "rules") ? "the rules" : source);
    }
    if (isfinite(differs)) {
        snprintf(text, sizeof text, "by up to %.0f %%", differs * 100);
        put(out, "differs_from_the_rules", text);
    }
    if (json_is_object(fallback)) {
        snprintf(text, sizeof text, "%.60s was not used: %.400s", page_string(fallback, "from"), page_string(fallback, "reason"));
        put(out, "fallback", text);
    }
    put(out, "in_words", json_string_or_null(recommendation, "reasoning"));
}

static void put_risk(json_t *out, const struct report_row *row)
{
    char value[FIGURE_MAX];
    size_t index = 0;
    json_t *entry = NULL;
    json_t *reasons = json_array();
    if (row->has_confidence) {
        put(out, "confidence", figure_confidence(row, value));
    }
    put(out, "risk", report_risk_name(row->risk));
    json_array_foreach(json_at(row->record, "recommendation.risk_reasons"), index, entry)
    {
        append(reasons, report_message(entry));
    }
    put_list(out, "risk_reasons", reasons);
}

static void put_money(json_t *out, const struct report_row *row)
{
    char value[MONEY_TEXT];
    char change[FIGURE_MAX];
    if (!row->priced) {
        return;
    }
    json_t *money = json_object();
    put(money, "now_a_month", money_format(row->before, value));
    put(money, "advised_a_month", money_format(row->proposed, value));
    put(money, row->proposed <= row->before ? "saves_a_month" : "costs_more_a_month",
        money_format(row->proposed <= row->before ? row->before - row->proposed : row->proposed - row->before, value));
    put(money, "change", figure_percent(row->before, row->proposed, "-", change));
    if (row->waste_known) {
        put(money, "asked_for_and_not_used_a_month", money_format(row->waste_before, value));
    }
    json_object_set_new(out, "money", money);
}

/* Findings, the worst first. */
static void put_findings(json_t *out, const json_t *record)
{
    char text[TEXT_MAX];
    const json_t *findings = json_at(record, "recommendation.findings");
    json_t *list = json_array();
    for (int severity = 4; severity >= 0; severity--) {
        for (size_t i = 0; i < json_array_size(findings); i++) {
            const json_t *finding = json_array_get(findings, i);
            if (insight_severity(finding) == severity) {
                snprintf(text, sizeof text, "%.20s: %.500s", page_string(finding, "severity"), report_message(finding));
                append(list, text);
            }
        }
    }
    put_list(out, "findings", list);
}

static void put_after(json_t *out, const struct report_row *row)
{
    char text[TEXT_MAX];
    json_t *objections = json_array();
    json_t *problems = json_array();
    const json_t *entries = json_object_get(row->record, "problems");
    for (size_t i = 0; insight_objection(row, i) != NULL; i++) {
        append(objections, insight_objection(row, i));
    }
    for (size_t i = 0; i < json_array_size(entries); i++) {
        const json_t *problem = json_array_get(entries, i);
        snprintf(text, sizeof text, "%.60s: %.500s", page_string(problem, "code"), report_message(problem));
        append(problems, text);
    }
    put(out, "verdict", row->verdict);
    put_list(out, "objections", objections);
    put(out, "outcome", row->state);
    put(out, "outcome_detail", json_string_or_null(json_object_get(row->record, "outcome"), "detail"));
    put_list(out, "problems", problems);
}

int facts_of(const struct picked *picked, json_t **out, struct err *err)
{
    struct arena arena;
    struct report_row row = {.record = NULL};
    arena_init(&arena);
    if (report_row_read(json_incref(picked->record), NULL, &arena, &row, err)) {
        report_row_release(&row);
        arena_release(&arena);
        return -1;
    }
    json_t *facts = json_object();
    json_t *containers = json_array();
    char value[FIGURE_MAX];
    json_object_set_new(facts, "record", json_integer((json_int_t)picked->number));
    put(facts, "workload", picked->name);
    put(facts, "cluster", row.cluster);
    if (row.has_replicas) {
        put(facts, "replicas", figure_plain(row.replicas, value));
    }
    put_decision(facts, json_object_get(row.record, "recommendation"));
    for (size_t i = 0; i < row.container_count && i < CONTAINERS_MAX; i++) {
        json_array_append_new(containers, container_of(&row, &row.containers[i]));
    }
    json_object_set_new(facts, "containers", containers);
    put_money(facts, &row);
    put_risk(facts, &row);
    put_findings(facts, row.record);
    put_after(facts, &row);
    report_row_release(&row);
    arena_release(&arena);
    *out = facts;
    return 0;
}

/* "12 workloads of shop: 4 would change; $40 a month now, $25 then." */
static void put_part(json_t *out, const struct report_part *part)
{
    struct buf text;
    char count[FIGURE_MAX];
    char value[MONEY_TEXT];
    const struct report_sums *sums = &part->sums;
    buf_init(&text, TEXT_MAX);
    buf_printf(&text, "Namespace %.100s: %s, %" PRId64 " would change, %" PRId64 " held back",
               part->name == NULL ? "(none given)" : part->name,
               figure_count(sums->workloads, "workload", count), sums->changed, sums->held);
    if (sums->unpriced < sums->workloads) {
        buf_printf(&text, "; %s a month now", money_format(sums->before, value));
        buf_printf(&text, ", %s after the changes", money_format(sums->after, value));
        buf_printf(&text, ", %s %s",
                   money_format(sums->before >= sums->after ? sums->before - sums->after : sums->after - sums->before, value),
                   sums->before >= sums->after ? "less" : "more");
    }
    buf_add_char(&text, '.');
    put(out, "namespace", buf_str(&text));
    buf_release(&text);
}

json_t *facts_totals(const struct report *report, const struct pick *pick)
{
    json_t *out = json_object();
    struct buf text;
    buf_init(&text, TEXT_MAX);
    summary_total(report, &text);
    put(out, "run", buf_str(&text));
    buf_clear(&text);
    summary_held_why(&report->totals, &text);
    put(out, "held_back", buf_str(&text));
    buf_release(&text);
    const struct report_parts *parts = &report->parts[BY_NAMESPACE];
    for (size_t i = 0; i < parts->count && pick->count > 0 && pick->list[0].place > 0; i++) {
        const char *name = parts->items[i].name == NULL ? pick->fallback : parts->items[i].name;
        size_t length = strlen(name);
        if (strncmp(pick->list[0].name, name, length) == 0 && pick->list[0].name[length] == '/') {
            put_part(out, &parts->items[i]);
        }
    }
    return out;
}

/* Whether the question is about this number. */
static bool meant(const struct wording *wording, const char *what)
{
    bool cpu = str_starts(what, "CPU");
    bool request = str_ends(what, "request");
    bool resource = wording->cpu == wording->memory || (cpu ? wording->cpu : wording->memory);
    return resource && (wording->request == wording->limit || (request ? wording->request : wording->limit));
}

json_t *facts_focus(const json_t *facts, const struct wording *wording)
{
    json_t *list = json_array();
    size_t index = 0;
    json_t *number = NULL;
    json_array_foreach(json_object_get(facts, "numbers"), index, number)
    {
        if (meant(wording, page_string(number, "what"))) {
            json_array_append(list, number);
        }
    }
    return list;
}
