#ifndef TARE_ANALYZE_SCALING_SITUATION_H
#define TARE_ANALYZE_SCALING_SITUATION_H

/* What all advice about one workload looks at, read once; and where it is written down. */

#include "stages/analyze/scaling/manifest/manifests.h"
#include "stages/analyze/scaling/setup.h"
#include "stages/analyze/scaling/load/shape.h"
#include "stages/analyze/sizing/sizing.h"
#include "stages/analyze/subject/class.h"
#include "stages/analyze/subject/scalers.h"

struct situation {
    const struct scaling_setup *setup;
    const struct plan *plan;
    const struct subject *subject;
    const struct class *class;
    const struct container_plan *container; /* that carries the load, NULL unknown */
    struct load load;
    struct calendar calendar;
    struct shape shape;
    double request; /* CPU of that container once the plan is carried out, millicores; NaN where it has none */
    int64_t now;    /* replicas that run, 0 unknown */
    int64_t floor;  /* fewer are never advised */
    const char *floor_by;
    bool scalable;  /* a kind whose replicas somebody may choose */
    const char *unscalable_why;
    const struct scaler *horizontal; /* the autoscaler that sets the replicas, NULL none */
    const struct scaler *vertical;   /* a VerticalPodAutoscaler, NULL none */
    struct scale_target target;
    struct arena *arena;
    json_t *advice, *manifests; /* arrays */
};

/* Reads it; `advice` and `manifests` are new. */
void situation_make(const struct plan *plan, const struct class *class, const struct scaling_setup *setup, struct arena *arena,
                    struct situation *out);

/* Replicas that carry a load when each is used to `percent` of its request; 1 and more. 0 where there is no request. */
int64_t replicas_for(const struct situation *situation, double load, double percent);

/* The most replicas that advice may ask for (guardrail max_replicas), at least those that run; INT64_MAX where nothing limits it.
 * Says so in `why` (may be NULL) where `wanted` is more. */
int64_t replicas_allowed(const struct situation *situation, int64_t wanted, json_t *why);

/* Says that the manifest should not set the replicas any more, where it does. */
void why_replicas(const struct situation *situation, json_t *why);

/* Adds a sentence to an array of reasons. */
void why_add(json_t *why, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Adds {code,message,why}; steals `why` (NULL: an empty array). */
void advise(struct situation *situation, const char *code, json_t *why, const char *format, ...) __attribute__((format(printf, 4, 5)));

/* Whether objects of this workload can be written. Where they cannot, says so in `why`. */
bool can_write(const struct situation *situation, json_t *why);

#endif
