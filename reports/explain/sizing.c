#include "reports/explain/sections.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "pipeline/run/reasons.h"
#include "reports/explain/page.h"

static const char arrow[] = " \xe2\x86\x92 ";

/* The four numbers in the order people think of them, and where a record keeps each. */
static const struct number {
    enum report_field field;
    const char *title;
    const char *section;
    const char *resource;
} numbers[REPORT_FIELDS] = {
    {CPU_REQUEST, "CPU request", "requests", "cpu_millicores"},
    {CPU_LIMIT, "CPU limit", "limits", "cpu_millicores"},
    {MEMORY_REQUEST, "memory request", "requests", "memory_bytes"},
    {MEMORY_LIMIT, "memory limit", "limits", "memory_bytes"},
};

enum figure_kind { AMOUNT, COUNT, SHARE };

/* The figures that rules take in, in the order they are told, under the names that formulas have for them.
 * What is not in the list is told after them by its own name. */
static const struct figure {
    const char *name;
    const char *shown;
    enum figure_kind kind;
} figures[] = {
    {"samples", "samples", COUNT},
    {"pods", "pods", COUNT},
    {"percentile", "percentile", COUNT},
    {"mean", "mean", AMOUNT},
    {"p50", "p50", AMOUNT},
    {"p90", "p90", AMOUNT},
    {"p95", "p95", AMOUNT},
    {"p99", "p99", AMOUNT},
    {"p99_5", "p99.5", AMOUNT},
    {"max", "peak", AMOUNT},
    {"wp50", "wp50", AMOUNT},
    {"wp95", "wp95", AMOUNT},
    {"wp98", "wp98", AMOUNT},
    {"wp99", "wp99", AMOUNT},
    {"bh90", "bh90", AMOUNT},
    {"pod_wp95_max", "pod_wp95_max", AMOUNT},
    {"pod_wp95_p95", "pod_wp95_p95", AMOUNT},
    {"day_p99_second", "day_p99_second", AMOUNT},
    {"recent_p50", "recent_p50", AMOUNT},
    {"recent_p90", "recent_p90", AMOUNT},
    {"startup_p99", "startup_p99", AMOUNT},
    {"oom_kills", "OOM kills", COUNT},
    {"oom_limit", "limit at the last kill", AMOUNT},
    {"throttled", "throttled", SHARE},
    {"throttled_worst_hour", "in the worst hour", SHARE},
    {"headroom", "headroom", COUNT},
    {"factor", "factor", COUNT},
    {"base", "base", AMOUNT},
    {"request", "the new request", AMOUNT},
    {"today", "today", AMOUNT},
};

static const char legend[] =
    "p50 to p99.5 and peak count all samples alike; wp50 to wp99 are weighted; bh90: of the 24 hours "
    "of the day the highest weighted p90; "
    "pod_wp95_max, pod_wp95_p95: of the pods' own wp95 the highest, and that of 95 of 100; "
    "day_p99_second: the second highest p99 of a day; "
    "recent_p50, recent_p90: of the last hour; startup_p99: of pods' first 3 minutes.";

static const char *written(enum figure_kind kind, enum report_field field, double value, char out[FIGURE_MAX])
{
    return kind == AMOUNT  ? page_amount(field, value, out)
           : kind == SHARE ? figure_share(value, out)
                           : figure_plain(value, out);
}

static const struct figure *figure_of(const char *name)
{
    for (size_t i = 0; i < ARRAY_COUNT(figures); i++) {
        if (strcmp(figures[i].name, name) == 0) {
            return &figures[i];
        }
    }
    return NULL;
}

static void add_input(struct buf *text, const char *words, const char *value)
{
    buf_printf(text, "%s%s %s", text->length > 0 ? ", " : "", words, value);
}

void explain_inputs(const json_t *inputs, enum report_field field, struct buf *out)
{
    char value[FIGURE_MAX];
    for (size_t i = 0; i < ARRAY_COUNT(figures); i++) {
        double number = page_number(inputs, figures[i].name);
        if (isfinite(number)) {
            add_input(out, figures[i].shown, written(figures[i].kind, field, number, value));
        }
    }
    const char *name;
    json_t *input;
    json_object_foreach((json_t *)(uintptr_t)inputs, name, input)
    {
        if (figure_of(name) == NULL && json_is_number(input)) {
            add_input(out, name, figure_plain(json_number_value(input), value));
        } else if (figure_of(name) == NULL && json_is_string(input)) {
            add_input(out, name, json_string_value(input));
        }
    }
}

/* The figures that the rule took in. */
static void inputs_line(const json_t *inputs, enum report_field field, struct buf *out)
{
    struct buf text;
    buf_init(&text, 16384);
    explain_inputs(inputs, field, &text);
    page_line(out, 6, "inputs", "%s", buf_str(&text));
    buf_release(&text);
}

/* A code with its words; the code alone where nobody knows them. */
static void reason_line(struct buf *out, const char *label, const char *before, const char *code)
{
    const char *words = reason_words(code);
    if (code != NULL) {
        page_line(out, 6, label, "%s%s%s%s", before, code, words == NULL ? "" : ": ",
                  words == NULL ? "" : words);
    }
}

/* Why the number could not be lower or higher. */
static void bound_lines(const json_t *why, const json_t *bounds, enum report_field field, struct buf *out)
{
    char low[FIGURE_MAX];
    char high[FIGURE_MAX];
    if (!json_is_object(bounds)) {
        return;
    }
    page_line(out, 6, "may be", "from %s to %s", page_amount(field, page_number(bounds, "min"), low),
              page_amount(field, page_number(bounds, "max"), high));
    size_t index;
    json_t *cap;
    json_array_foreach(json_object_get(why, "caps"), index, cap)
    {
        bool least = json_object_get(cap, "min") != NULL;
        char before[2 * FIGURE_MAX];
        snprintf(before, sizeof before, "at %s %s, ", least ? "least" : "most",
                 page_amount(field, page_number(cap, least ? "min" : "max"), low));
        reason_line(out, " ", before, json_string_or_null(cap, "by"));
    }
}

/* What the rule asked for, and what of that became of it. */
static void result_lines(const json_t *why, const struct report_container *container,
                         const struct number *number, struct buf *out)
{
    char asked[FIGURE_MAX];
    double target = page_number(why, "target");
    int64_t now = report_effective(container->now, number->field);
    int64_t next = report_effective(container->next, number->field);
    const char *moved = json_string_or_null(why, "moved_by");
    if (isfinite(target)) {
        page_line(out, 6, "asks for", "%s", page_amount(number->field, target, asked));
    }
    reason_line(out, "moved by", "", moved);
    if (isfinite(target) && now == next && moved == NULL) {
        page_line(out, 6, "stays",
                  "the change would be too small to be worth a rollout, or what is set lies in these bounds");
    } else if (isfinite(target) && now != next && moved == NULL && target < (double)next &&
               (double)next < target * 1.2) {
        page_line(out, 6, "rounded", "up, as people write amounts");
    }
}

static void number_lines(const json_t *advice, const struct report_container *container,
                         const struct number *number, struct buf *out)
{
    const json_t *why =
        json_object_get(json_object_get(json_object_get(advice, "why"), number->section), number->resource);
    const json_t *bounds = json_object_get(
        json_object_get(json_object_get(advice, number->section), "bounds"), number->resource);
    char pair[FIGURE_MAX];
    char title[FIGURE_MAX];
    snprintf(title, sizeof title, "%s", number->title);
    buf_add_str(out, "    ");
    page_cell(out, -16, title);
    buf_printf(out, "%s\n",
               figure_pair(number->field, container->now[number->field], container->next[number->field],
                           arrow, pair));
    if (!json_is_object(why)) {
        return;
    }
    reason_line(out, "rule", "", json_string_or_null(why, "rule"));
    page_line(out, 6, "formula", "%s", page_string(why, "formula"));
    inputs_line(json_object_get(why, "inputs"), number->field, out);
    result_lines(why, container, number, out);
    bound_lines(why, bounds, number->field, out);
}

/* What was measured of one resource. */
static void measured_lines(const json_t *usage, const char *label, const char *resource, struct buf *out)
{
    static const char *const shown[] = {"mean", "p50", "p90", "p95", "p99", "max", "wp95", "wp99", "bh90"};
    const json_t *use = json_object_get(usage, resource);
    struct buf text;
    char value[FIGURE_MAX];
    if (!json_is_object(use)) {
        page_line(out, 4, label, "no samples");
        return;
    }
    buf_init(&text, 4096);
    for (size_t i = 0; i < ARRAY_COUNT(shown); i++) {
        double number = page_number(use, shown[i]);
        const struct figure *figure = figure_of(shown[i]);
        if (isfinite(number)) {
            add_input(&text, figure == NULL ? shown[i] : figure->shown,
                      page_amount(page_field(resource), number, value));
        }
    }
    double hour = page_number(use, "bh90_hour");
    if (isfinite(hour)) {
        buf_printf(&text, " (from %02.0f:00 UTC)", hour);
    }
    page_line(out, 4, label, "%s", buf_str(&text));
    buf_clear(&text);
    double samples = page_number(use, "samples");
    if (isfinite(samples)) {
        buf_printf(&text, "%.0f samples", samples);
    }
    if (isfinite(page_number(use, "expected"))) {
        buf_printf(&text, " of %.0f expected", page_number(use, "expected"));
    }
    buf_add_str(&text, json_bool_or(use, "approximate", false) ? "; from a log histogram of ratio 1.02" : "");
    page_line(out, 4, " ", "%s", buf_str(&text));
    buf_release(&text);
}

/* How many samples of equal weight the weighted ones come to. */
static void effective_line(const json_t *advice, struct buf *out)
{
    double cpu = page_number(json_at(advice, "samples.cpu_millicores"), "effective");
    double memory = page_number(json_at(advice, "samples.memory_bytes"), "effective");
    if (isfinite(cpu) || isfinite(memory)) {
        char a[FIGURE_MAX];
        char b[FIGURE_MAX];
        page_line(out, 4, "weighted", "they count as %s samples of equal weight for CPU, %s for memory",
                  figure_plain(floor(cpu), a), figure_plain(floor(memory), b));
    }
}

static void pressure_line(const json_t *usage, struct buf *out)
{
    char ratio[FIGURE_MAX];
    char worst[FIGURE_MAX];
    double throttled = page_number(usage, "throttled_ratio");
    double kills = page_number(usage, "oom_kills");
    double restarts = page_number(usage, "restarts");
    if (isfinite(throttled)) {
        page_line(out, 4, "throttled", "%s of the periods, %s in the worst hour",
                  figure_share(throttled, ratio),
                  figure_share(page_number(usage, "throttled_worst_hour"), worst));
    }
    if (isfinite(kills) || isfinite(restarts)) {
        page_line(out, 4, "trouble", "%s OOM kills, %s restarts", figure_plain(kills, ratio),
                  figure_plain(restarts, worst));
    }
}

/* "0.72 = coverage 0.75 × age 0.98 × …, at most 0.6". */
static void confidence_line(struct buf *out, int indent, double confidence, const json_t *parts)
{
    struct buf text;
    char value[FIGURE_MAX];
    buf_init(&text, 4096);
    const char *name;
    json_t *part;
    json_object_foreach((json_t *)(uintptr_t)parts, name, part)
    {
        if (json_is_number(part) && strcmp(name, "ceiling") != 0) {
            buf_printf(&text, "%s%s %s", text.length > 0 ? " \xc3\x97 " : " = ", name,
                       figure_plain(json_number_value(part), value));
        }
    }
    if (isfinite(page_number(parts, "ceiling"))) {
        buf_printf(&text, ", at most %s", figure_plain(page_number(parts, "ceiling"), value));
    }
    if (isfinite(confidence)) {
        page_line(out, indent, "confidence", "%s%s", figure_plain(confidence, value), buf_str(&text));
    }
    buf_release(&text);
}

static void container_lines(const struct explain *explain, const struct report_container *container,
                            struct buf *out)
{
    const json_t *advice =
        json_object_get(json_object_get(explain->recommendation, "containers"), container->name);
    page_line(out, 2, "", "%s%s%s%s", container->name, strcmp(container->role, "container") == 0 ? "" : " (",
              strcmp(container->role, "container") == 0 ? "" : container->role,
              strcmp(container->role, "container") == 0 ? "" : ")");
    if (json_is_object(container->usage)) {
        measured_lines(container->usage, "CPU", "cpu_millicores", out);
        measured_lines(container->usage, "memory", "memory_bytes", out);
        effective_line(advice, out);
        pressure_line(container->usage, out);
    }
    for (size_t i = 0; i < REPORT_FIELDS; i++) {
        number_lines(advice, container, &numbers[i], out);
    }
    confidence_line(out, 4, page_number(advice, "confidence"), json_object_get(advice, "confidence_parts"));
}

void explain_sizing(const struct explain *explain, struct buf *out)
{
    page_heading(out, "FROM SAMPLES TO NUMBERS");
    for (size_t i = 0; i < explain->row.container_count; i++) {
        buf_add_str(out, i == 0 ? "" : "\n");
        container_lines(explain, &explain->row.containers[i], out);
    }
    buf_add_char(out, '\n');
    page_line(out, 2, "", "%s", legend);
    page_heading(out, "CONFIDENCE AND RISK");
    double confidence = page_number(explain->recommendation, "confidence");
    confidence_line(out, 2, confidence, json_object_get(explain->recommendation, "confidence_parts"));
    page_line(out, 2, "risk", "%s", page_string(explain->recommendation, "risk"));
    size_t index;
    json_t *reason;
    json_array_foreach(json_object_get(explain->recommendation, "risk_reasons"), index, reason)
    {
        page_line(out, 2, " ", "%s",
                  json_is_string(reason) ? json_string_value(reason) : report_message(reason));
    }
}
