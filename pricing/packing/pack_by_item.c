#include <stdlib.h>

#include "pipeline/base/mem.h"
#include "pricing/packing/pack_search.h"

/* Nodes that something may still go on. Past a number that keeps the work in bounds the fullest are closed. */
struct open_nodes {
    struct open_node {
        int32_t norm[PACK_RESOURCES];
        uint32_t nodes;
    } *items;
    size_t count, capacity;
    size_t most;
    struct pack_size *least; /* by place in the order: the least that any later item asks for */
};

enum { OPEN_MIN = 32, OPEN_MAX = 4096 };

/* Comparisons that one walk makes at most, about a tenth of a second. */
static const int64_t walk_work = INT64_C(1) << 26;

static void open_init(struct open_nodes *open, const struct pack_search *search, const uint32_t *items, size_t count)
{
    *open = (struct open_nodes){.least = xcalloc_array(count + 1, sizeof *open->least)};
    int64_t pods = 1;
    open->least[count] = (struct pack_size){{INT64_MAX, INT64_MAX, INT64_MAX}};
    for (size_t i = count; i > 0; i--) {
        const struct pack_size *size = &search->problem->items[items[i - 1]].size;
        for (int r = 0; r < PACK_RESOURCES; r++) {
            int64_t later = open->least[i].amount[r];
            open->least[i - 1].amount[r] = size->amount[r] < later ? size->amount[r] : later;
        }
        int64_t left = search->left[items[i - 1]];
        pods = left > walk_work - pods ? walk_work : pods + left;
    }
    int64_t most = walk_work / pods;
    open->most = most < OPEN_MIN ? OPEN_MIN : most > OPEN_MAX ? OPEN_MAX : (size_t)most;
}

/* Nodes that nothing came on were not needed. */
static void drop_empty(struct pack_search *search)
{
    struct pack_plan *plan = search->plan;
    size_t kept = 0;
    for (size_t i = 0; i < plan->node_count; i++) {
        const struct pack_nodes *nodes = &plan->nodes[i];
        if (nodes->first != PACK_NONE) {
            plan->nodes[kept++] = *nodes;
        } else if (search->supply[nodes->kind] != PACK_ENDLESS) {
            search->supply[nodes->kind] += nodes->count;
        }
    }
    plan->node_count = kept;
}

static int32_t rest_of(const struct open_node *node)
{
    int32_t rest = node->norm[0] < node->norm[1] ? node->norm[0] : node->norm[1];
    return rest < node->norm[2] ? rest : node->norm[2];
}

/* The fullest goes where there are too many. */
static void open_add(struct open_nodes *open, const struct pack_search *search, uint32_t nodes)
{
    struct open_node node = {.nodes = nodes};
    search_norm(search, &search->plan->nodes[nodes].room, node.norm);
    size_t place = open->count;
    if (open->count == open->most) {
        place = 0;
        for (size_t i = 1; i < open->count; i++) {
            place = rest_of(&open->items[i]) < rest_of(&open->items[place]) ? i : place;
        }
        if (rest_of(&node) <= rest_of(&open->items[place])) {
            return;
        }
    } else {
        GROW(open->items, open->capacity, open->count + 1);
        open->count++;
    }
    open->items[place] = node;
}

/* The open node that suits the selected item best; closes those that nothing fits on any more. */
static size_t pick(struct open_nodes *open, const struct pack_search *search, uint32_t item, size_t place, enum pack_score score)
{
    const struct pack_item *it = &search->problem->items[item];
    size_t best = SIZE_MAX;
    int64_t best_score = 0;
    for (size_t i = 0; i < open->count;) {
        const struct pack_nodes *nodes = &search->plan->nodes[open->items[i].nodes];
        if (!pack_fits(&it->size, &nodes->room)) {
            if (!pack_fits(&open->least[place], &nodes->room)) {
                open->items[i] = open->items[--open->count];
                continue;
            }
        } else if (pack_allowed(search->problem, it->set, nodes->kind)) {
            int64_t got = search_score(search, score, search->norm[item], open->items[i].norm);
            if ((best == SIZE_MAX || got < best_score) && !search_clashes(search, item, nodes->first)) {
                best = i;
                best_score = got;
            }
        }
        i++;
    }
    return best;
}

/* Puts `each` pods of the item on `count` of the nodes; the rest of them stays as it is. */
static void put(struct open_nodes *open, struct pack_search *search, size_t at, uint32_t item, int64_t each, int64_t count)
{
    struct pack_plan *plan = search->plan;
    uint32_t index = open->items[at].nodes;
    if (count < plan->nodes[index].count) {
        struct pack_nodes rest = plan->nodes[index];
        rest.count -= count;
        plan->nodes[index].count = count;
        open_add(open, search, plan_add(plan, rest));
    }
    struct pack_nodes *nodes = &plan->nodes[index];
    nodes->first = plan_part(plan, item, each, nodes->first);
    search_take(&nodes->room, &search->problem->items[item].size, each);
    for (size_t i = 0; i < open->count; i++) {
        size_t place = (at + i) % open->count;
        if (open->items[place].nodes == index) {
            search_norm(search, &nodes->room, open->items[place].norm);
            break;
        }
    }
    search->left[item] -= each * count;
}

/* As many pods as go on the nodes of this place. */
static void fill(struct open_nodes *open, struct pack_search *search, size_t at, uint32_t item)
{
    const struct pack_nodes *nodes = &search->plan->nodes[open->items[at].nodes];
    int64_t most = search_most(&search->problem->items[item], &nodes->room);
    int64_t left = search->left[item];
    if (left < most) {
        put(open, search, at, item, left, 1);
    } else {
        int64_t full = left / most;
        put(open, search, at, item, most, full < nodes->count ? full : nodes->count);
    }
}

/* New nodes for what is left of the item: full ones, or one. */
static bool open_for(struct open_nodes *open, struct pack_search *search, uint32_t item, enum pack_rank rank)
{
    uint32_t kind = search_kind(search, rank, item);
    if (kind == PACK_NONE) {
        return false;
    }
    struct pack_nodes nodes = {.kind = kind, .first = PACK_NONE, .room = search->problem->kinds[kind].room};
    int64_t left = search->left[item];
    int64_t most = search_most(&search->problem->items[item], &nodes.room);
    int64_t each = left < most ? left : most;
    nodes.count = left / each < search->supply[kind] ? left / each : search->supply[kind];
    search->supply[kind] -= search->supply[kind] == PACK_ENDLESS ? 0 : nodes.count;
    search->left[item] -= each * nodes.count;
    nodes.first = plan_part(search->plan, item, each, PACK_NONE);
    search_take(&nodes.room, &search->problem->items[item].size, each);
    open_add(open, search, plan_add(search->plan, nodes));
    return true;
}

void pack_by_item(struct pack_search *search, const uint32_t *items, size_t count, enum pack_score score, enum pack_rank rank)
{
    struct open_nodes open;
    open_init(&open, search, items, count);
    for (size_t i = 0; i < search->plan->node_count; i++) {
        open_add(&open, search, (uint32_t)i);
    }
    for (size_t i = 0; i < count; i++) {
        search_select(search, items[i]);
        while (search->left[items[i]] > 0) {
            size_t at = pick(&open, search, items[i], i, score);
            if (at != SIZE_MAX) {
                fill(&open, search, at, items[i]);
            } else if (!open_for(&open, search, items[i], rank)) {
                break;
            }
        }
    }
    drop_empty(search);
    free(open.items);
    free(open.least);
}
