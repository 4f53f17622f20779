#include "stages/analyze/signals.h"

#include <math.h>
#include <stdlib.h>

#include "pipeline/base/str.h"

enum { TREND_HOURS_MIN = 48 };

/* Cuts of recommender.md: above the first two throttling censors usage; a leak; a heap that fills its limit.
 */
static const double throttled_share = 0.05;
static const double throttled_hour_share = 0.25;
static const double leak_share_per_day = 0.05;
static const double leak_p = 0.01;
static const double heap_limit_share = 0.90;
static const double heap_flat_share = 0.03;
static const double hot_ratio = 1.5;
/* Own cuts: idle uses at most 2 % of what it asks for and never 10m, over at least three days. */
static const double idle_share = 0.02;
static const double idle_millicores = 10;
static const double idle_seconds = 3 * 86400.0;

/* Moves the k-th smallest value to its place, smaller ones before it. Source: Hoare's quickselect. */
static double select_nth(double *values, size_t count, size_t k)
{
    size_t low = 0;
    size_t high = count - 1;
    while (low < high) {
        double pivot = values[low + (high - low) / 2];
        size_t i = low;
        size_t j = high;
        for (;;) {
            while (values[i] < pivot)
                i++;
            while (pivot < values[j])
                j--;
            if (i >= j)
                break;
            double swap = values[i];
            values[i++] = values[j];
            values[j--] = swap;
        }
        /* j is the last place of the lower part. */
        if (k <= j)
            high = j;
        else
            low = j + 1;
    }
    return values[k];
}

/* Median of a scratch array, which is reordered. */
static double median_of(double *values, size_t count)
{
    double upper = select_nth(values, count, count / 2);
    return count % 2 ? upper : (upper + select_nth(values, count, count / 2 - 1)) / 2;
}

static int compare_doubles(const void *a, const void *b)
{
    const double *x = a;
    const double *y = b;
    return (*x > *y) - (*x < *y);
}

/* Two-sided p of Mann-Kendall's S over `sorted` (for the ties) of n values. */
static double kendall_p(double s, const double *sorted, size_t n)
{
    double size = (double)n;
    double variance = size * (size - 1) * (2 * size + 5);
    for (size_t i = 0; i < n;) {
        size_t j = i;
        while (j < n && sorted[j] <= sorted[i])
            j++;
        double tie = (double)(j - i);
        variance -= tie * (tie - 1) * (2 * tie + 5);
        i = j;
    }
    if (variance <= 0)
        return 1;
    double z = (s > 0 ? s - 1 : s < 0 ? s + 1 : 0) / sqrt(variance / 18);
    return erfc(fabs(z) / sqrt(2));
}

/* Pairwise slopes per hour into `slopes`; returns Mann-Kendall's S. */
static double pair_slopes(const double *x, const double *y, size_t n, double *slopes)
{
    double s = 0;
    size_t k = 0;
    for (size_t i = 0; i < n; i++) {
        for (size_t j = i + 1; j < n; j++) {
            slopes[k++] = (y[j] - y[i]) / (x[j] - x[i]);
            s += (y[j] > y[i]) - (y[j] < y[i]);
        }
    }
    return s;
}

void trend_fit(const struct hours *hours, struct arena *arena, struct trend *out)
{
    *out = (struct trend){.known = false, .per_day = 0, .p = 1, .median = 0};
    size_t count = hours->count < HOURS_MAX ? hours->count : HOURS_MAX;
    double *x = arena_alloc_array(arena, count + 1, sizeof *x);
    double *y = arena_alloc_array(arena, count + 1, sizeof *y);
    size_t n = 0;
    for (size_t i = 0; i < count; i++) {
        if (isfinite(hours->values[i])) {
            x[n] = (double)i;
            y[n++] = hours->values[i];
        }
    }
    if (n < TREND_HOURS_MIN)
        return;
    size_t pairs = n * (n - 1) / 2;
    double *slopes = arena_alloc_array(arena, pairs, sizeof *slopes);
    double s = pair_slopes(x, y, n, slopes);
    out->known = true;
    out->per_day = median_of(slopes, pairs) * 24;
    qsort(y, n, sizeof *y, compare_doubles);
    out->median = y[n / 2];
    out->p = kendall_p(s, y, n);
}

/* Whether one metric of an autoscaler is a utilization of this resource of this container. */
static bool metric_follows(const json_t *metric, const char *container, enum resource resource)
{
    const char *type = json_string_or_null(metric, "type");
    const char *target = json_string_or_null(metric, "target_type");
    if (!str_equal(json_string_or_null(metric, "resource"), resource == CPU ? "cpu" : "memory") ||
        (target && !str_equal(target, "Utilization")))
        return false;
    if (str_equal(type, "ContainerResource"))
        return str_equal(json_string_or_null(metric, "container"), container);
    return str_equal(type, "Resource");
}

bool autoscaler_follows(const struct subject *subject, const struct container *container,
                        enum resource resource)
{
    const char *kind = json_string_or_null(subject->autoscaler, "kind");
    if (kind && str_starts(kind, "VerticalPodAutoscaler"))
        return true;
    const json_t *metrics = json_object_get(subject->autoscaler, "metrics");
    size_t index;
    json_t *metric;
    json_array_foreach(metrics, index, metric)
    {
        if (metric_follows(metric, container->name, resource))
            return true;
    }
    return false;
}

/* Throttling matters only where there is a limit to be throttled at. */
static bool is_throttled(const struct container *container)
{
    if (container->limit[CPU] <= 0)
        return false;
    return container->throttled >= throttled_share || container->throttled_worst_hour >= throttled_hour_share;
}

static bool is_heap_capped(const struct container *container)
{
    const struct figures *memory = &container->use[MEMORY];
    const struct figures *cpu = &container->use[CPU];
    double limit = (double)container->limit[MEMORY];
    if (limit <= 0 || !memory->known || !cpu->known || !(memory->p50 > 0))
        return false;
    bool flat = memory->max - memory->p50 <= heap_flat_share * memory->max;
    bool varies = cpu->p95 > 1.2 * cpu->p50;
    return memory->p50 >= heap_limit_share * limit && flat && varies;
}

static bool is_idle(const struct subject *subject, const struct container *container)
{
    const struct figures *cpu = &container->use[CPU];
    int64_t request = container_request(container, CPU);
    if (!cpu->known || subject->batch || subject_history_seconds(subject) < idle_seconds)
        return false;
    return cpu->max < idle_millicores && (request <= 0 || cpu->p95 <= idle_share * (double)request);
}

void signals_read(const struct subject *subject, const struct container *container, struct arena *arena,
                  struct signals *out)
{
    const struct figures *cpu = &container->use[CPU];
    *out = (struct signals){.throttled = is_throttled(container),
                            .oom = container->oom_kills >= 0.5,
                            .heap_capped = is_heap_capped(container),
                            .idle = is_idle(subject, container)};
    for (int r = 0; r < RESOURCES; r++)
        out->autoscaled[r] = autoscaler_follows(subject, container, (enum resource)r);
    out->hot = subject_replicas(subject) >= 2.5 && cpu->pods >= 3 && cpu->pod_p95_max >= 10 &&
               cpu->pod_p95_max > hot_ratio * cpu->pod_p95_median;
    trend_fit(&container->use[MEMORY].low, arena, &out->memory_trend);
    const struct trend *trend = &out->memory_trend;
    out->leak = trend->known && trend->p < leak_p && trend->per_day > leak_share_per_day * trend->median;
}
