#include <stdlib.h>
#include <string.h>

#include "pipeline/base/mem.h"
#include "pricing/packing/pack_search.h"

/*
 * Ruin and recreate: some nodes are taken apart and what was on them is packed anew; what needs fewer nodes stays, and so does what
 * leaves the same room in fewer pieces, for that is where the next pod goes. Source: Schrimpf et al., Record breaking optimization
 * results using the ruin and recreate principle (2000).
 */

enum { TAKEN_MAX = 48, COPIES_MAX = 8 };

/* What was taken off the plan. */
struct ruin {
    uint32_t nodes[TAKEN_MAX];
    int64_t copies[TAKEN_MAX];
    size_t count;
    uint32_t *items;
    size_t item_count, item_capacity;
    struct pack_total total;
    int64_t pieces;
};

/* One sequence for all, so that the same pods are packed the same way everywhere. */
static uint64_t shuffle(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

/* Room in one piece counts more than in many: the squares of what is left add up. */
static int64_t pieces_of(const struct pack_search *search, const struct pack_size *room, int64_t copies)
{
    int32_t norm[PACK_RESOURCES];
    search_norm(search, room, norm);
    int64_t sum = 0;
    for (int r = 0; r < PACK_RESOURCES; r++) {
        sum += (int64_t)norm[r] * norm[r] * search->weight[r];
    }
    return sum * copies;
}

static void add_item(struct pack_search *search, struct ruin *ruin, uint32_t item, int64_t count)
{
    if (search->left[item] == 0) {
        GROW(ruin->items, ruin->item_capacity, ruin->item_count + 1);
        ruin->items[ruin->item_count++] = item;
    }
    search->left[item] += count;
}

static void add_total(const struct pack_search *search, struct pack_total *total, uint32_t kind, int64_t copies)
{
    int64_t price = search->problem->kinds[kind].microusd_per_hour;
    total->nodes += copies;
    total->microusd_per_hour = price < 0 || total->microusd_per_hour < 0 ? -1 : total->microusd_per_hour + price * copies;
}

/* Takes some of these nodes apart, unless they are already. */
static void take_apart(struct pack_search *search, const struct pack_plan *plan, struct ruin *ruin, uint32_t index)
{
    const struct pack_nodes *nodes = &plan->nodes[index];
    for (size_t i = 0; i < ruin->count; i++) {
        if (ruin->nodes[i] == index) {
            return;
        }
    }
    int64_t copies = nodes->count < COPIES_MAX ? nodes->count : COPIES_MAX;
    ruin->nodes[ruin->count] = index;
    ruin->copies[ruin->count++] = copies;
    for (uint32_t p = nodes->first; p != PACK_NONE; p = plan->parts[p].next) {
        add_item(search, ruin, plan->parts[p].item, plan->parts[p].count * copies);
    }
    search->supply[nodes->kind] += search->supply[nodes->kind] == PACK_ENDLESS ? 0 : copies;
    add_total(search, &ruin->total, nodes->kind, copies);
}

/* The index of the emptiest of some nodes. */
static uint32_t emptiest(const struct pack_search *search, const struct pack_plan *plan, uint64_t *state)
{
    uint32_t best = (uint32_t)(shuffle(state) % plan->node_count);
    for (int i = 0; i < 4; i++) {
        uint32_t other = (uint32_t)(shuffle(state) % plan->node_count);
        if (pieces_of(search, &plan->nodes[other].room, 1) > pieces_of(search, &plan->nodes[best].room, 1)) {
            best = other;
        }
    }
    return best;
}

/* Puts what was found in place of what was taken apart. */
static void accept(struct pack_search *search, struct pack_plan *plan, const struct ruin *ruin, const struct pack_plan *found)
{
    uint32_t shift = (uint32_t)plan->part_count;
    for (size_t i = 0; i < found->part_count; i++) {
        const struct pack_part *part = &found->parts[i];
        plan_part(plan, part->item, part->count, part->next == PACK_NONE ? PACK_NONE : part->next + shift);
    }
    for (size_t i = 0; i < ruin->count; i++) {
        plan->nodes[ruin->nodes[i]].count -= ruin->copies[i];
    }
    size_t kept = 0;
    for (size_t i = 0; i < plan->node_count; i++) {
        if (plan->nodes[i].count > 0) {
            plan->nodes[kept++] = plan->nodes[i];
        }
    }
    plan->node_count = kept;
    for (size_t i = 0; i < found->node_count; i++) {
        struct pack_nodes nodes = found->nodes[i];
        nodes.first += shift;
        plan_add(plan, nodes);
    }
    for (size_t i = 0; i < ruin->item_count; i++) {
        plan->unplaced[ruin->items[i]] = search->left[ruin->items[i]];
    }
}

/* What was taken apart stays as it was. */
static void reject(struct pack_search *search, const struct pack_plan *plan, const struct ruin *ruin, const struct pack_plan *found)
{
    for (size_t i = 0; i < found->node_count; i++) {
        int64_t *supply = &search->supply[found->nodes[i].kind];
        *supply += *supply == PACK_ENDLESS ? 0 : found->nodes[i].count;
    }
    for (size_t i = 0; i < ruin->count; i++) {
        int64_t *supply = &search->supply[plan->nodes[ruin->nodes[i]].kind];
        *supply -= *supply == PACK_ENDLESS ? 0 : ruin->copies[i];
    }
}

/* More pods with a place, then less money, then fewer nodes, then room in fewer pieces. */
static bool is_no_worse(const struct ruin *was, struct pack_total total, int64_t pieces)
{
    if (total.unplaced != was->total.unplaced) {
        return total.unplaced < was->total.unplaced;
    }
    if (total.microusd_per_hour != was->total.microusd_per_hour) {
        return total.microusd_per_hour < was->total.microusd_per_hour;
    }
    return total.nodes != was->total.nodes ? total.nodes < was->total.nodes : pieces > was->pieces;
}

/* One of the ways to pack what was taken apart. */
static void pack_anew(struct pack_search *search, struct ruin *ruin, uint64_t chance)
{
    static const enum pack_score scores[] = {SCORE_DOT, SCORE_NEAREST};
    search_weigh(search, ruin->items, ruin->item_count, (chance & 1) != 0);
    search_order(search, ruin->items, ruin->item_count, (chance & 2) != 0);
    if ((chance & 12) == 0) {
        pack_by_item(search, ruin->items, ruin->item_count, SCORE_TIGHTEST, (enum pack_rank)(chance / 64 % PACK_RANKS));
    } else {
        pack_by_node(search, ruin->items, ruin->item_count, scores[chance >> 4 & 1], (enum pack_rank)(chance / 64 % PACK_RANKS));
    }
}

/* Packs what was taken apart, and what had no place before, anew. */
static void recreate(struct pack_search *search, struct pack_plan *plan, struct ruin *ruin, uint64_t *state)
{
    struct pack_plan found = {0};
    struct pack_total total = {0};
    int64_t pieces = 0;
    search->plan = &found;
    pack_anew(search, ruin, shuffle(state));
    for (size_t i = 0; i < ruin->count; i++) {
        ruin->pieces += pieces_of(search, &plan->nodes[ruin->nodes[i]].room, ruin->copies[i]);
    }
    for (size_t i = 0; i < found.node_count; i++) {
        add_total(search, &total, found.nodes[i].kind, found.nodes[i].count);
        pieces += pieces_of(search, &found.nodes[i].room, found.nodes[i].count);
    }
    for (size_t i = 0; i < ruin->item_count; i++) {
        total.unplaced += search->left[ruin->items[i]];
    }
    if (is_no_worse(ruin, total, pieces)) {
        accept(search, plan, ruin, &found);
    } else {
        reject(search, plan, ruin, &found);
    }
    for (size_t i = 0; i < ruin->item_count; i++) {
        search->left[ruin->items[i]] = 0;
    }
    pack_plan_release(&found);
}

/* What the plan left: nodes that are not open, nothing to place. */
static void resume(struct pack_search *search, const struct pack_plan *plan)
{
    const struct pack_problem *problem = search->problem;
    memset(search->left, 0, problem->item_count * sizeof *search->left);
    for (size_t i = 0; i < problem->kind_count; i++) {
        search->supply[i] = problem->kinds[i].supply;
    }
    for (size_t i = 0; i < plan->node_count; i++) {
        int64_t *supply = &search->supply[plan->nodes[i].kind];
        *supply -= *supply == PACK_ENDLESS ? 0 : plan->nodes[i].count;
    }
}

/* Takes some nodes apart, every other one of the emptier ones. */
static void ruin_some(struct pack_search *search, const struct pack_plan *plan, struct ruin *ruin, uint64_t *state)
{
    size_t most = 2 + shuffle(state) % (TAKEN_MAX - 2);
    for (size_t i = 0; i < most; i++) {
        uint32_t index = i % 2 == 0 ? emptiest(search, plan, state) : (uint32_t)(shuffle(state) % plan->node_count);
        take_apart(search, plan, ruin, index);
    }
    for (size_t i = 0; i < search->problem->item_count; i++) {
        if (plan->unplaced[i] > 0) {
            ruin->total.unplaced += plan->unplaced[i];
            add_item(search, ruin, (uint32_t)i, plan->unplaced[i]);
        }
    }
}

/* Few nodes are soon tried in all ways that matter. */
enum { ROUND_WORK = 500, ROUNDS_PER_LOOK = 32, ROUNDS_PER_NODE = 20 };

void pack_improve(struct pack_search *search, struct pack_plan *plan, int64_t bound, int64_t work)
{
    uint64_t state = 1;
    resume(search, plan);
    search->work = work;
    size_t rounds = ROUNDS_PER_NODE * plan->node_count;
    for (size_t round = 1; round <= rounds && search->work > 0 && plan->node_count > 1; round++) {
        struct ruin ruin = {0};
        search->work -= (int64_t)(plan->node_count + search->problem->item_count) / 8 + ROUND_WORK;
        ruin_some(search, plan, &ruin, &state);
        recreate(search, plan, &ruin, &state);
        free(ruin.items);
        if (round % ROUNDS_PER_LOOK == 0) {
            struct pack_total total = pack_plan_total(search->problem, plan);
            if (total.nodes <= bound && total.unplaced == 0) {
                return;
            }
        }
    }
}
