#include "tests/harness/oracle.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/mem.h"

/* Whether no other series of the same run of a container has more samples: two scrapers count once. */
static bool is_fullest(size_t index)
{
    const struct series *series = &oracle.series[index];
    for (size_t i = 0; i < oracle.series_count; i++) {
        bool same = oracle_is_of(&oracle.series[i], series->metric, series->pod, series->container) &&
                    strcmp(oracle.series[i].id, series->id) == 0;
        size_t count = oracle.series[i].points.count;
        if (same && (count > series->points.count || (count == series->points.count && i < index))) {
            return false;
        }
    }
    return true;
}

/* Increases of a counter in the window, hour by hour (by the later sample). Returns whether any series tells. */
static bool increases(const char *metric, const char *container, double *hours, double *whole)
{
    bool told = false;
    for (size_t i = 0; i < oracle.series_count; i++) {
        const struct list *points = &oracle.series[i].points;
        if (!oracle_is_of(&oracle.series[i], metric, NULL, container) || !is_fullest(i)) {
            continue;
        }
        for (size_t p = 0; p < points->count; p++) {
            told = told || oracle_in_window(points->items[p].time);
            if (p == 0 || !oracle_in_window(points->items[p].time)) {
                continue;
            }
            double more = points->items[p].value - points->items[p - 1].value;
            more = more < 0 ? points->items[p].value : more;
            *whole += more;
            hours[(points->items[p].time - oracle.start_ms - 1) / HOUR_MS] += more;
        }
    }
    return told;
}

void oracle_show_throttling(const char *container)
{
    size_t hours = (size_t)((oracle.end_ms - oracle.start_ms + HOUR_MS - 1) / HOUR_MS);
    double *periods = xcalloc_array(hours, sizeof *periods);
    double *throttled = xcalloc_array(hours, sizeof *throttled);
    double all_periods = 0, all_throttled = 0, worst = -1;
    size_t worst_hour = 0;
    increases("container_cpu_cfs_periods_total", container, periods, &all_periods);
    increases("container_cpu_cfs_throttled_periods_total", container, throttled, &all_throttled);
    for (size_t i = 0; i < hours; i++) {
        if (periods[i] > 0 && throttled[i] / periods[i] > worst) {
            worst = throttled[i] / periods[i];
            worst_hour = i;
        }
    }
    if (all_periods > 0) {
        oracle_show("throttled_ratio", all_throttled / all_periods);
        oracle_show("throttled_worst_hour", worst);
        oracle_show_time(oracle.path, "throttled_worst_hour_at", oracle.start_ms / 1000 + (int64_t)worst_hour * 3600);
    } else {
        printf("%s.throttled_ratio null\n%s.throttled_worst_hour null\n%s.throttled_worst_hour_at null\n", oracle.path, oracle.path,
               oracle.path);
    }
    free(periods);
    free(throttled);
}

/* Whether the reason of the last end of a pod's container was an OOM kill soon after a restart, and before the next. */
static bool was_oom(const struct series *restarts, int64_t at, int64_t next)
{
    for (size_t i = 0; i < oracle.series_count; i++) {
        const struct list *points = &oracle.series[i].points;
        if (!oracle_is_of(&oracle.series[i], "kube_pod_container_status_last_terminated_reason", restarts->pod, restarts->container) ||
            strcmp(oracle.series[i].reason, "OOMKilled") != 0) {
            continue;
        }
        for (size_t p = 0; p < points->count; p++) {
            int64_t time = points->items[p].time;
            if (time >= at && time < at + STEP_MS && time < next && points->items[p].value > 0) {
                return true;
            }
        }
    }
    return false;
}

static double restarts_of(const struct series *series, double *ooms, int64_t *last)
{
    double sum = 0;
    const struct list *points = &series->points;
    for (size_t i = 1; i < points->count; i++) {
        double more = points->items[i].value - points->items[i - 1].value;
        more = more < 0 ? points->items[i].value : more;
        if (more <= 0 || !oracle_in_window(points->items[i].time)) {
            continue;
        }
        sum += more;
        size_t next = i + 1;
        while (next < points->count && points->items[next].value <= points->items[next - 1].value) {
            next++;
        }
        if (was_oom(series, points->items[i].time, next < points->count ? points->items[next].time : INT64_MAX)) {
            *ooms += more;
            *last = points->items[i].time > *last ? points->items[i].time : *last;
        }
    }
    return sum;
}

void oracle_show_events(const char *container)
{
    double restarts = 0, ooms = 0, oom_events = 0;
    int64_t last = 0;
    bool told = false;
    double *hours = xcalloc_array((size_t)((oracle.end_ms - oracle.start_ms) / HOUR_MS + 2), sizeof *hours);
    for (size_t i = 0; i < oracle.series_count; i++) {
        if (oracle_is_of(&oracle.series[i], "kube_pod_container_status_restarts_total", NULL, container)) {
            told = true;
            restarts += restarts_of(&oracle.series[i], &ooms, &last);
        }
    }
    bool events = increases("container_oom_events_total", container, hours, &oom_events);
    free(hours);
    if (told) {
        oracle_show("restarts", restarts);
    } else {
        printf("%s.restarts null\n", oracle.path);
    }
    if (told || events) {
        oracle_show("oom_kills", fmax(ooms, oom_events));
    } else {
        printf("%s.oom_kills null\n", oracle.path);
    }
    if (last > 0) {
        oracle_show_time(oracle.path, "oom_last_at", last / 1000);
    }
}
