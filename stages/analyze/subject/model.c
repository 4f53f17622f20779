#include "stages/analyze/subject/model.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "pipeline/base/clock.h"
#include "pipeline/base/quantity.h"
#include "pipeline/base/str.h"
#include "pipeline/run/series.h"
#include "stages/analyze/subject/allowance.h"
#include "stages/analyze/subject/scalers.h"

static const char *const resource_keys[RESOURCES] = {"cpu_millicores", "memory_bytes"};
static const char *const resource_words[RESOURCES] = {"CPU", "memory"};
static const char *const qos_names[] = {"BestEffort", "Burstable", "Guaranteed"};

const char *resource_key(enum resource resource)
{
    return resource_keys[resource];
}

const char *resource_word(enum resource resource)
{
    return resource_words[resource];
}

const char *qos_name(enum qos qos)
{
    return qos_names[qos];
}

char *amount_text(enum resource resource, double amount, char out[32])
{
    if (!isfinite(amount) || amount < 0 || amount > 9e15) {
        (void)snprintf(out, 32, "unknown");
    } else if (resource == CPU) {
        (void)quantity_cpu_format((int64_t)ceil(amount - 1e-9), out);
    } else {
        /* Whole MiB read better than exact bytes in a sentence; small amounts keep KiB. */
        double unit = amount >= 1048576 ? 1048576 : 1024;
        (void)quantity_memory_format((int64_t)(ceil(amount / unit - 1e-9) * unit), out);
    }
    return out;
}

/* A member that is a finite number ≥ 0, NaN otherwise. */
static double figure(const json_t *object, const char *key)
{
    double value;
    return json_get_number(object, key, &value) && isfinite(value) && value >= 0 ? value : NAN;
}

/* The first figure unless it is unknown, then the second. */
static double either(double first, double second)
{
    return isnan(first) ? second : first;
}

/* A number of pods, NaN for what is none. */
static double pods_figure(const json_t *object, const char *key)
{
    double value = figure(object, key);
    return value <= PODS_MAX ? value : NAN;
}

/* An amount of a manifest: a whole number ≥ 0, else absent. */
static int64_t amount(const json_t *amounts, enum resource resource)
{
    int64_t value = json_int_or(amounts, resource_keys[resource], AMOUNT_ABSENT);
    return value < 0 ? AMOUNT_ABSENT : value;
}

/* An instant of an RFC 3339 member; 0 when it is missing, no time, or one before 1970, so that hours and days of the week can be told
 * from it by division. */
static int64_t instant(const json_t *object, const char *key)
{
    const char *text = json_string_or_null(object, key);
    int64_t value = 0;
    if (text && (time_parse(text, &value, NULL) || value < 0)) {
        value = 0;
    }
    return value;
}

/* Reads a series of hours; what is none has no hours. */
static struct hours hours_read(const json_t *series, int64_t start, struct arena *arena)
{
    size_t count = series_length(series);
    count = count < HOURS_MAX ? count : HOURS_MAX;
    double *values = arena_alloc_array(arena, count + 1, sizeof *values);
    if (series_read(series, values, count, &count)) {
        count = 0;
    }
    return (struct hours){start, count, values};
}

/* One row of steps into `values`, NaN where it is shorter than the other. */
static void step_row(const json_t *series, double *values, size_t count)
{
    size_t read = 0;
    if (series_read(series, values, count, &read)) {
        read = 0;
    }
    for (; read < count; read++) {
        values[read] = NAN;
    }
}

/* Reads the steps of five minutes; what is none has no steps. */
static struct steps steps_read(const json_t *series, int64_t start, struct arena *arena)
{
    struct steps out = {.start = start, .step_seconds = json_int_or(series, "step_seconds", 0)};
    const json_t *mean = json_object_get(series, "mean");
    if (out.step_seconds <= 0 || out.step_seconds > 86400) {
        return (struct steps){.start = start, .step_seconds = 300};
    }
    size_t count = series_length(mean);
    out.count = count < STEPS_MAX ? count : STEPS_MAX;
    double *rows = arena_alloc_array(arena, 2 * out.count + 1, sizeof *rows);
    step_row(mean, rows, out.count);
    step_row(json_object_get(series, "max"), rows + out.count, out.count);
    out.mean = rows;
    out.high = rows + out.count;
    return out;
}

/* Usage figures of one resource. A weighted figure that is unknown is taken from its unweighted brother. */
static void figures_read(const json_t *from, int64_t start, struct arena *arena, struct figures *out)
{
    *out = (struct figures){.samples = figure(from, "samples"),
                            .mean = figure(from, "mean"),
                            .p50 = figure(from, "p50"),
                            .p90 = figure(from, "p90"),
                            .p95 = figure(from, "p95"),
                            .p99 = figure(from, "p99"),
                            .p995 = figure(from, "p99_5"),
                            .max = figure(from, "max"),
                            .weighted_p50 = figure(from, "wp50"),
                            .weighted_p95 = figure(from, "wp95"),
                            .weighted_p99 = figure(from, "wp99"),
                            .busy_hour_p90 = figure(from, "bh90"),
                            .pods = figure(from, "pods"),
                            .pod_p95_max = figure(from, "pod_wp95_max"),
                            .pod_p95_median = figure(from, "pod_wp95_median"),
                            .pod_p95_p95 = figure(from, "pod_wp95_p95"),
                            .hot_pod = json_string_or_null(from, "hot_pod"),
                            .p95_recent = figure(from, "p95_recent"),
                            .p95_before = figure(from, "p95_earlier"),
                            .weighted_p98 = NAN,
                            .day_p99_second = NAN,
                            .recent_p50 = NAN,
                            .recent_p90 = NAN,
                            .startup_p99 = figure(from, "startup_p99"),
                            .startup_max = figure(from, "startup_max")};
    out->weighted_p50 = either(out->weighted_p50, out->p50);
    out->weighted_p95 = either(out->weighted_p95, out->p95);
    out->weighted_p99 = either(out->weighted_p99, out->p99);
    out->p995 = either(out->p995, either(out->p99, out->max));
    const json_t *hourly = json_object_get(from, "hourly");
    if (json_int_or(hourly, "step_seconds", 3600) != 3600) {
        hourly = NULL;
    }
    out->low = hours_read(json_object_get(hourly, "min"), start, arena);
    out->mean_hour = hours_read(json_object_get(hourly, "mean"), start, arena);
    out->high = hours_read(json_object_get(hourly, "max"), start, arena);
    out->steps = steps_read(json_object_get(from, "series"), start, arena);
    out->known = isfinite(out->weighted_p95) && isfinite(out->max);
}

static enum role role_of(const json_t *container)
{
    const char *role = json_string_or_null(container, "role");
    if (str_equal(role, "init")) {
        return ROLE_INIT;
    }
    return str_equal(role, "sidecar") ? ROLE_SIDECAR : ROLE_CONTAINER;
}

/* One container of the manifest with its usage, if there is any. */
static void container_read(const json_t *from, const struct subject *subject, struct arena *arena,
                           struct container *out)
{
    const json_t *requests = json_object_get(from, "requests");
    const json_t *limits = json_object_get(from, "limits");
    const char *name = json_string_or_null(from, "name");
    const char *image = json_string_or_null(from, "image");
    *out = (struct container){.name = name ? name : "", .image = image ? image : "", .role = role_of(from)};
    out->ports = json_object_get(from, "ports");
    out->command = json_string_or_null(from, "command");
    const char *group = out->role == ROLE_INIT ? "init_containers" : "containers";
    const json_t *used = json_object_get(json_object_get(subject->usage, group), out->name);
    for (int r = 0; r < RESOURCES; r++) {
        out->request[r] = amount(requests, (enum resource)r);
        out->limit[r] = amount(limits, (enum resource)r);
        if (out->limit[r] == 0) {
            out->limit[r] = AMOUNT_ABSENT; /* Kubernetes takes a limit of 0 for none */
        }
        out->written_request[r] = out->request[r];
        out->written_limit[r] = out->limit[r];
        figures_read(json_object_get(used, resource_keys[r]), subject->window_start, arena, &out->use[r]);
    }
    allowance_fill(subject->allowance, out->request, out->limit);
    out->throttled = either(figure(used, "throttled_ratio"), 0);
    out->throttled_worst_hour = either(figure(used, "throttled_worst_hour"), 0);
    out->oom_kills = either(figure(used, "oom_kills"), 0);
    out->oom_limit = either(figure(used, "oom_limit_bytes"), 0);
    out->oom_last = instant(used, "oom_last_at");
    out->restarts = either(figure(used, "restarts"), 0);
}

/* Marks containers that share a name: nobody can tell their usage apart. */
static void mark_duplicates(struct subject *subject)
{
    for (size_t i = 0; i < subject->container_count; i++) {
        for (size_t j = 0; j < subject->container_count; j++) {
            if (i != j && str_equal(subject->containers[i].name, subject->containers[j].name)) {
                subject->containers[i].duplicate = true;
            }
        }
    }
}

/* The window and what is known of the workload as a whole. */
static void usage_read(struct subject *out)
{
    const json_t *usage = out->usage;
    const json_t *window = json_object_get(usage, "window");
    out->has_usage = json_is_object(usage);
    out->coverage = fmin(either(figure(usage, "coverage"), 0), 1);
    out->pods = either(pods_figure(usage, "pods"), 0);
    out->replicas_running = pods_figure(usage, "replicas");
    out->window_start = instant(window, "start");
    out->window_end = instant(window, "end");
    out->window_seconds = json_int_or(window, "seconds", out->window_end - out->window_start);
    out->window_seconds = out->window_seconds > 0 ? out->window_seconds : 0;
    out->first_seen = instant(usage, "first_seen");
    out->history_seconds = figure(usage, "history_seconds");
}

static enum qos subject_qos(const struct subject *subject, struct arena *arena)
{
    int64_t(*request)[RESOURCES] = arena_alloc_array(arena, subject->container_count + 1, sizeof *request);
    int64_t(*limit)[RESOURCES] = arena_alloc_array(arena, subject->container_count + 1, sizeof *limit);
    for (size_t i = 0; i < subject->container_count; i++) {
        memcpy(request[i], subject->containers[i].request, sizeof *request);
        memcpy(limit[i], subject->containers[i].limit, sizeof *limit);
    }
    return qos_of((const int64_t(*)[RESOURCES])request, (const int64_t(*)[RESOURCES])limit,
                  subject->container_count);
}

void subject_read(const json_t *record, struct arena *arena, struct subject *out)
{
    *out = (struct subject){.workload = json_object_get(record, "workload"),
                            .usage = json_object_get(record, "usage")};
    const char *kind = json_string_or_null(out->workload, "kind");
    const char *name = json_string_or_null(out->workload, "name");
    out->namespace = json_string_or_null(out->workload, "namespace");
    out->looked_up_in = out->namespace ? out->namespace : "default";
    out->kind = kind ? kind : "";
    out->name = name ? name : "";
    out->batch = str_equal(kind, "Job") || str_equal(kind, "CronJob");
    out->replicas = json_int_or(out->workload, "replicas", AMOUNT_ABSENT);
    out->replicas = out->replicas <= PODS_MAX ? out->replicas : AMOUNT_ABSENT;
    out->autoscaler = json_object_get(out->workload, "autoscaler");
    out->scalers = scalers_read(out->workload, arena);
    out->allowance = allowance_read(out->workload, out->batch, arena);
    usage_read(out);
    /* With a live object its amounts are what changes start from; the manifest's otherwise. */
    const json_t *containers = json_at(out->workload, "live.containers");
    if (!json_is_array(containers)) {
        containers = json_object_get(out->workload, "containers");
    }
    size_t count = json_array_size(containers);
    out->container_count = count < CONTAINERS_MAX ? count : CONTAINERS_MAX;
    out->containers = arena_alloc_array(arena, out->container_count + 1, sizeof *out->containers);
    for (size_t i = 0; i < out->container_count; i++) {
        container_read(json_array_get(containers, i), out, arena, &out->containers[i]);
    }
    mark_duplicates(out);
    out->qos = subject_qos(out, arena);
}

double subject_history_seconds(const struct subject *subject)
{
    if (isfinite(subject->history_seconds)) {
        return subject->history_seconds;
    }
    if (subject->first_seen > 0 && subject->window_end > subject->first_seen) {
        return (double)(subject->window_end - subject->first_seen);
    }
    return subject->coverage * (double)subject->window_seconds;
}

double subject_coverage(const struct subject *subject)
{
    if (subject->batch) {
        return subject->pods >= 3 ? 1 : subject->pods >= 1 ? (subject->pods + 1) / 4 : 0;
    }
    double history = subject_history_seconds(subject);
    if (history <= 0) {
        return 0;
    }
    double since_first = subject->coverage * (double)subject->window_seconds / history;
    return since_first > 1 ? 1 : since_first;
}

double subject_replicas(const struct subject *subject)
{
    if (isfinite(subject->replicas_running)) {
        return subject->replicas_running;
    }
    return subject->replicas > 0 ? (double)subject->replicas : subject->pods;
}

size_t subject_running(const struct subject *subject)
{
    size_t count = 0;
    for (size_t i = 0; i < subject->container_count; i++) {
        count += subject->containers[i].role != ROLE_INIT;
    }
    return count;
}

double amount_or_nan(int64_t amount)
{
    return amount >= 0 ? (double)amount : NAN;
}

int64_t container_request(const struct container *container, enum resource resource)
{
    int64_t request = container->request[resource];
    return request >= 0 ? request : container->limit[resource];
}

enum qos qos_of(const int64_t (*request)[RESOURCES], const int64_t (*limit)[RESOURCES], size_t count)
{
    bool any = false;
    bool guaranteed = count > 0;
    for (size_t i = 0; i < count; i++) {
        for (int r = 0; r < RESOURCES; r++) {
            any = any || request[i][r] > 0 || limit[i][r] > 0;
            bool equal = limit[i][r] > 0 && (request[i][r] < 0 || request[i][r] == limit[i][r]);
            guaranteed = guaranteed && equal;
        }
    }
    return guaranteed ? QOS_GUARANTEED : any ? QOS_BURSTABLE : QOS_BEST_EFFORT;
}
