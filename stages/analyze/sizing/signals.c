#include "stages/analyze/sizing/signals.h"

#include <math.h>

#include "pipeline/base/str.h"
#include "stages/analyze/statistics/order.h"
#include "stages/analyze/subject/scalers.h"

/* Cuts of recommender.md: above the first two throttling censors usage; a leak; a heap that fills its limit.
 */
static const double throttled_share = 0.05;
static const double throttled_hour_share = 0.25;
static const double leak_share_per_day = 0.05;
static const double heap_limit_share = 0.90;
static const double heap_flat_share = 0.03;
static const double hot_ratio = 1.5;
/* Own cuts: idle uses at most 2 % of what it asks for and never 10m, over at least three days. */
static const double idle_share = 0.02;
static const double idle_millicores = 10;
static const double idle_seconds = 3 * 86400.0;
/* Own cuts: a start that takes three times what running takes, and enough to matter. */
static const double cold_ratio = 3;
static const double cold_millicores = 100;
/* Own cuts: two and a half hours in a week are long enough to starve in; below a day of steps nothing is rare. */
static const double rare_share = 0.015;
static const size_t rare_steps_needed = 288;
static const int64_t oom_hold_seconds = 7 * 86400;

/* The use of a container, if all of its pod's work alike, at which an autoscaler adds a pod; NaN for none. Of several the
 * highest, for what lies below it must stay within reach. */
static double scale_load(const struct subject *subject, const struct container *container, enum resource resource)
{
    double request = (double)container_request(container, resource);
    double load = NAN;
    for (size_t i = 0; i < subject->scalers->count; i++) {
        const struct scaler *scaler = &subject->scalers->items[i];
        for (size_t k = 0; k < scaler->metric_count; k++) {
            const struct scaler_metric *metric = &scaler->metrics[k];
            bool mine = !metric->container || str_equal(metric->container, container->name);
            if (metric->utilization && metric->resource == resource && mine && metric->target > 0 && request > 0) {
                load = fmax(load, request * (double)metric->target / 100);
            }
        }
    }
    return load;
}

/* Kills that memory must still be sized for; older ones were answered, or did not come back. */
static bool is_killed_of_late(const struct subject *subject, const struct container *container)
{
    bool old = container->oom_last > 0 && subject->window_end - container->oom_last > oom_hold_seconds;
    return container->oom_kills >= 0.5 && !old;
}

/* What the steps' means pass for a share of the time that is small, but long enough to starve in. */
static double rare_peak(const struct subject *subject, const struct steps *steps, struct arena *arena)
{
    double *values = arena_alloc_array(arena, steps->count + 1, sizeof *values);
    size_t count = 0;
    for (size_t i = 0; i < steps->count; i++) {
        if (isfinite(steps->mean[i])) {
            values[count++] = steps->mean[i];
        }
    }
    return subject->batch || count < rare_steps_needed ? NAN : order_quantile(values, count, 1 - rare_share);
}

static bool is_cold_start(const struct figures *cpu)
{
    return cpu->known && cpu->startup_p99 > cold_ratio * cpu->weighted_p95 && cpu->startup_p99 > cold_millicores;
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

/* How many processes are known to have ended in the window: restarts, and pods that took the place of others. */
static double process_ends(const struct subject *subject, const struct container *container)
{
    return fmax(container->restarts, container->oom_kills) + fmax(subject->pods - subject_replicas(subject), 0);
}

void signals_read(const struct subject *subject, const struct container *container, struct arena *arena,
                  struct signals *out)
{
    const struct figures *cpu = &container->use[CPU];
    *out = (struct signals){.throttled = is_throttled(container),
                            .oom = container->oom_kills >= 0.5,
                            .oom_recent = is_killed_of_late(subject, container),
                            .cold_start = is_cold_start(cpu),
                            .resized = scalers_resizer(subject->scalers) != NULL,
                            .heap_capped = is_heap_capped(container),
                            .rare_peak = rare_peak(subject, &cpu->steps, arena),
                            .idle = is_idle(subject, container)};
    for (int r = 0; r < RESOURCES; r++) {
        out->autoscaled[r] = out->resized || scalers_follow(subject->scalers, container->name, (enum resource)r);
        out->scale_load[r] = scale_load(subject, container, (enum resource)r);
    }
    out->hot = subject_replicas(subject) >= 2.5 && cpu->pods >= 3 && cpu->pod_p95_max >= 10 &&
               cpu->pod_p95_max > hot_ratio * cpu->pod_p95_median;
    const struct hours *low = &container->use[MEMORY].low;
    trend_fit(low->values, low->count, arena, &out->memory_trend);
    climb_fit(low->values, low->count, process_ends(subject, container), arena, &out->memory_climb);
    out->leak = climb_lasts(&out->memory_climb, leak_share_per_day, 24);
}
