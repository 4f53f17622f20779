#include "tests/harness/oracle.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

void oracle_show(const char *name, double value)
{
    printf("%s.%s %.17g\n", oracle.path, name, value);
}

void oracle_show_time(const char *prefix, const char *name, int64_t seconds)
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
    return exp2(-(double)(oracle.end_ms - time) / (3.0 * 24 * HOUR_MS));
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
            oracle_add(&out, from->items[i].time, from->items[i].value, from->items[i].pod);
        }
    }
    if (out.count > 0) {
        qsort(out.items, out.count, sizeof *out.items, oracle_by_value);
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
    return (7 * (oracle.end_ms - point->time) < 2 * (oracle.end_ms - oracle.start_ms)) == (yes == 1);
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
    oracle_show("mean", mean);
    oracle_show("stddev", sqrt(spread / (double)all->count));
    oracle_show("min", sorted.items[0].value);
    oracle_show("p50", percentile(&sorted, 500));
    oracle_show("p90", percentile(&sorted, 900));
    oracle_show("p95", percentile(&sorted, 950));
    oracle_show("p99", percentile(&sorted, 990));
    oracle_show("p99_5", percentile(&sorted, 995));
    oracle_show("max", sorted.items[sorted.count - 1].value);
    oracle_show_time(oracle.path, "max_at", most->time / 1000);
    oracle_show("samples", (double)all->count);
    free(sorted.items);
    for (int recent = 0; recent < 2; recent++) {
        struct list part = sorted_part(all, is_recent, recent);
        if (part.count > 0) {
            oracle_show(recent ? "p95_recent" : "p95_earlier", percentile(&part, 950));
        } else {
            printf("%s.%s null\n", oracle.path, recent ? "p95_recent" : "p95_earlier");
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
    oracle_show("wmean", sum / total);
    oracle_show("wp50", weighted(&sorted, 0.5));
    oracle_show("wp90", weighted(&sorted, 0.9));
    oracle_show("wp95", weighted(&sorted, 0.95));
    oracle_show("wp99", weighted(&sorted, 0.99));
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
    oracle_show("bh90", busiest);
    oracle_show("bh90_hour", busiest_hour);
}

static void show_pods(const struct list *steady)
{
    struct list values = {0}; /* `time` is the number of samples */
    struct list longest = {0};
    for (size_t pod = 0; pod < oracle.pod_count; pod++) {
        struct list part = sorted_part(steady, is_of_pod, (int64_t)pod);
        double wp95 = part.count > 0 ? weighted(&part, 0.95) : 0;
        if (part.count >= 30) {
            oracle_add(&values, (int64_t)part.count, wp95, pod);
        }
        if (part.count > 0 && (longest.count == 0 || (int64_t)part.count > longest.items[0].time)) {
            longest.count = 0;
            oracle_add(&longest, (int64_t)part.count, wp95, pod);
        }
        free(part.items);
    }
    struct list *told = values.count > 0 ? &values : &longest;
    qsort(told->items, told->count, sizeof *told->items, oracle_by_value);
    double most = told->items[told->count - 1].value;
    double median = percentile(told, 500);
    oracle_show("pod_wp95_max", most);
    oracle_show("pod_wp95_median", median);
    oracle_show("pod_wp95_p95", percentile(told, 950));
    bool hot = told->count >= 3 && most > 1.5 * median;
    printf("%s.hot_pod %s\n", oracle.path, hot ? oracle.pod_names[told->items[told->count - 1].pod] : "null");
    free(values.items);
    free(longest.items);
}

static void show_steps(const struct list *all, const char *name, int64_t step)
{
    int64_t count = (oracle.end_ms - oracle.start_ms + step - 1) / step;
    for (int64_t entry = 0; entry < count; entry++) {
        double sum = 0, least = INFINITY, most = -1;
        size_t samples = 0;
        for (size_t i = 0; i < all->count; i++) {
            double value = all->items[i].value;
            if (all->items[i].time <= oracle.start_ms + entry * step || all->items[i].time > oracle.start_ms + (entry + 1) * step) {
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
        printf("%s.%s.mean.%" PRId64 " %.17g\n", oracle.path, name, entry, sum / (double)samples);
        printf("%s.%s.max.%" PRId64 " %.17g\n", oracle.path, name, entry, most);
        if (step == HOUR_MS) {
            printf("%s.%s.min.%" PRId64 " %.17g\n", oracle.path, name, entry, least);
        }
    }
}

void oracle_show_resource(const char *metric, const char *container, bool cpu)
{
    struct list all = {0};
    struct list steady = {0};
    struct list startup = {0};
    size_t pods = 0;
    int64_t expected = 0;
    for (size_t pod = 0; pod < oracle.pod_count; pod++) {
        struct list part = oracle_pod_samples(metric, oracle.pod_names[pod], container, cpu);
        if (part.count == 0) {
            continue;
        }
        pods++;
        int64_t from = part.items[0].time;
        int64_t last = part.items[part.count - 1].time;
        expected += (last - from + oracle.interval_ms / 2) / oracle.interval_ms + 1;
        bool starts = cpu && from > oracle.start_ms + oracle.range_ms && last - from >= HOUR_MS;
        for (size_t i = 0; i < part.count; i++) {
            const struct point *point = &part.items[i];
            oracle_add(&all, point->time, point->value, pod);
            oracle_add(starts && point->time < from + STARTUP_MS ? &startup : &steady, point->time, point->value, pod);
        }
        free(part.items);
    }
    if (all.count == 0) {
        printf("%s null\n", oracle.path);
        return;
    }
    oracle_show("pods", (double)pods);
    oracle_show("expected", (double)expected);
    show_plain(&all);
    if (startup.count > 0) {
        qsort(startup.items, startup.count, sizeof *startup.items, oracle_by_value);
        oracle_show("startup_p99", percentile(&startup, 990));
        oracle_show("startup_max", startup.items[startup.count - 1].value);
    } else {
        printf("%s.startup_p99 null\n%s.startup_max null\n", oracle.path, oracle.path);
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
