#ifndef TARE_ANALYZE_SCALING_SCALING_H
#define TARE_ANALYZE_SCALING_SCALING_H

/*
 * What beside requests and limits would fit: replicas, a HorizontalPodAutoscaler, a VerticalPodAutoscaler or resize in
 * place, schedules, policies of people's own; each bounded, with its reason, and as complete YAML where an object comes
 * of it. README.md.
 */

#include "stages/analyze/scaling/setup.h"
#include "stages/analyze/sizing/sizing.h"
#include "stages/analyze/subject/class.h"

/* New member `scaling`, null where there is nothing to say. */
json_t *scaling_new(const struct plan *plan, const struct class *class, const struct scaling_setup *setup, struct arena *arena);

#endif
