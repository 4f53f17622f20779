#include <stdlib.h>

#include "pipeline/base/mem.h"
#include "pricing/packing/fleet_place.h"

enum { MARKS_EACH_MAX = 256 };

/* Names of marks: of ports, and of workloads that somebody keeps away from. */
struct marking {
    struct fleet_place *place;
    struct index ports;
    struct index named;
};

/* The numbers of one workload's marks, without repetition. */
struct list {
    uint32_t items[MARKS_EACH_MAX];
    uint32_t count;
};

static void list_add(struct list *list, uint32_t mark)
{
    for (uint32_t i = 0; i < list->count; i++) {
        if (list->items[i] == mark) {
            return;
        }
    }
    if (list->count < MARKS_EACH_MAX) {
        list->items[list->count++] = mark;
    }
}

static uint32_t *list_copy(struct fleet_place *place, const struct list *list)
{
    uint32_t *copy = arena_alloc_array(&place->arena, list->count + 1, sizeof *copy);
    for (uint32_t i = 0; i < list->count; i++) {
        copy[i] = list->items[i];
    }
    return copy;
}

bool place_alone(const struct fleet_rules *rules)
{
    bool alone = rules != NULL && rules->port_count > 0;
    for (size_t i = 0; rules != NULL && i < rules->apart_count; i++) {
        alone = alone || rules->apart[i].self;
    }
    return alone;
}

/* Everybody whom somebody keeps away from gets a mark. */
static void name_marks(struct marking *marking, const struct fleet_rules *rules)
{
    for (size_t i = 0; i < rules->apart_count; i++) {
        for (size_t o = 0; o < rules->apart[i].other_count; o++) {
            bool added = false;
            index_add(&marking->named, index_key(0, rules->apart[i].others[o]), marking->place->mark_names, &added);
            marking->place->mark_names += added;
        }
    }
    for (size_t i = 0; i < rules->port_count; i++) {
        bool added = false;
        index_add(&marking->ports, index_key((uint64_t)rules->ports[i] + 1, "port"), marking->place->mark_names, &added);
        marking->place->mark_names += added;
    }
}

static void mark_workload(struct marking *marking, uint32_t workload)
{
    struct fleet_place *place = marking->place;
    const struct fleet_workload *w = &place->input->workloads[workload];
    const struct fleet_rules *rules = fleet_rules_of(place->input, w);
    static const struct fleet_rules none;
    rules = rules == NULL ? &none : rules;
    struct list gives = {.count = 0}, forbids = {.count = 0};
    uint32_t own = index_find(&marking->named, index_key(0, w->name), PACK_NONE);
    if (own != PACK_NONE) {
        list_add(&gives, own);
    }
    for (size_t i = 0; i < rules->apart_count; i++) {
        for (size_t o = 0; o < rules->apart[i].other_count; o++) {
            list_add(&forbids, index_find(&marking->named, index_key(0, rules->apart[i].others[o]), PACK_NONE));
        }
    }
    for (size_t i = 0; i < rules->port_count; i++) {
        uint32_t port = index_find(&marking->ports, index_key((uint64_t)rules->ports[i] + 1, "port"), PACK_NONE);
        list_add(&gives, port);
        list_add(&forbids, port);
    }
    if (gives.count + forbids.count > 0) {
        GROW(place->marks, place->mark_capacity, place->mark_count + 1);
        place->marks[place->mark_count] = (struct pack_marks){
            .gives = list_copy(place, &gives),
            .forbids = list_copy(place, &forbids),
            .give_count = gives.count,
            .forbid_count = forbids.count,
        };
        place->workload_marks[workload] = (uint32_t)place->mark_count++;
    }
}

void place_marks(struct fleet_place *place)
{
    const struct fleet_input *input = place->input;
    struct marking marking = {.place = place};
    index_init(&marking.ports);
    index_init(&marking.named);
    for (size_t i = 0; i < input->rules_count; i++) {
        name_marks(&marking, &input->rules[i]);
    }
    place->workload_marks = xcalloc_array(input->workload_count + 1, sizeof *place->workload_marks);
    for (size_t i = 0; i < input->workload_count; i++) {
        place->workload_marks[i] = PACK_NONE;
        if (place->mark_names > 0) {
            mark_workload(&marking, (uint32_t)i);
        }
    }
    index_release(&marking.ports);
    index_release(&marking.named);
}
