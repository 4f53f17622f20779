/* oracle [-g] [-s METRIC] [-i SECONDS] START END FILE NAMESPACE PODS: the figures of `usage` computed once more, slowly
 * and from the definitions alone (stages/collect/figures/README.md), from raw samples in OpenMetrics text.
 *
 * PODS is an extended regular expression of whole pod names; START and END are seconds since the epoch. Prints lines
 * "path value", as `usage` has them ("containers.web.cpu_millicores.p95 12.5"), lists entry by entry ("….hourly.mean.3").
 *   -g  as a server's query_range gives them: at instants END − k × interval, each standing for the interval before it
 *   -s  prints the samples of CPU or MEMORY instead: pod, container, milliseconds, value
 *   -i  the scrape interval (otherwise the median distance of the samples)
 *
 * Nothing of stages/collect is used here, nor looked at: what both give alike was thought of twice. */

#include "tests/harness/oracle.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pipeline/base/mem.h"

static bool is_use(const struct series *series)
{
    return oracle_is_of(series, "container_cpu_usage_seconds_total", NULL, NULL) ||
           oracle_is_of(series, "container_memory_working_set_bytes", NULL, NULL);
}

/* Times at which a pod has a sample in the window, and those of the raw ones before it, in order. */
static struct list times_of(const char *pod)
{
    struct list out = {0};
    for (size_t i = 0; i < oracle.series_count; i++) {
        if (!is_use(&oracle.series[i]) || strcmp(oracle.series[i].pod, pod) != 0) {
            continue;
        }
        bool cpu = oracle_is_of(&oracle.series[i], "container_cpu_usage_seconds_total", NULL, NULL);
        struct list samples = oracle_pod_samples(oracle.series[i].metric, pod, oracle.series[i].container, cpu);
        for (size_t p = 0; p < samples.count; p++) {
            oracle_add(&out, samples.items[p].time, 0, 0);
        }
        free(samples.items);
        const struct list *raw = &oracle.series[i].points;
        for (size_t p = 0; p < raw->count && raw->items[p].time <= oracle.start_ms; p++) {
            int64_t time = raw->items[p].time;
            int64_t point = oracle.end_ms - (oracle.end_ms - time) / oracle.interval_ms * oracle.interval_ms;
            oracle_add(&out, oracle.at_grid ? point : time, 0, 0);
        }
    }
    if (out.count > 0) {
        qsort(out.items, out.count, sizeof *out.items, oracle_by_time);
    }
    return out;
}

/* A pod runs during the interval before each of its samples, between two that are not more than 2.5 intervals apart, and until
 * the end of the window when that is not longer after its last. */
/* Returns when it began to run, in the window. */
static int64_t count_running(const struct list *times, int *running, int64_t seconds)
{
    int64_t marked = 0;
    int64_t begin = oracle.end_ms;
    for (size_t i = 0; i < times->count; i++) {
        int64_t time = times->items[i].time;
        int64_t from = time - oracle.interval_ms;
        if (i > 0 && 2 * (time - times->items[i - 1].time) <= 5 * oracle.interval_ms) {
            from = times->items[i - 1].time;
        }
        if (i + 1 == times->count && 2 * (oracle.end_ms - time) <= 5 * oracle.interval_ms) {
            time = oracle.end_ms;
        }
        int64_t second = (from - oracle.start_ms) / 1000 + 1;
        for (second = second <= marked ? marked + 1 : second; second <= (time - oracle.start_ms) / 1000 && second <= seconds; second++) {
            running[second]++;
            marked = second;
        }
        if (time > oracle.start_ms && from < begin) {
            begin = from < oracle.start_ms ? oracle.start_ms : from;
        }
    }
    return begin;
}

static int by_number(const void *a, const void *b)
{
    return *(const int *)a - *(const int *)b;
}

static void show_replicas(int *running, int64_t seconds)
{
    double sum = 0;
    for (int64_t hour = 0; hour * 3600 < seconds; hour++) {
        double part = 0;
        for (int64_t s = hour * 3600 + 1; s <= (hour + 1) * 3600 && s <= seconds; s++) {
            part += running[s];
        }
        sum += part;
        int64_t length = (hour + 1) * 3600 <= seconds ? 3600 : seconds - hour * 3600;
        if (part > 0) {
            printf("hourly_replicas.%" PRId64 " %.17g\n", hour, part / (double)length);
        } else {
            printf("hourly_replicas.%" PRId64 " null\n", hour);
        }
    }
    qsort(running + 1, (size_t)seconds, sizeof *running, by_number);
    int64_t none = 0;
    while (none < seconds && running[none + 1] == 0) {
        none++;
    }
    printf("replicas %d\nreplicas_max %d\nreplicas_mean %.17g\n", running[none + (seconds - none + 1) / 2],
           running[seconds], sum / (double)seconds);
}

static void show_workload(void)
{
    int64_t seconds = (oracle.end_ms - oracle.start_ms) / 1000;
    int *running = xcalloc_array((size_t)seconds + 2, sizeof *running);
    int64_t step = oracle.interval_ms > STEP_MS ? oracle.interval_ms : STEP_MS;
    int64_t steps = (oracle.end_ms - oracle.start_ms) / step;
    bool *covered = xcalloc_array((size_t)steps + 1, sizeof *covered);
    int64_t first = INT64_MAX, last = 0;
    size_t pods = 0;
    int64_t begin = oracle.end_ms;
    for (size_t pod = 0; pod < oracle.pod_count; pod++) {
        struct list times = times_of(oracle.pod_names[pod]);
        bool any = false;
        for (size_t i = 0; i < times.count; i++) {
            int64_t time = times.items[i].time;
            if (oracle_in_window(time)) {
                any = true;
                first = time < first ? time : first;
                last = time > last ? time : last;
                covered[(time - oracle.start_ms - 1) / step] = true;
            }
        }
        pods += any;
        int64_t began = count_running(&times, running, seconds);
        begin = any && began < begin ? began : begin;
        free(times.items);
    }
    double share = 0;
    for (int64_t i = 0; i < steps; i++) {
        share += covered[i];
    }
    printf("pods %zu\ncoverage %.17g\ninterval_seconds %" PRId64 "\nrate_window_seconds %" PRId64 "\n", pods,
           share / (double)steps, oracle.interval_ms / 1000, oracle.range_ms / 1000);
    oracle_show_time("", "first_seen", first / 1000);
    oracle_show_time("", "last_seen", last / 1000);
    printf("odd_values %zu\nhistory_seconds %" PRId64 "\n", oracle.odd_values, oracle.end_ms / 1000 - begin / 1000);
    show_replicas(running, seconds);
    free(running);
    free(covered);
}

static int by_length(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a;
    int64_t y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* Median distance of the samples of CPU (of memory where there is none), in whole seconds. */
static int64_t find_interval(const char *metric)
{
    int64_t *gaps = NULL;
    size_t count = 0;
    size_t capacity = 0;
    for (size_t i = 0; i < oracle.series_count; i++) {
        const struct list *points = &oracle.series[i].points;
        for (size_t p = 1; oracle_is_of(&oracle.series[i], metric, NULL, NULL) && p < points->count; p++) {
            GROW(gaps, capacity, count + 1);
            gaps[count++] = points->items[p].time - points->items[p - 1].time;
        }
    }
    if (count > 0) {
        qsort(gaps, count, sizeof *gaps, by_length);
    }
    int64_t median = count == 0 ? 0 : (gaps[count / 2] + 500) / 1000 * 1000;
    free(gaps);
    return median;
}

static void show_samples(const char *metric, bool cpu)
{
    for (size_t i = 0; i < oracle.series_count; i++) {
        const struct series *series = &oracle.series[i];
        bool again = false;
        for (size_t j = 0; j < i; j++) {
            again = again || oracle_is_of(&oracle.series[j], metric, series->pod, series->container);
        }
        if (again || !oracle_is_of(series, metric, NULL, NULL)) {
            continue;
        }
        struct list samples = oracle_pod_samples(metric, series->pod, series->container, cpu);
        for (size_t p = 0; p < samples.count; p++) {
            printf("%s %s %" PRId64 " %.17g\n", series->pod, series->container, samples.items[p].time,
                   samples.items[p].value);
        }
        free(samples.items);
    }
}

static void show_containers(void)
{
    const char *seen[NAMES_MAX];
    size_t count = 0;
    for (size_t i = 0; i < oracle.series_count && count < NAMES_MAX; i++) {
        const char *name = oracle.series[i].container;
        bool again = !is_use(&oracle.series[i]);
        for (size_t j = 0; j < count; j++) {
            again = again || strcmp(seen[j], name) == 0;
        }
        if (again) {
            continue;
        }
        seen[count++] = name;
        snprintf(oracle.path, sizeof oracle.path, "containers.%s.cpu_millicores", name);
        oracle_show_resource("container_cpu_usage_seconds_total", name, true);
        snprintf(oracle.path, sizeof oracle.path, "containers.%s.memory_bytes", name);
        oracle_show_resource("container_memory_working_set_bytes", name, false);
        snprintf(oracle.path, sizeof oracle.path, "containers.%s", name);
        oracle_show_throttling(name);
        oracle_show_events(name);
    }
}

static void settle_times(int64_t interval)
{
    int64_t cpu = find_interval("container_cpu_usage_seconds_total");
    int64_t memory = cpu > 0 ? cpu : find_interval("container_memory_working_set_bytes");
    oracle.interval_ms = interval > 0 ? interval * 1000 : memory > 0 ? memory : 60000;
    oracle.range_ms = 4 * oracle.interval_ms > 120000 ? 4 * oracle.interval_ms : 120000;
}

int main(int argc, char **argv)
{
    int64_t interval = 0;
    const char *samples = NULL;
    char pattern[1024];
    for (int option; (option = getopt(argc, argv, "gi:s:")) != -1;) {
        oracle.at_grid = oracle.at_grid || option == 'g';
        interval = option == 'i' ? strtoll(optarg, NULL, 10) : interval;
        samples = option == 's' ? optarg : samples;
    }
    if (argc - optind != 5) {
        fputs("usage: oracle [-g] [-s CPU|MEMORY] [-i SECONDS] START END FILE NAMESPACE PODS\n", stderr);
        return 64;
    }
    oracle.start_ms = strtoll(argv[optind], NULL, 10) * 1000;
    oracle.end_ms = strtoll(argv[optind + 1], NULL, 10) * 1000;
    oracle.namespace = argv[optind + 3];
    snprintf(pattern, sizeof pattern, "^(%s)$", argv[optind + 4]);
    if (regcomp(&oracle.pods, pattern, REG_EXTENDED | REG_NOSUB) != 0) {
        return 64;
    }
    oracle_read_file(argv[optind + 2]);
    oracle_settle();
    for (size_t i = 0; i < oracle.series_count; i++) {
        oracle_pod_number(oracle.series[i].pod);
    }
    settle_times(interval);
    if (samples != NULL) {
        bool cpu = strcmp(samples, "CPU") == 0;
        show_samples(cpu ? "container_cpu_usage_seconds_total" : "container_memory_working_set_bytes", cpu);
        return 0;
    }
    show_workload();
    show_containers();
    return 0;
}
