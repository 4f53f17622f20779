#include <stdlib.h>
#include <string.h>

#include "pipeline/base/mem.h"
#include "pricing/packing/pack_search.h"

/* A way to pack everything. */
struct way {
    bool by_node;
    bool even;       /* resources weigh alike, not by how scarce they are */
    bool by_largest; /* the order looks at the largest resource of an item, not at their sum */
    enum pack_score score;
};

/* What is best more often comes first; the first two are what a quick search tries. */
static const struct way ways[] = {
    {true, false, false, SCORE_DOT},
    {false, false, false, SCORE_TIGHTEST},
    {true, true, false, SCORE_NEAREST},
    {true, true, false, SCORE_PAIR},
    {true, false, true, SCORE_NEAREST},
};

enum { QUICK_WAYS = 2, DEAL_STEPS = 6, DEAL_MAX = 4000 };

/* Comparisons of one search of a kind that stops where there are too many: some tenths of a second. */
static const int64_t search_work = INT64_C(1) << 27;

/* Of a search that looks at pairs. */
static const int64_t pair_work = INT64_C(1) << 24;

/* Of dealing out, all steps together. */
static const int64_t deal_work = INT64_C(1) << 24;

/* Of the improvement: about a tenth of a second. */
static const int64_t improve_work = INT64_C(1) << 23;

struct ordered {
    int64_t key;
    uint32_t kinds;
    uint32_t item;
};

static int compare_ordered(const void *a, const void *b)
{
    const struct ordered *x = a, *y = b;
    if (x->kinds != y->kinds) {
        return x->kinds < y->kinds ? -1 : 1;
    }
    if (x->key != y->key) {
        return x->key > y->key ? -1 : 1;
    }
    return x->item < y->item ? -1 : x->item > y->item;
}

static uint32_t set_size(const struct pack_problem *problem, uint32_t set)
{
    uint32_t size = 0;
    for (size_t i = 0; i < problem->set_words; i++) {
        for (uint64_t word = problem->sets[set * problem->set_words + i]; word != 0; word &= word - 1) {
            size++;
        }
    }
    return size;
}

void search_order(const struct pack_search *search, uint32_t *items, size_t count, bool by_largest)
{
    struct ordered *list = xcalloc_array(count + 1, sizeof *list);
    for (size_t i = 0; i < count; i++) {
        const int32_t *norm = search->norm[items[i]];
        int64_t key = 0;
        for (int r = 0; r < PACK_RESOURCES; r++) {
            int64_t part = (int64_t)norm[r] * search->weight[r];
            key = by_largest ? (part > key ? part : key) : key + part;
        }
        list[i] = (struct ordered){key, set_size(search->problem, search->problem->items[items[i]].set), items[i]};
    }
    qsort(list, count, sizeof *list, compare_ordered);
    for (size_t i = 0; i < count; i++) {
        items[i] = list[i].item;
    }
    free(list);
}

/* Everything is still to place, and no node is open. */
static void start_over(struct pack_search *search, struct pack_plan *plan)
{
    const struct pack_problem *problem = search->problem;
    *plan = (struct pack_plan){0};
    search->plan = plan;
    search->work = search_work;
    for (size_t i = 0; i < problem->item_count; i++) {
        search->left[i] = problem->items[i].count;
    }
    for (size_t i = 0; i < problem->kind_count; i++) {
        search->supply[i] = problem->kinds[i].supply;
    }
}

/* One way through; false: given up. */
static bool walk(struct pack_search *search, const struct way *way, enum pack_rank rank, uint32_t *items, struct pack_plan *plan)
{
    size_t count = search->problem->item_count;
    start_over(search, plan);
    search->work = way->score == SCORE_PAIR ? pair_work : search_work;
    search_weigh(search, items, count, way->even);
    search_order(search, items, count, way->by_largest);
    bool done = true;
    if (way->by_node) {
        done = pack_by_node(search, items, count, way->score, rank);
    } else {
        pack_by_item(search, items, count, way->score, rank);
    }
    plan->unplaced = xcalloc_array(count + 1, sizeof *plan->unplaced);
    memcpy(plan->unplaced, search->left, count * sizeof *plan->unplaced);
    return done;
}

/* Opens about `target` empty nodes, of each kind as large a part of them as the plan has. */
static void open_empty(struct pack_search *search, const struct pack_plan *like, int64_t nodes, int64_t target)
{
    for (size_t kind = 0; kind < search->problem->kind_count; kind++) {
        int64_t count = 0;
        for (size_t i = 0; i < like->node_count; i++) {
            count += like->nodes[i].kind == kind ? like->nodes[i].count : 0;
        }
        int64_t part = (int64_t)((double)count * ((double)target / (double)nodes));
        part = part < search->supply[kind] ? part : search->supply[kind];
        if (part > 0) {
            plan_add(search->plan, (struct pack_nodes){.kind = (uint32_t)kind, .first = PACK_NONE, .count = part,
                                                       .room = search->problem->kinds[kind].room});
            search->supply[kind] -= search->supply[kind] == PACK_ENDLESS ? 0 : part;
        }
    }
}

/*
 * Items are dealt out over as many nodes as may be enough, each to the one that has most of what it asks for: small pods are then on
 * all nodes, and not all on the last ones, which are full by number and empty otherwise.
 */
static void deal_out(struct pack_search *search, const struct pack_plan *like, int64_t nodes, int64_t target, uint32_t *items,
                     struct pack_plan *plan)
{
    size_t count = search->problem->item_count;
    start_over(search, plan);
    search_weigh(search, items, count, false);
    search_order(search, items, count, false);
    open_empty(search, like, nodes, target);
    pack_by_item(search, items, count, SCORE_DOT, RANK_CHEAPEST);
    plan->unplaced = xcalloc_array(count + 1, sizeof *plan->unplaced);
    memcpy(plan->unplaced, search->left, count * sizeof *plan->unplaced);
}

/* Fewer pods without a place, then less money, then fewer nodes. */
static bool is_better(struct pack_total a, struct pack_total b)
{
    if (a.unplaced != b.unplaced) {
        return a.unplaced < b.unplaced;
    }
    if (a.microusd_per_hour >= 0 && b.microusd_per_hour >= 0 && a.microusd_per_hour != b.microusd_per_hour) {
        return a.microusd_per_hour < b.microusd_per_hour;
    }
    return a.nodes < b.nodes;
}

/* Whether it makes no difference which kind is opened first: there is any number of each (then they differ by what runs there), or all
 * are the same. */
static bool kinds_alike(const struct pack_problem *problem)
{
    bool endless = true;
    for (size_t i = 0; i < problem->kind_count; i++) {
        endless = endless && problem->kinds[i].supply == PACK_ENDLESS;
    }
    if (endless) {
        return true;
    }
    for (size_t i = 1; i < problem->kind_count; i++) {
        const struct pack_kind *a = &problem->kinds[0], *b = &problem->kinds[i];
        if (memcmp(&a->room, &b->room, sizeof a->room) != 0 || a->microusd_per_hour != b->microusd_per_hour) {
            return false;
        }
    }
    return true;
}

/* Nothing better can be found. */
static bool is_least(struct pack_total total, int64_t bound, int64_t price)
{
    return total.unplaced == 0 && total.nodes <= bound && (total.microusd_per_hour <= price || total.microusd_per_hour < 0);
}

/* Close enough to the bound that more ways are not worth their time: within a hundredth. */
static bool is_near(struct pack_total total, int64_t bound)
{
    return total.unplaced == 0 && total.nodes - bound <= bound / 100;
}

/* What is being looked for, and the best so far. */
struct solving {
    const struct pack_problem *problem;
    struct pack_search search;
    uint32_t *items;
    int64_t bound, price;
    bool alike;
    struct pack_plan *plan;
    struct pack_total best;
};

/* Keeps what was found where it is better, else drops it. */
static void keep_better(struct solving *solving, struct pack_plan *found, bool done)
{
    struct pack_total total = pack_plan_total(solving->problem, found);
    if (done && is_better(total, solving->best)) {
        pack_plan_release(solving->plan);
        *solving->plan = *found;
        solving->best = total;
    } else {
        pack_plan_release(found);
    }
}

static bool is_done(const struct solving *solving)
{
    return is_least(solving->best, solving->bound, solving->price) || (solving->alike && is_near(solving->best, solving->bound));
}

static void try_ways(struct solving *solving, size_t count)
{
    for (size_t i = 0; i < count * (solving->alike ? 1 : PACK_RANKS) && !is_done(solving); i++) {
        struct pack_plan found;
        bool done = walk(&solving->search, &ways[i % count], (enum pack_rank)(i / count), solving->items, &found);
        keep_better(solving, &found, done);
    }
}

/* Between the bound and what was found so far, in steps, as long as there is not too much to compare. */
static void try_dealing(struct solving *solving, bool quick)
{
    int64_t work = quick ? deal_work / 4 : deal_work;
    if (solving->best.nodes == 0) {
        return; /* nothing fits anywhere */
    }
    for (int64_t part = 0; part < DEAL_STEPS && !is_done(solving) && solving->best.nodes <= DEAL_MAX && work > 0; part++) {
        int64_t gap = solving->best.nodes - solving->bound;
        struct pack_plan found;
        work -= solving->best.nodes * (int64_t)solving->problem->item_count;
        deal_out(&solving->search, solving->plan, solving->best.nodes, solving->bound + gap * part / DEAL_STEPS, solving->items, &found);
        keep_better(solving, &found, true);
    }
}

void pack_solve(const struct pack_problem *problem, bool quick, struct pack_plan *plan)
{
    struct solving solving = {.problem = problem, .plan = plan, .best = {.unplaced = INT64_MAX}};
    search_init(&solving.search, problem);
    solving.items = xcalloc_array(problem->item_count + 1, sizeof *solving.items);
    for (size_t i = 0; i < problem->item_count; i++) {
        solving.items[i] = (uint32_t)i;
    }
    solving.alike = kinds_alike(problem);
    solving.bound = pack_bound(problem, NULL);
    solving.price = solving.alike ? INT64_MAX : pack_bound_price(problem, NULL);
    *plan = (struct pack_plan){0};
    try_ways(&solving, quick ? QUICK_WAYS : ARRAY_COUNT(ways));
    try_dealing(&solving, quick);
    if (!quick && !is_done(&solving)) {
        pack_improve(&solving.search, plan, solving.bound, improve_work);
    }
    free(solving.items);
    search_release(&solving.search);
}
