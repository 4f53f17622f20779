#ifndef TARE_TESTS_LOAD_BUILDER_H
#define TARE_TESTS_LOAD_BUILDER_H

/* Made workloads whose CPU goes by the clock, for the tests of scaling advice: a week or two of steps of five minutes. The window
 * starts on a Monday at midnight, UTC. */

#include "pipeline/base/arena.h"
#include "pipeline/base/rng.h"
#include "pipeline/base/str.h"
#include "stages/analyze/scaling/scaling.h"
#include "tests/unit/stages/analyze/subject/subject_builder.h"

enum { STEP_SECONDS = 300, DAY_STEPS = 288, MADE_START = 1794787200 /* Monday 2026-11-16T00:00:00Z */ };

/* Millicores of all replicas together at a time of the window: day from 0, hour of the day. */
typedef double made_load(int day, double hour);

/* A workload and what runs beside its figures. */
struct made_scaled {
    struct made_workload workload;
    made_load *load;
    int days;                 /* 0: 7 */
    double noise;             /* share */
    made_load *replicas;      /* NULL: those of the workload, all the time */
    const char *budgets;      /* JSON */
    const char *policies;     /* usage.policies, JSON */
    const char *config;       /* tare.yaml */
    const char *api_version;  /* NULL: apps/v1 */
    const char *namespace;    /* NULL: shop; "" none */
};

static inline int compare_made(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Figures of one container's CPU from the load each pod has. */
static inline void made_series(struct made_scaled *from, json_t *usage, double *replicas)
{
    int days = from->days ? from->days : 7;
    size_t count = (size_t)days * DAY_STEPS;
    double *mean = calloc(count, sizeof *mean), *high = calloc(count, sizeof *high), *sorted = calloc(count, sizeof *sorted);
    json_t *hourly = json_array();
    for (size_t i = 0; i < count; i++) {
        int day = (int)(i / DAY_STEPS);
        double hour = (double)(i % DAY_STEPS) / 12;
        double running = from->replicas ? from->replicas(day, hour) : *replicas;
        double total = from->load(day, hour) * (1 + from->noise * (2 * rng_unit() - 1));
        mean[i] = total / running;
        high[i] = mean[i] * 1.1;
        sorted[i] = mean[i];
        if (i % 12 == 0) {
            json_array_append_new(hourly, json_real(running));
        }
    }
    qsort(sorted, count, sizeof *sorted, compare_made);
    struct made_container *container = &from->workload.containers[0];
    container->cpu.p50 = sorted[count / 2];
    container->cpu.p90 = sorted[count * 90 / 100];
    container->cpu.p95 = sorted[count * 95 / 100];
    container->cpu.p99 = sorted[count * 99 / 100];
    container->cpu.max = sorted[count - 1] * 1.1;
    json_t *cpu = made_figures(&container->cpu, (double)count * 5, *replicas);
    json_object_set_new(cpu, "series",
                        json_pack("{s:i,s:o,s:o}", "step_seconds", STEP_SECONDS, "mean", series_json(mean, count), "max", series_json(high, count)));
    json_object_set_new(json_object_get(json_object_get(usage, "containers"), container->name), "cpu_millicores", cpu);
    json_object_set_new(usage, "hourly_replicas", hourly);
    json_object_set_new(usage, "history_seconds", json_integer(days * 86400));
    json_object_set_new(usage, "coverage", json_real(1));
    char start[RFC3339_MAX], end[RFC3339_MAX];
    json_object_set_new(usage, "window",
                        json_pack("{s:s,s:s,s:i}", "start", time_format(MADE_START, start), "end",
                                  time_format(MADE_START + days * 86400, end), "seconds", days * 86400));
    free(mean), free(high), free(sorted);
}

/* New record. */
static inline json_t *made_scaled_record(struct made_scaled *from)
{
    double replicas = made_or(from->workload.replicas, 1);
    json_t *record = made_record(&from->workload);
    json_t *workload = json_object_get(record, "workload");
    json_object_set_new(workload, "api_version", json_string(from->api_version ? from->api_version : "apps/v1"));
    if (from->namespace) {
        json_object_set_new(workload, "namespace", *from->namespace ? json_string(from->namespace) : json_null());
    }
    if (from->budgets) {
        json_object_set_new(workload, "disruption_budgets", json_loads(from->budgets, 0, NULL));
    }
    json_t *usage = json_object_get(record, "usage");
    if (json_is_object(usage) && from->load) {
        made_series(from, usage, &replicas);
    }
    if (from->policies) {
        json_object_set_new(usage, "policies", json_loads(from->policies, 0, NULL));
    }
    return record;
}

/* New `scaling` of it. */
static inline json_t *made_scaling(struct made_scaled *from)
{
    struct arena arena;
    struct subject subject;
    struct policy policy;
    struct plan plan;
    struct class class;
    struct config *config;
    struct scaling_setup *setup;
    struct err err = {0};
    const char *text = from->config ? from->config : "version: 1\n";
    json_t *record = made_scaled_record(from);
    arena_init(&arena);
    assert_int_equal(config_parse(text, strlen(text), "tare.yaml", &config, &err), 0);
    assert_int_equal(scaling_setup_new(config, &setup, &err), 0);
    subject_read(record, &arena, &subject);
    policy_for(config, subject.workload, NULL, NULL, &policy);
    class_of(&subject, &class);
    plan_make(&subject, &policy, &arena, &plan);
    plan_settle(&plan);
    json_t *out = scaling_new(&plan, &class, setup, &arena);
    scaling_setup_free(setup);
    config_free(config);
    arena_release(&arena);
    json_decref(record);
    return out;
}

/* Member at a dotted path as text, "" where there is none. Borrowed. */
static inline const char *made_text(const json_t *scaling, const char *path)
{
    const char *text = json_string_value(json_at(scaling, path));
    return text ? text : "";
}

/* Whether there is advice of this code. */
static inline bool made_advises(const json_t *scaling, const char *code)
{
    size_t index;
    json_t *entry;
    json_array_foreach(json_object_get(scaling, "advice"), index, entry)
    {
        if (str_equal(json_string_or_null(entry, "code"), code)) {
            return true;
        }
    }
    return false;
}

/* The first manifest of a kind, NULL for none. Borrowed. */
static inline const char *made_yaml(const json_t *scaling, const char *kind)
{
    size_t index;
    json_t *entry;
    json_array_foreach(json_object_get(scaling, "manifests"), index, entry)
    {
        if (str_equal(json_string_or_null(entry, "kind"), kind)) {
            return json_string_or_null(entry, "yaml");
        }
    }
    return NULL;
}

#endif
