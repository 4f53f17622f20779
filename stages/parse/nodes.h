#ifndef TARE_STAGES_PARSE_NODES_H
#define TARE_STAGES_PARSE_NODES_H

/* The nodes of a live cluster, in groups of those that are alike: what the workloads could be packed on. */

#include "stages/parse/node_wants.h"

enum { NODES_MAX = 20000, NODE_GROUPS_MAX = 2000 };

struct nodes {
    const struct node_wants *wants; /* borrowed */
    json_t *groups;                 /* a group's canonical text → how many */
    size_t total;
    bool full; /* there are more nodes, or groups, than the limits */
};

/* Forgets all nodes; also frees. A zeroed struct with `wants` is ready for use. */
void nodes_clear(struct nodes *nodes);

/* Counts a node (an object of the API server). */
void nodes_add(struct nodes *nodes, const json_t *node);

/* New value for the header's settings: {"total","groups":[…]}, groups in the order of their text. Of a group: `count`,
 * `capacity` and `allocatable` {cpu_millicores, memory_bytes, pods}, `taints`, `labels`, `unschedulable`, `ready`,
 * `capacity_type`, and where they are known `instance`, `region`, `zone`, `pool`; `name` where the inventory names the node. */
json_t *nodes_settings(const struct nodes *nodes);

#endif
