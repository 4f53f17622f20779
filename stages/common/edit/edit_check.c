#include "stages/common/edit/edit_check.h"

#include <stdlib.h>
#include <string.h>

#include "pipeline/base/str.h"
#include "stages/common/edit/edit_emit.h"

enum { STEPS_MAX = 10 * 1000 * 1000 };

/* A comparison at work. */
struct walk {
    const struct edit_check *check;
    long items; /* of Lists, seen so far */
    size_t steps;
    struct err *err;
};

/* The pairs of a mapping one by one, merged ones included, but for some keys. */
struct view {
    struct yaml_node *next;   /* without merge keys: straight from the mapping */
    struct emit_pairs *pairs; /* with them */
    size_t at;
    const char *const *left_out; /* NULL-terminated */
};

static const char *const none[] = {NULL};

static int differ(const struct walk *walk, const char *what)
{
    return err_set(
        walk->err, ERR_DATA,
        "the change cannot be written into the manifest without changing more (%s): change it by hand", what);
}

/* NULL is an empty mapping. */
static struct view view_of(const struct walk *walk, struct yaml_node *map, const char *const *left_out)
{
    struct view view = {.left_out = left_out};
    if (map != NULL && emit_has_merge(map)) {
        view.pairs = arena_alloc(walk->check->arena, sizeof *view.pairs);
        emit_effective(map, view.pairs);
    } else if (map != NULL) {
        view.next = map->first;
    }
    return view;
}

static bool is_left_out(const struct view *view, struct yaml_node *key)
{
    for (size_t i = 0; view->left_out[i] != NULL; i++) {
        if (yaml_text_is(yaml_resolve(key), view->left_out[i])) {
            return true;
        }
    }
    return false;
}

static bool view_next(struct view *view, struct yaml_node **key, struct yaml_node **value)
{
    for (;;) {
        if (view->pairs != NULL && view->at < view->pairs->count) {
            *key = view->pairs->items[view->at].key;
            *value = view->pairs->items[view->at++].value;
        } else if (view->pairs == NULL && view->next != NULL && view->next->next != NULL) {
            *key = view->next;
            *value = view->next->next;
            view->next = view->next->next->next;
        } else {
            return false;
        }
        if (!is_left_out(view, *key)) {
            return true;
        }
    }
}

static int same(struct walk *walk, struct yaml_node *before, struct yaml_node *after);

static int same_scalar(const struct walk *walk, const struct yaml_node *before, const struct yaml_node *after)
{
    if (yaml_type_of(before) != yaml_type_of(after) || before->length != after->length ||
        memcmp(before->text, after->text, before->length) != 0) {
        return differ(walk, "another value would change");
    }
    return 0;
}

static int same_sequence(struct walk *walk, const struct yaml_node *before, const struct yaml_node *after)
{
    struct yaml_node *b = after->first;
    for (struct yaml_node *a = before->first; a != NULL; a = a->next, b = b->next) {
        if (b == NULL) {
            return differ(walk, "a list would lose entries");
        }
        if (same(walk, a, b)) {
            return -1;
        }
    }
    return b == NULL ? 0 : differ(walk, "a list would gain entries");
}

/* What is done with the values of a key that both mappings have. */
typedef int compare_values(struct walk *walk, const struct yaml_node *key, struct yaml_node *before,
                           struct yaml_node *after);

static int same_in_order(struct walk *walk, struct view *before, struct view *after, compare_values *each)
{
    struct yaml_node *keys[2];
    struct yaml_node *values[2];
    while (view_next(before, &keys[0], &values[0])) {
        if (!view_next(after, &keys[1], &values[1])) {
            return differ(walk, "a mapping would lose entries");
        }
        if (same(walk, keys[0], keys[1]) || each(walk, yaml_resolve(keys[0]), values[0], values[1])) {
            return -1;
        }
    }
    return view_next(after, &keys[1], &values[1]) ? differ(walk, "a mapping would gain entries") : 0;
}

/* An entry that was merged in and becomes one of its own comes earlier: only what there is counts. */
static int same_by_key(struct walk *walk, struct view *before, struct view *after, compare_values *each)
{
    struct yaml_node *keys[2];
    struct yaml_node *values[2];
    size_t count = 0;
    struct view all = *after;
    for (; view_next(before, &keys[0], &values[0]); count++) {
        const struct yaml_node *key = yaml_resolve(keys[0]);
        bool found = false;
        for (struct view rest = all; !found && view_next(&rest, &keys[1], &values[1]);) {
            const struct yaml_node *other = yaml_resolve(keys[1]);
            found = other->length == key->length && memcmp(other->text, key->text, key->length) == 0;
        }
        if (!found) {
            return differ(walk, "a mapping would lose entries");
        }
        if (each(walk, key, values[0], values[1])) {
            return -1;
        }
    }
    for (; view_next(&all, &keys[1], &values[1]); count--) {
    }
    return count == 0 ? 0 : differ(walk, "a mapping would gain entries");
}

/* Both mappings (NULL: an empty one) but for the keys left out; values by `each`. */
static int same_mapping(struct walk *walk, struct yaml_node *before, struct yaml_node *after,
                        const char *const *left_out, compare_values *each)
{
    struct view a = view_of(walk, before, left_out);
    struct view b = view_of(walk, after, left_out);
    if ((a.pairs != NULL && a.pairs->overflow) || (b.pairs != NULL && b.pairs->overflow)) {
        return differ(walk, "its merge keys give too many entries");
    }
    return a.pairs != NULL || b.pairs != NULL ? same_by_key(walk, &a, &b, each)
                                              : same_in_order(walk, &a, &b, each);
}

static int same_value(struct walk *walk, const struct yaml_node *key, struct yaml_node *before,
                      struct yaml_node *after)
{
    (void)key;
    return same(walk, before, after);
}

static int same(struct walk *walk, struct yaml_node *before, struct yaml_node *after)
{
    before = yaml_resolve(before);
    after = yaml_resolve(after);
    if (before == NULL || after == NULL) {
        return before == after ? 0 : differ(walk, "a value would come or go");
    }
    if (++walk->steps > STEPS_MAX) {
        return differ(walk, "the document is too large once its aliases are resolved");
    }
    if (before->kind != after->kind) {
        return differ(walk, "a value would change its type");
    }
    if (before->kind == YAML_KIND_SCALAR) {
        return same_scalar(walk, before, after);
    }
    if (before->kind == YAML_KIND_SEQUENCE) {
        return same_sequence(walk, before, after);
    }
    return same_mapping(walk, before, after, none, same_value);
}

/* A mapping, or NULL for what counts as an empty one. */
static struct yaml_node *map_or_null(struct yaml_node *node)
{
    node = yaml_resolve(node);
    return node != NULL && node->kind == YAML_KIND_MAPPING ? node : NULL;
}

/* One amount: as wanted, else as it was. */
static int check_amount(struct walk *walk, struct yaml_node *before, struct yaml_node *after,
                        enum manifest_field field, const struct edit_want *want)
{
    const struct edit_check *check = walk->check;
    const char *key = manifest_resource(field);
    struct yaml_node *value = yaml_get(check->after, after, key);
    struct err ignored;
    int64_t amount;
    if (yaml_type_of(value) == YAML_TYPE_NULL) {
        value = NULL;
    }
    if (want->set) {
        bool right = value != NULL &&
                     manifest_quantity(check->arena, value, manifest_is_cpu(field), &amount, &ignored) == 0 &&
                     amount == want->value;
        return right ? 0 : differ(walk, "the new value would not be read back");
    }
    if (want->remove) {
        return value == NULL ? 0 : differ(walk, "the value would stay");
    }
    struct yaml_node *old = yaml_get(check->before, before, key);
    return same(walk, yaml_type_of(old) == YAML_TYPE_NULL ? NULL : old, value);
}

/* A mapping like `resources`: the amounts as wanted, all else as it was. */
static int check_resources(struct walk *walk, struct yaml_node *before, struct yaml_node *after,
                           const struct edit_want *wants)
{
    static const char *const sections[] = {"requests", "limits", NULL};
    static const char *const amounts[] = {"cpu", "memory", NULL};
    const struct edit_check *check = walk->check;
    before = map_or_null(before);
    after = map_or_null(after);
    if (same_mapping(walk, before, after, sections, same_value)) {
        return -1;
    }
    for (enum manifest_field field = 0; field < FIELD_COUNT; field++) {
        struct yaml_node *old = map_or_null(yaml_get(check->before, before, manifest_section(field)));
        struct yaml_node *new = map_or_null(yaml_get(check->after, after, manifest_section(field)));
        if ((manifest_is_cpu(field) && same_mapping(walk, old, new, amounts, same_value)) ||
            check_amount(walk, old, new, field, &wants[field])) {
            return -1;
        }
    }
    return 0;
}

static int check_container(struct walk *walk, struct yaml_node *before, struct yaml_node *after,
                           const struct edit_want *wants)
{
    static const char *const resources_key[] = {"resources", NULL};
    const struct edit_check *check = walk->check;
    before = map_or_null(before);
    after = map_or_null(after);
    if (before == NULL || after == NULL) {
        return differ(walk, "a container would go");
    }
    return same_mapping(walk, before, after, resources_key, same_value) ||
                   check_resources(walk, yaml_get(check->before, before, "resources"),
                                   yaml_get(check->after, after, "resources"), wants)
               ? -1
               : 0;
}

/* The wants of a container by its place; NULL when there are none. */
static const struct edit_want *wants_of(const struct edit_target *target, const char *list, size_t index)
{
    for (size_t i = 0; i < target->workload.container_count; i++) {
        const struct manifest_container *container = &target->workload.containers[i];
        if (container->index == index && str_equal(container->list, list)) {
            return target->wants[i];
        }
    }
    return NULL;
}

static int check_list(struct walk *walk, const struct edit_target *target, const char *name,
                      struct yaml_node *before, struct yaml_node *after)
{
    size_t index = 0;
    before = yaml_resolve(before);
    after = yaml_resolve(after);
    if (before == NULL || after == NULL || before->kind != YAML_KIND_SEQUENCE ||
        after->kind != YAML_KIND_SEQUENCE) {
        return same(walk, before, after);
    }
    struct yaml_node *b = after->first;
    for (struct yaml_node *a = before->first; a != NULL; a = a->next, b = b->next) {
        const struct edit_want *wants = wants_of(target, name, index++);
        if (b == NULL) {
            return differ(walk, "a container would go");
        }
        if (wants == NULL ? same(walk, a, b) : check_container(walk, a, b, wants)) {
            return -1;
        }
    }
    return b == NULL ? 0 : differ(walk, "a container would come");
}

/* The pod's spec. */
static int check_pod(struct walk *walk, const struct edit_target *target, struct yaml_node *before,
                     struct yaml_node *after)
{
    static const char *const lists[] = {"containers", "initContainers", NULL};
    before = map_or_null(before);
    after = map_or_null(after);
    if (before == NULL || after == NULL) {
        return differ(walk, "the pod's spec would go");
    }
    if (same_mapping(walk, before, after, lists, same_value)) {
        return -1;
    }
    for (size_t i = 0; lists[i] != NULL; i++) {
        if (check_list(walk, target, lists[i], yaml_get(walk->check->before, before, lists[i]),
                       yaml_get(walk->check->after, after, lists[i]))) {
            return -1;
        }
    }
    return 0;
}

/* Everything beside the path to the pod's spec is the same; then the spec itself. */
static int check_workload(struct walk *walk, const struct edit_target *target, struct yaml_node *before,
                          struct yaml_node *after)
{
    for (const char *const *path = target->object.type->pod_path; *path != NULL; path++) {
        const char *const left_out[] = {*path, NULL};
        before = map_or_null(before);
        after = map_or_null(after);
        if (before == NULL || after == NULL) {
            return differ(walk, "the pod's template would go");
        }
        if (same_mapping(walk, before, after, left_out, same_value)) {
            return -1;
        }
        before = yaml_get(walk->check->before, before, *path);
        after = yaml_get(walk->check->after, after, *path);
    }
    return check_pod(walk, target, before, after);
}

/* The targets of a document are few where they are many to compare: a plan has one, all of a List are asked
 * for in order. */
static const struct edit_target *target_of(const struct walk *walk)
{
    const struct edit_check *check = walk->check;
    for (size_t i = 0; i < check->count; i++) {
        if (check->alone || check->targets[i].item == walk->items) {
            return &check->targets[i];
        }
    }
    return NULL;
}

/* An object, or the items of a List, counted as manifest_each counts them. */
static int check_object(struct walk *walk, struct yaml_node *before, struct yaml_node *after, bool in_list)
{
    static const char *const items_key[] = {"items", NULL};
    const struct edit_check *check = walk->check;
    before = yaml_resolve(before);
    after = yaml_resolve(after);
    const char *kind = yaml_string(check->arena, yaml_get(check->before, before, "kind"));
    struct yaml_node *a = yaml_get(check->before, before, "items");
    struct yaml_node *b = yaml_get(check->after, after, "items");
    bool list = kind != NULL && str_ends(kind, "List") && a != NULL && a->kind == YAML_KIND_SEQUENCE;
    if (before->kind != YAML_KIND_MAPPING) {
        return same(walk, before, after);
    }
    if (!list) {
        walk->items += in_list;
        const struct edit_target *target = target_of(walk);
        return target == NULL ? same(walk, before, after) : check_workload(walk, target, before, after);
    }
    if (b == NULL || b->kind != YAML_KIND_SEQUENCE || a->count != b->count) {
        return differ(walk, "a list of objects would change");
    }
    if (same_mapping(walk, before, after, items_key, same_value)) {
        return -1;
    }
    struct yaml_node *twin = b->first;
    for (struct yaml_node *item = a->first; item != NULL; item = item->next, twin = twin->next) {
        if (check_object(walk, item, twin, true)) {
            return -1;
        }
    }
    return 0;
}

static int check_keys(struct walk *walk, const char *const *keys, struct yaml_node *before,
                      struct yaml_node *after);

/* A list of which one item holds what the keys lead to. */
static int check_keyed_item(struct walk *walk, const char *const *keys, const struct yaml_node *before,
                            const struct yaml_node *after)
{
    unsigned long left = strtoul(keys[0], NULL, 10);
    if (before->count != after->count) {
        return differ(walk, "a list would change");
    }
    struct yaml_node *b = after->first;
    for (struct yaml_node *a = before->first; a != NULL; a = a->next, b = b->next) {
        if (left-- == 0 ? check_keys(walk, keys + 1, a, b) : same(walk, a, b)) {
            return -1;
        }
    }
    return 0;
}

/* All beside the keys' path is the same; what they lead to is like `resources`. */
static int check_keys(struct walk *walk, const char *const *keys, struct yaml_node *before,
                      struct yaml_node *after)
{
    const char *const left_out[] = {keys[0], NULL};
    const struct edit_check *check = walk->check;
    before = yaml_resolve(before);
    after = yaml_resolve(after);
    if (keys[0] == NULL) {
        return check_resources(walk, before, after, check->targets[0].wants[0]);
    }
    if (before == NULL || after == NULL || before->kind != after->kind) {
        return differ(walk, "a value would come, go or change its type");
    }
    if (before->kind == YAML_KIND_SEQUENCE) {
        return check_keyed_item(walk, keys, before, after);
    }
    return same_mapping(walk, before, after, left_out, same_value) ||
                   check_keys(walk, keys + 1, edit_step(check->before, before, keys[0]),
                              edit_step(check->after, after, keys[0]))
               ? -1
               : 0;
}

int edit_check_documents(const struct edit_check *check, struct yaml_node *before, struct yaml_node *after,
                         struct err *err)
{
    struct walk walk = {.check = check, .err = err};
    if (before == NULL || after == NULL) {
        return differ(&walk, "the document would be empty");
    }
    return check->count > 0 && check->targets[0].keys != NULL
               ? check_keys(&walk, check->targets[0].keys, before, after)
               : check_object(&walk, before, after, false);
}
