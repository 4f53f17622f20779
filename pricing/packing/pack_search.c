#include "pricing/packing/pack_search.h"

#include <stdlib.h>

#include "pipeline/base/mem.h"

bool pack_allowed(const struct pack_problem *problem, uint32_t set, size_t kind)
{
    return (problem->sets[set * problem->set_words + kind / 64] >> (kind % 64) & 1) != 0;
}

bool pack_fits(const struct pack_size *size, const struct pack_size *room)
{
    return size->amount[0] <= room->amount[0] && size->amount[1] <= room->amount[1] && size->amount[2] <= room->amount[2];
}

void pack_plan_release(struct pack_plan *plan)
{
    free(plan->nodes);
    free(plan->parts);
    free(plan->unplaced);
    *plan = (struct pack_plan){0};
}

uint32_t plan_part(struct pack_plan *plan, uint32_t item, int64_t count, uint32_t next)
{
    GROW(plan->parts, plan->part_capacity, plan->part_count + 1);
    plan->parts[plan->part_count] = (struct pack_part){.item = item, .next = next, .count = (uint32_t)count};
    return (uint32_t)plan->part_count++;
}

uint32_t plan_add(struct pack_plan *plan, struct pack_nodes nodes)
{
    GROW(plan->nodes, plan->node_capacity, plan->node_count + 1);
    plan->nodes[plan->node_count] = nodes;
    return (uint32_t)plan->node_count++;
}

struct pack_total pack_plan_total(const struct pack_problem *problem, const struct pack_plan *plan)
{
    struct pack_total total = {0};
    for (size_t i = 0; i < problem->item_count; i++) {
        total.unplaced += plan->unplaced[i];
    }
    for (size_t i = 0; i < plan->node_count; i++) {
        const struct pack_nodes *nodes = &plan->nodes[i];
        int64_t price = problem->kinds[nodes->kind].microusd_per_hour;
        total.nodes += nodes->count;
        if (price < 0 || total.microusd_per_hour < 0 ||
            (price > 0 && nodes->count > (PACK_AMOUNT_MAX - total.microusd_per_hour) / price)) {
            total.microusd_per_hour = -1;
        } else {
            total.microusd_per_hour += price * nodes->count;
        }
    }
    return total;
}

/* Kinds of one rank are compared with numbers that were computed before. */
struct ranked {
    double key;
    uint32_t kind;
};

static int compare_ranked(const void *a, const void *b)
{
    const struct ranked *x = a, *y = b;
    if (x->key < y->key || y->key < x->key) {
        return x->key < y->key ? -1 : 1;
    }
    return x->kind < y->kind ? -1 : 1;
}

static double rank_key(const struct pack_search *search, const struct pack_kind *kind, enum pack_rank rank)
{
    double room = 1e-9;
    for (int r = 0; r < PACK_RESOURCES; r++) {
        room += (double)kind->room.amount[r] * search->per[r];
    }
    double price = kind->microusd_per_hour < 0 ? 1 : (double)kind->microusd_per_hour;
    return rank == RANK_CHEAPEST ? price / room : rank == RANK_LARGEST ? -room : room;
}

static void rank_kinds(struct pack_search *search)
{
    size_t count = search->problem->kind_count;
    struct ranked *list = xcalloc_array(count + 1, sizeof *list);
    for (int rank = 0; rank < PACK_RANKS; rank++) {
        search->ranks[rank] = xcalloc_array(count + 1, sizeof **search->ranks);
        for (size_t i = 0; i < count; i++) {
            list[i] = (struct ranked){rank_key(search, &search->problem->kinds[i], (enum pack_rank)rank), (uint32_t)i};
        }
        qsort(list, count, sizeof *list, compare_ranked);
        for (size_t i = 0; i < count; i++) {
            search->ranks[rank][i] = list[i].kind;
        }
    }
    free(list);
}

void search_norm(const struct pack_search *search, const struct pack_size *room, int32_t norm[PACK_RESOURCES])
{
    for (int r = 0; r < PACK_RESOURCES; r++) {
        norm[r] = (int32_t)((double)room->amount[r] * search->per[r]);
    }
}

void search_init(struct pack_search *search, const struct pack_problem *problem)
{
    *search = (struct pack_search){.problem = problem};
    for (int r = 0; r < PACK_RESOURCES; r++) {
        int64_t most = 1;
        for (size_t i = 0; i < problem->kind_count; i++) {
            int64_t room = problem->kinds[i].room.amount[r];
            most = room > most ? room : most;
        }
        search->per[r] = PACK_SCALE / (double)most;
    }
    search->left = xcalloc_array(problem->item_count + 1, sizeof *search->left);
    search->supply = xcalloc_array(problem->kind_count + 1, sizeof *search->supply);
    search->norm = xcalloc_array(problem->item_count + 1, sizeof *search->norm);
    search->gives = xcalloc_array(problem->mark_names + 1, sizeof *search->gives);
    search->forbids = xcalloc_array(problem->mark_names + 1, sizeof *search->forbids);
    for (size_t i = 0; i < problem->item_count; i++) {
        const struct pack_item *item = &problem->items[i];
        struct pack_size size = item->size;
        for (int r = 0; r < PACK_RESOURCES; r++) {
            double part = (double)size.amount[r] * search->per[r];
            search->norm[i][r] = part > PACK_SCALE ? PACK_SCALE : (int32_t)part;
        }
    }
    rank_kinds(search);
}

void search_release(struct pack_search *search)
{
    free(search->left);
    free(search->supply);
    free(search->norm);
    free(search->gives);
    free(search->forbids);
    for (int rank = 0; rank < PACK_RANKS; rank++) {
        free(search->ranks[rank]);
    }
}

void search_weigh(struct pack_search *search, const uint32_t *items, size_t count, bool even)
{
    double sum[PACK_RESOURCES] = {0}, all = 1e-9;
    for (size_t i = 0; i < count; i++) {
        for (int r = 0; r < PACK_RESOURCES; r++) {
            double part = (double)search->norm[items[i]][r] * (double)search->left[items[i]];
            sum[r] += part;
            all += part;
        }
    }
    for (int r = 0; r < PACK_RESOURCES; r++) {
        search->weight[r] = even ? 64 : 1 + (int32_t)(255 * (sum[r] / all));
    }
}

int64_t search_score(const struct pack_search *search, enum pack_score score, const int32_t item[PACK_RESOURCES],
                     const int32_t room[PACK_RESOURCES])
{
    int64_t sum = 0;
    for (int r = 0; r < PACK_RESOURCES; r++) {
        int64_t rest = room[r] - item[r];
        sum += search->weight[r] * (score == SCORE_DOT       ? -(int64_t)item[r] * room[r]
                                    : score == SCORE_NEAREST ? rest * rest
                                                             : rest);
    }
    return sum;
}

void search_select(struct pack_search *search, uint32_t item)
{
    search->stamp++;
    if (search->problem->items[item].marks == PACK_NONE) {
        return;
    }
    const struct pack_marks *marks = &search->problem->marks[search->problem->items[item].marks];
    for (uint32_t i = 0; i < marks->give_count; i++) {
        search->gives[marks->gives[i]] = search->stamp;
    }
    for (uint32_t i = 0; i < marks->forbid_count; i++) {
        search->forbids[marks->forbids[i]] = search->stamp;
    }
}

static bool marks_clash(const struct pack_search *search, const struct pack_marks *marks)
{
    for (uint32_t i = 0; i < marks->give_count; i++) {
        if (search->forbids[marks->gives[i]] == search->stamp) {
            return true;
        }
    }
    for (uint32_t i = 0; i < marks->forbid_count; i++) {
        if (search->gives[marks->forbids[i]] == search->stamp) {
            return true;
        }
    }
    return false;
}

bool search_clashes(const struct pack_search *search, uint32_t item, uint32_t first_part)
{
    const struct pack_item *it = &search->problem->items[item];
    if (!it->alone && it->marks == PACK_NONE) {
        return false;
    }
    for (uint32_t p = first_part; p != PACK_NONE; p = search->plan->parts[p].next) {
        uint32_t there = search->plan->parts[p].item;
        uint32_t marks = search->problem->items[there].marks;
        if ((there == item && it->alone) ||
            (it->marks != PACK_NONE && marks != PACK_NONE && there != item &&
             marks_clash(search, &search->problem->marks[marks]))) {
            return true;
        }
    }
    return false;
}

int64_t search_most(const struct pack_item *item, const struct pack_size *room)
{
    if (!pack_fits(&item->size, room)) {
        return 0;
    }
    int64_t most = item->alone ? 1 : INT32_MAX;
    for (int r = 0; r < PACK_RESOURCES; r++) {
        int64_t size = item->size.amount[r];
        if (size > 0 && size > room->amount[r] / most) {
            most = room->amount[r] / size;
        }
    }
    return most;
}

void search_take(struct pack_size *room, const struct pack_size *size, int64_t count)
{
    for (int r = 0; r < PACK_RESOURCES; r++) {
        room->amount[r] -= size->amount[r] * count;
    }
}

uint32_t search_kind(const struct pack_search *search, enum pack_rank rank, uint32_t item)
{
    const struct pack_problem *problem = search->problem;
    const struct pack_item *it = &problem->items[item];
    for (size_t i = 0; i < problem->kind_count; i++) {
        uint32_t kind = search->ranks[rank][i];
        if (search->supply[kind] > 0 && pack_allowed(problem, it->set, kind) &&
            pack_fits(&it->size, &problem->kinds[kind].room)) {
            return kind;
        }
    }
    return PACK_NONE;
}
