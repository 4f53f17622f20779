#ifndef TARE_TESTS_WEEKS_BUILDER_H
#define TARE_TESTS_WEEKS_BUILDER_H

/* Made courses of usage for the tests of findings: five-minute steps in, a record as tare-collect writes it
 * out. The window ends on a Sunday, 2026-11-22T00:00:00Z. */

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/clock.h"
#include "pipeline/base/rng.h"
#include "pipeline/io/json.h"
#include "pipeline/run/series.h"

enum {
    WEEK_STEP = 300,
    WEEK_DAY = 288,
    WEEK_HOUR = 12,
    WEEK_STEPS = 7 * WEEK_DAY,
    WEEKS_STEPS_MAX = 4 * WEEK_STEPS
};
#define WEEK_END INT64_C(1795305600)
#define WEEK_MIB 1048576.0

/* What a made workload is like; the values are means over its pods, a gap is NaN. */
struct week {
    const char *kind;
    size_t count; /* steps */
    double cpu[WEEKS_STEPS_MAX], memory[WEEKS_STEPS_MAX];
    double high[WEEKS_STEPS_MAX];                                /* of the CPU; 0: as `cpu` */
    double cpu_request, cpu_limit, memory_request, memory_limit; /* 0: none */
    double replicas, throttled, throttled_hour, oom_kills, restarts, startup;
    double pod_max, pod_median; /* 0: as p95 */
    const char *autoscaler;     /* JSON or NULL */
};

static inline int week_compare(const void *a, const void *b)
{
    const double *x = a;
    const double *y = b;
    return (*x > *y) - (*x < *y);
}

static inline double week_normal(void)
{
    return sqrt(-2 * log(rng_unit() + 1e-12)) * cos(6.283185307179586 * rng_unit());
}

static inline int64_t week_start(const struct week *week)
{
    return WEEK_END - (int64_t)week->count * WEEK_STEP;
}

/* Hour of the day, 0 to 24, and day of the week, 0 is Sunday, of a step. */
static inline double week_hour(const struct week *week, size_t i)
{
    return (double)((week_start(week) + (int64_t)i * WEEK_STEP) % 86400) / 3600;
}

static inline int week_weekday(const struct week *week, size_t i)
{
    return (int)(((week_start(week) + (int64_t)i * WEEK_STEP) / 86400 + 4) % 7);
}

/* Level `base` with noise that wanders. */
static inline void week_fill(double *values, size_t count, double base, double noise)
{
    double wander = 0;
    for (size_t i = 0; i < count; i++) {
        wander = 0.9 * wander + week_normal() * noise * 0.43;
        values[i] = base * exp(wander);
    }
}

static inline json_t *week_hourly(const double *values, size_t count, int which)
{
    static double hours[WEEKS_STEPS_MAX / WEEK_HOUR];
    for (size_t h = 0; h < count / WEEK_HOUR; h++) {
        double sum = 0;
        double seen = 0;
        double low = INFINITY;
        double high = -INFINITY;
        for (size_t i = h * WEEK_HOUR; i < (h + 1) * WEEK_HOUR; i++) {
            if (!isnan(values[i])) {
                sum += values[i];
                seen += 1;
                low = fmin(low, values[i]);
                high = fmax(high, values[i]);
            }
        }
        hours[h] = seen < 1 ? NAN : which < 0 ? low : which > 0 ? high : sum / seen;
    }
    return series_json(hours, count / WEEK_HOUR);
}

static inline json_t *week_figures(const double *values, const double *high, size_t count,
                                   const struct week *week, bool cpu)
{
    static double sorted[WEEKS_STEPS_MAX];
    static const struct {
        const char *key;
        double q;
    } rows[] = {{"p50", 0.5}, {"p90", 0.9},   {"p95", 0.95},  {"p99", 0.99}, {"p99_5", 0.995},
                {"max", 1},   {"wp95", 0.95}, {"wp99", 0.99}, {"bh90", 0.95}};
    size_t n = 0;
    for (size_t i = 0; i < count; i++) {
        if (!isnan(values[i])) {
            sorted[n++] = values[i];
        }
    }
    qsort(sorted, n, sizeof *sorted, week_compare);
    json_t *out = json_object();
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        json_object_set_new(out, rows[i].key,
                            json_real_or_null(sorted[(size_t)(rows[i].q * (double)(n - 1))]));
    }
    double p95 = sorted[(size_t)(0.95 * (double)(n - 1))];
    json_object_set_new(out, "samples", json_integer((json_int_t)n));
    json_object_set_new(out, "pods", json_real(fmax(week->replicas, 1)));
    json_object_set_new(out, "pod_wp95_max", json_real(cpu && week->pod_max > 0 ? week->pod_max : p95));
    json_object_set_new(out, "pod_wp95_median",
                        json_real(cpu && week->pod_median > 0 ? week->pod_median : p95));
    if (cpu && week->startup > 0) {
        json_object_set_new(out, "startup_p99", json_real(week->startup));
        json_object_set_new(out, "startup_max", json_real(week->startup));
    }
    json_t *hourly = json_object();
    json_object_set_new(hourly, "step_seconds", json_integer(3600));
    json_object_set_new(hourly, "min", week_hourly(values, count, -1));
    json_object_set_new(hourly, "mean", week_hourly(values, count, 0));
    json_object_set_new(hourly, "max", week_hourly(high, count, 1));
    json_object_set_new(out, "hourly", hourly);
    json_t *series = json_object();
    json_object_set_new(series, "step_seconds", json_integer(WEEK_STEP));
    json_object_set_new(series, "mean", series_json(values, count));
    json_object_set_new(series, "max", series_json(high, count));
    json_object_set_new(out, "series", series);
    return out;
}

static inline json_t *week_amounts(double cpu, double memory)
{
    json_t *out = json_object();
    json_object_set_new(out, "cpu_millicores", json_int_or_null(cpu > 0, (int64_t)cpu));
    json_object_set_new(out, "memory_bytes", json_int_or_null(memory > 0, (int64_t)memory));
    return out;
}

/* New record. */
static inline json_t *week_record(const struct week *week)
{
    char start[RFC3339_MAX];
    char end[RFC3339_MAX];
    (void)time_format(week_start(week), start);
    (void)time_format(WEEK_END, end);
    json_int_t seconds = (json_int_t)week->count * WEEK_STEP;
    json_t *container = json_pack("{s:s,s:s,s:o,s:o}", "name", "app", "role", "container", "requests",
                                  week_amounts(week->cpu_request, week->memory_request), "limits",
                                  week_amounts(week->cpu_limit, week->memory_limit));
    json_t *workload = json_pack(
        "{s:s,s:s,s:s,s:i,s:o,s:[o]}", "namespace", "shop", "kind", week->kind ? week->kind : "Deployment",
        "name", "cart", "replicas", (int)fmax(week->replicas, 1), "autoscaler",
        week->autoscaler ? json_loads(week->autoscaler, 0, NULL) : json_null(), "containers", container);
    json_t *app = json_pack(
        "{s:o,s:o,s:f,s:f,s:f,s:f}", "cpu_millicores",
        week_figures(week->cpu, week->high[0] > 0 ? week->high : week->cpu, week->count, week, true),
        "memory_bytes", week_figures(week->memory, week->memory, week->count, week, false), "throttled_ratio",
        week->throttled, "throttled_worst_hour", week->throttled_hour, "oom_kills", week->oom_kills,
        "restarts", week->restarts);
    json_t *usage =
        json_pack("{s:{s:s,s:s,s:I},s:f,s:I,s:f,s:f,s:{s:o}}", "window", "start", start, "end", end,
                  "seconds", seconds, "coverage", 1.0, "history_seconds", seconds, "pods",
                  fmax(week->replicas, 1), "replicas", fmax(week->replicas, 1), "containers", "app", app);
    return json_pack("{s:o,s:[],s:o}", "workload", workload, "problems", "usage", usage);
}

#endif
