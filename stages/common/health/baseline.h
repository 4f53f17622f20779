#ifndef TARE_STAGES_COMMON_HEALTH_BASELINE_H
#define TARE_STAGES_COMMON_HEALTH_BASELINE_H

/* What is remembered of pods from before a change, by container; pods.h has the life of a baseline. */

#include "stages/common/health/pods.h"

/* What went before of a container of a pod. */
struct container_past {
    bool known;          /* the pod was there before */
    int64_t restarts;    /* of a new pod: those that are forgiven */
    const char *oom_at;  /* when it was OOM-killed last, NULL: never; borrowed */
    const char *waiting; /* the reason it waited for, NULL: it did not; borrowed */
};

/* How a container ended last. Borrowed from the status. */
struct container_end {
    bool oom;
    const char *at; /* NULL where it never ended */
    int64_t code;
    const char *reason;
};

/* Reads `state.terminated`, else `lastState.terminated` of a container's status. */
void container_end(const json_t *status, struct container_end *out);

/* What went before of container `name` (NULL: nothing) of `pod`. */
void baseline_past(const struct pods_baseline *baseline, const json_t *pod, const char *name, struct container_past *out);

/* Whether the pod had failed before. */
bool baseline_failed(const struct pods_baseline *baseline, const json_t *pod);

#endif
