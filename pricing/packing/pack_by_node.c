#include <stdlib.h>

#include "pipeline/base/mem.h"
#include "pricing/packing/pack_search.h"

/* An item that still has pods to place. */
struct waiting {
    struct pack_size size;
    int64_t key; /* weighed sum of its norm, or what it counts: the list is sorted by it, largest first */
    int32_t norm[PACK_RESOURCES];
    uint32_t item;
};

/* The node that is being filled. */
struct filling {
    struct pack_nodes nodes;
    struct {
        uint32_t item, count;
    } *taken;
    size_t taken_count, taken_capacity;
};

struct by_node {
    struct pack_search *search;
    struct waiting *items;
    size_t count;
    size_t used_up; /* of them */
    enum pack_score score;
    int64_t steps; /* of stairs; only where items are chosen in pairs */
    struct filling now;
};

static int compare_waiting(const void *a, const void *b)
{
    const struct waiting *x = a, *y = b;
    if (x->key != y->key) {
        return x->key > y->key ? -1 : 1;
    }
    return x->item < y->item ? -1 : x->item > y->item;
}

static int64_t key_of(const struct pack_search *search, const int32_t norm[PACK_RESOURCES])
{
    int64_t key = 0;
    for (int r = 0; r < PACK_RESOURCES; r++) {
        key += (int64_t)search->weight[r] * norm[r];
    }
    return key;
}

/* Steps a node in eighths, as in pack_bound.c, and how much more a count weighs than the size. */
enum { STEPS_ONE = 8, STEPS_MAX = 48, COUNT_UNIT = 4 * PACK_SCALE };

/* What the mean of CPU and memory counts with so many steps a node (by_stairs of pack_bound.c); the larger first where it is alike. */
static int64_t count_of(const int32_t norm[PACK_RESOURCES], int64_t steps)
{
    int64_t one = STEPS_ONE * 2 * PACK_SCALE, broken = steps % STEPS_ONE * 2 * PACK_SCALE;
    int64_t size = (int64_t)norm[0] + norm[1], climbed = size * steps, on = climbed % one;
    int64_t counted = climbed / one * (one - broken) + (on > broken ? on - broken : 0);
    return counted * PACK_SCALE / (steps / STEPS_ONE * (one - broken)) * COUNT_UNIT + size;
}

/* The stairs on which the items count most: room that these do not need costs nothing. */
static int64_t best_steps(const struct pack_search *search, const uint32_t *items, size_t count)
{
    int64_t best = STEPS_ONE;
    double most = 0;
    for (int64_t steps = STEPS_ONE; steps <= STEPS_MAX; steps++) {
        double sum = 0;
        for (size_t i = 0; i < count; i++) {
            sum += (double)count_of(search->norm[items[i]], steps) * (double)search->left[items[i]];
        }
        best = sum > most ? steps : best;
        most = sum > most ? sum : most;
    }
    return best;
}

static void collect(struct by_node *walk, const uint32_t *items, size_t count)
{
    const struct pack_search *search = walk->search;
    walk->items = xcalloc_array(count + 1, sizeof *walk->items);
    for (size_t i = 0; i < count; i++) {
        uint32_t item = items[i];
        if (search->left[item] > 0) {
            struct waiting *w = &walk->items[walk->count++];
            int64_t key = walk->score == SCORE_PAIR ? count_of(search->norm[item], walk->steps) : key_of(search, search->norm[item]);
            *w = (struct waiting){.size = search->problem->items[item].size, .key = key, .item = item};
            for (int r = 0; r < PACK_RESOURCES; r++) {
                w->norm[r] = search->norm[item][r];
            }
        }
    }
    qsort(walk->items, walk->count, sizeof *walk->items, compare_waiting);
}

/* What is used up leaves the list when it is an eighth of it. */
static void compact(struct by_node *walk)
{
    if (walk->used_up <= walk->count / 8) {
        return;
    }
    size_t kept = 0;
    for (size_t i = 0; i < walk->count; i++) {
        if (walk->search->left[walk->items[i].item] > 0) {
            walk->items[kept++] = walk->items[i];
        }
    }
    walk->count = kept;
    walk->used_up = 0;
}

/* The first item that is not larger by its key: those before it fit nowhere in the room. */
static size_t first_small(const struct by_node *walk, int64_t key)
{
    size_t low = 0, high = walk->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (walk->items[middle].key > key) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

/* What is left of the node, and what no score of an item can be below. */
struct target {
    int32_t room[PACK_RESOURCES];
    int64_t key;
    int64_t widest; /* part of the node that is left of one resource */
    int64_t weight; /* sum */
};

static struct target target_of(const struct by_node *walk)
{
    struct target target = {.widest = 0};
    search_norm(walk->search, &walk->now.nodes.room, target.room);
    target.key = key_of(walk->search, target.room);
    for (int r = 0; r < PACK_RESOURCES; r++) {
        target.widest = target.room[r] > target.widest ? target.room[r] : target.widest;
        target.weight += walk->search->weight[r];
    }
    return target;
}

/*
 * No item with this key, or a smaller one, scores less. With weights w, sizes s and room f: the sum of w·s·f is at most the largest f
 * times the key; and by Cauchy's inequality the sum of w·(f−s)² is at least (the sum of w·(f−s))² over the sum of w.
 */
static int64_t least_score(const struct target *target, enum pack_score score, int64_t key)
{
    if (score == SCORE_DOT) {
        return -target->widest * key;
    }
    int64_t rest = target->key - key;
    return score == SCORE_NEAREST ? rest * rest / target->weight : rest;
}

static bool may_take(const struct by_node *walk, const struct waiting *w)
{
    struct pack_search *search = walk->search;
    const struct pack_item *item = &search->problem->items[w->item];
    if (!pack_allowed(search->problem, item->set, walk->now.nodes.kind)) {
        return false;
    }
    if (item->marks != PACK_NONE) {
        search_select(search, w->item);
    }
    return !search_clashes(search, w->item, walk->now.nodes.first);
}

/* So many items that fit are looked at for one choice: the list starts with the largest. */
enum { FITTING_MAX = 512 };

/* The waiting item that suits the room best, SIZE_MAX where nothing fits. */
static size_t choose(struct by_node *walk)
{
    const struct pack_size *room = &walk->now.nodes.room;
    struct pack_search *search = walk->search;
    struct target target = target_of(walk);
    size_t best = SIZE_MAX;
    int64_t best_score = 0;
    size_t first = first_small(walk, target.key), i = first;
    int fitting = 0;
    for (; i < walk->count && fitting < FITTING_MAX; i++) {
        const struct waiting *w = &walk->items[i];
        if (best != SIZE_MAX && least_score(&target, walk->score, w->key) >= best_score) {
            break;
        }
        if (pack_fits(&w->size, room) && search->left[w->item] > 0) {
            fitting++;
            int64_t got = search_score(search, walk->score, w->norm, target.room);
            if ((best == SIZE_MAX || got < best_score) && may_take(walk, w)) {
                best = i;
                best_score = got;
            }
        }
    }
    search->work -= (int64_t)(i - first) + 1;
    return best;
}

/* About so many are looked at for the first and for the second of a pair; a pair is good where it leaves less than that of what a node
 * counts. */
enum { FIRST_MAX = 128, SECOND_MAX = 64, PAIR_GOOD = PACK_SCALE / 128 * COUNT_UNIT };

/* What is left of the count `rest` when the largest item that goes beside the first comes along. */
static int64_t after_second(struct by_node *walk, const struct waiting *first, int64_t rest)
{
    struct pack_search *search = walk->search;
    struct pack_size room = walk->now.nodes.room;
    search_take(&room, &first->size, 1);
    size_t from = first_small(walk, rest), i = from;
    for (; i < walk->count && i - from < SECOND_MAX; i++) {
        const struct waiting *w = &walk->items[i];
        if (pack_fits(&w->size, &room) && search->left[w->item] > (w == first) && may_take(walk, w)) {
            rest -= w->key;
            break;
        }
    }
    search->work -= (int64_t)(i - from) + 1;
    return rest;
}

/* The waiting item that leaves least of the count together with a second one. */
static size_t choose_pair(struct by_node *walk, int64_t rest)
{
    struct pack_search *search = walk->search;
    size_t best = SIZE_MAX, first = first_small(walk, rest), i = first;
    size_t step = (walk->count - first) / FIRST_MAX + 1;
    int64_t least = INT64_MAX;
    while (i < walk->count && least > PAIR_GOOD) {
        const struct waiting *w = &walk->items[i];
        if (pack_fits(&w->size, &walk->now.nodes.room) && search->left[w->item] > 0) {
            int64_t got = after_second(walk, w, rest - w->key);
            if (got < least && may_take(walk, w)) {
                best = i;
                least = got;
            }
        }
        i += best == SIZE_MAX ? 1 : step;
        search->work--;
    }
    return best;
}

/* What the room of an empty node counts. */
static int64_t room_count(const struct by_node *walk)
{
    int32_t room[PACK_RESOURCES];
    search_norm(walk->search, &walk->now.nodes.room, room);
    return count_of(room, walk->steps);
}

static void take(struct by_node *walk, uint32_t item)
{
    struct filling *now = &walk->now;
    struct pack_search *search = walk->search;
    search_take(&now->nodes.room, &search->problem->items[item].size, 1);
    search->left[item]--;
    size_t i = 0;
    while (i < now->taken_count && now->taken[i].item != item) {
        i++;
    }
    if (i == now->taken_count) {
        GROW(now->taken, now->taken_capacity, now->taken_count + 1);
        now->taken_count++;
        now->taken[i].item = item;
        now->taken[i].count = 0;
        /* The list tells what is there; counts follow when the node is full. */
        now->nodes.first = plan_part(search->plan, item, 0, now->nodes.first);
    }
    now->taken[i].count++;
}

/* How often the same node comes out: the choice depends only on which items are left. */
static int64_t repeats(const struct by_node *walk)
{
    const struct filling *now = &walk->now;
    int64_t more = walk->search->supply[now->nodes.kind] - 1;
    for (size_t i = 0; i < now->taken_count; i++) {
        int64_t times = walk->search->left[now->taken[i].item] / now->taken[i].count;
        more = times < more ? times : more;
    }
    return more;
}

static void finish_node(struct by_node *walk)
{
    struct filling *now = &walk->now;
    struct pack_search *search = walk->search;
    int64_t more = repeats(walk);
    uint32_t part = now->nodes.first;
    for (size_t i = now->taken_count; i > 0; i--) {
        uint32_t item = now->taken[i - 1].item;
        search->plan->parts[part].count = now->taken[i - 1].count;
        part = search->plan->parts[part].next;
        search->left[item] -= more * now->taken[i - 1].count;
        walk->used_up += search->left[item] == 0;
    }
    now->nodes.count = more + 1;
    if (search->supply[now->nodes.kind] != PACK_ENDLESS) {
        search->supply[now->nodes.kind] -= more + 1;
    }
    plan_add(search->plan, now->nodes);
    now->taken_count = 0;
    compact(walk);
}

/* The first item of the order that can still go on a new node starts it; those before `seed` are used up or fit no node that there is. */
static bool start_node(struct by_node *walk, enum pack_rank rank, const uint32_t *items, size_t count, size_t *seed)
{
    struct pack_search *search = walk->search;
    for (; *seed < count; (*seed)++) {
        uint32_t kind = search->left[items[*seed]] > 0 ? search_kind(search, rank, items[*seed]) : PACK_NONE;
        if (kind != PACK_NONE) {
            walk->now.nodes = (struct pack_nodes){.kind = kind, .first = PACK_NONE, .room = search->problem->kinds[kind].room};
            return true;
        }
    }
    return false;
}

/* What goes on a node besides the item that starts it. */
static void fill_node(struct by_node *walk, uint32_t item)
{
    int64_t rest = walk->score == SCORE_PAIR ? room_count(walk) - count_of(walk->search->norm[item], walk->steps) : 0;
    take(walk, item);
    while (walk->now.nodes.room.amount[2] > 0 && walk->search->work > 0) {
        size_t next = walk->score == SCORE_PAIR ? choose_pair(walk, rest) : choose(walk);
        if (next == SIZE_MAX) {
            return;
        }
        rest -= walk->items[next].key;
        take(walk, walk->items[next].item);
    }
}

bool pack_by_node(struct pack_search *search, const uint32_t *items, size_t count, enum pack_score score, enum pack_rank rank)
{
    struct by_node walk = {.search = search, .score = score};
    walk.steps = score == SCORE_PAIR ? best_steps(search, items, count) : 0;
    collect(&walk, items, count);
    for (size_t seed = 0; search->work > 0 && start_node(&walk, rank, items, count, &seed);) {
        fill_node(&walk, items[seed]);
        finish_node(&walk);
    }
    free(walk.items);
    free(walk.now.taken);
    return search->work > 0;
}
