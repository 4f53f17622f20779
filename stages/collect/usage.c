#include "stages/collect/usage.h"

#include <stdlib.h>
#include <string.h>

#include "pipeline/base/clock.h"
#include "pipeline/base/mem.h"

enum { COVERAGE_STEP = 300 };

static void set_time(json_t *out, const char *key, bool known, int64_t time)
{
    char text[RFC3339_MAX];
    json_object_set_new(out, key, known ? json_string(time_format(time, text)) : json_null());
}

/* Pods running at each point of the grid. Returns new, or NULL when none ever ran; *seen counts the pods. */
static uint32_t *count_running(const struct target *target, const struct grid *grid,
                               uint64_t *const *reported, size_t *seen)
{
    uint32_t *running = xcalloc_array(grid->count, sizeof *running);
    *seen = 0;
    for (size_t i = 0; i < target->pod_count; i++) {
        const uint64_t *bits = reported[target->pods[i]];
        *seen += bits != NULL;
        for (uint32_t p = 0; bits != NULL && p < grid->count; p++) {
            running[p] += (uint32_t)(bits[p / 64] >> (p % 64) & 1);
        }
    }
    if (*seen == 0) {
        free(running);
        return NULL;
    }
    return running;
}

static int compare_counts(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a;
    uint32_t y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

/* Median (the lower one) and maximum of the counts at which any pod ran, and the mean over the whole window.
 */
static void replica_figures(const uint32_t *running, const struct grid *grid, json_t *usage)
{
    uint32_t *sorted = xcalloc_array(grid->count, sizeof *sorted);
    size_t count = 0;
    int64_t sum = 0;
    for (uint32_t p = 0; p < grid->count; p++) {
        sum += running[p];
        if (running[p] > 0) {
            sorted[count++] = running[p];
        }
    }
    qsort(sorted, count, sizeof *sorted, compare_counts);
    json_object_set_new(usage, "replicas", json_integer(sorted[(count - 1) / 2]));
    json_object_set_new(usage, "replicas_max", json_integer(sorted[count - 1]));
    json_object_set_new(usage, "replicas_mean",
                        json_real((double)sum * (double)grid->step / (double)(grid->end - grid->start)));
    free(sorted);
}

static void hourly_replicas(const uint32_t *running, const struct grid *grid, json_t *usage)
{
    int64_t *sums = xcalloc_array(grid->hours, sizeof *sums);
    int64_t *points = xcalloc_array(grid->hours, sizeof *points);
    for (uint32_t p = 0; p < grid->count; p++) {
        size_t hour = grid_hour(grid, grid_time(grid, p));
        sums[hour] += running[p];
        points[hour]++;
    }
    json_t *out = json_array();
    for (size_t i = 0; i < grid->hours; i++) {
        json_array_append_new(out,
                              sums[i] > 0 ? json_real((double)sums[i] / (double)points[i]) : json_null());
    }
    json_object_set_new(usage, "hourly_replicas", out);
    free(sums);
    free(points);
}

/* Share of the window's 5-minute steps (longer ones where scrapes are rarer) in which at least one pod
 * reported. */
static double coverage(const uint32_t *running, const struct grid *grid)
{
    int64_t step = grid->step > COVERAGE_STEP ? grid->step : COVERAGE_STEP;
    int64_t steps = (grid->end - grid->start) / step;
    int64_t covered = 0;
    int64_t last = -1;
    for (uint32_t p = 0; p < grid->count; p++) {
        /* Steps are counted back from the end, as the points are. */
        int64_t at = (grid->end - grid_time(grid, p)) / step;
        if (running[p] > 0 && at != last && at < steps) {
            covered++;
            last = at;
        }
    }
    return steps == 0 ? 1 : (double)covered / (double)steps;
}

static void ages(const uint32_t *running, const struct grid *grid, json_t *usage)
{
    uint32_t first = 0;
    uint32_t last = grid->count - 1;
    while (running[first] == 0) {
        first++;
    }
    while (running[last] == 0) {
        last--;
    }
    /* A point stands for the step before it, so a workload that was always there has the whole window as
     * history. */
    set_time(usage, "first_seen", true, grid_time(grid, first));
    set_time(usage, "last_seen", true, grid_time(grid, last));
    json_object_set_new(usage, "history_seconds",
                        json_integer(grid->end - grid_time(grid, first) + grid->step));
}

static json_t *take(json_t **figures)
{
    json_t *out = *figures == NULL ? json_null() : *figures;
    *figures = NULL;
    return out;
}

static void throttling(const struct use *use, const struct grid *grid, json_t *out)
{
    double periods = 0;
    double throttled = 0;
    double worst = -1;
    size_t worst_hour = 0;
    for (size_t i = 0; use->periods != NULL && i < grid->hours; i++) {
        double part = use->throttled == NULL ? 0 : use->throttled[i];
        periods += use->periods[i];
        throttled += part;
        double ratio = use->periods[i] > 0 ? part / use->periods[i] : -1;
        if (ratio > worst) {
            worst = ratio;
            worst_hour = i;
        }
    }
    bool known = periods > 0;
    json_object_set_new(out, "throttled_ratio", known ? json_real(throttled / periods) : json_null());
    json_object_set_new(out, "throttled_worst_hour", known ? json_real(worst) : json_null());
    set_time(out, "throttled_worst_hour_at", known, grid->start + (int64_t)worst_hour * HOUR);
}

static json_t *container_json(struct use *use, const struct grid *grid)
{
    json_t *out = json_object();
    bool ooms_known = use->ooms_known || use->restarts_known;
    int64_t ooms = use->oom_events > use->oom_restarts ? use->oom_events : use->oom_restarts;
    json_object_set_new(out, "declared", json_boolean(use->declared));
    json_object_set_new(out, "cpu_millicores", take(&use->cpu));
    json_object_set_new(out, "memory_bytes", take(&use->memory));
    throttling(use, grid, out);
    json_object_set_new(out, "restarts", json_int_or_null(use->restarts_known, use->restarts));
    json_object_set_new(out, "oom_kills", json_int_or_null(ooms_known, ooms));
    set_time(out, "oom_last_at", use->oom_last > 0, use->oom_last);
    json_object_set_new(out, "oom_limit_bytes", use->oom_limit > 0 ? json_real(use->oom_limit) : json_null());
    return out;
}

static bool has_samples(const struct use *use)
{
    return (use->cpu != NULL && !json_is_null(use->cpu)) ||
           (use->memory != NULL && !json_is_null(use->memory));
}

static void containers(struct target *target, const struct grid *grid, json_t *usage)
{
    json_t *main = json_object();
    json_t *init = json_object();
    for (size_t i = 0; i < target->use_count; i++) {
        struct use *use = &target->uses[i];
        if (use->declared || has_samples(use)) {
            json_object_set_new(use->init ? init : main, use->name, container_json(use, grid));
        }
    }
    json_object_set_new(usage, "containers", main);
    json_object_set_new(usage, "init_containers", init);
}

json_t *usage_json(struct target *target, const struct grid *grid, uint64_t *const *reported,
                   const char *source)
{
    size_t pods;
    uint32_t *running = count_running(target, grid, reported, &pods);
    if (running == NULL) {
        return json_null();
    }
    json_t *usage = json_object();
    json_t *window = json_object();
    set_time(window, "start", true, grid->start);
    set_time(window, "end", true, grid->end);
    json_object_set_new(window, "seconds", json_integer(grid->end - grid->start));
    json_object_set_new(usage, "window", window);
    json_object_set_new(usage, "source", json_string(source));
    json_object_set_new(usage, "interval_seconds", json_integer(grid->step));
    json_object_set_new(usage, "rate_window_seconds", json_integer(grid->range));
    json_object_set_new(usage, "matched_by", json_string(target->by_owner ? "owners" : "names"));
    json_object_set_new(usage, "pods", json_integer((json_int_t)pods));
    json_object_set_new(usage, "coverage", json_real(coverage(running, grid)));
    replica_figures(running, grid, usage);
    hourly_replicas(running, grid, usage);
    ages(running, grid, usage);
    containers(target, grid, usage);
    free(running);
    return usage;
}
