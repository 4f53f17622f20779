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
#include "stages/collect/prom.h"

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
    int64_t interval; /* between scrapes, 0 while unknown: see namespace_interval */
};

/* Asks for the series of a namespace in [start, end]. *out new, free with namespace_free. Errors of
 * prom_series. */
int namespace_discover(struct prom *prom, const char *name, int64_t start, int64_t end,
                       struct namespace **out, struct err *err);

/* Frees; NULL is allowed. */
void namespace_free(struct namespace *namespace);

/* Number of a pod, -1 when there is none. */
long namespace_find_pod(const struct namespace *namespace, const char *name);

#endif
