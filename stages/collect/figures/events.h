#ifndef TARE_COLLECT_FIGURES_EVENTS_H
#define TARE_COLLECT_FIGURES_EVENTS_H

/*
 * Restarts and OOM kills of a container, over all pods. An OOM kill by cAdvisor is an increase of its counter; by
 * kube-state-metrics a restart that is followed within five minutes, and before the next restart, by OOMKilled as the
 * reason of the last termination. The larger count of the two stands.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pipeline/io/json.h"
#include "stages/collect/figures/counter.h"
#include "stages/collect/window.h"

/* All zero: nothing seen. */
struct events {
    bool restarts_known;
    bool ooms_known; /* by cAdvisor */
    int64_t restarts;
    int64_t oom_events;   /* by cAdvisor */
    int64_t oom_restarts; /* by kube-state-metrics */
    int64_t oom_last_ms;  /* 0 for none */
    double oom_limit;     /* memory limit at that time, 0 when nobody tells */
};

/* The series of one container of one pod; counts may be 0. */
struct event_series {
    const struct told *restarts;
    size_t restart_count;
    const struct told *ooms; /* container_oom_events_total */
    size_t oom_count;
    const struct told *reasons; /* 1 while the last termination was an OOM kill */
    size_t reason_count;
    const struct told *limits; /* of memory, bytes */
    size_t limit_count;
};

/* Takes in one container of one pod. */
void events_add(struct events *events, const struct window *window, const struct event_series *series);

/* Sets restarts, oom_kills, oom_last_at and oom_limit_bytes; null what nobody tells. */
void events_json(const struct events *events, json_t *out);

#endif
