#ifndef TARE_TESTS_SUBJECT_BUILDER_H
#define TARE_TESTS_SUBJECT_BUILDER_H

/* Made workloads for the tests of tare-analyze: plain figures in, a record as tare-collect writes it out. */

#include <math.h>
#include <string.h>

#include "pipeline/io/json.h"
#include "pipeline/run/series.h"

enum { UNSET = -1 };

#define MIB 1048576.0

/* One resource's usage: a handful of figures; what is 0 is made up from the others. */
struct made_use {
    double p50, p90, p95, p99, max;
    double wp95, wp99, bh90;
    double pods, pod_max, pod_median, pod_p95;
    double recent, earlier;
    double slope_per_hour; /* of the hourly minima, from p50 */
    double startup;        /* p99 of starting; 0: no start was seen */
};

struct made_container {
    const char *name;
    const char *role;
    const char *image;
    int64_t cpu_request, cpu_limit, memory_request, memory_limit;
    struct made_use cpu, memory;
    double throttled, throttled_hour, oom_kills;
    const char *oom_last; /* time, NULL unknown */
    double oom_limit;     /* at that time, 0 unknown */
    double samples;       /* 0: as the window has */
    bool no_usage;
};

struct made_workload {
    const char *kind;
    const char *name;
    double replicas;
    double days;     /* of history; 0: 7 */
    double coverage; /* of the window; 0: full since the first sample */
    double pods;
    const char *autoscaler; /* JSON, NULL for none; so the next ones */
    const char *limit_ranges, *quotas, *annotations, *namespace_annotations;
    bool no_usage;
    size_t count;
    struct made_container containers[4];
};

static inline double made_or(double value, double fallback)
{
    return value > 0 ? value : fallback;
}

static inline json_t *made_hours(double from, double slope)
{
    double values[168];
    for (int i = 0; i < 168; i++) {
        values[i] = from + slope * i;
    }
    return series_json(values, 168);
}

static inline json_t *made_figures(const struct made_use *use, double samples, double pods)
{
    struct {
        const char *key;
        double value;
    } rows[] = {{"mean", use->p50},
                {"p50", use->p50},
                {"p90", use->p90},
                {"p95", use->p95},
                {"p99", use->p99},
                {"p99_5", use->p99},
                {"max", use->max},
                {"wp95", made_or(use->wp95, use->p95)},
                {"wp99", made_or(use->wp99, use->p99)},
                {"bh90", made_or(use->bh90, use->p90)},
                {"samples", samples},
                {"pods", made_or(use->pods, pods)},
                {"pod_wp95_max", made_or(use->pod_max, use->p95)},
                {"pod_wp95_median", made_or(use->pod_median, use->p95)},
                {"pod_wp95_p95", made_or(use->pod_p95, use->p95)},
                {"p95_recent", made_or(use->recent, use->p95)},
                {"p95_earlier", made_or(use->earlier, use->p95)}};
    json_t *out = json_object();
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        json_object_set_new(out, rows[i].key, json_real(rows[i].value));
    }
    json_t *hourly = json_pack("{s:i}", "step_seconds", 3600);
    json_object_set_new(hourly, "min", made_hours(use->p50, use->slope_per_hour));
    json_object_set_new(hourly, "mean", made_hours(use->p50, use->slope_per_hour));
    json_object_set_new(hourly, "max", made_hours(use->p95, use->slope_per_hour));
    json_object_set_new(out, "hourly", hourly);
    json_object_set_new(out, "startup_p99", use->startup > 0 ? json_real(use->startup) : json_null());
    return out;
}

static inline json_t *made_amounts(int64_t cpu, int64_t memory)
{
    json_t *out = json_object();
    json_object_set_new(out, "cpu_millicores", json_int_or_null(cpu >= 0, cpu));
    json_object_set_new(out, "memory_bytes", json_int_or_null(memory >= 0, memory));
    return out;
}

static inline json_t *made_container_usage(const struct made_container *from, double samples, double pods)
{
    json_t *out = json_object();
    samples = made_or(from->samples, samples);
    json_object_set_new(out, "cpu_millicores", made_figures(&from->cpu, samples, pods));
    json_object_set_new(out, "memory_bytes", made_figures(&from->memory, samples, pods));
    json_object_set_new(out, "throttled_ratio", json_real(from->throttled));
    json_object_set_new(out, "throttled_worst_hour", json_real(from->throttled_hour));
    json_object_set_new(out, "oom_kills", json_real(from->oom_kills));
    json_object_set_new(out, "restarts", json_real(from->oom_kills));
    json_object_set_new(out, "oom_last_at", from->oom_last ? json_string(from->oom_last) : json_null());
    json_object_set_new(out, "oom_limit_bytes", from->oom_limit > 0 ? json_real(from->oom_limit) : json_null());
    return out;
}

static inline json_t *made_usage(const struct made_workload *from)
{
    double days = made_or(from->days, 7);
    double pods = made_or(from->pods, made_or(from->replicas, 1));
    json_t *out = json_object();
    json_object_set_new(out, "window",
                        json_pack("{s:s,s:s,s:i}", "start", "2026-11-15T03:00:00Z", "end",
                                  "2026-11-22T03:00:00Z", "seconds", 604800));
    json_object_set_new(out, "coverage", json_real(from->coverage > 0 ? from->coverage : days / 7));
    json_object_set_new(out, "history_seconds", json_real(days * 86400));
    json_object_set_new(out, "pods", json_real(pods));
    json_object_set_new(out, "replicas", json_real(made_or(from->replicas, 1)));
    json_t *containers = json_object();
    json_t *init = json_object();
    for (size_t i = 0; i < from->count; i++) {
        const struct made_container *container = &from->containers[i];
        bool starts = container->role && strcmp(container->role, "init") == 0;
        if (!container->no_usage) {
            json_object_set_new(starts ? init : containers, container->name,
                                made_container_usage(container, days * 1440 * pods, pods));
        }
    }
    json_object_set_new(out, "containers", containers);
    json_object_set_new(out, "init_containers", init);
    return out;
}

/* Sets a member from JSON text, if there is any. */
static inline void made_member(json_t *out, const char *key, const char *text)
{
    if (text) {
        json_object_set_new(out, key, json_loads(text, 0, NULL));
    }
}

/* New record. */
static inline json_t *made_record(const struct made_workload *from)
{
    json_t *containers = json_array();
    for (size_t i = 0; i < from->count; i++) {
        const struct made_container *container = &from->containers[i];
        json_t *entry = json_object();
        json_object_set_new(entry, "name", json_string(container->name));
        json_object_set_new(entry, "role", json_string(container->role ? container->role : "container"));
        json_object_set_new(entry, "image", json_string(container->image ? container->image : "shop/app:1"));
        json_object_set_new(entry, "requests",
                            made_amounts(container->cpu_request, container->memory_request));
        json_object_set_new(entry, "limits", made_amounts(container->cpu_limit, container->memory_limit));
        json_array_append_new(containers, entry);
    }
    json_t *workload = json_object();
    json_object_set_new(workload, "namespace", json_string("shop"));
    json_object_set_new(workload, "kind", json_string(from->kind ? from->kind : "Deployment"));
    json_object_set_new(workload, "name", json_string(from->name ? from->name : "cart"));
    json_object_set_new(workload, "replicas", json_integer((json_int_t)made_or(from->replicas, 1)));
    json_object_set_new(workload, "autoscaler",
                        from->autoscaler ? json_loads(from->autoscaler, 0, NULL) : json_null());
    json_object_set_new(workload, "containers", containers);
    made_member(workload, "limit_ranges", from->limit_ranges);
    made_member(workload, "quotas", from->quotas);
    made_member(workload, "annotations", from->annotations);
    made_member(workload, "namespace_annotations", from->namespace_annotations);
    json_t *record = json_object();
    json_object_set_new(record, "workload", workload);
    json_object_set_new(record, "problems", json_array());
    json_object_set_new(record, "usage", from->no_usage ? json_null() : made_usage(from));
    return record;
}

#endif
