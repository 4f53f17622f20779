#include "stages/parse/namespaces.h"

#include <string.h>

static void empty(struct namespace_joins *slot)
{
    json_decref(slot->objects);
    json_decref(slot->limit_ranges);
    json_decref(slot->quotas);
    arena_release(&slot->arena);
    *slot = (struct namespace_joins){0};
}

void namespaces_release(struct namespaces *namespaces)
{
    for (size_t i = 0; i < NAMESPACES_KEPT; i++) {
        empty(&namespaces->kept[i]);
    }
}

bool namespaces_list(json_t *list, const json_t *value)
{
    size_t index;
    json_t *other;
    json_array_foreach(list, index, other)
    {
        if (json_equal(other, value)) {
            return true;
        }
    }
    return index < NAMESPACE_LISTED_MAX && json_array_append(list, (json_t *)(uintptr_t)value) == 0;
}

/* The slot of a namespace that is kept, else NULL; *oldest receives the one whose turn it is to go. */
static struct namespace_joins *find_slot(struct namespaces *namespaces, const unsigned char *id,
                                         struct namespace_joins **oldest)
{
    *oldest = &namespaces->kept[0];
    for (size_t i = 0; i < NAMESPACES_KEPT; i++) {
        struct namespace_joins *slot = &namespaces->kept[i];
        if (slot->used > 0 && memcmp(slot->id, id, SHELF_ID) == 0) {
            return slot;
        }
        *oldest = slot->used < (*oldest)->used ? slot : *oldest;
    }
    return NULL;
}

/* Reads what the shelf has, as far as the limits allow. */
static int read_objects(struct namespace_joins *slot, struct shelf *joins, const struct shelf_entry *entry,
                        size_t count, struct err *err)
{
    size_t bytes = 0;
    slot->objects = json_array();
    for (size_t i = 0; i < count; i++) {
        json_t *object;
        bytes += entry[i].length;
        if (i == NAMESPACE_OBJECTS_MAX || bytes > NAMESPACE_BYTES_MAX) {
            slot->left_out = true;
            return 0;
        }
        if (shelf_get(joins, &entry[i], &object, err)) {
            return -1;
        }
        json_array_append_new(slot->objects, object);
    }
    return 0;
}

/* Lists what an object says of every pod of the namespace. */
static void list_allowances(struct namespace_joins *slot, const json_t *object)
{
    size_t index;
    json_t *range;
    const json_t *quota = json_object_get(object, "quota");
    json_array_foreach(json_object_get(object, "limit_ranges"), index, range)
    {
        slot->left_out = !namespaces_list(slot->limit_ranges, range) || slot->left_out;
    }
    if (quota != NULL) {
        slot->left_out = !namespaces_list(slot->quotas, quota) || slot->left_out;
    }
}

/* Sorts the objects by what they are. */
static void sort_out(struct namespace_joins *slot)
{
    size_t index;
    json_t *object;
    arena_init(&slot->arena);
    slot->budgets = arena_alloc_array(&slot->arena, json_array_size(slot->objects) + 1, sizeof *slot->budgets);
    slot->limit_ranges = json_array();
    slot->quotas = json_array();
    json_array_foreach(slot->objects, index, object)
    {
        const json_t *budget = json_object_get(object, "budget");
        if (budget != NULL) {
            struct namespace_budget *next = &slot->budgets[slot->budget_count++];
            next->member = budget;
            selector_set(&next->selector, json_object_get(object, "selector"), &slot->arena);
        }
        if (slot->annotations == NULL) {
            slot->annotations = json_object_get(object, "annotations");
        }
        list_allowances(slot, object);
    }
}

int namespaces_get(struct namespaces *namespaces, struct shelf *joins, const unsigned char id[SHELF_ID],
                   const struct namespace_joins **out, struct err *err)
{
    struct namespace_joins *oldest;
    struct namespace_joins *slot = find_slot(namespaces, id, &oldest);
    *out = NULL;
    if (slot == NULL) {
        size_t count;
        const struct shelf_entry *entry = shelf_find(joins, id, &count);
        if (entry == NULL) {
            return 0;
        }
        slot = oldest;
        empty(slot);
        if (read_objects(slot, joins, entry, count, err)) {
            empty(slot);
            return -1;
        }
        sort_out(slot);
        memcpy(slot->id, id, SHELF_ID);
    }
    slot->used = ++namespaces->clock;
    *out = slot;
    return 0;
}
