#ifndef TARE_ANALYZE_RULES_RULES_H
#define TARE_ANALYZE_RULES_RULES_H

/*
 * The formulas: from figures of usage to what a container should ask for, before any cap, guardrail or policy of limits
 * (those are in sizing/). The same formulas serve the recommendation, on the figures that tare-collect made of every
 * sample, and the backtest, on figures of the first days made of the 5-minute steps. Definitions, constants and how they
 * were measured: README.md. CPU in millicores, memory in bytes.
 */

#include "stages/analyze/subject/model.h"
#include "stages/common/policy.h"

/* What a formula looks at beside the figures. */
struct scene {
    enum aggressiveness aggressiveness;
    bool per_pod; /* three replicas or more: the highest pod's figures, not those of all samples together */
};

/* CPU request; *rule receives the name of the formula (static). NaN where the figures are not known. */
double rule_cpu_request(const struct figures *use, const struct scene *scene, const char **rule);

/* CPU limit of a container whose request is its limit, so that bursts need room. */
double rule_cpu_guaranteed(const struct figures *use, double request);

/* Memory request for figures whose peak, `peak`, may be more than was seen (a limit that killed). */
double rule_memory_request(const struct figures *use, const struct scene *scene, double peak);

/* Factor on the peak that gives a memory limit; `guaranteed`: of a container whose request is its limit. */
double rule_memory_limit_factor(const struct scene *scene, bool guaranteed);

#endif
