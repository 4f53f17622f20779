/*
 * make_usage [SEED [END]]: reads an inventory on stdin and writes a usage artifact on stdout, as tare-collect would
 * from seven days until END (default: when the inventory was made) of metrics every minute: made series every 5 minutes of eight shapes of load (steady, by
 * the day, by the working week, bursts, growth, a step, a short job each day, hardly anything) and of memory
 * (steady, with the load, a leak, a cache that fills), and the figures that follow from them. The same for
 * the same seed and workload. For benches and tests that need usage without a server.
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
#include "stages/analyze/rules/figures.h"

enum {
    HOURS = 168,
    STEPS_AN_HOUR = 12,
    STEPS_A_DAY = 24 * STEPS_AN_HOUR,
    STEPS = HOURS * STEPS_AN_HOUR,
    SAMPLES_A_POD = 10080
};

static const double pi = 3.14159265358979;

enum shape { STEADY, DAILY, WORKWEEK, BURSTS, GROWTH, STEP, DAILY_JOB, IDLE, SHAPES };

enum memory_shape { MEMORY_STEADY, MEMORY_FOLLOWS, MEMORY_LEAKS, MEMORY_FILLS, MEMORY_SHAPES };

/* A week of one resource: mean and highest sample of each step. */
struct week {
    double mean[STEPS], high[STEPS];
};

/* How busy a container of this shape is in step I, 0 to 1. `x` is its own number, 0 to 1: the hour of its
 * peak, where it steps. */
static double load(enum shape shape, int i, double x)
{
    double hour = (i % STEPS_A_DAY) / (double)STEPS_AN_HOUR;
    double wave = (1 + cos((hour / 24 - x) * 2 * pi)) / 2;
    switch (shape) {
    case DAILY:
        return wave * sqrt(wave);
    case WORKWEEK:
        return wave * (i / STEPS_A_DAY % 7 < 5 ? 1 : 0.15);
    case BURSTS:
        return rng_unit() < 0.03 ? 1 : 0.1;
    case GROWTH:
        return (0.3 + 0.7 * i / STEPS) * (0.8 + 0.2 * wave);
    case STEP:
        return i > (0.5 + 0.4 * x) * STEPS ? 1 : 0.4;
    case DAILY_JOB:
        return hour >= 20 * x && hour < 20 * x + 0.75 ? 1 : 0.08;
    case IDLE:
        return 0.01;
    case STEADY:
    case SHAPES:
        break;
    }
    return 0.8;
}

/* Noise of a step that leans on the step before, as load does. */
static double wander(double *noise, double sigma)
{
    *noise = 0.7 * *noise + sigma * (rng_unit() + rng_unit() + rng_unit() - 1.5);
    return fmax(0.1, 1 + *noise);
}

static void make_cpu(struct week *week, enum shape shape, double busy)
{
    double x = rng_unit();
    double valley = 0.1 + 0.3 * rng_unit();
    double sigma = 0.02 + 0.1 * rng_unit();
    double noise = 0;
    for (int i = 0; i < STEPS; i++) {
        double share = shape == IDLE ? load(shape, i, x) : valley + (1 - valley) * load(shape, i, x);
        week->mean[i] = busy * share * wander(&noise, sigma);
        week->high[i] = week->mean[i] * (1 + 0.3 * sigma + 2 * sigma * rng_unit());
    }
}

static void make_memory(struct week *week, const struct week *cpu, enum memory_shape shape, double busy)
{
    double noise = 0;
    double top = 0;
    for (int i = 0; i < STEPS; i++) {
        top = fmax(top, cpu->mean[i]);
    }
    for (int i = 0; i < STEPS; i++) {
        double share = shape == MEMORY_FOLLOWS ? 0.7 + 0.3 * cpu->mean[i] / top
                       : shape == MEMORY_LEAKS ? 0.4 + 0.6 * i / STEPS
                       : shape == MEMORY_FILLS ? 1 - 0.6 * exp(-i / (0.15 * STEPS))
                                               : 0.9;
        week->mean[i] = busy * share * wander(&noise, 0.004);
        week->high[i] = week->mean[i] * (1 + 0.01 * rng_unit());
    }
}

/* New {mean,min,max} by the hour. */
static json_t *hourly(const struct week *week)
{
    double mean[HOURS], low[HOURS], high[HOURS];
    for (int i = 0; i < HOURS; i++) {
        mean[i] = high[i] = 0;
        low[i] = INFINITY;
        for (int j = i * STEPS_AN_HOUR; j < (i + 1) * STEPS_AN_HOUR; j++) {
            mean[i] += week->mean[j] / STEPS_AN_HOUR;
            low[i] = fmin(low[i], 2 * week->mean[j] - week->high[j]);
            high[i] = fmax(high[i], week->high[j]);
        }
    }
    return json_pack("{s:i, s:o, s:o, s:o}", "step_seconds", 3600, "mean", series_json(mean, HOURS), "min",
                     series_json(low, HOURS), "max", series_json(high, HOURS));
}

static void set_real(json_t *object, const char *name, double value)
{
    json_object_set_new(object, name, json_real(value));
}

/* The figures of all steps, as of samples that lie at the steps' means. */
static void put_figures(json_t *object, const struct figures *use)
{
    const struct {
        const char *name;
        double value;
    } figures[] = {{"mean", use->mean},
                   {"p50", use->p50},
                   {"p90", use->p90},
                   {"p95", use->p95},
                   {"p99", use->p99},
                   {"p99_5", use->p995},
                   {"max", use->max},
                   {"min", use->p50 / 2},
                   {"wmean", use->mean},
                   {"wp50", use->p50},
                   {"wp90", use->p90},
                   {"wp95", use->weighted_p95},
                   {"wp99", use->weighted_p99},
                   {"bh90", use->busy_hour_p90},
                   {"pod_wp95_max", use->weighted_p95 * 1.02},
                   {"pod_wp95_median", use->weighted_p95},
                   {"pod_wp95_p95", use->weighted_p95 * 1.02},
                   {"p95_recent", use->p95_recent},
                   {"p95_earlier", use->p95_before},
                   {"startup_p99", use->p99},
                   {"startup_max", use->max},
                   {"stddev", use->p90 - use->p50}};
    for (size_t i = 0; i < ARRAY_COUNT(figures); i++) {
        set_real(object, figures[i].name, figures[i].value);
    }
}

static json_t *figures(const struct week *week, int pods, int64_t end, struct arena *arena)
{
    char at[RFC3339_MAX];
    struct figures use;
    struct steps steps = {end - HOURS * 3600, 300, STEPS, week->mean, week->high};
    json_t *object = json_object();
    figures_of_steps(&steps, 0, STEPS, NULL, arena, &use);
    put_figures(object, &use);
    json_object_set_new(object, "max_at", json_string(time_format(end - 7200, at)));
    json_object_set_new(object, "samples", json_integer((json_int_t)SAMPLES_A_POD * pods));
    json_object_set_new(object, "expected", json_integer((json_int_t)SAMPLES_A_POD * pods));
    json_object_set_new(object, "approximate", json_false());
    json_object_set_new(object, "bh90_hour", json_integer(14));
    json_object_set_new(object, "pods", json_integer(pods));
    json_object_set_new(object, "hot_pod", json_null());
    json_object_set_new(object, "hourly", hourly(week));
    json_object_set_new(object, "series",
                        json_pack("{s:i, s:o, s:o}", "step_seconds", 300, "mean",
                                  series_json(week->mean, STEPS), "max", series_json(week->high, STEPS)));
    arena_clear(arena);
    return object;
}

static json_t *container_usage(const json_t *container, int pods, int64_t end, struct arena *arena)
{
    const json_t *requests = json_object_get(container, "requests");
    double cpu = (double)json_int_or(requests, "cpu_millicores", 200);
    double memory = (double)json_int_or(requests, "memory_bytes", 256 * 1024 * 1024);
    struct week busy;
    struct week resident;
    char at[RFC3339_MAX];
    json_t *usage = json_object();
    time_format(end - 7200, at);
    make_cpu(&busy, (enum shape)(rng_unit() * SHAPES), fmax(1, cpu * (0.1 + 1.2 * rng_unit())));
    json_object_set_new(usage, "cpu_millicores", figures(&busy, pods, end, arena));
    make_memory(&resident, &busy, (enum memory_shape)(rng_unit() * MEMORY_SHAPES),
                memory * (0.3 + 0.6 * rng_unit()));
    json_object_set_new(usage, "memory_bytes", figures(&resident, pods, end, arena));
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

static json_t *usage_of(const json_t *workload, int64_t end, struct arena *arena)
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
    json_t *usage =
        json_pack("{s:s, s:{s:s, s:s, s:i}, s:i, s:i, s:i, s:i, s:f, s:i, s:f, s:s, s:s, s:i, s:s, s:o}",
                  "source", "file", "window", "start", from, "end", to, "seconds", 604800, "interval_seconds",
                  60, "rate_window_seconds", 240, "pods", pods, "replicas", pods, "replicas_mean",
                  (double)pods, "replicas_max", pods, "coverage", 1.0, "first_seen", from, "last_seen", to,
                  "history_seconds", 604740, "matched_by", "owners", "hourly_replicas", hourly);
    json_t *containers = json_object();
    json_t *init = json_object();
    size_t index;
    json_t *container;
    json_array_foreach(json_object_get(workload, "containers"), index, container)
    {
        const char *name = json_string_or_null(container, "name");
        bool starts = str_equal(json_string_or_null(container, "role"), "init");
        json_object_set_new(starts ? init : containers, name, container_usage(container, pods, end, arena));
    }
    json_object_set_new(usage, "containers", containers);
    json_object_set_new(usage, "init_containers", init);
    return usage;
}

static int add_usage(struct artifact_reader *reader, struct artifact_writer *writer, uint64_t seed,
                     int64_t end, struct err *err)
{
    json_t *record;
    struct arena arena;
    int got;
    arena_init(&arena);
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
            json_object_set_new(record, "usage", usage_of(workload, end, &arena));
        }
        int failed = artifact_write(writer, record, err);
        json_decref(record);
        if (failed) {
            arena_release(&arena);
            return -1;
        }
    }
    arena_release(&arena);
    return got < 0 ? -1
                   : artifact_finish(writer, artifact_reader_digest(reader),
                                     json_object_get(artifact_reader_trailer(reader), "skipped"), err);
}

int main(int argc, char **argv)
{
    json_init();
    struct err err = {0};
    struct artifact_reader *reader = NULL;
    int64_t created = 0;
    if (artifact_reader_new(STDIN_FILENO, "standard input", ARTIFACT_BIT(ARTIFACT_INVENTORY), &reader,
                            &err)) {
        fprintf(stderr, "make_usage: %s\n", err.message);
        return (int)err.class;
    }
    const char *text = json_string_or_null(artifact_reader_header(reader), "created");
    time_parse(text == NULL ? "" : text, &created, &err);
    int64_t end = created;
    if (argc > 2 && time_parse(argv[2], &end, &err)) {
        fprintf(stderr, "make_usage: %s\n", err.message);
        return 64;
    }
    json_t *settings = json_deep_copy(json_object_get(artifact_reader_header(reader), "settings"));
    struct artifact_writer *writer =
        artifact_writer_new(STDOUT_FILENO, ARTIFACT_USAGE, created, "make_usage 0.1.0", settings);
    int failed = add_usage(reader, writer, argc > 1 ? strtoull(argv[1], NULL, 10) : 1, end, &err);
    if (failed) {
        fprintf(stderr, "make_usage: %s\n", err.message);
    }
    artifact_writer_free(writer);
    artifact_reader_free(reader);
    return failed ? (int)err.class : 0;
}
