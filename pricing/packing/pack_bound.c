#include <stdlib.h>

#include "pipeline/base/mem.h"
#include "pricing/packing/pack.h"

/* Sums of amounts times counts. */
__extension__ typedef unsigned __int128 wide;

/* Of an item with one resource. */
struct load {
    int64_t size;
    int64_t count;
};

static int64_t saturate(wide value)
{
    return value > (wide)INT64_MAX ? INT64_MAX : (int64_t)value;
}

static wide times(wide a, wide b)
{
    return (wide)(a * b);
}

static wide plus(wide a, wide b)
{
    return a + b;
}

static wide divide(wide a, wide b)
{
    return a / b;
}

static wide divide_up(wide a, wide b)
{
    return a / b + (wide)(a % b != 0);
}

static int compare_load(const void *a, const void *b)
{
    const struct load *x = a, *y = b;
    return x->size > y->size ? -1 : x->size < y->size;
}

static int64_t volume(const struct load *loads, size_t count, int64_t room)
{
    wide sum = 0;
    for (size_t i = 0; i < count; i++) {
        sum += times((wide)loads[i].size, (wide)loads[i].count);
    }
    return saturate(divide_up(sum, (wide)room));
}

/*
 * Items larger than a j-th part of 1/(k+1) of a node count j: what is on one node counts k at most, for otherwise it would be larger
 * than the node. Source: the dual feasible functions u(k) of Fekete and Schepers, New classes of fast lower bounds for bin packing
 * problems (2001).
 */
static int64_t by_parts(const struct load *loads, size_t count, int64_t room, int64_t k)
{
    wide sum = 0;
    for (size_t i = 0; i < count; i++) {
        wide scaled = times((wide)loads[i].size, (wide)(k + 1));
        wide part = scaled == 0 ? 0 : divide_up(scaled, (wide)room) - (wide)1;
        sum += times(part, (wide)loads[i].count);
    }
    return saturate(divide_up(sum, (wide)k));
}

/*
 * Items that leave less than `small` of a node take it whole, and those smaller than `small` do not count; the rest by volume. Source:
 * Martello and Toth, Lower bounds and reduction procedures for the bin packing problem (1990), the bound L2.
 */
static int64_t by_small(const struct load *loads, size_t count, int64_t room, int64_t small)
{
    wide whole = 0, half = 0, half_sum = 0, rest_sum = 0;
    for (size_t i = 0; i < count && loads[i].size >= small; i++) {
        wide n = (wide)loads[i].count;
        if (loads[i].size > room - small) {
            whole += n;
        } else if (loads[i].size > room / 2) {
            half += n;
            half_sum += times((wide)loads[i].size, n);
        } else {
            rest_sum += times((wide)loads[i].size, n);
        }
    }
    wide left = times(half, (wide)room) - half_sum;
    wide more = rest_sum > left ? divide_up(rest_sum - left, (wide)room) : 0;
    return saturate(whole + half + more);
}

/* How many steps a node has, told in eighths: from more than one to six. */
enum { STEPS_ONE = 8, STEPS_MIN = STEPS_ONE + 1, STEPS_MAX = 6 * STEPS_ONE };

/* A node where sizes are told as parts of it. */
enum { PARTS_ROOM = 1 << 24 };

/*
 * With C steps a node, an item counts the whole steps it climbs; of the step it stands on only what is more than C's own broken part
 * counts, as a part of what can be. Two items together never count less than both alone, and a node counts its whole steps. Source: Burdett
 * and Johnson, A subadditive approach to solve linear integer programs (1977), as a dual feasible function in Alves et al., Dual-Feasible
 * Functions for Integer Programming and Combinatorial Optimization (2016).
 */
static int64_t by_stairs(const struct load *loads, size_t count, uint64_t steps)
{
    const uint64_t one = (uint64_t)STEPS_ONE * PARTS_ROOM, broken = steps % STEPS_ONE * PARTS_ROOM;
    wide sum = 0;
    for (size_t i = 0; i < count; i++) {
        uint64_t climbed = (uint64_t)loads[i].size * steps, on = climbed % one;
        uint64_t counted = climbed / one * (one - broken) + (on > broken ? on - broken : 0);
        sum += times((wide)counted, (wide)loads[i].count);
    }
    return saturate(divide_up(sum, times((wide)(steps / STEPS_ONE), (wide)(one - broken))));
}

/* The best bound of sizes that are parts of a node. */
static int64_t bound_stairs(const struct load *loads, size_t count)
{
    int64_t best = 0;
    for (uint64_t steps = STEPS_MIN; steps <= STEPS_MAX; steps++) {
        int64_t got = by_stairs(loads, count, steps);
        best = got > best ? got : best;
    }
    return best;
}

enum { PARTS_MAX = 24, SMALL_MAX = 64 };

/* The best bound that one resource gives. `loads` are sorted, largest first. */
static int64_t bound_loads(const struct load *loads, size_t count, int64_t room)
{
    int64_t best = volume(loads, count, room);
    for (int64_t k = 1; k <= PARTS_MAX; k++) {
        int64_t got = by_parts(loads, count, room, k);
        best = got > best ? got : best;
    }
    size_t first = 0;
    while (first < count && loads[first].size > room / 2) {
        first++;
    }
    size_t step = (count - first) / SMALL_MAX + 1;
    for (size_t i = first; i < count && loads[i].size > 0; i += step) {
        int64_t got = by_small(loads, count, room, loads[i].size);
        best = got > best ? got : best;
    }
    return best;
}

/* Which nodes an item may go on: the kinds of its group, or one of them alone. */
struct reach {
    uint32_t group; /* PACK_NONE: it fits no node */
    uint32_t sole;  /* the only kind it may run on, or PACK_NONE */
};

/* All that the bounds are computed of. */
struct ground {
    const struct pack_problem *problem;
    uint32_t *group;      /* by kind: kinds that some item may choose among are of one group */
    struct reach *reach;  /* by item */
    int64_t *counts;      /* by item, 0 where it fits no node */
    bool *in;             /* by item: what is looked at now is about it */
    struct load *loads;
};

static uint32_t root_of(const uint32_t *group, uint32_t kind)
{
    while (group[kind] != kind) {
        kind = group[kind];
    }
    return kind;
}

static struct reach reach_of(const struct ground *ground, const struct pack_item *item)
{
    const struct pack_problem *problem = ground->problem;
    struct reach reach = {PACK_NONE, PACK_NONE};
    for (uint32_t i = 0; i < problem->kind_count; i++) {
        if (problem->kinds[i].supply > 0 && pack_allowed(problem, item->set, i) && pack_fits(&item->size, &problem->kinds[i].room)) {
            uint32_t root = root_of(ground->group, i);
            reach.sole = reach.group == PACK_NONE ? i : PACK_NONE;
            if (reach.group != PACK_NONE) {
                ground->group[root] = reach.group;
            } else {
                reach.group = root;
            }
        }
    }
    return reach;
}

static void ground_init(struct ground *ground, const struct pack_problem *problem, const int64_t *counts)
{
    size_t count = problem->item_count;
    *ground = (struct ground){.problem = problem};
    ground->group = xcalloc_array(problem->kind_count + 1, sizeof *ground->group);
    ground->reach = xcalloc_array(count + 1, sizeof *ground->reach);
    ground->counts = xcalloc_array(count + 1, sizeof *ground->counts);
    ground->in = xcalloc_array(count + 1, sizeof *ground->in);
    ground->loads = xcalloc_array(count + 1, sizeof *ground->loads);
    for (uint32_t i = 0; i < problem->kind_count; i++) {
        ground->group[i] = i;
    }
    for (size_t i = 0; i < count; i++) {
        ground->reach[i] = reach_of(ground, &problem->items[i]);
        bool fits = ground->reach[i].group != PACK_NONE;
        ground->counts[i] = !fits ? 0 : counts == NULL ? problem->items[i].count : counts[i];
    }
    for (size_t i = 0; i < count; i++) {
        if (ground->reach[i].group != PACK_NONE) {
            ground->reach[i].group = root_of(ground->group, ground->reach[i].group);
        }
    }
    for (uint32_t i = 0; i < problem->kind_count; i++) {
        ground->group[i] = root_of(ground->group, i);
    }
}

static void ground_release(struct ground *ground)
{
    free(ground->group);
    free(ground->reach);
    free(ground->counts);
    free(ground->in);
    free(ground->loads);
}

/* Adds up what an item that runs alone gives and forbids: no two of those share a node. */
static void add_marks(const struct pack_marks *marks, int64_t count, wide *sums)
{
    for (uint32_t g = 0; g < marks->give_count; g++) {
        for (uint32_t f = 0; f < marks->forbid_count; f++) {
            if (marks->gives[g] == marks->forbids[f]) {
                sums[marks->gives[g]] = plus(sums[marks->gives[g]], (wide)count);
                break;
            }
        }
    }
}

/* Pods that must each be on a node of their own: those of one item that run alone, and those that share a mark they forbid. */
static int64_t bound_apart(const struct ground *ground)
{
    const struct pack_problem *problem = ground->problem;
    int64_t best = 0;
    wide *sums = xcalloc_array((size_t)problem->mark_names + 1, sizeof *sums);
    for (size_t i = 0; i < problem->item_count; i++) {
        const struct pack_item *item = &problem->items[i];
        if (ground->in[i] && item->alone) {
            best = ground->counts[i] > best ? ground->counts[i] : best;
            if (item->marks != PACK_NONE) {
                add_marks(&problem->marks[item->marks], ground->counts[i], sums);
            }
        }
    }
    for (uint32_t i = 0; i < problem->mark_names; i++) {
        int64_t sum = saturate(sums[i]);
        best = sum > best ? sum : best;
    }
    free(sums);
    return best;
}

/* Sorted loads of one resource of the items that are looked at; returns how many. */
static size_t load_up(const struct ground *ground, int resource)
{
    size_t count = 0;
    for (size_t i = 0; i < ground->problem->item_count; i++) {
        if (ground->in[i]) {
            ground->loads[count++] = (struct load){ground->problem->items[i].size.amount[resource], ground->counts[i]};
        }
    }
    qsort(ground->loads, count, sizeof *ground->loads, compare_load);
    return count;
}

/*
 * CPU and memory in one number, weighed, as parts of a node (rounded down): what fits a node in both fits it in any mean of both, so
 * that items which are never too many for one resource alone can be too many for both. Returns how many loads.
 */
static size_t load_mean(const struct ground *ground, const int64_t room[PACK_RESOURCES], const int64_t weight[2])
{
    size_t count = 0;
    for (size_t i = 0; i < ground->problem->item_count; i++) {
        if (ground->in[i]) {
            const int64_t *amount = ground->problem->items[i].size.amount;
            int64_t size = 0;
            for (int r = 0; r < 2; r++) {
                size += saturate(divide(times((wide)amount[r], (wide)(weight[r] * PARTS_ROOM)), (wide)room[r]));
            }
            ground->loads[count++] = (struct load){size / (weight[0] + weight[1]), ground->counts[i]};
        }
    }
    return count;
}

/* The best bound of CPU and memory together. */
static int64_t bound_means(const struct ground *ground, const int64_t room[PACK_RESOURCES])
{
    static const int64_t weights[][2] = {{1, 0}, {3, 1}, {1, 1}, {1, 3}, {0, 1}};
    int64_t best = 0;
    for (size_t i = 0; i < ARRAY_COUNT(weights) && room[0] > 0 && room[1] > 0; i++) {
        size_t count = load_mean(ground, room, weights[i]);
        int64_t got = bound_stairs(ground->loads, count);
        best = got > best ? got : best;
    }
    return best;
}

/* How many nodes the sum takes when the largest of the group come first. */
static int64_t by_supply(const struct ground *ground, uint32_t group, int resource, size_t count)
{
    const struct pack_problem *problem = ground->problem;
    struct load *rooms = xcalloc_array(problem->kind_count + 1, sizeof *rooms);
    size_t room_count = 0;
    for (size_t i = 0; i < problem->kind_count; i++) {
        const struct pack_kind *kind = &problem->kinds[i];
        if (ground->group[i] == group && kind->supply > 0 && kind->room.amount[resource] > 0) {
            rooms[room_count++] = (struct load){kind->room.amount[resource], kind->supply};
        }
    }
    qsort(rooms, room_count, sizeof *rooms, compare_load);
    wide sum = 0, nodes = 0;
    for (size_t i = 0; i < count; i++) {
        sum += times((wide)ground->loads[i].size, (wide)ground->loads[i].count);
    }
    for (size_t i = 0; i < room_count && sum > 0; i++) {
        wide needed = divide_up(sum, (wide)rooms[i].size);
        wide taken = needed < (wide)rooms[i].count ? needed : (wide)rooms[i].count;
        nodes += taken;
        wide held = times(taken, (wide)rooms[i].size);
        sum = held < sum ? sum - held : 0;
    }
    free(rooms);
    return saturate(nodes);
}

/* The largest node stands for all of the group (or of one kind of it): a smaller one holds less, measured by it, too. */
static int64_t bound_in(const struct ground *ground, uint32_t group, uint32_t sole)
{
    const struct pack_problem *problem = ground->problem;
    int64_t best = bound_apart(ground), rooms[PACK_RESOURCES];
    for (int r = 0; r < PACK_RESOURCES; r++) {
        int64_t room = 0;
        for (size_t i = 0; i < problem->kind_count; i++) {
            const struct pack_kind *kind = &problem->kinds[i];
            bool is_in = sole == PACK_NONE ? ground->group[i] == group : i == sole;
            room = is_in && kind->supply > 0 && kind->room.amount[r] > room ? kind->room.amount[r] : room;
        }
        rooms[r] = room;
        size_t count = load_up(ground, r);
        int64_t got = room > 0 ? bound_loads(ground->loads, count, room) : 0;
        int64_t by_nodes = sole == PACK_NONE ? by_supply(ground, group, r, count) : 0;
        best = got > best ? got : best;
        best = by_nodes > best ? by_nodes : best;
    }
    int64_t means = bound_means(ground, rooms);
    return means > best ? means : best;
}

/* Looks at the items of a group, or those of them that can run on one kind only. False: there are none. */
static bool look_at(const struct ground *ground, uint32_t group, uint32_t sole)
{
    bool any = false;
    for (size_t i = 0; i < ground->problem->item_count; i++) {
        const struct reach *reach = &ground->reach[i];
        ground->in[i] = ground->counts[i] > 0 && reach->group == group && (sole == PACK_NONE || reach->sole == sole);
        any = any || ground->in[i];
    }
    return any;
}

/* Items that can run on one kind only need nodes of that kind, whatever else is there: these bounds add up. */
static int64_t bound_soles(const struct ground *ground, uint32_t group)
{
    int64_t sum = 0;
    for (uint32_t i = 0; i < ground->problem->kind_count; i++) {
        if (ground->group[i] == group && look_at(ground, group, i)) {
            sum += bound_in(ground, group, i);
        }
    }
    return sum;
}

int64_t pack_bound(const struct pack_problem *problem, const int64_t *counts)
{
    struct ground ground;
    ground_init(&ground, problem, counts);
    int64_t sum = 0;
    for (uint32_t i = 0; i < problem->kind_count; i++) {
        if (ground.group[i] == i && look_at(&ground, i, PACK_NONE)) {
            int64_t all = bound_in(&ground, i, PACK_NONE), soles = bound_soles(&ground, i);
            sum += all > soles ? all : soles;
        }
    }
    ground_release(&ground);
    return sum;
}

/* What a unit of the room costs. */
struct offer {
    double key;
    const struct pack_kind *kind;
};

static int compare_offer(const void *a, const void *b)
{
    const struct offer *x = a, *y = b;
    return x->key < y->key ? -1 : y->key < x->key;
}

/* What the sum of one resource costs where parts of nodes can be had, the cheapest room first. */
static wide price_of(const struct ground *ground, uint32_t group, int resource)
{
    const struct pack_problem *problem = ground->problem;
    struct offer *offers = xcalloc_array(problem->kind_count + 1, sizeof *offers);
    size_t count = 0;
    wide sum = 0, price = 0;
    for (size_t i = 0; i < problem->kind_count; i++) {
        const struct pack_kind *kind = &problem->kinds[i];
        if (ground->group[i] == group && kind->supply > 0 && kind->room.amount[resource] > 0) {
            offers[count++] = (struct offer){(double)kind->microusd_per_hour / (double)kind->room.amount[resource], kind};
        }
    }
    qsort(offers, count, sizeof *offers, compare_offer);
    for (size_t i = 0; i < problem->item_count; i++) {
        sum += ground->in[i] ? times((wide)problem->items[i].size.amount[resource], (wide)ground->counts[i]) : 0;
    }
    for (size_t i = 0; i < count && sum > 0; i++) {
        wide room = (wide)offers[i].kind->room.amount[resource], cost = (wide)offers[i].kind->microusd_per_hour;
        wide whole = sum / room < (wide)offers[i].kind->supply ? sum / room : (wide)offers[i].kind->supply;
        price += times(whole, cost);
        sum -= times(whole, room);
        if (whole < (wide)offers[i].kind->supply) {
            price += (wide)((double)sum / (double)room * (double)cost);
            sum = 0;
        }
    }
    free(offers);
    return price;
}

int64_t pack_bound_price(const struct pack_problem *problem, const int64_t *counts)
{
    for (size_t i = 0; i < problem->kind_count; i++) {
        if (problem->kinds[i].microusd_per_hour < 0) {
            return 0;
        }
    }
    struct ground ground;
    ground_init(&ground, problem, counts);
    wide sum = 0;
    for (uint32_t i = 0; i < problem->kind_count; i++) {
        if (ground.group[i] == i && look_at(&ground, i, PACK_NONE)) {
            wide best = 0;
            for (int r = 0; r < PACK_RESOURCES; r++) {
                wide got = price_of(&ground, i, r);
                best = got > best ? got : best;
            }
            sum += best;
        }
    }
    ground_release(&ground);
    return saturate(sum);
}
