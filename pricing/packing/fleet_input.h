#ifndef TARE_PRICING_PACKING_FLEET_INPUT_H
#define TARE_PRICING_PACKING_FLEET_INPUT_H

/* What a fleet is computed of: workloads, what they say about nodes, and the nodes. Everything is borrowed; amounts are millicores and
 * bytes. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pricing/packing/pack.h"

/* A label of a node, or one that a node selector asks for. */
struct fleet_label {
    const char *key;
    const char *value;
};

/* Of a node; `effect` is never NULL. */
struct fleet_taint {
    const char *key;
    const char *value; /* NULL none */
    const char *effect;
};

/* One requirement of a node affinity: "In", "NotIn", "Exists", "DoesNotExist", "Gt", "Lt". */
struct fleet_requirement {
    const char *key;
    const char *operator;
    const char *const *values;
    size_t value_count;
};

/* Requirements that hold together. */
struct fleet_term {
    const struct fleet_requirement *items;
    size_t count;
};

/* NULL: every key, every value, every effect. */
struct fleet_toleration {
    const char *key;
    const char *value;
    const char *effect;
    bool any_value; /* operator Exists */
};

/* Pods that must or must not be on the same node. */
struct fleet_company {
    bool self;            /* its own kind */
    const char *const *others; /* workloads by name, as `struct fleet_workload` has it */
    size_t other_count;
};

/* What a workload says about nodes. Several may share one. */
struct fleet_rules {
    const struct fleet_label *selector;
    size_t selector_count;
    bool has_affinity;                /* one of the terms must hold; none there: no node will do */
    const struct fleet_term *affinity;
    size_t affinity_count;
    const struct fleet_toleration *tolerations;
    size_t toleration_count;
    const int64_t *ports; /* of the host */
    size_t port_count;
    const struct fleet_company *apart; /* required anti-affinity on a node */
    size_t apart_count;
    const struct fleet_company *beside; /* required affinity on a node */
    size_t beside_count;
};

/* What a pod asks for. */
struct fleet_request {
    int64_t cpu;
    int64_t memory;
};

struct fleet_workload {
    const char *name; /* "cluster/namespace/Kind/name", each workload another */
    uint32_t rules;   /* index, or PACK_NONE */
    uint32_t pool;    /* index, or PACK_NONE: runs on no node that is known */
    uint32_t cluster; /* pods of two clusters share no node */
    bool daemon;      /* one on every node it may run on; `count` means nothing */
    int64_t count;
    struct fleet_request before;
    struct fleet_request after;
};

/* A type of node. */
struct fleet_type {
    const char *instance;      /* NULL unknown */
    struct pack_size capacity; /* of which a pod can have all: the kubelet's and the system's part is off */
    int64_t microusd_per_hour; /* as it is paid; −1 unknown */
};

/* Nodes that can be had at will. */
struct fleet_source {
    const char *name; /* NULL: the default pool */
    struct fleet_type type;
    const struct fleet_label *labels; /* that its nodes carry */
    size_t label_count;
};

/* Nodes of a cluster that are alike. */
struct fleet_live {
    const char *pool; /* NULL unknown */
    struct fleet_type type;
    int64_t count;
    bool closed; /* takes no new pods */
    const struct fleet_label *labels;
    size_t label_count;
    const struct fleet_taint *taints;
    size_t taint_count;
};

struct fleet_input {
    const struct fleet_workload *workloads;
    size_t workload_count;
    const struct fleet_rules *rules;
    size_t rules_count;
    const struct fleet_source *sources;
    size_t source_count;
    const struct fleet_live *live; /* where there is one, sources do not count */
    size_t live_count;
    const struct fleet_type *candidates; /* sizes that could be chosen instead */
    size_t candidate_count;
};

#endif
