#ifndef TARE_PRICING_PACKING_MATCH_H
#define TARE_PRICING_PACKING_MATCH_H

/* Whether a pod may run on a node: node selector, required node affinity, taints. Source: the Kubernetes documentation, "Assigning Pods
 * to Nodes" and "Taints and Tolerations". */

#include "pricing/packing/fleet_input.h"

/* A set of labels, sorted by nothing. */
struct match_labels {
    const struct fleet_label *items;
    size_t count;
};

/* Whether the labels satisfy selector and affinity of the rules (NULL: none). */
bool match_node(const struct fleet_rules *rules, struct match_labels labels);

/* Whether every taint that keeps pods off is tolerated; `daemon`: the controller tolerates what befalls nodes by itself. */
bool match_taints(const struct fleet_rules *rules, const struct fleet_taint *taints, size_t count, bool daemon);

enum { MATCH_WISHES_MAX = 16 };

/*
 * The labels beyond `known` that a node must have for the rules to hold, at most MATCH_WISHES_MAX of them: those of the selector, and
 * those of the first term of the affinity that does not contradict them. Returns how many, −1: no such node can be, or it is not said
 * simply enough. Strings are borrowed from the rules.
 */
int match_wishes(const struct fleet_rules *rules, struct match_labels known, struct fleet_label *wishes);

#endif
