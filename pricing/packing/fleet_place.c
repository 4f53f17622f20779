#include "pricing/packing/fleet_place.h"

#include <stdlib.h>
#include <string.h>

#include "pipeline/base/mem.h"

int64_t place_add(int64_t a, int64_t b)
{
    return a > PACK_AMOUNT_MAX - b ? PACK_AMOUNT_MAX : a + b;
}

const struct fleet_rules *fleet_rules_of(const struct fleet_input *input, const struct fleet_workload *workload)
{
    return workload->rules == PACK_NONE ? NULL : &input->rules[workload->rules];
}

bool fleet_is_packed(const struct fleet_input *input, const struct fleet_workload *workload)
{
    return !workload->daemon && workload->count > 0 && (input->live_count > 0 || workload->pool != PACK_NONE);
}

static int64_t bounded(int64_t amount)
{
    return amount < 0 ? 0 : amount > PACK_AMOUNT_MAX ? PACK_AMOUNT_MAX : amount;
}

struct pack_size fleet_size(const struct fleet_place *place, const struct fleet_workload *workload)
{
    const struct fleet_request *request = place->after ? &workload->after : &workload->before;
    return (struct pack_size){{bounded(request->cpu), bounded(request->memory), 1}};
}

/* A new set without any kind. */
static uint32_t new_set(struct fleet_place *place)
{
    GROW(place->sets, place->set_capacity, (place->set_count + 1) * place->set_words);
    memset(place->sets + place->set_count * place->set_words, 0, place->set_words * sizeof *place->sets);
    return (uint32_t)place->set_count++;
}

static bool may_run(const struct fleet_place *place, const struct fleet_workload *w, const struct fleet_kind *kind)
{
    const struct fleet_rules *rules = fleet_rules_of(place->input, w);
    return (place->input->live_count > 0 || (kind->source == w->pool && kind->cluster == w->cluster)) && match_node(rules, kind->labels) &&
           match_taints(rules, kind->taints, kind->taint_count, false);
}

static bool marks_meet(const struct pack_marks *a, const struct pack_marks *b)
{
    for (uint32_t i = 0; i < a->give_count; i++) {
        for (uint32_t j = 0; j < b->forbid_count; j++) {
            if (a->gives[i] == b->forbids[j]) {
                return true;
            }
        }
    }
    return false;
}

/* DaemonSets with marks: of all workloads they are few. */
static void find_keepers(struct fleet_place *place)
{
    for (size_t i = 0; i < place->input->workload_count; i++) {
        if (place->input->workloads[i].daemon && place->workload_marks[i] != PACK_NONE) {
            GROW(place->keepers, place->keeper_capacity, place->keeper_count + 1);
            place->keepers[place->keeper_count++] = (uint32_t)i;
        }
    }
}

/* Whether some DaemonSet that runs on the kind keeps the workload off it. */
static bool daemon_keeps_off(const struct fleet_place *place, uint32_t workload, const struct fleet_kind *kind)
{
    const struct pack_marks *own = &place->marks[place->workload_marks[workload]];
    for (size_t i = 0; i < place->keeper_count; i++) {
        const struct pack_marks *marks = &place->marks[place->workload_marks[place->keepers[i]]];
        if ((marks_meet(own, marks) || marks_meet(marks, own)) &&
            place_daemon_runs(place, &place->input->workloads[place->keepers[i]], kind)) {
            return true;
        }
    }
    return false;
}

/* The index of the set of kinds a workload may run on. */
static uint32_t set_of(struct fleet_place *place, uint32_t workload)
{
    const struct fleet_workload *w = &place->input->workloads[workload];
    bool marked = place->workload_marks[workload] != PACK_NONE;
    uint64_t key = index_key((uint64_t)w->rules << 32 | w->cluster, "set");
    key = index_key(key ^ (place->input->live_count > 0 ? 0 : (uint64_t)w->pool + 1), "pool");
    bool added = true;
    uint32_t set = marked ? (uint32_t)place->set_count : index_add(&place->set_index, key, (uint32_t)place->set_count, &added);
    if (!added) {
        return set;
    }
    new_set(place);
    for (size_t i = 0; i < place->kind_count; i++) {
        if (may_run(place, w, &place->kinds[i]) && !(marked && daemon_keeps_off(place, workload, &place->kinds[i]))) {
            place->sets[set * place->set_words + i / 64] |= UINT64_C(1) << (i % 64);
        }
    }
    return set;
}

/* What several members give and forbid, together. */
static uint32_t join_marks(struct fleet_place *place, const struct fleet_member *members, size_t count)
{
    uint32_t gives = 0, forbids = 0;
    for (size_t i = 0; i < count; i++) {
        uint32_t index = place->workload_marks[members[i].workload];
        gives += index == PACK_NONE ? 0 : place->marks[index].give_count;
        forbids += index == PACK_NONE ? 0 : place->marks[index].forbid_count;
    }
    if (gives + forbids == 0) {
        return PACK_NONE;
    }
    uint32_t *give = arena_alloc_array(&place->arena, gives + 1, sizeof *give);
    uint32_t *forbid = arena_alloc_array(&place->arena, forbids + 1, sizeof *forbid);
    struct pack_marks joined = {.gives = give, .forbids = forbid};
    for (size_t i = 0; i < count; i++) {
        uint32_t index = place->workload_marks[members[i].workload];
        if (index != PACK_NONE) {
            const struct pack_marks *marks = &place->marks[index];
            memcpy(give + joined.give_count, marks->gives, marks->give_count * sizeof *give);
            memcpy(forbid + joined.forbid_count, marks->forbids, marks->forbid_count * sizeof *forbid);
            joined.give_count += marks->give_count;
            joined.forbid_count += marks->forbid_count;
        }
    }
    GROW(place->marks, place->mark_capacity, place->mark_count + 1);
    place->marks[place->mark_count] = joined;
    return (uint32_t)place->mark_count++;
}

/* Whether pods that must share a node must not. */
static bool is_at_odds(const struct fleet_place *place, const struct fleet_member *members, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct fleet_workload *w = &place->input->workloads[members[i].workload];
        if (members[i].each > 1 && place_alone(fleet_rules_of(place->input, w))) {
            return true;
        }
        uint32_t a = place->workload_marks[members[i].workload];
        for (size_t j = 0; j < count && a != PACK_NONE; j++) {
            uint32_t b = place->workload_marks[members[j].workload];
            if (i != j && b != PACK_NONE && marks_meet(&place->marks[a], &place->marks[b])) {
                return true;
            }
        }
    }
    return false;
}

/* Where an item may run: where all its members may. */
static void rule_item(struct fleet_place *place, size_t index)
{
    struct pack_item *item = &place->items[index];
    const struct fleet_member *members = place->members + place->first_member[index];
    size_t count = place->first_member[index + 1] - place->first_member[index];
    item->set = set_of(place, members[0].workload);
    item->marks = place->workload_marks[members[0].workload];
    item->alone = place_alone(fleet_rules_of(place->input, &place->input->workloads[members[0].workload]));
    if (count == 1 && !(members[0].each > 1 && item->alone)) {
        return;
    }
    item->marks = join_marks(place, members, count);
    uint32_t all = new_set(place);
    bool odds = is_at_odds(place, members, count);
    for (size_t i = 0; i < count; i++) {
        uint32_t set = set_of(place, members[i].workload);
        item->alone = item->alone || place_alone(fleet_rules_of(place->input, &place->input->workloads[members[i].workload]));
        for (size_t word = 0; word < place->set_words; word++) {
            uint64_t *joined = &place->sets[all * place->set_words + word];
            uint64_t here = odds ? 0 : place->sets[set * place->set_words + word];
            *joined = i == 0 ? here : *joined & here;
        }
    }
    item->set = all;
}

void fleet_place_prepare(const struct fleet_input *input, bool after, struct fleet_place *place)
{
    *place = (struct fleet_place){.input = input, .after = after};
    arena_init(&place->arena);
    index_init(&place->kind_index);
    index_init(&place->set_index);
    index_init(&place->names);
    for (size_t i = 0; i < input->workload_count; i++) {
        index_add(&place->names, index_key(0, input->workloads[i].name), (uint32_t)i, NULL);
    }
    place_kinds(place);
    place_marks(place);
    find_keepers(place);
    place_items(place);
    for (size_t i = 0; i < place->item_count; i++) {
        rule_item(place, i);
    }
    place->problem = (struct pack_problem){
        .kinds = place->pack_kinds,
        .kind_count = place->kind_count,
        .items = place->items,
        .item_count = place->item_count,
        .sets = place->sets,
        .set_words = place->set_words,
        .marks = place->marks,
        .mark_names = place->mark_names,
    };
}

enum fleet_fit fleet_item_fit(const struct fleet_place *place, size_t item)
{
    enum fleet_fit fit = FIT_NO_KIND;
    for (size_t i = 0; i < place->kind_count; i++) {
        if (place->pack_kinds[i].supply > 0 && pack_allowed(&place->problem, place->items[item].set, i)) {
            fit = FIT_TOO_LARGE;
            if (pack_fits(&place->items[item].size, &place->pack_kinds[i].room)) {
                return FIT_SOMEWHERE;
            }
        }
    }
    return fit;
}

int64_t fleet_item_pods(const struct fleet_place *place, size_t item)
{
    int64_t pods = 0;
    for (size_t m = place->first_member[item]; m < place->first_member[item + 1]; m++) {
        pods = place_add(pods, place->members[m].each);
    }
    return pods;
}

void fleet_place_release(struct fleet_place *place)
{
    pack_plan_release(&place->plan);
    index_release(&place->kind_index);
    index_release(&place->set_index);
    index_release(&place->names);
    free(place->kinds);
    free(place->pack_kinds);
    free(place->items);
    free(place->members);
    free(place->first_member);
    free(place->sets);
    free(place->marks);
    free(place->workload_marks);
    free(place->keepers);
    arena_release(&place->arena);
}
