#include "tests/harness/advice_findings_record.h"

#include <math.h>
#include <string.h>

#include "pipeline/base/clock.h"
#include "pipeline/run/series.h"
#include "stages/analyze/findings/findings.h"
#include "stages/analyze/statistics/order.h"

static const double machine = 4000; /* millicores */

/* Millicores of every step. */
static double *scale(const struct advice_series *series, struct arena *arena)
{
    double *values = arena_alloc_array(arena, series->count + 1, sizeof *values);
    double highest = series->share ? 100 : 0;
    for (size_t i = 0; i < series->count && !series->share; i++) {
        highest = series->values[i] > highest ? series->values[i] : highest;
    }
    for (size_t i = 0; i < series->count; i++) {
        values[i] = series->values[i] * machine / highest;
    }
    return values;
}

/* New `cpu_millicores` of a usage record: the figures that findings look at. */
static json_t *cpu_new(const double *values, size_t count, struct arena *arena)
{
    static const struct {
        const char *name;
        double q;
    } figures[] = {{"p50", 0.5}, {"p95", 0.95}, {"wp95", 0.95}, {"p99", 0.99}, {"max", 1}};
    double *known = arena_alloc_array(arena, count + 1, sizeof *known);
    size_t n = 0;
    for (size_t i = 0; i < count; i++) {
        if (isfinite(values[i])) {
            known[n++] = values[i];
        }
    }
    json_t *cpu = json_object();
    for (size_t i = 0; i < sizeof figures / sizeof *figures; i++) {
        json_object_set_new(cpu, figures[i].name, json_real_or_null(order_quantile(known, n, figures[i].q)));
    }
    json_object_set_new(cpu, "samples", json_integer((json_int_t)n));
    json_t *steps = json_object();
    json_object_set_new(steps, "step_seconds", json_integer(ADVICE_STEP));
    json_object_set_new(steps, "mean", series_json(values, count));
    json_object_set_new(steps, "max", series_json(values, count));
    json_object_set_new(cpu, "series", steps);
    return cpu;
}

/* New record of a Deployment with one container that uses the series. */
static json_t *record_new(const struct advice_series *series, struct arena *arena)
{
    char start[RFC3339_MAX];
    char end[RFC3339_MAX];
    int64_t seconds = (int64_t)series->count * ADVICE_STEP;
    (void)time_format(series->start, start);
    (void)time_format(series->start + seconds, end);
    json_t *container = json_pack("{s:s,s:s,s:{s:i},s:{}}", "name", "app", "role", "container", "requests",
                                  "cpu_millicores", 1000, "limits");
    json_t *workload = json_pack("{s:s,s:s,s:s,s:i,s:[o]}", "namespace", "shop", "kind", "Deployment", "name",
                                 "cart", "replicas", 1, "containers", container);
    json_t *usage = json_pack("{s:{s:s,s:s,s:I},s:f,s:I,s:i,s:{s:{s:o}}}", "window", "start", start, "end",
                              end, "seconds", (json_int_t)seconds, "coverage", 1.0, "history_seconds",
                              (json_int_t)seconds, "pods", 1, "containers", "app", "cpu_millicores",
                              cpu_new(scale(series, arena), series->count, arena));
    return json_pack("{s:o,s:o}", "workload", workload, "usage", usage);
}

static void mark(const json_t *finding, const struct advice_series *series, double *scores)
{
    int64_t from = 0;
    int64_t to = 0;
    const char *start = json_string_or_null(finding, "start");
    const char *end = json_string_or_null(finding, "end");
    if (!start || !end || time_parse(start, &from, NULL) || time_parse(end, &to, NULL) ||
        !json_at(finding, "evidence.score")) {
        return;
    }
    for (size_t i = 0; i < series->count; i++) {
        int64_t at = series->start + (int64_t)i * ADVICE_STEP;
        scores[i] = at >= from && at < to ? 1 : scores[i];
    }
}

void findings_of_record(const struct advice_series *series, struct arena *arena, double *scores)
{
    struct policy policy = {.minimum_history_seconds = 86400};
    struct subject subject;
    struct plan plan;
    json_t *record = record_new(series, arena);
    guardrails_default(&policy.guardrails);
    subject_read(record, arena, &subject);
    plan_make(&subject, &policy, arena, &plan);
    json_t *findings = findings_new(&plan, NULL, arena);
    memset(scores, 0, series->count * sizeof *scores);
    for (size_t i = 0; i < json_array_size(findings); i++) {
        mark(json_array_get(findings, i), series, scores);
    }
    json_decref(findings);
    json_decref(record);
}
