#ifndef TARE_PRICING_UNIT_NODE_H
#define TARE_PRICING_UNIT_NODE_H

/*
 * What a node keeps for itself, and how many pods it takes, where nobody said and no cluster tells: the defaults of the managed
 * services of each provider (GKE, EKS, AKS), by their documents; see node.c for the formulas.
 */

#include <stdbool.h>

#include "pricing/catalog/catalog.h"

struct node_limits {
    int64_t max_pods;
    int64_t reserved_cpu_millicores;
    int64_t reserved_memory_bytes; /* kubelet and system, and the threshold of eviction */
};

/* What the configuration says of it; −1 where it says nothing. */
struct node_wishes {
    int64_t max_pods;
    int64_t reserved_cpu_millicores;
    int64_t reserved_memory_bytes;
};

/* Limits of a node of this size; `instance` may be NULL. */
struct node_limits node_limits_of(const struct catalog *catalog, const char *provider, const char *instance,
                                  int64_t vcpu_milli, int64_t gib_milli, const struct node_wishes *wishes);

/* Whether pods for nodes of type `from` run on nodes of type `to` as well, and it is a plain one: same processor architecture,
 * no accelerator, no CPU by credit or share. */
bool node_could_replace(const char *provider, const char *from, const char *to);

#endif
