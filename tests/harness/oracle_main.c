/* oracle [-g] [-s METRIC] [-i SECONDS] START END FILE NAMESPACE PODS: the figures of `usage` computed once more, slowly
 * and from the definitions alone (design.md section 2, recommender.md), from raw samples in OpenMetrics text.
 *
 * PODS is an extended regular expression of whole pod names; START and END are seconds since the epoch. Prints lines
 * "path value", as `usage` has them ("containers.web.cpu_millicores.p95 12.5"), lists entry by entry ("….hourly.mean.3").
 *   -g  as a server's query_range gives them: at instants END − k × interval, each standing for the interval before it
 *   -s  prints the samples of CPU or MEMORY instead: pod, container, milliseconds, value
 *   -i  the scrape interval (otherwise the median distance of the samples)
 *
 * Nothing of stages/collect is used here, nor looked at: what both give alike was thought of twice. */

#include <inttypes.h>
#include <math.h>
#include <regex.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "pipeline/base/mem.h"

enum { HOUR_MS = 3600000, STEP_MS = 300000, STARTUP_MS = 180000, NAMES_MAX = 256 };

struct point {
    int64_t time; /* ms */
    double value;
    size_t pod;
};

struct list {
    struct point *items;
    size_t count;
    size_t capacity;
};

struct series {
    char *key; /* name and labels as they stand */
    char *metric;
    char *pod;
    char *container;
    char *id;     /* of one run of the container */
    char *reason;
    struct list points;
};

static struct series *all_series;
static size_t series_count;
static size_t series_capacity;
static const char *namespace_asked;
static regex_t pods_asked;
static int64_t start_ms, end_ms, interval_ms, range_ms;
static bool at_grid;
static const char *pod_names[NAMES_MAX];
static size_t pod_count;
static size_t odd_values;

static void add(struct list *list, int64_t time, double value, size_t pod)
{
    GROW(list->items, list->capacity, list->count + 1);
    list->items[list->count++] = (struct point){time, value, pod};
}

/* ---- input ---- */

/* Value of a label in `name{a="b",…}`, new, "" where there is none. Values here hold no quotes. */
static char *label(const char *key, const char *name)
{
    char wanted[128];
    snprintf(wanted, sizeof wanted, "%s=\"", name);
    for (const char *at = strchr(key, '{'); at != NULL; at = strpbrk(at + 1, ",")) {
        if (strncmp(at + 1, wanted, strlen(wanted)) == 0) {
            const char *value = at + 1 + strlen(wanted);
            return xstrndup(value, strcspn(value, "\""));
        }
    }
    return xstrdup("");
}

static bool is_asked(const char *key)
{
    char *namespace = label(key, "namespace");
    char *pod = label(key, "pod");
    char *container = label(key, "container");
    bool asked = strcmp(namespace, namespace_asked) == 0 && regexec(&pods_asked, pod, 0, NULL, 0) == 0 &&
                 *container != '\0' && strcmp(container, "POD") != 0;
    free(namespace);
    free(pod);
    free(container);
    return asked;
}

/* The series of a line's first word; NULL for one that is not asked for. */
static struct series *find_series(const char *key)
{
    static size_t last;
    for (size_t i = 0; i < series_count; i++, last = (last + 1) % series_count) {
        if (strcmp(all_series[last].key, key) == 0) {
            return &all_series[last];
        }
    }
    if (!is_asked(key)) {
        return NULL;
    }
    GROW(all_series, series_capacity, series_count + 1);
    last = series_count;
    all_series[series_count] = (struct series){.key = xstrdup(key),
                                               .metric = xstrndup(key, strcspn(key, "{")),
                                               .pod = label(key, "pod"),
                                               .container = label(key, "container"),
                                               .id = label(key, "id"),
                                               .reason = label(key, "reason")};
    return &all_series[series_count++];
}

static int by_time(const void *a, const void *b)
{
    const struct point *x = a;
    const struct point *y = b;
    return (x->time > y->time) - (x->time < y->time);
}

static size_t pod_number(const char *name)
{
    for (size_t i = 0; i < pod_count; i++) {
        if (strcmp(pod_names[i], name) == 0) {
            return i;
        }
    }
    if (pod_count == NAMES_MAX) {
        exit(70);
    }
    pod_names[pod_count] = name;
    return pod_count++;
}

/* `seconds.milliseconds…`, cut after the milliseconds. */
static int64_t read_time(const char *text)
{
    char *rest;
    int64_t time = strtoll(text, &rest, 10) * 1000;
    if (*rest == '.') {
        char digits[4] = "000";
        for (int i = 0; i < 3 && rest[1 + i] >= '0' && rest[1 + i] <= '9'; i++) {
            digits[i] = rest[1 + i];
        }
        time += strtol(digits, NULL, 10);
    }
    return time;
}

static bool is_counter_of_ours(const char *metric)
{
    return strncmp(metric, "container_", 10) == 0 || strstr(metric, "_status_") != NULL;
}

static void read_file(const char *path)
{
    char line[4096];
    char previous[4096] = "";
    struct series *series = NULL;
    FILE *file = fopen(path, "r");
    if (file == NULL) {
        perror(path);
        exit(66);
    }
    while (fgets(line, sizeof line, file) != NULL) {
        char *close = strrchr(line, '}');
        if (*line == '#' || close == NULL) {
            continue;
        }
        close[1] = '\0';
        if (strcmp(line, previous) != 0) {
            series = find_series(line);
            memcpy(previous, line, sizeof line);
        }
        char *rest;
        double value = strtod(close + 2, &rest);
        if (series == NULL) {
            continue;
        }
        bool odd = !(isfinite(value) && value >= 0);
        odd_values += odd && is_counter_of_ours(series->metric);
        if (!odd) {
            add(&series->points, read_time(rest + 1), value, 0);
        }
    }
    fclose(file);
}

static void settle(void)
{
    for (size_t i = 0; i < series_count; i++) {
        struct list *points = &all_series[i].points;
        qsort(points->items, points->count, sizeof *points->items, by_time);
    }
}

/* ---- samples ---- */

static int by_value(const void *a, const void *b)
{
    const struct point *x = a;
    const struct point *y = b;
    return x->value < y->value ? -1 : x->value > y->value ? 1 : by_time(a, b);
}

/* extrapolatedRate of Prometheus 2.42 over (at − range, at], per second; false with fewer than two samples. */
static bool rate(const struct list *list, int64_t at, double *out)
{
    /* A server is asked for a millisecond less, so that it leaves the left edge out. */
    int64_t length_ms = at_grid ? range_ms - 1 : range_ms;
    size_t first = 0;
    while (first < list->count && list->items[first].time <= at - range_ms) {
        first++;
    }
    size_t past = first;
    while (past < list->count && list->items[past].time <= at) {
        past++;
    }
    if (past < first + 2) {
        return false;
    }
    double increase = list->items[past - 1].value - list->items[first].value;
    for (size_t i = first + 1; i < past; i++) {
        if (list->items[i].value < list->items[i - 1].value) {
            increase += list->items[i - 1].value;
        }
    }
    double to_start = (double)(list->items[first].time - (at - length_ms)) / 1000;
    double to_end = (double)(at - list->items[past - 1].time) / 1000;
    double sampled = (double)(list->items[past - 1].time - list->items[first].time) / 1000;
    double average = sampled / (double)(past - first - 1);
    if (increase > 0 && list->items[first].value >= 0) {
        double to_zero = sampled * (list->items[first].value / increase);
        to_start = to_zero < to_start ? to_zero : to_start;
    }
    double length = sampled;
    length += to_start < average * 1.1 ? to_start : average / 2;
    length += to_end < average * 1.1 ? to_end : average / 2;
    *out = increase * (length / sampled) / ((double)length_ms / 1000);
    return true;
}

/* Series are joined over this much before the window as well, so that neighbours across its start count. */
static bool is_looked_at(int64_t time)
{
    return time > start_ms - HOUR_MS && time <= end_ms;
}

static bool in_window(int64_t time)
{
    return time > start_ms && time <= end_ms;
}

/* What one series gives: a rate in millicores or the value at each of its sample times. */
static struct list native_samples(const struct list *raw, bool cpu)
{
    struct list out = {0};
    for (size_t i = 0; i < raw->count; i++) {
        double value = raw->items[i].value;
        if (is_looked_at(raw->items[i].time) && (!cpu || rate(raw, raw->items[i].time, &value))) {
            add(&out, raw->items[i].time, cpu ? value * 1000 : value, 0);
        }
    }
    return out;
}

/* The same at instants of the grid: what was scraped in the interval before each. */
static struct list grid_samples(const struct list *raw, bool cpu)
{
    struct list out = {0};
    int64_t first = end_ms - (end_ms - start_ms + HOUR_MS - 1) / interval_ms * interval_ms;
    for (int64_t at = first; at <= end_ms; at += interval_ms) {
        double most = -1;
        for (size_t i = 0; i < raw->count; i++) {
            if (raw->items[i].time > at - interval_ms && raw->items[i].time <= at && raw->items[i].value > most) {
                most = raw->items[i].value;
            }
        }
        if (most >= 0 && (!cpu || rate(raw, at, &most))) {
            add(&out, at, cpu ? most * 1000 : most, 0);
        }
    }
    return out;
}

/* Adds samples that lie where `list` has none nearer than nine tenths of the interval. */
static void join(struct list *list, const struct list *others)
{
    size_t had = list->count;
    for (size_t i = 0; i < others->count; i++) {
        bool free_place = true;
        for (size_t j = 0; free_place && j < had; j++) {
            free_place = (double)llabs(list->items[j].time - others->items[i].time) >= 0.9 * (double)interval_ms;
        }
        if (free_place) {
            add(list, others->items[i].time, others->items[i].value, 0);
        }
    }
    if (list->count > 0) {
        qsort(list->items, list->count, sizeof *list->items, by_time);
    }
}

static bool is_of(const struct series *series, const char *metric, const char *pod, const char *container)
{
    return strcmp(series->metric, metric) == 0 && (pod == NULL || strcmp(series->pod, pod) == 0) &&
           (container == NULL || strcmp(series->container, container) == 0);
}

/* Samples of one pod's container: the series with most samples first, then what others tell beside it. */
static struct list pod_samples(const char *metric, const char *pod, const char *container, bool cpu)
{
    struct list parts[64];
    size_t count = 0;
    for (size_t i = 0; i < series_count && count < 64; i++) {
        if (is_of(&all_series[i], metric, pod, container)) {
            parts[count++] = (at_grid ? grid_samples : native_samples)(&all_series[i].points, cpu);
        }
    }
    struct list out = {0};
    for (size_t n = 0; n < count; n++) {
        size_t fullest = 0;
        for (size_t i = 1; i < count; i++) {
            fullest = parts[i].count > parts[fullest].count ? i : fullest;
        }
        join(&out, &parts[fullest]);
        parts[fullest].count = 0;
    }
    for (size_t i = 0; i < count; i++) {
        free(parts[i].items);
    }
    struct list inside = {0};
    for (size_t i = 0; i < out.count; i++) {
        if (in_window(out.items[i].time)) {
            add(&inside, out.items[i].time, out.items[i].value, 0);
        }
    }
    free(out.items);
    return inside;
}

/* ---- figures of one resource of one container ---- */

static char path[512];

static void show(const char *name, double value)
{
    printf("%s.%s %.17g\n", path, name, value);
}

static void show_time(const char *prefix, const char *name, int64_t seconds)
{
    char text[32];
    time_t time = (time_t)seconds;
    struct tm parts;
    gmtime_r(&time, &parts);
    strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
    printf("%s%s%s %s\n", prefix, *prefix == '\0' ? "" : ".", name, text);
}

/* First sorted value with at least thousandths/1000 of the samples at or below it. */
static double percentile(const struct list *sorted, int thousandths)
{
    size_t rank = (sorted->count * (size_t)thousandths + 999) / 1000;
    return sorted->items[rank == 0 ? 0 : rank - 1].value;
}

static double weight(int64_t time)
{
    return exp2(-(double)(end_ms - time) / (3.0 * 24 * HOUR_MS));
}

/* First sorted value with at least the share q of the weights at or below it. */
static double weighted(const struct list *sorted, double q)
{
    double total = 0;
    double sum = 0;
    for (size_t i = 0; i < sorted->count; i++) {
        total += weight(sorted->items[i].time);
    }
    for (size_t i = 0; i < sorted->count; i++) {
        sum += weight(sorted->items[i].time);
        if (sum >= q * total * (1 - 1e-12)) {
            return sorted->items[i].value;
        }
    }
    return NAN;
}

static struct list sorted_part(const struct list *from, bool (*wanted)(const struct point *, int64_t), int64_t what)
{
    struct list out = {0};
    for (size_t i = 0; i < from->count; i++) {
        if (wanted(&from->items[i], what)) {
            add(&out, from->items[i].time, from->items[i].value, from->items[i].pod);
        }
    }
    if (out.count > 0) {
        qsort(out.items, out.count, sizeof *out.items, by_value);
    }
    return out;
}

static bool is_any(const struct point *point, int64_t what)
{
    return point != NULL && what == 0;
}

static bool is_of_pod(const struct point *point, int64_t pod)
{
    return point->pod == (size_t)pod;
}

static bool is_of_hour(const struct point *point, int64_t hour)
{
    return point->time / HOUR_MS % 24 == hour;
}

static bool is_recent(const struct point *point, int64_t yes)
{
    return (7 * (end_ms - point->time) < 2 * (end_ms - start_ms)) == (yes == 1);
}

static void show_plain(const struct list *all)
{
    struct list sorted = sorted_part(all, is_any, 0);
    double sum = 0;
    double spread = 0;
    const struct point *most = &all->items[0];
    for (size_t i = 0; i < all->count; i++) {
        sum += all->items[i].value;
        const struct point *point = &all->items[i];
        most = point->value > most->value || (point->value >= most->value && point->time < most->time) ? point : most;
    }
    double mean = sum / (double)all->count;
    for (size_t i = 0; i < all->count; i++) {
        spread += (all->items[i].value - mean) * (all->items[i].value - mean);
    }
    show("mean", mean);
    show("stddev", sqrt(spread / (double)all->count));
    show("min", sorted.items[0].value);
    show("p50", percentile(&sorted, 500));
    show("p90", percentile(&sorted, 900));
    show("p95", percentile(&sorted, 950));
    show("p99", percentile(&sorted, 990));
    show("p99_5", percentile(&sorted, 995));
    show("max", sorted.items[sorted.count - 1].value);
    show_time(path, "max_at", most->time / 1000);
    show("samples", (double)all->count);
    free(sorted.items);
    for (int recent = 0; recent < 2; recent++) {
        struct list part = sorted_part(all, is_recent, recent);
        if (part.count > 0) {
            show(recent ? "p95_recent" : "p95_earlier", percentile(&part, 950));
        } else {
            printf("%s.%s null\n", path, recent ? "p95_recent" : "p95_earlier");
        }
        free(part.items);
    }
}

static void show_weighted(const struct list *steady)
{
    struct list sorted = sorted_part(steady, is_any, 0);
    double sum = 0;
    double total = 0;
    for (size_t i = 0; i < sorted.count; i++) {
        total += weight(sorted.items[i].time);
        sum += weight(sorted.items[i].time) * sorted.items[i].value;
    }
    show("wmean", sum / total);
    show("wp50", weighted(&sorted, 0.5));
    show("wp90", weighted(&sorted, 0.9));
    show("wp95", weighted(&sorted, 0.95));
    show("wp99", weighted(&sorted, 0.99));
    free(sorted.items);
    double busiest = -1;
    int busiest_hour = -1;
    for (int hour = 0; hour < 24; hour++) {
        struct list part = sorted_part(steady, is_of_hour, hour);
        double p90 = part.count > 0 ? weighted(&part, 0.9) : -1;
        if (p90 > busiest) {
            busiest = p90;
            busiest_hour = hour;
        }
        free(part.items);
    }
    show("bh90", busiest);
    show("bh90_hour", busiest_hour);
}

static void show_pods(const struct list *steady)
{
    struct list values = {0}; /* `time` is the number of samples */
    struct list longest = {0};
    for (size_t pod = 0; pod < pod_count; pod++) {
        struct list part = sorted_part(steady, is_of_pod, (int64_t)pod);
        double wp95 = part.count > 0 ? weighted(&part, 0.95) : 0;
        if (part.count >= 30) {
            add(&values, (int64_t)part.count, wp95, pod);
        }
        if (part.count > 0 && (longest.count == 0 || (int64_t)part.count > longest.items[0].time)) {
            longest.count = 0;
            add(&longest, (int64_t)part.count, wp95, pod);
        }
        free(part.items);
    }
    struct list *told = values.count > 0 ? &values : &longest;
    qsort(told->items, told->count, sizeof *told->items, by_value);
    double most = told->items[told->count - 1].value;
    double median = percentile(told, 500);
    show("pod_wp95_max", most);
    show("pod_wp95_median", median);
    show("pod_wp95_p95", percentile(told, 950));
    bool hot = told->count >= 3 && most > 1.5 * median;
    printf("%s.hot_pod %s\n", path, hot ? pod_names[told->items[told->count - 1].pod] : "null");
    free(values.items);
    free(longest.items);
}

static void show_steps(const struct list *all, const char *name, int64_t step)
{
    int64_t count = (end_ms - start_ms + step - 1) / step;
    for (int64_t entry = 0; entry < count; entry++) {
        double sum = 0, least = INFINITY, most = -1;
        size_t samples = 0;
        for (size_t i = 0; i < all->count; i++) {
            double value = all->items[i].value;
            if (all->items[i].time <= start_ms + entry * step || all->items[i].time > start_ms + (entry + 1) * step) {
                continue;
            }
            samples++;
            sum += value;
            least = fmin(least, value);
            most = fmax(most, value);
        }
        if (samples == 0) {
            continue;
        }
        printf("%s.%s.mean.%" PRId64 " %.17g\n", path, name, entry, sum / (double)samples);
        printf("%s.%s.max.%" PRId64 " %.17g\n", path, name, entry, most);
        if (step == HOUR_MS) {
            printf("%s.%s.min.%" PRId64 " %.17g\n", path, name, entry, least);
        }
    }
}

static void show_resource(const char *metric, const char *container, bool cpu)
{
    struct list all = {0};
    struct list steady = {0};
    struct list startup = {0};
    size_t pods = 0;
    int64_t expected = 0;
    for (size_t pod = 0; pod < pod_count; pod++) {
        struct list part = pod_samples(metric, pod_names[pod], container, cpu);
        if (part.count == 0) {
            continue;
        }
        pods++;
        int64_t from = part.items[0].time;
        int64_t last = part.items[part.count - 1].time;
        expected += (last - from + interval_ms / 2) / interval_ms + 1;
        bool starts = cpu && from > start_ms + range_ms && last - from >= HOUR_MS;
        for (size_t i = 0; i < part.count; i++) {
            const struct point *point = &part.items[i];
            add(&all, point->time, point->value, pod);
            add(starts && point->time < from + STARTUP_MS ? &startup : &steady, point->time, point->value, pod);
        }
        free(part.items);
    }
    if (all.count == 0) {
        printf("%s null\n", path);
        return;
    }
    show("pods", (double)pods);
    show("expected", (double)expected);
    show_plain(&all);
    if (startup.count > 0) {
        qsort(startup.items, startup.count, sizeof *startup.items, by_value);
        show("startup_p99", percentile(&startup, 990));
        show("startup_max", startup.items[startup.count - 1].value);
    } else {
        printf("%s.startup_p99 null\n%s.startup_max null\n", path, path);
    }
    if (steady.count > 0) {
        show_weighted(&steady);
        show_pods(&steady);
    }
    show_steps(&all, "hourly", HOUR_MS);
    show_steps(&all, "series", STEP_MS);
    free(all.items);
    free(steady.items);
    free(startup.items);
}

/* ---- events and throttling of one container ---- */

/* Whether no other series of the same run of a container has more samples: two scrapers count once. */
static bool is_fullest(size_t index)
{
    const struct series *series = &all_series[index];
    for (size_t i = 0; i < series_count; i++) {
        bool same = is_of(&all_series[i], series->metric, series->pod, series->container) &&
                    strcmp(all_series[i].id, series->id) == 0;
        size_t count = all_series[i].points.count;
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
    for (size_t i = 0; i < series_count; i++) {
        const struct list *points = &all_series[i].points;
        if (!is_of(&all_series[i], metric, NULL, container) || !is_fullest(i)) {
            continue;
        }
        for (size_t p = 0; p < points->count; p++) {
            told = told || in_window(points->items[p].time);
            if (p == 0 || !in_window(points->items[p].time)) {
                continue;
            }
            double more = points->items[p].value - points->items[p - 1].value;
            more = more < 0 ? points->items[p].value : more;
            *whole += more;
            hours[(points->items[p].time - start_ms - 1) / HOUR_MS] += more;
        }
    }
    return told;
}

static void show_throttling(const char *container)
{
    size_t hours = (size_t)((end_ms - start_ms + HOUR_MS - 1) / HOUR_MS);
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
        show("throttled_ratio", all_throttled / all_periods);
        show("throttled_worst_hour", worst);
        show_time(path, "throttled_worst_hour_at", start_ms / 1000 + (int64_t)worst_hour * 3600);
    } else {
        printf("%s.throttled_ratio null\n%s.throttled_worst_hour null\n%s.throttled_worst_hour_at null\n", path, path, path);
    }
    free(periods);
    free(throttled);
}

/* Whether the reason of the last end of a pod's container was an OOM kill soon after a restart, and before the next. */
static bool was_oom(const struct series *restarts, int64_t at, int64_t next)
{
    for (size_t i = 0; i < series_count; i++) {
        const struct list *points = &all_series[i].points;
        if (!is_of(&all_series[i], "kube_pod_container_status_last_terminated_reason", restarts->pod, restarts->container) ||
            strcmp(all_series[i].reason, "OOMKilled") != 0) {
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
        if (more <= 0 || !in_window(points->items[i].time)) {
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

static void show_events(const char *container)
{
    double restarts = 0, ooms = 0, oom_events = 0;
    int64_t last = 0;
    bool told = false;
    double *hours = xcalloc_array((size_t)((end_ms - start_ms) / HOUR_MS + 2), sizeof *hours);
    for (size_t i = 0; i < series_count; i++) {
        if (is_of(&all_series[i], "kube_pod_container_status_restarts_total", NULL, container)) {
            told = true;
            restarts += restarts_of(&all_series[i], &ooms, &last);
        }
    }
    bool events = increases("container_oom_events_total", container, hours, &oom_events);
    free(hours);
    if (told) {
        show("restarts", restarts);
    } else {
        printf("%s.restarts null\n", path);
    }
    if (told || events) {
        show("oom_kills", fmax(ooms, oom_events));
    } else {
        printf("%s.oom_kills null\n", path);
    }
    if (last > 0) {
        show_time(path, "oom_last_at", last / 1000);
    }
}

/* ---- the workload ---- */

static bool is_use(const struct series *series)
{
    return is_of(series, "container_cpu_usage_seconds_total", NULL, NULL) ||
           is_of(series, "container_memory_working_set_bytes", NULL, NULL);
}

/* Times at which a pod has a sample in the window, and those of the raw ones before it, in order. */
static struct list times_of(const char *pod)
{
    struct list out = {0};
    for (size_t i = 0; i < series_count; i++) {
        if (!is_use(&all_series[i]) || strcmp(all_series[i].pod, pod) != 0) {
            continue;
        }
        bool cpu = is_of(&all_series[i], "container_cpu_usage_seconds_total", NULL, NULL);
        struct list samples = pod_samples(all_series[i].metric, pod, all_series[i].container, cpu);
        for (size_t p = 0; p < samples.count; p++) {
            add(&out, samples.items[p].time, 0, 0);
        }
        free(samples.items);
        const struct list *raw = &all_series[i].points;
        for (size_t p = 0; p < raw->count && raw->items[p].time <= start_ms; p++) {
            int64_t time = raw->items[p].time;
            add(&out, at_grid ? end_ms - (end_ms - time) / interval_ms * interval_ms : time, 0, 0);
        }
    }
    if (out.count > 0) {
        qsort(out.items, out.count, sizeof *out.items, by_time);
    }
    return out;
}

/* A pod runs during the interval before each of its samples, between two that are not more than 2.5 intervals apart, and until
 * the end of the window when that is not longer after its last. */
/* Returns when it began to run, in the window. */
static int64_t count_running(const struct list *times, int *running, int64_t seconds)
{
    int64_t marked = 0;
    int64_t begin = end_ms;
    for (size_t i = 0; i < times->count; i++) {
        int64_t time = times->items[i].time;
        int64_t from = time - interval_ms;
        if (i > 0 && 2 * (time - times->items[i - 1].time) <= 5 * interval_ms) {
            from = times->items[i - 1].time;
        }
        if (i + 1 == times->count && 2 * (end_ms - time) <= 5 * interval_ms) {
            time = end_ms;
        }
        int64_t second = (from - start_ms) / 1000 + 1;
        for (second = second <= marked ? marked + 1 : second; second <= (time - start_ms) / 1000 && second <= seconds; second++) {
            running[second]++;
            marked = second;
        }
        if (time > start_ms && from < begin) {
            begin = from < start_ms ? start_ms : from;
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
    int64_t seconds = (end_ms - start_ms) / 1000;
    int *running = xcalloc_array((size_t)seconds + 2, sizeof *running);
    int64_t step = interval_ms > STEP_MS ? interval_ms : STEP_MS;
    int64_t steps = (end_ms - start_ms) / step;
    bool *covered = xcalloc_array((size_t)steps + 1, sizeof *covered);
    int64_t first = INT64_MAX, last = 0;
    size_t pods = 0;
    int64_t begin = end_ms;
    for (size_t pod = 0; pod < pod_count; pod++) {
        struct list times = times_of(pod_names[pod]);
        bool any = false;
        for (size_t i = 0; i < times.count; i++) {
            int64_t time = times.items[i].time;
            if (in_window(time)) {
                any = true;
                first = time < first ? time : first;
                last = time > last ? time : last;
                covered[(time - start_ms - 1) / step] = true;
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
           share / (double)steps, interval_ms / 1000, range_ms / 1000);
    show_time("", "first_seen", first / 1000);
    show_time("", "last_seen", last / 1000);
    printf("odd_values %zu\nhistory_seconds %" PRId64 "\n", odd_values, end_ms / 1000 - begin / 1000);
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
    for (size_t i = 0; i < series_count; i++) {
        const struct list *points = &all_series[i].points;
        for (size_t p = 1; is_of(&all_series[i], metric, NULL, NULL) && p < points->count; p++) {
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
    for (size_t i = 0; i < series_count; i++) {
        const struct series *series = &all_series[i];
        bool again = false;
        for (size_t j = 0; j < i; j++) {
            again = again || is_of(&all_series[j], metric, series->pod, series->container);
        }
        if (again || !is_of(series, metric, NULL, NULL)) {
            continue;
        }
        struct list samples = pod_samples(metric, series->pod, series->container, cpu);
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
    for (size_t i = 0; i < series_count && count < NAMES_MAX; i++) {
        const char *name = all_series[i].container;
        bool again = !is_use(&all_series[i]);
        for (size_t j = 0; j < count; j++) {
            again = again || strcmp(seen[j], name) == 0;
        }
        if (again) {
            continue;
        }
        seen[count++] = name;
        snprintf(path, sizeof path, "containers.%s.cpu_millicores", name);
        show_resource("container_cpu_usage_seconds_total", name, true);
        snprintf(path, sizeof path, "containers.%s.memory_bytes", name);
        show_resource("container_memory_working_set_bytes", name, false);
        snprintf(path, sizeof path, "containers.%s", name);
        show_throttling(name);
        show_events(name);
    }
}

static void settle_times(int64_t interval)
{
    int64_t cpu = find_interval("container_cpu_usage_seconds_total");
    int64_t memory = cpu > 0 ? cpu : find_interval("container_memory_working_set_bytes");
    interval_ms = interval > 0 ? interval * 1000 : memory > 0 ? memory : 60000;
    range_ms = 4 * interval_ms > 120000 ? 4 * interval_ms : 120000;
}

int main(int argc, char **argv)
{
    int64_t interval = 0;
    const char *samples = NULL;
    char pattern[1024];
    for (int option; (option = getopt(argc, argv, "gi:s:")) != -1;) {
        at_grid = at_grid || option == 'g';
        interval = option == 'i' ? strtoll(optarg, NULL, 10) : interval;
        samples = option == 's' ? optarg : samples;
    }
    if (argc - optind != 5) {
        fputs("usage: oracle [-g] [-s CPU|MEMORY] [-i SECONDS] START END FILE NAMESPACE PODS\n", stderr);
        return 64;
    }
    start_ms = strtoll(argv[optind], NULL, 10) * 1000;
    end_ms = strtoll(argv[optind + 1], NULL, 10) * 1000;
    namespace_asked = argv[optind + 3];
    snprintf(pattern, sizeof pattern, "^(%s)$", argv[optind + 4]);
    if (regcomp(&pods_asked, pattern, REG_EXTENDED | REG_NOSUB) != 0) {
        return 64;
    }
    read_file(argv[optind + 2]);
    settle();
    for (size_t i = 0; i < series_count; i++) {
        pod_number(all_series[i].pod);
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
