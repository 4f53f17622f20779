#include "stages/collect/measures.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/clock.h"
#include "pipeline/base/mem.h"

enum { HOURS_OF_DAY = 24, POD_SAMPLES_MIN = 30, HOT_PODS_MIN = 3 };

/* A pod is hot when its weighted p95 is above this multiple of the pods' median (recommender.md, rule 3). */
static const double hot_ratio = 1.5;

/* A percentile in the making: while samples go by in order of value, the first that brings the sum to the
 * goal is it. */
struct quantile {
    double goal;
    double sum;
    double value;
};

struct quantile_row {
    const char *name;
    int64_t thousandths;
};

static const struct quantile_row plain_rows[] = {
    {"p50", 500}, {"p90", 900}, {"p95", 950}, {"p99", 990}, {"p99_5", 995}};
static const struct quantile_row weighted_rows[] = {
    {"wp50", 500}, {"wp90", 900}, {"wp95", 950}, {"wp99", 990}};

enum { PLAIN_COUNT = ARRAY_COUNT(plain_rows), WEIGHTED_COUNT = ARRAY_COUNT(weighted_rows) };

/* Sums of one hour of the window. */
struct hour {
    int64_t count;
    double sum;
    double min;
    double max;
    struct quantile p95;
};

/* Sums of one pod's steady samples. */
struct pod {
    int64_t count;
    double weight;
    struct quantile wp95;
};

struct work {
    const struct samples *samples;
    const struct grid *grid;
    uint32_t *steady_from; /* of each pod: its first steady point */
    uint32_t recent_from;  /* first point of the last two sevenths of the window */
    struct hour *hours;
    struct pod *pods;
    struct quantile plain[PLAIN_COUNT];
    struct quantile weighted[WEIGHTED_COUNT];
    struct quantile day[HOURS_OF_DAY];
    double day_weight[HOURS_OF_DAY];
    struct quantile recent;
    struct quantile earlier;
    struct quantile startup;
    int64_t recent_count;
    int64_t earlier_count;
    int64_t startup_count;
    double startup_max;
    double weight;
    double weighted_sum;
};

int64_t measures_rank(int64_t count, int64_t thousandths)
{
    return (count * thousandths + 999) / 1000;
}

static void pass_by(struct quantile *quantile, double amount, double value)
{
    if (quantile->sum < quantile->goal && quantile->sum + amount >= quantile->goal) {
        quantile->value = value;
    }
    quantile->sum += amount;
}

static void aim_count(struct quantile *quantile, int64_t count, int64_t thousandths)
{
    *quantile = (struct quantile){.goal = (double)measures_rank(count, thousandths)};
}

/* The sum of weights is made in another order than the goal's, so it may miss it by rounding: the goal gives
 * way a little. */
static void aim_weight(struct quantile *quantile, double weight, int64_t thousandths)
{
    *quantile = (struct quantile){.goal = weight * ((double)thousandths / 1000) * (1 - 1e-12)};
}

/* Steady begins three minutes after the first sample of a pod that was not there when the window began. A pod
 * that lives less than an hour (a job's) is steady from the start: there, starting is part of the work. */
static void find_steady(struct work *work, bool drop_startup)
{
    const struct grid *grid = work->grid;
    work->steady_from = xcalloc_array(work->samples->pod_count, sizeof *work->steady_from);
    for (size_t i = 0; drop_startup && i < work->samples->pod_count; i++) {
        const struct sample_pod *pod = &work->samples->pods[i];
        bool lasts = (pod->last - pod->first) * grid->step >= HOUR;
        if (lasts && grid_time(grid, pod->first) - grid->start > grid->range) {
            work->steady_from[i] = pod->first + (uint32_t)((STARTUP + grid->step - 1) / grid->step);
        }
    }
}

static bool is_steady(const struct work *work, const struct sample *sample)
{
    return sample_point(sample) >= work->steady_from[sample->pod];
}

static size_t hour_of_day(int64_t time)
{
    return (size_t)((time % DAY + DAY) % DAY / HOUR);
}

static void add_hour(struct hour *hour, double value, int64_t count)
{
    bool first = hour->count == 0;
    hour->min = first || value < hour->min ? value : hour->min;
    hour->max = first || value > hour->max ? value : hour->max;
    hour->sum += value * (double)count;
    hour->count += count;
}

/* First pass, in any order: sums of hours, pods and weights, from which the goals follow. */
static void add_up(struct work *work)
{
    const struct grid *grid = work->grid;
    for (size_t i = 0; i < work->samples->count; i++) {
        const struct sample *sample = &work->samples->items[i];
        uint32_t point = sample_point(sample);
        int64_t count = sample_count(sample);
        int64_t time = grid_time(grid, point);
        add_hour(&work->hours[grid_hour(grid, time)], sample->value, count);
        *(point >= work->recent_from ? &work->recent_count : &work->earlier_count) += count;
        if (!is_steady(work, sample)) {
            work->startup_count += count;
            work->startup_max = fmax(work->startup_max, sample->value);
            continue;
        }
        double weight = grid->weights[point] * (double)count;
        work->weight += weight;
        work->weighted_sum += weight * sample->value;
        work->day_weight[hour_of_day(time)] += weight;
        work->pods[sample->pod].count += count;
        work->pods[sample->pod].weight += weight;
    }
}

static void aim(struct work *work)
{
    for (size_t i = 0; i < PLAIN_COUNT; i++) {
        aim_count(&work->plain[i], work->samples->total, plain_rows[i].thousandths);
    }
    for (size_t i = 0; i < WEIGHTED_COUNT; i++) {
        aim_weight(&work->weighted[i], work->weight, weighted_rows[i].thousandths);
    }
    for (size_t i = 0; i < HOURS_OF_DAY; i++) {
        aim_weight(&work->day[i], work->day_weight[i], 900);
    }
    for (size_t i = 0; i < work->samples->pod_count; i++) {
        aim_weight(&work->pods[i].wp95, work->pods[i].weight, 950);
    }
    for (size_t i = 0; i < work->grid->hours; i++) {
        aim_count(&work->hours[i].p95, work->hours[i].count, 950);
    }
    aim_count(&work->recent, work->recent_count, 950);
    aim_count(&work->earlier, work->earlier_count, 950);
    aim_count(&work->startup, work->startup_count, 990);
}

/* Second pass, in order of value. */
static void pass_all(struct work *work)
{
    const struct grid *grid = work->grid;
    for (size_t i = 0; i < work->samples->count; i++) {
        const struct sample *sample = &work->samples->items[i];
        uint32_t point = sample_point(sample);
        double value = sample->value;
        double count = sample_count(sample);
        int64_t time = grid_time(grid, point);
        for (size_t q = 0; q < PLAIN_COUNT; q++) {
            pass_by(&work->plain[q], count, value);
        }
        pass_by(&work->hours[grid_hour(grid, time)].p95, count, value);
        pass_by(point >= work->recent_from ? &work->recent : &work->earlier, count, value);
        if (!is_steady(work, sample)) {
            pass_by(&work->startup, count, value);
            continue;
        }
        double weight = grid->weights[point] * count;
        for (size_t q = 0; q < WEIGHTED_COUNT; q++) {
            pass_by(&work->weighted[q], weight, value);
        }
        pass_by(&work->day[hour_of_day(time)], weight, value);
        pass_by(&work->pods[sample->pod].wp95, weight, value);
    }
}

static void set_real(json_t *out, const char *key, bool known, double value)
{
    json_object_set_new(out, key, known ? json_real_or_null(value) : json_null());
}

static void set_time(json_t *out, const char *key, int64_t time)
{
    char text[RFC3339_MAX];
    json_object_set_new(out, key, json_string(time_format(time, text)));
}

static int64_t expected(const struct samples *samples)
{
    int64_t count = 0;
    for (size_t i = 0; i < samples->pod_count; i++) {
        count += samples->pods[i].count > 0 ? (int64_t)samples->pods[i].last - samples->pods[i].first + 1 : 0;
    }
    return count;
}

static void plain_figures(const struct work *work, json_t *out)
{
    const struct samples *samples = work->samples;
    double total = (double)samples->total;
    set_real(out, "mean", true, samples->sum / total);
    set_real(out, "stddev", true, sqrt(samples->spread / total));
    set_real(out, "min", true, samples->min);
    set_real(out, "max", true, samples->max);
    set_time(out, "max_at", grid_time(work->grid, samples->max_point));
    for (size_t i = 0; i < PLAIN_COUNT; i++) {
        set_real(out, plain_rows[i].name, true, work->plain[i].value);
    }
    json_object_set_new(out, "samples", json_integer(samples->total));
    json_object_set_new(out, "expected", json_integer(expected(samples)));
    json_object_set_new(out, "approximate", json_boolean(samples->approximate));
    set_real(out, "p95_recent", work->recent_count > 0, work->recent.value);
    set_real(out, "p95_earlier", work->earlier_count > 0, work->earlier.value);
    set_real(out, "startup_p99", work->startup_count > 0, work->startup.value);
    set_real(out, "startup_max", work->startup_count > 0, work->startup_max);
}

static void weighted_figures(const struct work *work, json_t *out)
{
    bool known = work->weight > 0;
    set_real(out, "wmean", known, work->weighted_sum / work->weight);
    for (size_t i = 0; i < WEIGHTED_COUNT; i++) {
        set_real(out, weighted_rows[i].name, known, work->weighted[i].value);
    }
    int busiest = -1;
    for (int i = 0; i < HOURS_OF_DAY; i++) {
        if (work->day_weight[i] > 0 && (busiest < 0 || work->day[i].value > work->day[busiest].value)) {
            busiest = i;
        }
    }
    set_real(out, "bh90", busiest >= 0, busiest >= 0 ? work->day[busiest].value : 0);
    json_object_set_new(out, "bh90_hour", json_int_or_null(busiest >= 0, busiest));
}

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Pods that say something: those with enough steady samples, else the one with most. */
static size_t telling_pods(const struct work *work, double *values, size_t *hottest)
{
    size_t count = 0;
    size_t longest = 0;
    for (size_t i = 0; i < work->samples->pod_count; i++) {
        const struct pod *pod = &work->pods[i];
        longest = pod->count > work->pods[longest].count ? i : longest;
        if (pod->count < POD_SAMPLES_MIN) {
            continue;
        }
        if (count == 0 || pod->wp95.value > work->pods[*hottest].wp95.value) {
            *hottest = i;
        }
        values[count++] = pod->wp95.value;
    }
    if (count == 0 && work->pods[longest].count > 0) {
        *hottest = longest;
        values[count++] = work->pods[longest].wp95.value;
    }
    return count;
}

static void pod_figures(const struct work *work, json_t *out, const char *const *pod_names)
{
    size_t hottest = 0;
    double *values = xcalloc_array(work->samples->pod_count, sizeof *values);
    size_t count = telling_pods(work, values, &hottest);
    qsort(values, count, sizeof *values, compare_doubles);
    double median = count == 0 ? 0 : values[measures_rank((int64_t)count, 500) - 1];
    double most = count == 0 ? 0 : values[count - 1];
    bool hot = count >= HOT_PODS_MIN && most > hot_ratio * median;
    json_object_set_new(out, "pods", json_integer((json_int_t)work->samples->pod_count));
    set_real(out, "pod_wp95_max", count > 0, most);
    set_real(out, "pod_wp95_median", count > 0, median);
    set_real(out, "pod_wp95_p95", count > 0, count == 0 ? 0 : values[measures_rank((int64_t)count, 950) - 1]);
    json_object_set_new(out, "hot_pod",
                        hot ? json_string_safe(pod_names[work->samples->pods[hottest].id]) : json_null());
    free(values);
}

static void hourly_figures(const struct work *work, json_t *out)
{
    json_t *mean = json_array();
    json_t *p95 = json_array();
    json_t *max = json_array();
    json_t *min = json_array();
    for (size_t i = 0; i < work->grid->hours; i++) {
        const struct hour *hour = &work->hours[i];
        bool known = hour->count > 0;
        json_array_append_new(mean, known ? json_real(hour->sum / (double)hour->count) : json_null());
        json_array_append_new(p95, known ? json_real(hour->p95.value) : json_null());
        json_array_append_new(max, known ? json_real(hour->max) : json_null());
        json_array_append_new(min, known ? json_real(hour->min) : json_null());
    }
    json_t *hourly = json_object();
    json_object_set_new(hourly, "mean", mean);
    json_object_set_new(hourly, "p95", p95);
    json_object_set_new(hourly, "max", max);
    json_object_set_new(hourly, "min", min);
    json_object_set_new(out, "hourly", hourly);
}

json_t *measures_json(struct samples *samples, const struct grid *grid, bool drop_startup,
                      const char *const *pod_names)
{
    if (samples->total == 0) {
        return json_null();
    }
    struct work *work = xcalloc(sizeof *work);
    work->samples = samples;
    work->grid = grid;
    work->recent_from = grid->count - (uint32_t)((uint64_t)grid->count * 2 / 7);
    work->hours = xcalloc_array(grid->hours, sizeof *work->hours);
    work->pods = xcalloc_array(samples->pod_count, sizeof *work->pods);
    samples_sort(samples);
    find_steady(work, drop_startup);
    add_up(work);
    aim(work);
    pass_all(work);
    json_t *out = json_object();
    plain_figures(work, out);
    weighted_figures(work, out);
    pod_figures(work, out, pod_names);
    hourly_figures(work, out);
    free(work->steady_from);
    free(work->hours);
    free(work->pods);
    free(work);
    return out;
}
