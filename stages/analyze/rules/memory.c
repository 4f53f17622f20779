#include "stages/analyze/rules/rules.h"

#include <math.h>

/* Factors of the memory rule; balanced is the one of README.md, the others go by analogy. */
struct memory_factors {
    double p99, peak, limit, guaranteed;
};

static const struct memory_factors factors_of[] = {
    [AGGRESSIVENESS_SAFE] = {1.20, 1.00, 1.35, 1.30},
    [AGGRESSIVENESS_BALANCED] = {1.10, 0.90, 1.20, 1.15},
    [AGGRESSIVENESS_LEAN] = {1.05, 0.85, 1.15, 1.10},
};

double rule_memory_request(const struct figures *use, const struct scene *scene, double peak)
{
    const struct memory_factors *factors = &factors_of[scene->aggressiveness];
    return fmax(factors->p99 * use->weighted_p99, factors->peak * peak);
}

double rule_memory_limit_factor(const struct scene *scene, bool guaranteed)
{
    const struct memory_factors *factors = &factors_of[scene->aggressiveness];
    return guaranteed ? factors->guaranteed : factors->limit;
}
