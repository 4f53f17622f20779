#include "tests/harness/oracle.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/mem.h"

struct oracle oracle;

void oracle_add(struct list *list, int64_t time, double value, size_t pod)
{
    GROW(list->items, list->capacity, list->count + 1);
    list->items[list->count++] = (struct point){time, value, pod};
}

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
    bool asked = strcmp(namespace, oracle.namespace) == 0 && regexec(&oracle.pods, pod, 0, NULL, 0) == 0 &&
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
    for (size_t i = 0; i < oracle.series_count; i++, last = (last + 1) % oracle.series_count) {
        if (strcmp(oracle.series[last].key, key) == 0) {
            return &oracle.series[last];
        }
    }
    if (!is_asked(key)) {
        return NULL;
    }
    GROW(oracle.series, oracle.series_capacity, oracle.series_count + 1);
    last = oracle.series_count;
    oracle.series[oracle.series_count] = (struct series){.key = xstrdup(key),
                                               .metric = xstrndup(key, strcspn(key, "{")),
                                               .pod = label(key, "pod"),
                                               .container = label(key, "container"),
                                               .id = label(key, "id"),
                                               .reason = label(key, "reason")};
    return &oracle.series[oracle.series_count++];
}

int oracle_by_time(const void *a, const void *b)
{
    const struct point *x = a;
    const struct point *y = b;
    return (x->time > y->time) - (x->time < y->time);
}

size_t oracle_pod_number(const char *name)
{
    for (size_t i = 0; i < oracle.pod_count; i++) {
        if (strcmp(oracle.pod_names[i], name) == 0) {
            return i;
        }
    }
    if (oracle.pod_count == NAMES_MAX) {
        exit(70);
    }
    oracle.pod_names[oracle.pod_count] = name;
    return oracle.pod_count++;
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

void oracle_read_file(const char *path)
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
        oracle.odd_values += odd && is_counter_of_ours(series->metric);
        if (!odd) {
            oracle_add(&series->points, read_time(rest + 1), value, 0);
        }
    }
    fclose(file);
}

void oracle_settle(void)
{
    for (size_t i = 0; i < oracle.series_count; i++) {
        struct list *points = &oracle.series[i].points;
        qsort(points->items, points->count, sizeof *points->items, oracle_by_time);
    }
}


int oracle_by_value(const void *a, const void *b)
{
    const struct point *x = a;
    const struct point *y = b;
    return x->value < y->value ? -1 : x->value > y->value ? 1 : oracle_by_time(a, b);
}

/* extrapolatedRate of Prometheus 2.42 over (at − range, at], per second; false with fewer than two samples. */
static bool rate(const struct list *list, int64_t at, double *out)
{
    /* A server is asked for a millisecond less, so that it leaves the left edge out. */
    int64_t length_ms = oracle.at_grid ? oracle.range_ms - 1 : oracle.range_ms;
    size_t first = 0;
    while (first < list->count && list->items[first].time <= at - oracle.range_ms) {
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
    return time > oracle.start_ms - HOUR_MS && time <= oracle.end_ms;
}

bool oracle_in_window(int64_t time)
{
    return time > oracle.start_ms && time <= oracle.end_ms;
}

/* What one series gives: a rate in millicores or the value at each of its sample times. */
static struct list native_samples(const struct list *raw, bool cpu)
{
    struct list out = {0};
    for (size_t i = 0; i < raw->count; i++) {
        double value = raw->items[i].value;
        if (is_looked_at(raw->items[i].time) && (!cpu || rate(raw, raw->items[i].time, &value))) {
            oracle_add(&out, raw->items[i].time, cpu ? value * 1000 : value, 0);
        }
    }
    return out;
}

/* The same at instants of the grid: what was scraped in the interval before each. */
static struct list grid_samples(const struct list *raw, bool cpu)
{
    struct list out = {0};
    int64_t first = oracle.end_ms - (oracle.end_ms - oracle.start_ms + HOUR_MS - 1) / oracle.interval_ms * oracle.interval_ms;
    for (int64_t at = first; at <= oracle.end_ms; at += oracle.interval_ms) {
        double most = -1;
        for (size_t i = 0; i < raw->count; i++) {
            if (raw->items[i].time > at - oracle.interval_ms && raw->items[i].time <= at && raw->items[i].value > most) {
                most = raw->items[i].value;
            }
        }
        if (most >= 0 && (!cpu || rate(raw, at, &most))) {
            oracle_add(&out, at, cpu ? most * 1000 : most, 0);
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
            free_place = (double)llabs(list->items[j].time - others->items[i].time) >= 0.9 * (double)oracle.interval_ms;
        }
        if (free_place) {
            oracle_add(list, others->items[i].time, others->items[i].value, 0);
        }
    }
    if (list->count > 0) {
        qsort(list->items, list->count, sizeof *list->items, oracle_by_time);
    }
}

bool oracle_is_of(const struct series *series, const char *metric, const char *pod, const char *container)
{
    return strcmp(series->metric, metric) == 0 && (pod == NULL || strcmp(series->pod, pod) == 0) &&
           (container == NULL || strcmp(series->container, container) == 0);
}

/* Samples of one pod's container: the series with most samples first, then what others tell beside it. */
struct list oracle_pod_samples(const char *metric, const char *pod, const char *container, bool cpu)
{
    struct list parts[64];
    size_t count = 0;
    for (size_t i = 0; i < oracle.series_count && count < 64; i++) {
        if (oracle_is_of(&oracle.series[i], metric, pod, container)) {
            parts[count++] = (oracle.at_grid ? grid_samples : native_samples)(&oracle.series[i].points, cpu);
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
        if (oracle_in_window(out.items[i].time)) {
            oracle_add(&inside, out.items[i].time, out.items[i].value, 0);
        }
    }
    free(out.items);
    return inside;
}
