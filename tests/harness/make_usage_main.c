/*
 * make_usage [SEED]: reads an inventory on stdin and writes a usage artifact on stdout, as tare-collect would from seven days of metrics,
 * with made figures: the same for the same seed and workload. For benches and tests that need usage without a server.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pipeline/base/clock.h"
#include "pipeline/base/mem.h"
#include "pipeline/base/rng.h"
#include "pipeline/base/str.h"
#include "pipeline/run/artifact.h"
#include "pipeline/run/series.h"

enum { HOURS = 168, STEPS_AN_HOUR = 12, STEPS = HOURS * STEPS_AN_HOUR, SAMPLES_A_POD = 10080 };

/* A week of one resource: a level for each hour, around which samples lie. */
struct week {
    double mean[HOURS];
    double low;
    double high;
    double spread;
};

static void make_week(struct week *week, double busy, double spread)
{
    double valley = busy * (0.2 + 0.5 * rng_unit());
    double peak_hour = floor(24 * rng_unit());
    week->low = INFINITY;
    week->high = 0;
    week->spread = spread;
    for (int i = 0; i < HOURS; i++) {
        double phase = cos((i % 24 - peak_hour) / 24 * 2 * 3.14159265358979);
        week->mean[i] = valley + (busy - valley) * (phase + 1) / 2 * (0.95 + 0.1 * rng_unit());
        week->low = fmin(week->low, week->mean[i]);
        week->high = fmax(week->high, week->mean[i]);
    }
}

static json_t *hourly_series(const struct week *week, double factor)
{
    double values[HOURS];
    for (int i = 0; i < HOURS; i++) {
        values[i] = week->mean[i] * factor;
    }
    return series_json(values, HOURS);
}

/* Every 5 minutes, a little beside the hour's level. */
static json_t *step_series(const struct week *week, double factor)
{
    double values[STEPS];
    for (int i = 0; i < STEPS; i++) {
        values[i] = week->mean[i / STEPS_AN_HOUR] * factor * (0.98 + 0.04 * rng_unit());
    }
    return series_json(values, STEPS);
}

static double quantile(const struct week *week, double q)
{
    return week->low + (week->high * (1 + week->spread) - week->low) * q * q;
}

static void set_real(json_t *object, const char *name, double value)
{
    json_object_set_new(object, name, json_real(value));
}

static json_t *figures(const struct week *week, int pods, const char *at)
{
    static const struct {
        const char *name;
        double q;
    } quantiles[] = {{"mean", 0.7},  {"min", 0},      {"p50", 0.7},   {"p90", 0.93},  {"p95", 0.95}, {"p99", 0.98},
                     {"p99_5", 0.985}, {"max", 1},    {"wmean", 0.7}, {"wp50", 0.7},  {"wp90", 0.93}, {"wp95", 0.95},
                     {"wp99", 0.98}, {"bh90", 0.96},  {"pod_wp95_max", 0.95}, {"pod_wp95_median", 0.94}, {"pod_wp95_p95", 0.95},
                     {"p95_recent", 0.95}, {"p95_earlier", 0.95}, {"startup_p99", 0.97}, {"startup_max", 1}};
    json_t *object = json_object();
    for (size_t i = 0; i < ARRAY_COUNT(quantiles); i++) {
        set_real(object, quantiles[i].name, quantile(week, quantiles[i].q));
    }
    set_real(object, "stddev", (week->high - week->low) / 3);
    json_object_set_new(object, "max_at", json_string(at));
    json_object_set_new(object, "samples", json_integer((json_int_t)SAMPLES_A_POD * pods));
    json_object_set_new(object, "expected", json_integer((json_int_t)SAMPLES_A_POD * pods));
    json_object_set_new(object, "approximate", json_false());
    json_object_set_new(object, "bh90_hour", json_integer(14));
    json_object_set_new(object, "pods", json_integer(pods));
    json_object_set_new(object, "hot_pod", json_null());
    json_object_set_new(object, "hourly",
                        json_pack("{s:i, s:o, s:o, s:o}", "step_seconds", 3600, "mean", hourly_series(week, 1), "min",
                                  hourly_series(week, 1 - week->spread / 2), "max", hourly_series(week, 1 + week->spread)));
    json_object_set_new(object, "series",
                        json_pack("{s:i, s:o, s:o}", "step_seconds", 300, "mean", step_series(week, 1), "max",
                                  step_series(week, 1 + week->spread / 2)));
    return object;
}

static json_t *container_usage(const json_t *container, int pods, const char *at)
{
    const json_t *requests = json_object_get(container, "requests");
    double cpu = (double)json_int_or(requests, "cpu_millicores", 200);
    double memory = (double)json_int_or(requests, "memory_bytes", 256 * 1024 * 1024);
    struct week week;
    json_t *usage = json_object();
    make_week(&week, fmax(1, cpu * (0.1 + 1.2 * rng_unit())), 0.6);
    json_object_set_new(usage, "cpu_millicores", figures(&week, pods, at));
    make_week(&week, memory * (0.3 + 0.6 * rng_unit()), 0.05);
    json_object_set_new(usage, "memory_bytes", figures(&week, pods, at));
    json_object_set_new(usage, "declared", json_true());
    bool limited = json_is_integer(json_at(container, "limits.cpu_millicores"));
    json_object_set_new(usage, "throttled_ratio", limited ? json_real(0.1 * rng_unit()) : json_null());
    json_object_set_new(usage, "throttled_worst_hour", limited ? json_real(0.2) : json_null());
    json_object_set_new(usage, "throttled_worst_hour_at", limited ? json_string(at) : json_null());
    json_object_set_new(usage, "oom_kills", json_integer(rng_unit() < 0.02));
    json_object_set_new(usage, "oom_last_at", json_null());
    json_object_set_new(usage, "oom_limit_bytes", json_null());
    json_object_set_new(usage, "restarts", json_integer(0));
    return usage;
}

static json_t *usage_of(const json_t *workload, int64_t end)
{
    char from[RFC3339_MAX];
    char to[RFC3339_MAX];
    time_format(end - 7 * 86400, from);
    time_format(end, to);
    int pods = (int)json_int_or(workload, "replicas", 1);
    pods = pods < 1 ? 1 : pods;
    json_t *hourly = json_array();
    for (int i = 0; i < HOURS; i++) {
        json_array_append_new(hourly, json_integer(pods));
    }
    json_t *usage = json_pack("{s:s, s:{s:s, s:s, s:i}, s:i, s:i, s:i, s:i, s:f, s:i, s:f, s:s, s:s, s:i, s:s, s:o}", "source",
                              "file", "window", "start", from, "end", to, "seconds", 604800, "interval_seconds", 60,
                              "rate_window_seconds", 240, "pods", pods, "replicas", pods, "replicas_mean", (double)pods,
                              "replicas_max", pods, "coverage", 1.0, "first_seen", from, "last_seen", to, "history_seconds",
                              604740, "matched_by", "owners", "hourly_replicas", hourly);
    json_t *containers = json_object();
    json_t *init = json_object();
    size_t index;
    json_t *container;
    json_array_foreach(json_object_get(workload, "containers"), index, container)
    {
        const char *name = json_string_or_null(container, "name");
        bool starts = str_equal(json_string_or_null(container, "role"), "init");
        json_object_set_new(starts ? init : containers, name, container_usage(container, pods, to));
    }
    json_object_set_new(usage, "containers", containers);
    json_object_set_new(usage, "init_containers", init);
    return usage;
}

static int add_usage(struct artifact_reader *reader, struct artifact_writer *writer, uint64_t seed, int64_t end,
                     struct err *err)
{
    json_t *record;
    int got;
    while ((got = artifact_read(reader, &record, err)) > 0) {
        const json_t *workload = json_object_get(record, "workload");
        if (workload != NULL) {
            char *name = json_text(json_object_get(workload, "name"));
            uint64_t state = seed;
            for (const char *p = name; *p != '\0'; p++) {
                state = (state ^ (unsigned char)*p) * UINT64_C(0x100000001b3);
            }
            free(name);
            rng_seed(state);
            json_object_set_new(record, "usage", usage_of(workload, end));
        }
        int failed = artifact_write(writer, record, err);
        json_decref(record);
        if (failed) {
            return -1;
        }
    }
    return got < 0 ? -1 : artifact_finish(writer, artifact_reader_digest(reader),
                                          json_object_get(artifact_reader_trailer(reader), "skipped"), err);
}

int main(int argc, char **argv)
{
    json_init();
    struct err err = {0};
    struct artifact_reader *reader = NULL;
    int64_t created = 0;
    if (artifact_reader_new(STDIN_FILENO, "standard input", ARTIFACT_BIT(ARTIFACT_INVENTORY), &reader, &err)) {
        fprintf(stderr, "make_usage: %s\n", err.message);
        return (int)err.class;
    }
    const char *text = json_string_or_null(artifact_reader_header(reader), "created");
    time_parse(text == NULL ? "" : text, &created, &err);
    json_t *settings = json_deep_copy(json_object_get(artifact_reader_header(reader), "settings"));
    struct artifact_writer *writer = artifact_writer_new(STDOUT_FILENO, ARTIFACT_USAGE, created, "make_usage 0.1.0", settings);
    int failed = add_usage(reader, writer, argc > 1 ? strtoull(argv[1], NULL, 10) : 1, created, &err);
    if (failed) {
        fprintf(stderr, "make_usage: %s\n", err.message);
    }
    artifact_writer_free(writer);
    artifact_reader_free(reader);
    return failed ? (int)err.class : 0;
}
