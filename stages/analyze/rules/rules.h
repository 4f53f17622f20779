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
    bool batch;   /* runs to its end: judged by the run, not by the clock */
    /* What people asked for instead of our own; 0: nothing. */
    double percentile[RESOURCES]; /* 50 to 100, of the weighted samples */
    double headroom[RESOURCES];   /* factor, 1.15 for 15 % */
};

/* CPU request; *rule receives the name of the formula (static). NaN where the figures are not known. */
double rule_cpu_request(const struct figures *use, const struct scene *scene, const char **rule);

/* CPU limit of a container whose request is its limit, so that bursts need room. */
double rule_cpu_guaranteed(const struct figures *use, double request);

/* CPU limit of a container that throttles at `limit` (NaN: unknown): use above it cannot be seen. */
double rule_cpu_throttled_limit(const struct figures *use, double limit);

/* The least that a CPU limit leaves room for; `ratio`: where it holds its ratio to the request, else where it is this many times the
 * request. */
double rule_cpu_limit_base(const struct figures *use, bool ratio);
double rule_cpu_limit_factor(void);

/* Share of CPU periods, 0 to 1, from which throttling censors what is seen of use. */
double rule_throttled_share(void);

/* Memory request for figures whose peak, `peak`, may be more than was seen (a limit that killed). */
double rule_memory_request(const struct figures *use, const struct scene *scene, double peak);

/* Factor on the peak that gives a memory limit; `guaranteed`: of a container whose request is its limit. */
double rule_memory_limit_factor(const struct scene *scene, bool guaranteed);

/* Least factor on the peak at which a memory limit may stand. */
double rule_memory_limit_least(void);

/* The formula of the request as people read it, with its factors and the names of its figures as `usage` has them
 * ("1.00 max(wp99, …) + 0.05 level"); in `arena`. */
const char *rule_cpu_formula(const struct figures *use, const struct scene *scene, struct arena *arena);
const char *rule_memory_formula(const struct scene *scene, struct arena *arena);

/* The percentile `q` (50 to 100) of the weighted samples: exact where the figures hold it, else between its two neighbours on
 * a scale of log(1 − q). NaN where nothing is known. */
double rule_percentile(const struct figures *use, double q);

#endif
