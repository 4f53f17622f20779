#ifndef TARE_PRICING_PACKING_PACK_SEARCH_H
#define TARE_PRICING_PACKING_PACK_SEARCH_H

/* One walk that fills nodes: what is left to place, and where. Private to this folder. */

#include "pricing/packing/pack.h"

/* Parts of a node or an item are compared as parts of the largest node, out of so many. */
enum { PACK_SCALE = 4096 };

/* What decides among the nodes an item fits on, or the items a node has room for. */
enum pack_score { SCORE_DOT, SCORE_NEAREST, SCORE_TIGHTEST, SCORE_PAIR };

/* Which kind of node is opened first. */
enum pack_rank { RANK_CHEAPEST, RANK_LARGEST, RANK_SMALLEST, PACK_RANKS };

struct pack_search {
    const struct pack_problem *problem;
    struct pack_plan *plan;
    int64_t *left;   /* by item: still to place */
    int64_t *supply; /* by kind: not opened yet */
    int32_t (*norm)[PACK_RESOURCES]; /* by item */
    double per[PACK_RESOURCES];      /* PACK_SCALE / the largest node's room */
    int32_t weight[PACK_RESOURCES];
    uint32_t *ranks[PACK_RANKS]; /* kinds, the first to open first */
    uint32_t *gives, *forbids;   /* by mark: `stamp` where the selected item has it */
    uint32_t stamp;
    int64_t work; /* comparisons that may still be made */
};

/* Prepares a search over all items; the plan is given to each walk. Release it. */
void search_init(struct pack_search *search, const struct pack_problem *problem);

/* Frees it. */
void search_release(struct pack_search *search);

/* Weighs resources by how much of the nodes these items (a list of `count`) ask for; `even`: all alike. */
void search_weigh(struct pack_search *search, const uint32_t *items, size_t count, bool even);

/* A node's room as parts of the largest node. */
void search_norm(const struct pack_search *search, const struct pack_size *room, int32_t norm[PACK_RESOURCES]);

/* Smaller is better: an item (its norm) on a node (the norm of its room). */
int64_t search_score(const struct pack_search *search, enum pack_score score, const int32_t item[PACK_RESOURCES],
                     const int32_t room[PACK_RESOURCES]);

/* Selects the item that search_fit is asked about. */
void search_select(struct pack_search *search, uint32_t item);

/* Whether the marks of the selected item keep it off these nodes, or it runs alone and is there. */
bool search_clashes(const struct pack_search *search, uint32_t item, uint32_t first_part);

/* How many pods of the item a room holds; 1 at most where it runs alone. */
int64_t search_most(const struct pack_item *item, const struct pack_size *room);

/* Takes `count` pods of the item off a room. */
void search_take(struct pack_size *room, const struct pack_size *size, int64_t count);

/* A kind to open for the item: the first of the rank that it may run on, that is not used up and has room. PACK_NONE: none. */
uint32_t search_kind(const struct pack_search *search, enum pack_rank rank, uint32_t item);

/* New list of parts: `count` of the item before `next`. */
uint32_t plan_part(struct pack_plan *plan, uint32_t item, int64_t count, uint32_t next);

/* Adds nodes to the plan; returns their index. */
uint32_t plan_add(struct pack_plan *plan, struct pack_nodes nodes);

/* Places the items of the list (what `left` says) one item after the other, each where it fits best; nodes that are in the plan
 * already are open. */
void pack_by_item(struct pack_search *search, const uint32_t *items, size_t count, enum pack_score score, enum pack_rank rank);

/* Fills one node after the other, each with what suits the room that is left. False: given up, too much work. */
bool pack_by_node(struct pack_search *search, const uint32_t *items, size_t count, enum pack_score score, enum pack_rank rank);

/* Takes nodes that are little used apart and packs what was on them anew, as long as that helps. */
void pack_improve(struct pack_search *search, struct pack_plan *plan, int64_t bound, int64_t work);

/* Orders items: those with fewer kinds to run on first, then the largest. */
void search_order(const struct pack_search *search, uint32_t *items, size_t count, bool by_largest);

#endif
