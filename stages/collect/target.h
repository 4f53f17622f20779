#ifndef TARE_COLLECT_TARGET_H
#define TARE_COLLECT_TARGET_H

/* A workload in work: its record, its pods, and what was found of its containers. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pipeline/io/json.h"
#include "stages/collect/grid.h"
#include "stages/collect/namespace.h"
#include "stages/collect/samples.h"

enum { TARGET_CONTAINERS_MAX = 256 };

struct use {
    char *name;
    bool declared;          /* in the manifest */
    bool init;              /* an init container that ends before the others start */
    struct samples samples; /* of the resource in work */
    json_t *cpu;            /* its figures once they are made; NULL: none */
    json_t *memory;
    double *periods; /* CFS periods of each hour, NULL while none were seen */
    double *throttled;
    bool restarts_known;
    bool ooms_known;
    int64_t restarts;
    int64_t oom_events;   /* by cAdvisor */
    int64_t oom_restarts; /* by kube-state-metrics */
    int64_t oom_last;     /* time, 0 for none */
    uint32_t oom_pod;
    double oom_limit; /* bytes, 0 when unknown */
};

struct target {
    json_t *record; /* borrowed */
    const char *kind;
    const char *name;
    struct target *same; /* an earlier record of the same workload: it has the pods */
    struct use *uses;
    size_t use_count;
    size_t use_capacity;
    uint32_t *pods; /* numbers in the namespace */
    size_t pod_count;
    size_t pod_capacity;
    bool by_owner;
};

/* Prepares a target for a record with the given identity (borrowed); containers of the manifest are entered.
 */
void target_init(struct target *target, json_t *record, const char *kind, const char *name);

/* Frees what it holds. */
void target_release(struct target *target);

/* The container of that name, entered anew where it is not in the manifest; NULL past TARGET_CONTAINERS_MAX.
 */
struct use *target_use(struct target *target, const char *name);

/* Gives each pod of the namespace to the target that owns it: by kube-state-metrics where it tells the pod's
 * owner, else by name, the longest workload name first. `owner_of[pod]` receives the target's index or -1. */
void targets_match(struct target *targets, size_t count, const struct namespace *namespace, long *owner_of);

#endif
