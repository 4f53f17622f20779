#ifndef TARE_ANALYZE_SCALING_POLICY_BOUNDS_H
#define TARE_ANALYZE_SCALING_POLICY_BOUNDS_H

/* What a policy allows: range, steps, cooldown, money. */

#include "stages/analyze/scaling/situation.h"

/* As configured; 0: not stated. */
struct policy_bounds {
    int64_t min, max;
    int64_t max_increment, max_decrement;
    int64_t cooldown_seconds;
    int64_t affordable; /* replicas that max_monthly_cost_usd pays for */
    bool performance;   /* prefers more where money and `min` do not agree */
    bool cost;          /* prefers fewer */
};

/* Reads them of one policy. */
void policy_bounds_read(const struct situation *situation, const json_t *policy, struct policy_bounds *out);

/* What one replica costs in a month, micro-dollars, once the plan is carried out; 0 where no price is known. */
int64_t replica_cost(const struct situation *situation);

/*
 * Moves `wanted` replicas into the bounds, in this order, so that a later one wins: steps, min and max, what the workload needs
 * to stay available, money, the guardrail max_replicas, cooldown. Each that moves it is added to `acted` as {by,from,to}.
 */
int64_t policy_bounds_hold(const struct situation *situation, const struct policy_bounds *bounds, int64_t wanted, json_t *acted);

#endif
