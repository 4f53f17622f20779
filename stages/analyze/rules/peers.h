#ifndef TARE_ANALYZE_RULES_PEERS_H
#define TARE_ANALYZE_RULES_PEERS_H

/*
 * What two other tools would ask for, by their published rules, for the comparison in the backtest and in the bench. Both
 * are given figures on the scale of samples, as ours are. Sources: robusta-dev/krr, strategy `simple`; kubernetes/autoscaler,
 * vertical-pod-autoscaler, recommender. Constants and what is left out: README.md.
 */

#include "stages/analyze/rules/figures.h"

/*
 * KRR `simple`: CPU the highest pod's p95, at least 10m, up to a whole millicore; memory 1.15 × the peak, at least 100 MiB, up
 * to a whole MiB, which is its limit too. `part`: figures of what is learned from. NaN where they are not known, or of fewer
 * than `KRR_POINTS` steps.
 */
enum { KRR_POINTS = 100 };
double peer_krr(enum resource resource, const struct figures *part);

/*
 * VPA: p90 of a histogram with exponential classes and a half-life of 24 h, the end of its class, × 1.15; memory of the peaks of
 * the last 8 days, one a day. `part` gives the steps and their scale: CPU steps are multiplied by part->p90 ÷ their own p90.
 * At least 25m or 250 MB, which the pod's `containers` share. NaN where nothing is known.
 */
double peer_vpa(enum resource resource, const struct figures *part, size_t containers, struct arena *arena);

#endif
