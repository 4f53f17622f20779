#include "stages/analyze/rules/rules.h"

#include <math.h>
#include <string.h>

/* Factors of the CPU rule by temper. Measured: README.md, made by tests/perf/advice.sh. */
struct cpu_factors {
    double busiest;  /* on what p95 and the busiest hour say: the tail goes no further; 0: it does */
    double tail;     /* on the tail or the last hour, whichever is more */
    double level;    /* share of the level on top */
    double pod;      /* on the highest pod's p95 */
    double run;      /* on the highest run's p95 */
    double headroom; /* on a percentile that people asked for */
    /* Where steps are not known: weighted p95, busy hour, p99. */
    double p95, busy, p99;
};

static const struct cpu_factors factors_of[] = {
    [AGGRESSIVENESS_SAFE] = {0, 1.05, 0.15, 1.15, 1.25, 1.20, 1.25, 1.15, 1.00},
    [AGGRESSIVENESS_BALANCED] = {1.07, 1.00, 0.07, 1.00, 1.10, 1.10, 1.10, 1.05, 0},
    [AGGRESSIVENESS_LEAN] = {1.00, 1.00, 0.03, 0.95, 1.05, 1.05, 1.05, 1.00, 0},
};

static const double busy_gate = 1.2; /* a busy hour this far above p95 is a real daily peak */
static const double many_pods = 20;  /* above this the highest pod or run is an outlier, p95 over them decides */
static const double throttled_share = 0.05;
static const double guaranteed_p99 = 1.2; /* a request that is its own limit needs room to burst */
/* Limits: over the request and the peak with headroom, over the peak where they keep their ratio, and where they throttle. */
static const double headroom_over_request = 2;
static const double headroom_over_peak = 1.2;
static const double ratio_over_peak = 1.05;
static const double throttled_growth = 1.25;
static const double throttled_over_p995 = 1.5;

/* Whether the figures hold what is made of the steps. */
static bool has_steps(const struct figures *use)
{
    return use->day_p99_second > 0 && use->recent_p90 >= 0;
}

/* What is passed for a hundredth of the time. One bad day is no habit, and a tail that is far above p95 and the busiest hour
 * costs more than it is worth: a peak counts as far as it came on two days, and little beyond those two. */
static double tail(const struct figures *use, const struct cpu_factors *factors)
{
    if (factors->busiest <= 0) {
        return use->weighted_p99;
    }
    double twice = fmax(use->weighted_p95, use->day_p99_second);
    double usual = factors->busiest * fmax(use->weighted_p95, use->busy_hour_p90);
    return fmin(use->weighted_p99, fmin(twice, usual));
}

/* The tail, or the last hour where the level has just risen. */
static double need(const struct figures *use, const struct scene *scene)
{
    return fmax(tail(use, &factors_of[scene->aggressiveness]), use->recent_p90);
}

static double pooled_request(const struct figures *use, const struct scene *scene)
{
    const struct cpu_factors *factors = &factors_of[scene->aggressiveness];
    if (!has_steps(use)) {
        double target = fmax(factors->p95 * use->weighted_p95, factors->busy * use->busy_hour_p90);
        return fmax(target, factors->p99 * use->p99) * (scene->headroom[CPU] > 0 ? scene->headroom[CPU] / factors->p95 : 1);
    }
    if (scene->headroom[CPU] > 0) {
        return scene->headroom[CPU] * need(use, scene);
    }
    return factors->tail * need(use, scene) + factors->level * fmax(use->weighted_p50, use->recent_p50);
}

/* The highest pod's or run's p95. */
static double highest_pod(const struct figures *use)
{
    return use->pods > many_pods && isfinite(use->pod_p95_p95) ? use->pod_p95_p95 : use->pod_p95_max;
}

/* Three and more replicas: their spread is the margin already, so the highest pod's p95 is enough; more where there is a
 * real daily peak, or where the level has just risen. */
static double per_pod_request(const struct figures *use, const struct scene *scene)
{
    const struct cpu_factors *factors = &factors_of[scene->aggressiveness];
    double target = highest_pod(use);
    if (has_steps(use)) {
        target *= fmax(1, use->recent_p90 / use->weighted_p95);
    }
    if (scene->headroom[CPU] > 0) {
        return scene->headroom[CPU] * target;
    }
    target *= factors->pod;
    double busy = has_steps(use) ? fmin(use->busy_hour_p90, fmax(use->weighted_p95, use->day_p99_second)) : use->busy_hour_p90;
    if (busy > busy_gate * use->weighted_p95) {
        target = fmax(target, busy);
    }
    return fmax(target, factors->p99 * use->p99);
}

/* The percentile that people asked for, of the highest pod where pods are judged. */
static double percentile_request(const struct figures *use, const struct scene *scene)
{
    double spread = scene->per_pod ? highest_pod(use) / use->weighted_p95 : 1;
    double factor = scene->headroom[CPU] > 0 ? scene->headroom[CPU] : factors_of[scene->aggressiveness].headroom;
    return factor * rule_percentile(use, scene->percentile[CPU]) * (isfinite(spread) ? spread : 1);
}

/* Runs follow no clock: the highest run's p95. */
static double run_request(const struct figures *use, const struct scene *scene)
{
    double factor = scene->headroom[CPU] > 0 ? scene->headroom[CPU] : factors_of[scene->aggressiveness].run;
    return factor * highest_pod(use);
}

double rule_cpu_request(const struct figures *use, const struct scene *scene, const char **rule)
{
    bool pods = isfinite(use->pod_p95_max) && use->pod_p95_max > 0;
    if (scene->percentile[CPU] > 0) {
        *rule = "cpu-percentile";
        return percentile_request(use, scene);
    }
    if (scene->batch && pods) {
        *rule = "cpu-run";
        return run_request(use, scene);
    }
    *rule = scene->per_pod && pods ? "cpu-per-pod" : "cpu-pooled";
    return scene->per_pod && pods ? per_pod_request(use, scene) : pooled_request(use, scene);
}

double rule_cpu_guaranteed(const struct figures *use, double request)
{
    return fmax(request, guaranteed_p99 * use->p99);
}

/* The formula of fewer than three replicas. */
static const char *pooled_formula(const struct figures *use, const struct scene *scene, struct arena *arena)
{
    const struct cpu_factors *factors = &factors_of[scene->aggressiveness];
    if (!has_steps(use)) {
        const char *p99 = factors->p99 > 0 ? arena_printf(arena, ", %.2f × p99", factors->p99) : "";
        return arena_printf(arena, "max(%.2f × wp95, %.2f × bh90%s)", factors->p95, factors->busy, p99);
    }
    const char *least = factors->busiest <= 0 ? "wp99"
                                              : arena_printf(arena,
                                                             "min(wp99, max(wp95, day_p99_second), %.2f × max(wp95, bh90))",
                                                             factors->busiest);
    if (scene->headroom[CPU] > 0) {
        return arena_printf(arena, "%.2f × max(%s, recent_p90)", scene->headroom[CPU], least);
    }
    return arena_printf(arena, "%.2f × max(%s, recent_p90) + %.2f × max(wp50, recent_p50)", factors->tail, least,
                        factors->level);
}

double rule_cpu_throttled_limit(const struct figures *use, double limit)
{
    return fmax(throttled_growth * limit, throttled_over_p995 * use->p995);
}

double rule_cpu_limit_base(const struct figures *use, bool ratio)
{
    return (ratio ? ratio_over_peak : headroom_over_peak) * use->max;
}

double rule_throttled_share(void)
{
    return throttled_share;
}

double rule_cpu_limit_factor(void)
{
    return headroom_over_request;
}

const char *rule_cpu_formula(const struct figures *use, const struct scene *scene, struct arena *arena)
{
    const struct cpu_factors *factors = &factors_of[scene->aggressiveness];
    const char *rule;
    (void)rule_cpu_request(use, scene, &rule);
    const char *pod = use->pods > many_pods && isfinite(use->pod_p95_p95) ? "pod_wp95_p95" : "pod_wp95_max";
    double headroom = scene->headroom[CPU];
    if (scene->percentile[CPU] > 0) {
        return arena_printf(arena, "%.2f × weighted p%g%s", headroom > 0 ? headroom : factors->headroom, scene->percentile[CPU],
                            scene->per_pod ? " of the highest pod" : "");
    }
    if (strcmp(rule, "cpu-run") == 0) {
        return arena_printf(arena, "%.2f × %s, each run a pod", headroom > 0 ? headroom : factors->run, pod);
    }
    if (strcmp(rule, "cpu-per-pod") == 0) {
        return arena_printf(arena,
                            "%.2f × %s × max(1, recent_p90 ÷ wp95), at least min(bh90, max(wp95, day_p99_second)) where that is above "
                            "%.1f × wp95",
                            headroom > 0 ? headroom : factors->pod, pod, busy_gate);
    }
    return pooled_formula(use, scene, arena);
}
