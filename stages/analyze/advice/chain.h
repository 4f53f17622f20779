#ifndef TARE_ANALYZE_ADVICE_CHAIN_H
#define TARE_ANALYZE_ADVICE_CHAIN_H

/* The chain from samples to a number, for `tare explain`: what was measured, which figures the rule was given, what held
 * its number back. Members of `containers.NAME` and of its `why`; README.md of backtest/ has their shapes. */

#include "stages/analyze/sizing/sizing.h"

/* New text: the formula of a request with its factors, in the names of its inputs; null for limits, and where nothing is known. */
json_t *chain_formula_new(const struct scene *scene, const struct container_plan *container, enum field field);

/* New object: what the rule of a field is computed from, by name. Figures that are not known are left out. */
json_t *chain_inputs_new(const struct container_plan *container, enum field field);

/* New array of {by,min} and {by,max}: the range of a settled field and what sets either end; empty where it does not move. */
json_t *chain_caps_new(const struct field_plan *field);

/* New {RESOURCE:{n,effective,steps,pods},coverage,half_life_seconds,window_seconds}: how much was seen of a container. */
json_t *chain_samples_new(const struct subject *subject, const struct container *container);

/* New {coverage,age,stability,backtest,ceiling}: their product, at most the ceiling (null: none), is the confidence. */
json_t *chain_confidence_new(const struct confidence *parts);

#endif
