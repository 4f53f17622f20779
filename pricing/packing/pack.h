#ifndef TARE_PRICING_PACKING_PACK_H
#define TARE_PRICING_PACKING_PACK_H

/*
 * Packing: which pods share a node. Items are pods that are alike (a workload and how many of it), kinds are nodes that are
 * alike. Everything is an integer, no clock is read and no chance taken: the same problem gives the same plan everywhere.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PACK_NONE UINT32_MAX

/* Room for as many nodes as are wanted. */
#define PACK_ENDLESS INT64_MAX

/* No amount is larger: a thousand million cores, an exbibyte; sums of two never overflow. */
#define PACK_AMOUNT_MAX (INT64_C(1) << 60)

enum { PACK_RESOURCES = 3 };

/* What a pod asks for, or what a node has left. */
struct pack_size {
    int64_t amount[PACK_RESOURCES]; /* millicores, bytes, pods */
};

/* Nodes that are alike. */
struct pack_kind {
    struct pack_size room;      /* for what is packed: reserved parts and DaemonSets are off */
    int64_t supply;             /* how many there are, or PACK_ENDLESS */
    int64_t microusd_per_hour;  /* −1 unknown */
};

/* Names of things that must not meet on a node: two items do not share one where one gives a mark that the other forbids. An
 * item that forbids what it gives itself runs once a node (host ports, anti-affinity to its own kind). */
struct pack_marks {
    const uint32_t *gives;
    const uint32_t *forbids;
    uint32_t give_count;
    uint32_t forbid_count;
};

/* Pods that are alike. */
struct pack_item {
    struct pack_size size;
    int64_t count;
    uint32_t set;   /* which set of kinds it may run on */
    uint32_t marks; /* index, or PACK_NONE */
    bool alone;     /* at most one a node */
};

/* All is borrowed. A set of kinds is `set_words` words of 64 bits, one bit a kind. */
struct pack_problem {
    const struct pack_kind *kinds;
    size_t kind_count;
    const struct pack_item *items;
    size_t item_count;
    const uint64_t *sets;
    size_t set_words;
    const struct pack_marks *marks;
    uint32_t mark_names; /* marks are below this */
};

/* So many pods of an item on each node; a list. */
struct pack_part {
    uint32_t item;
    uint32_t next;
    uint32_t count;
};

/* Nodes with the same pods on them. */
struct pack_nodes {
    uint32_t kind;
    uint32_t first; /* of its parts */
    int64_t count;
    struct pack_size room; /* what is left on each */
};

/* Who runs where. */
struct pack_plan {
    struct pack_nodes *nodes;
    size_t node_count, node_capacity;
    struct pack_part *parts;
    size_t part_count, part_capacity;
    int64_t *unplaced; /* by item */
};

/* The number of nodes of a plan, and what they cost an hour (−1: a price is not known, or more than 2^60). */
struct pack_total {
    int64_t nodes;
    int64_t unplaced;
    int64_t microusd_per_hour;
};

/* Finds a plan that needs few nodes; where all prices are known, one that costs little. `quick`: fewer ways are tried. The plan is
 * new: pack_plan_release it. */
void pack_solve(const struct pack_problem *problem, bool quick, struct pack_plan *plan);

/* Frees what a plan owns. */
void pack_plan_release(struct pack_plan *plan);

/* Adds up a plan. */
struct pack_total pack_plan_total(const struct pack_problem *problem, const struct pack_plan *plan);

/* Whether an item may run on a kind, by its set alone. */
bool pack_allowed(const struct pack_problem *problem, uint32_t set, size_t kind);

/* Whether the kind has room for one pod of the item when nothing else is there. */
bool pack_fits(const struct pack_size *size, const struct pack_size *room);

/* No packing of these pods needs fewer nodes; `counts` (by item, NULL: all) are those that are packed. Pods that fit no node are left
 * out. */
int64_t pack_bound(const struct pack_problem *problem, const int64_t *counts);

/* No packing of these pods costs less an hour; 0 where prices are not known. */
int64_t pack_bound_price(const struct pack_problem *problem, const int64_t *counts);

#endif
