#ifndef TARE_COLLECT_NAMESPACE_H
#define TARE_COLLECT_NAMESPACE_H

/*
 * What the server knows of one namespace in the window: its pods, pods that are gone included, who owns them
 * (kube-state-metrics, where it is scraped), and how often they are scraped.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pipeline/base/arena.h"
#include "pipeline/base/err.h"
#include "stages/collect/labels.h"

enum { NAMESPACE_OBJECTS_MAX = 1000000 };

/* Who owns an object. Strings live as long as the namespace. */
struct owner {
    const char *object;
    const char *kind;
    const char *name;
};

/* One pod. Kinds are NULL where nobody tells; a pod without owner owns itself (kind Pod). */
struct pod {
    const char *name;
    const char *owner_kind; /* ReplicaSet, Job, StatefulSet … */
    const char *owner_name;
    const char *top_kind; /* the owner's owner where it has one: Deployment, CronJob … */
    const char *top_name;
};

struct owners {
    struct owner *items;
    size_t count;
    size_t capacity;
};

struct namespace
{
    char *name;
    struct arena arena;
    struct pod *pods; /* sorted by name */
    size_t pod_count;
    size_t pod_capacity;
    struct owners of_pods;
    struct owners of_replica_sets;
    struct owners of_jobs;
    struct owners of_controllers;
    int64_t interval; /* between scrapes, in seconds, for sources that must know it beforehand; 0 while unknown */
};

/* New namespace without pods. Free with namespace_free. */
struct namespace *namespace_new(const char *name);

/* Takes in what a series of one of the metrics of namespace_metric tells: a pod, or who owns what. ERR_UNAVAILABLE past
 * NAMESPACE_OBJECTS_MAX. */
int namespace_take(struct namespace *namespace, const struct labels *labels, struct err *err);

/* Sorts what was taken in, makes each pod one, and follows the owners. Once more where more series come after it. */
void namespace_settle(struct namespace *namespace);

/* The metrics that tell of pods and owners: the name of the n-th, NULL past the last. `container`: its series are of
 * containers, and only those with a container's name count. Static. */
const char *namespace_metric(size_t n, bool *container);

/* Frees; NULL is allowed. */
void namespace_free(struct namespace *namespace);

/* Number of a pod, -1 when there is none. */
long namespace_find_pod(const struct namespace *namespace, const char *name);

#endif
