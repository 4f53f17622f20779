#ifndef TARE_ANALYZE_SIZING_CONFLICT_WORDS_H
#define TARE_ANALYZE_SIZING_CONFLICT_WORDS_H

/* Autoscalers of one workload that work against each other, or cannot work. */

#include "stages/analyze/sizing/sizing.h"

/* New array of {code,message,objects}: what the plan found (conflict_name: hpa-and-vpa, no-request, min-above-max, two-autoscalers,
 * out-of-reach), and wrong-kind. */
json_t *conflicts_new(const struct plan *plan);

#endif
