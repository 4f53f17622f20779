#ifndef TARE_PRICING_PACKING_FLEET_H
#define TARE_PRICING_PACKING_FLEET_H

/*
 * What the nodes come to: how many the pods need today and with the plan, and what that is worth in cash.
 * Lower requests free room; they save money only when nodes go. Money is micro-dollars a month; a cluster's fee is not in it.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The pods packed onto nodes once. */
struct fleet_side {
    int64_t nodes;
    int64_t lower_bound;      /* no packing needs fewer; −1 for a pool of live nodes: pods may move to another pool */
    int64_t monthly_microusd; /* −1: the price of some node is not known */
    int64_t unplaced;         /* pods that fit no node; 0 in pools of live nodes */
};

/* One kind of node: of a pool, or live nodes of a pool and type. Strings are owned by the fleet. */
struct fleet_pool {
    char *name;                /* "default", or "nodes", where it has none */
    char *instance;            /* NULL unknown */
    int64_t microusd_per_hour; /* of one node, as it is paid; −1 unknown */
    int64_t nodes_today;       /* live nodes; −1 without a cluster */
    struct fleet_side before;
    struct fleet_side after;
};

/* A node type that would carry the plan for less. */
struct fleet_better {
    char *instance; /* NULL: none was found */
    char *pool;     /* NULL: for all nodes, or the default pool */
    int64_t nodes;
    int64_t monthly_microusd;
    int64_t saving_microusd; /* against `after` of the types it replaces */
};

enum { FLEET_NOTES_MAX = 16 };

struct fleet {
    char *unknown;                  /* why nothing could be computed, a sentence; NULL: it was */
    bool live;                      /* counted against the cluster's own nodes */
    bool priced;                    /* false: no figure of money in here counts, only nodes are known */
    int64_t nodes_today;            /* live only, else −1; without the control plane */
    int64_t today_monthly_microusd; /* live and priced only, else −1 */
    struct fleet_side before;
    struct fleet_side after;
    int64_t nodes_gone;      /* before.nodes − after.nodes; negative: more are needed */
    int64_t saving_microusd; /* before − after in cash; 0 where it is not priced */
    int64_t pods;            /* that were packed or have no place; DaemonSets not counted */
    int64_t unplaced;        /* of them, with the plan: they fit no node */
    struct fleet_pool *pools;
    size_t pool_count;
    struct fleet_better better;
    char *notes[FLEET_NOTES_MAX]; /* what was not known or not modelled, a sentence each */
    size_t note_count;
};

struct fleet_input;

/* New fleet: packs the workloads before and after, and looks for a better type. fleet_free it. */
struct fleet *fleet_compute(const struct fleet_input *input);

/* New fleet that could not be computed; the sentence (formatted) says why and what to do. */
struct fleet *fleet_unknown(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Adds a note (formatted); nothing past FLEET_NOTES_MAX. */
void fleet_note(struct fleet *fleet, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Frees it and what it owns; NULL is allowed. */
void fleet_free(struct fleet *fleet);

#endif
