#ifndef TARE_PRICING_PACKING_FLEET_PLACE_H
#define TARE_PRICING_PACKING_FLEET_PLACE_H

/* From workloads and nodes to a problem for pack.h, and back to who runs where. */

#include "pipeline/base/arena.h"
#include "pricing/packing/index.h"
#include "pricing/packing/fleet_input.h"
#include "pricing/packing/match.h"

enum { FLEET_KINDS_MAX = 2048, FLEET_WISHED_MAX = 256 };

/* Nodes that are alike for the pods: live ones of a group, or those of a source that carry the labels that some pods ask for. */
struct fleet_kind {
    uint32_t source; /* index of a source, or of a live group */
    uint32_t cluster; /* PACK_NONE: any */
    struct match_labels labels;
    const struct fleet_taint *taints;
    size_t taint_count;
    struct pack_size room; /* DaemonSets are off */
    int64_t daemon_pods;   /* on each */
};

/* So many pods of a workload in an item: pods that must be on one node are one item. */
struct fleet_member {
    uint32_t workload;
    int64_t each;
};

/* The workloads of one side (before or after), packed. */
struct fleet_place {
    struct arena arena;
    const struct fleet_input *input;
    bool after;
    struct fleet_kind *kinds;
    size_t kind_count;
    struct index kind_index; /* by source, cluster and labels */
    struct index names;      /* of workloads */
    struct pack_kind *pack_kinds;
    struct pack_item *items;
    size_t item_count, item_capacity;
    struct fleet_member *members; /* of item i: from first_member[i] to first_member[i + 1] */
    size_t member_count, member_capacity;
    size_t *first_member;
    size_t first_capacity;
    uint64_t *sets;
    size_t set_count, set_capacity, set_words;
    struct index set_index;
    struct pack_marks *marks; /* by workload at first, then by item */
    size_t mark_count, mark_capacity;
    uint32_t mark_names;
    uint32_t *workload_marks; /* index of marks, or PACK_NONE */
    uint32_t *keepers;        /* DaemonSets that have marks */
    size_t keeper_count, keeper_capacity;
    struct pack_problem problem;
    struct pack_plan plan;
};

/* Whether an item fits a node that is empty. */
enum fleet_fit { FIT_SOMEWHERE, FIT_NO_KIND, FIT_TOO_LARGE };

/* Makes the problem of one side; pack_solve(&place->problem, …, &place->plan) solves it. Both sides have the same items. The input must
 * live as long as the place; fleet_place_release it. */
void fleet_place_prepare(const struct fleet_input *input, bool after, struct fleet_place *place);

/* Whether an item fits somewhere when nothing else is there, or why not. */
enum fleet_fit fleet_item_fit(const struct fleet_place *place, size_t item);

/* Pods of an item. */
int64_t fleet_item_pods(const struct fleet_place *place, size_t item);

/* Frees it. */
void fleet_place_release(struct fleet_place *place);

/* Whether a workload's pods are packed: not a DaemonSet, some replicas, nodes that are known. */
bool fleet_is_packed(const struct fleet_input *input, const struct fleet_workload *workload);

/* What a pod of the workload asks for on the side of the place. */
struct pack_size fleet_size(const struct fleet_place *place, const struct fleet_workload *workload);

/* Rules of a workload, NULL none. */
const struct fleet_rules *fleet_rules_of(const struct fleet_input *input, const struct fleet_workload *workload);

/* Makes the kinds of node, and takes DaemonSets off their room. */
void place_kinds(struct fleet_place *place);

/* Whether these nodes are kept for the control plane: they carry its taint. */
bool fleet_is_control_plane(const struct fleet_live *live);

/* Whether a DaemonSet runs on a kind. */
bool place_daemon_runs(const struct fleet_place *place, const struct fleet_workload *daemon, const struct fleet_kind *kind);

/* Marks of host ports and of anti-affinity: fills workload_marks. */
void place_marks(struct fleet_place *place);

/* Whether a workload runs at most once a node. */
bool place_alone(const struct fleet_rules *rules);

/* Makes items of workloads: pods that must be beside each other are one item. */
void place_items(struct fleet_place *place);

/* a + b, at most PACK_AMOUNT_MAX. */
int64_t place_add(int64_t a, int64_t b);

#endif
