#include "stages/analyze/sizing/signals.h"

#include <math.h>

#include "pipeline/base/str.h"
#include "stages/analyze/rules/rules.h"
#include "stages/analyze/statistics/order.h"
#include "stages/analyze/subject/scalers.h"

/* Cuts: an hour in which throttling censors usage; a leak; a heap that fills its limit. */
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
static const double flat_cold_ratio = 1.6;
static const double flat_cold_above_p99 = 1.3;
/* Own cuts: growth of 3 % a day, told from six days and more (of five, chance alone orders them too often). */
enum { DAYS_SEEN = 31 };
static const size_t growth_days_needed = 6;
static const double growth_p = 0.01;
static const double growth_share_per_day = 0.03;
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

/* The p95 of the steps' means of each of the last days, the latest last. Days with less than half of their steps are NaN. */
static size_t p95_of_days(const struct steps *steps, struct arena *arena, double out[DAYS_SEEN])
{
    size_t each = (size_t)(86400 / steps->step_seconds);
    size_t days = steps->count / each;
    double *values = arena_alloc_array(arena, each + 1, sizeof *values);
    days = days < DAYS_SEEN ? days : DAYS_SEEN;
    for (size_t i = 0; i < days; i++) {
        const double *day = steps->mean + steps->count - (days - i) * each;
        size_t count = 0;
        for (size_t k = 0; k < each; k++) {
            if (isfinite(day[k])) {
                values[count++] = day[k];
            }
        }
        out[i] = 2 * count >= each ? order_quantile(values, count, 0.95) : NAN;
    }
    return days;
}

/* Where CPU climbs day by day, what it will come to in a week. */
static double cpu_in_a_week(const struct subject *subject, const struct steps *steps, struct arena *arena)
{
    double days[DAYS_SEEN];
    struct trend trend;
    if (subject->batch || steps->step_seconds <= 0 || steps->step_seconds > 3600) {
        return NAN;
    }
    size_t count = p95_of_days(steps, arena, days);
    trend_fit_few(days, count, growth_days_needed, arena, &trend);
    bool climbs = trend.known && trend.p < growth_p && trend.per_step > growth_share_per_day * trend.median;
    return climbs ? days[count - 1] + 7 * trend.per_step : NAN;
}

/* A start that takes far more than running; one of a few minutes, which rates flatten, is told by standing out of all use. */
static bool is_cold_start(const struct figures *cpu)
{
    double start = cpu->startup_p99;
    bool far = start > cold_ratio * cpu->weighted_p95;
    bool stands_out = start > flat_cold_ratio * cpu->weighted_p95 && start > flat_cold_above_p99 * cpu->p99;
    return cpu->known && start > cold_millicores && (far || stands_out);
}

/* Throttling matters only where there is a limit to be throttled at. */
static bool is_throttled(const struct container *container)
{
    if (container->limit[CPU] <= 0) {
        return false;
    }
    return container->throttled >= rule_throttled_share() || container->throttled_worst_hour >= throttled_hour_share;
}

static bool is_heap_capped(const struct container *container)
{
    const struct figures *memory = &container->use[MEMORY];
    const struct figures *cpu = &container->use[CPU];
    double limit = (double)container->limit[MEMORY];
    if (limit <= 0 || !memory->known || !cpu->known || !(memory->p50 > 0)) {
        return false;
    }
    bool flat = memory->max - memory->p50 <= heap_flat_share * memory->max;
    bool varies = cpu->p95 > 1.2 * cpu->p50;
    return memory->p50 >= heap_limit_share * limit && flat && varies;
}

static bool is_idle(const struct subject *subject, const struct container *container)
{
    const struct figures *cpu = &container->use[CPU];
    int64_t request = container_request(container, CPU);
    if (!cpu->known || subject->batch || subject_history_seconds(subject) < idle_seconds) {
        return false;
    }
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
                            .cpu_in_a_week = cpu_in_a_week(subject, &cpu->steps, arena),
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
