#include "stages/collect/figures/measures.h"

#include <math.h>
#include <stdlib.h>

#include "pipeline/base/clock.h"
#include "pipeline/base/mem.h"
#include "stages/collect/figures/rates.h"
#include "stages/collect/figures/tally.h"

enum { HOT_PODS_MIN = 3 };

/* A pod is hot when its weighted p95 is above this multiple of the pods' median. */
static const double hot_ratio = 1.5;

static const char *const plain_names[TALLY_PLAIN] = {"p50", "p90", "p95", "p99", "p99_5"};
static const char *const weighted_names[TALLY_WEIGHTED] = {"wp50", "wp90", "wp95", "wp99"};

static void set_real(json_t *out, const char *key, bool known, double value)
{
    json_object_set_new(out, key, known ? json_real_or_null(value) : json_null());
}

/* Samples that scrapes at each interval would have made while the pods ran. */
static int64_t expected(const struct samples *samples, int64_t interval_ms)
{
    int64_t count = 0;
    for (size_t i = 0; i < samples->pod_count; i++) {
        int64_t lived = (int64_t)samples->pods[i].last - samples->pods[i].first;
        count += (lived + interval_ms / 2) / interval_ms + 1;
    }
    return count;
}

static void plain_figures(const struct samples *samples, const struct window *window, int64_t interval_ms, json_t *out)
{
    char text[RFC3339_MAX];
    double total = (double)samples->total;
    set_real(out, "mean", true, samples->sum / total);
    set_real(out, "stddev", true, sqrt(samples->spread / total));
    set_real(out, "min", true, samples->min);
    set_real(out, "max", true, samples->max);
    json_object_set_new(out, "max_at", json_string(time_format(window->start + samples->max_offset / 1000, text)));
    json_object_set_new(out, "samples", json_integer(samples->total));
    json_object_set_new(out, "expected", json_integer(expected(samples, interval_ms > 0 ? interval_ms : 1)));
    json_object_set_new(out, "approximate", json_boolean(samples->approximate));
}

static void percentiles(const struct tally *tally, json_t *out)
{
    bool known = tally->weight > 0;
    for (size_t i = 0; i < TALLY_PLAIN; i++) {
        set_real(out, plain_names[i], true, tally->plain[i]);
    }
    set_real(out, "p95_recent", tally->recent_count > 0, tally->recent_p95);
    set_real(out, "p95_earlier", tally->earlier_count > 0, tally->earlier_p95);
    set_real(out, "startup_p99", tally->startup_count > 0, tally->startup_p99);
    set_real(out, "startup_max", tally->startup_count > 0, tally->startup_max);
    set_real(out, "wmean", known, tally->weighted_sum / tally->weight);
    for (size_t i = 0; i < TALLY_WEIGHTED; i++) {
        set_real(out, weighted_names[i], known, tally->weighted[i]);
    }
    set_real(out, "bh90", tally->busiest >= 0, tally->busiest_p90);
    json_object_set_new(out, "bh90_hour", json_int_or_null(tally->busiest >= 0, tally->busiest));
}

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

static void pod_figures(struct tally *tally, size_t pods, const char *const *pod_names, json_t *out)
{
    double *values = tally->pod_wp95;
    size_t count = tally->pods;
    qsort(values, count, sizeof *values, compare_doubles);
    double median = count == 0 ? 0 : values[tally_rank((int64_t)count, 500) - 1];
    bool hot = count >= HOT_PODS_MIN && tally->pod_max > hot_ratio * median;
    json_object_set_new(out, "pods", json_integer((json_int_t)pods));
    set_real(out, "pod_wp95_max", count > 0, tally->pod_max);
    set_real(out, "pod_wp95_median", count > 0, median);
    set_real(out, "pod_wp95_p95", count > 0, count == 0 ? 0 : values[tally_rank((int64_t)count, 950) - 1]);
    json_object_set_new(out, "hot_pod", hot ? json_string_safe(pod_names[tally->pod_max_id]) : json_null());
}

json_t *measures_json(struct samples *samples, const struct window *window, int64_t interval_ms, bool drop_startup,
                      const char *const *pod_names)
{
    if (samples->total == 0) {
        return json_null();
    }
    struct tally tally;
    json_t *out = json_object();
    tally_make(&tally, samples, window, drop_startup ? rates_range(interval_ms) : -1);
    plain_figures(samples, window, interval_ms, out);
    percentiles(&tally, out);
    pod_figures(&tally, samples->pod_count, pod_names, out);
    profile_json(&samples->profile, window, out);
    tally_release(&tally);
    return out;
}
