#ifndef TARE_COLLECT_TARGET_H
#define TARE_COLLECT_TARGET_H

/* A workload in work: its record, its pods, and what was found of its containers. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pipeline/io/json.h"
#include "stages/collect/figures/clean.h"
#include "stages/collect/figures/events.h"
#include "stages/collect/figures/throttling.h"
#include "stages/collect/namespace.h"

enum { TARGET_CONTAINERS_MAX = 256 };

struct use {
    char *name;
    bool declared; /* in the manifest */
    bool init;     /* an init container that ends before the others start */
    json_t *cpu;   /* its figures once they are made; NULL: none */
    json_t *memory;
    struct throttling throttling;
    struct events events;
    struct oddities odd; /* of the samples of its metrics: target_problems tells them */
    int64_t duplicates;  /* series beside another one of the same instance and metric */
    int64_t bad_chunks;  /* chunks that could not be decoded */
};

struct target {
    json_t *record; /* borrowed */
    const char *kind;
    const char *name;
    struct target *same; /* an earlier record of the same workload: it has the pods */
    struct use *uses;
    size_t use_count;
    size_t use_capacity;
    uint32_t *pods; /* numbers in the namespace, ascending */
    size_t pod_count;
    size_t pod_capacity;
    bool by_owner;
};

/* Prepares a target for a record with the given identity (borrowed); containers of the manifest are entered. */
void target_init(struct target *target, json_t *record, const char *kind, const char *name);

/* Frees what it holds; its record stays. */
void target_release(struct target *target);

/* The container of that name, entered anew where it is not in the manifest; NULL past TARGET_CONTAINERS_MAX. Valid until
 * the next call. */
struct use *target_use(struct target *target, const char *name);

/* Gives each pod of the namespace to the target that owns it: by kube-state-metrics where it tells the pod's owner,
 * else by name, the longest workload name first. `owner_of[pod]` receives the target's index or -1. */
void targets_match(struct target *targets, size_t count, const struct namespace *namespace, long *owner_of);

/* Tells of the oddities of its containers in the record's `problems`, each kind once. */
void target_problems(struct target *target);

#endif
