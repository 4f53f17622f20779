#include "stages/analyze/rules/rules.h"

#include <math.h>

/* Factors of the memory rule; balanced is the one of README.md, the others go by analogy. */
struct memory_factors {
    double p99, peak, run, limit, guaranteed;
};

static const struct memory_factors factors_of[] = {
    [AGGRESSIVENESS_SAFE] = {1.20, 1.00, 1.10, 1.35, 1.30},
    [AGGRESSIVENESS_BALANCED] = {1.10, 0.90, 1.00, 1.20, 1.15},
    [AGGRESSIVENESS_LEAN] = {1.05, 0.85, 0.95, 1.15, 1.10},
};

static const double least_limit = 1.10;

double rule_memory_request(const struct figures *use, const struct scene *scene, double peak)
{
    const struct memory_factors *factors = &factors_of[scene->aggressiveness];
    double headroom = scene->headroom[MEMORY] > 0 ? scene->headroom[MEMORY] : factors->p99;
    if (scene->percentile[MEMORY] > 0) {
        return headroom * rule_percentile(use, scene->percentile[MEMORY]);
    }
    if (scene->batch) {
        return (scene->headroom[MEMORY] > 0 ? headroom : factors->run) * peak;
    }
    return fmax(headroom * use->weighted_p99, factors->peak * peak);
}

double rule_memory_limit_factor(const struct scene *scene, bool guaranteed)
{
    const struct memory_factors *factors = &factors_of[scene->aggressiveness];
    return guaranteed ? factors->guaranteed : factors->limit;
}

double rule_memory_limit_least(void)
{
    return least_limit;
}

const char *rule_memory_formula(const struct scene *scene, struct arena *arena)
{
    const struct memory_factors *factors = &factors_of[scene->aggressiveness];
    double headroom = scene->headroom[MEMORY] > 0 ? scene->headroom[MEMORY] : factors->p99;
    if (scene->percentile[MEMORY] > 0) {
        return arena_printf(arena, "%.2f × weighted p%g", headroom, scene->percentile[MEMORY]);
    }
    if (scene->batch) {
        return arena_printf(arena, "%.2f × the highest peak of a run", scene->headroom[MEMORY] > 0 ? headroom : factors->run);
    }
    return arena_printf(arena, "max(%.2f × wp99, %.2f × peak)", headroom, factors->peak);
}
