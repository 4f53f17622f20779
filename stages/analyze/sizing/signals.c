#include "stages/analyze/sizing/signals.h"

#include <math.h>

#include "pipeline/base/str.h"

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
    const struct hours *low = &container->use[MEMORY].low;
    trend_fit(low->values, low->count, arena, &out->memory_trend);
    const struct trend *trend = &out->memory_trend;
    out->leak = trend->known && trend->p < leak_p && 24 * trend->per_step > leak_share_per_day * trend->median;
}
