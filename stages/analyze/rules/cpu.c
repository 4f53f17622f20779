#include "stages/analyze/rules/rules.h"

#include <math.h>

/* Factors of the CPU rule. balanced and lean are the measured rules of the table in README.md; safe, and
 * lean's factor for three and more replicas, go by analogy and are not measured. */
struct cpu_factors {
    double p95, busy, pod, p99;
};

static const struct cpu_factors factors_of[] = {
    [AGGRESSIVENESS_SAFE] = {1.25, 1.15, 1.15, 1.00},
    [AGGRESSIVENESS_BALANCED] = {1.10, 1.05, 1.00, 0},
    [AGGRESSIVENESS_LEAN] = {1.05, 1.00, 0.95, 0},
};

static const double busy_gate = 1.2; /* a busy hour this far above p95 is a real daily peak */
static const double many_pods = 20;  /* above this the highest pod is an outlier, p95 over pods decides */
static const double guaranteed_p99 = 1.2; /* a request that is its own limit needs room to burst */

/* Three and more replicas: their spread is the margin already, so the highest pod's p95 is enough. */
static double per_pod_request(const struct figures *use, const struct cpu_factors *factors)
{
    double pod = use->pods > many_pods && isfinite(use->pod_p95_p95) ? use->pod_p95_p95 : use->pod_p95_max;
    double target = factors->pod * pod;
    if (use->busy_hour_p90 > busy_gate * use->weighted_p95)
        target = fmax(target, use->busy_hour_p90);
    return fmax(target, factors->p99 * use->p99);
}

static double pooled_request(const struct figures *use, const struct cpu_factors *factors)
{
    double target = fmax(factors->p95 * use->weighted_p95, factors->busy * use->busy_hour_p90);
    return fmax(target, factors->p99 * use->p99);
}

double rule_cpu_request(const struct figures *use, const struct scene *scene, const char **rule)
{
    const struct cpu_factors *factors = &factors_of[scene->aggressiveness];
    bool per_pod = scene->per_pod && isfinite(use->pod_p95_max);
    *rule = per_pod ? "cpu-per-pod" : "cpu-pooled";
    return per_pod ? per_pod_request(use, factors) : pooled_request(use, factors);
}

double rule_cpu_guaranteed(const struct figures *use, double request)
{
    return fmax(request, guaranteed_p99 * use->p99);
}
