#include "stages/common/edit/edit_plan.h"

#include <string.h>

#include "pipeline/base/str.h"
#include "stages/common/edit/edit_anchor.h"
#include "stages/common/edit/edit_emit.h"
#include "stages/common/edit/edit_style.h"

enum { ENTRIES_MAX = EMIT_PAIRS_MAX + FIELD_COUNT };

struct plan {
    struct layout *layout;
    const struct yaml_node *root; /* of the document */
    const struct manifest_container *container;
    const char *resources; /* the key that requests and limits stand below */
    struct edit_want *wants;
    enum edit_sharing sharing;
    struct err *err;
};

/* First field of a section; the other one follows it. */
static const enum manifest_field section_fields[] = {FIELD_REQUESTS_CPU, FIELD_LIMITS_CPU};

static bool wanted(const struct plan *plan, enum manifest_field field)
{
    return plan->wants[field].set || plan->wants[field].remove;
}

static bool section_wanted(const struct plan *plan, enum manifest_field first)
{
    return wanted(plan, first) || wanted(plan, first + 1);
}

static void mark_local(const struct plan *plan, enum manifest_field first)
{
    plan->wants[first].local = wanted(plan, first);
    plan->wants[first + 1].local = wanted(plan, first + 1);
}

static bool is_quoted(const struct yaml_node *node)
{
    return node != NULL && (node->style == YAML_STYLE_DOUBLE || node->style == YAML_STYLE_SINGLE);
}

/* Quotes for a value where there is none yet: those of the nearest amount of this container. */
static enum yaml_style new_style(const struct plan *plan, enum manifest_field field)
{
    static const unsigned near[] = {1, 2, 3}; /* same section, same resource, neither: the bits of a field */
    for (size_t i = 0; i < 3; i++) {
        const struct manifest_amount *amount = &plan->container->amounts[(unsigned)field ^ near[i]];
        if (amount->present) {
            const struct yaml_node *node = yaml_resolve(amount->node);
            return is_quoted(node) ? (enum yaml_style)node->style : YAML_STYLE_PLAIN;
        }
    }
    return plan->layout->json ? YAML_STYLE_DOUBLE : YAML_STYLE_PLAIN;
}

/* The wanted value of a field, in quotes where its neighbours are. */
static const char *new_text(const struct plan *plan, enum manifest_field field)
{
    const struct manifest_amount *amount = &plan->container->amounts[field];
    const struct yaml_node *node = amount->present ? yaml_resolve(amount->node) : NULL;
    enum yaml_style style = node == NULL      ? new_style(plan, field)
                            : is_quoted(node) ? (enum yaml_style)node->style
                                              : YAML_STYLE_PLAIN;
    return edit_quote(plan->layout->arena, plan->wants[field].text, style, plan->layout->json);
}

/* How much deeper the entries of a block mapping stand than its key; 0 for another value. */
static size_t step_of(const struct plan *plan, const struct yaml_node *key, const struct yaml_node *value)
{
    size_t line;
    size_t outer;
    size_t inner;
    if (value->kind != YAML_KIND_MAPPING || value->style != YAML_STYLE_BLOCK || value->first == NULL) {
        return 0;
    }
    yaml_position(plan->layout->stream, key->start, &line, &outer);
    yaml_position(plan->layout->stream, value->first->start, &line, &inner);
    return inner > outer ? inner - outer : 0;
}

static bool holds(const struct yaml_node *node, const struct yaml_node *inner)
{
    return node->start <= inner->start && inner->start < node->end;
}

/* The step of the innermost mapping that has the container in it; two blanks where there is none. */
static size_t step_around(const struct plan *plan)
{
    const struct yaml_node *container = plan->container->node;
    const struct yaml_node *node = plan->root;
    size_t step = 2;
    while (node != NULL && node != container) {
        bool pairs = node->kind == YAML_KIND_MAPPING;
        const struct yaml_node *key = node->first;
        const struct yaml_node *child = pairs && key != NULL ? key->next : key;
        while (child != NULL && !holds(child, container)) {
            key = child->next;
            child = pairs && key != NULL ? key->next : key;
        }
        size_t found = pairs && child != NULL ? step_of(plan, key, child) : 0;
        step = found > 0 ? found : step;
        node = child;
    }
    return step;
}

/* The indentation that people used: of the entries of a mapping below `map`, else around the container. */
static size_t step_below(const struct plan *plan, const struct yaml_node *map)
{
    for (const struct yaml_node *key = map->first; key != NULL && key->next != NULL; key = key->next->next) {
        size_t step = step_of(plan, key, key->next);
        if (step > 0) {
            return step;
        }
    }
    return step_around(plan);
}

/* The field of a key in a section; FIELD_COUNT when it is another resource. */
static enum manifest_field field_of(const struct yaml_node *key, enum manifest_field first)
{
    key = key->kind == YAML_KIND_ALIAS ? key->target : key;
    return yaml_text_is(key, "cpu") ? first : yaml_text_is(key, "memory") ? first + 1 : FIELD_COUNT;
}

static const char *key_name(const struct plan *plan, struct yaml_node *key)
{
    const char *name = yaml_scalar(plan->layout->arena, key);
    return name == NULL ? "" : name;
}

/* All entries that a section is to have: what it has (with what it merges), changed as wanted. */
static struct layout_entry *section_entries(const struct plan *plan, struct yaml_node *section,
                                            enum manifest_field first, size_t *count)
{
    struct arena *arena = plan->layout->arena;
    struct layout_entry *entries = arena_alloc_array(arena, ENTRIES_MAX, sizeof *entries);
    struct emit_pairs *pairs = arena_alloc(arena, sizeof *pairs);
    bool done[2] = {false, false};
    emit_effective(section, pairs);
    *count = 0;
    for (size_t i = 0; i < pairs->count; i++) {
        enum manifest_field field = field_of(pairs->items[i].key, first);
        bool ours = field != FIELD_COUNT && wanted(plan, field);
        if (ours) {
            done[field - first] = true;
        }
        if (!ours || plan->wants[field].set) {
            entries[(*count)++] =
                (struct layout_entry){.key = key_name(plan, pairs->items[i].key),
                                      .value = ours ? new_text(plan, field)
                                                    : emit_flow(arena, plan->layout->bytes,
                                                                pairs->items[i].value, plan->layout->json)};
        }
    }
    for (enum manifest_field field = first; field <= first + 1; field++) {
        if (plan->wants[field].set && !done[field - first]) {
            entries[(*count)++] =
                (struct layout_entry){.key = manifest_resource(field), .value = new_text(plan, field)};
        }
    }
    return entries;
}

static void add_section(const struct plan *plan, struct yaml_node *section, enum manifest_field first,
                        struct layout_entry *entries, size_t *count)
{
    size_t inner;
    struct layout_entry *children = section_entries(plan, section, first, &inner);
    if (inner > 0) {
        entries[(*count)++] =
            (struct layout_entry){.key = manifest_section(first), .children = children, .count = inner};
    }
}

/* All entries that `resources` is to have. */
static struct layout_entry *resources_entries(const struct plan *plan, struct yaml_node *resources,
                                              size_t *count)
{
    struct arena *arena = plan->layout->arena;
    struct layout_entry *entries = arena_alloc_array(arena, ENTRIES_MAX, sizeof *entries);
    struct emit_pairs *pairs = arena_alloc(arena, sizeof *pairs);
    bool done[2] = {false, false};
    emit_effective(resources, pairs);
    *count = 0;
    for (size_t i = 0; i < pairs->count; i++) {
        const struct yaml_node *key = yaml_resolve(pairs->items[i].key);
        bool requests = yaml_text_is(key, "requests");
        if (requests || yaml_text_is(key, "limits")) {
            done[requests ? 0 : 1] = true;
            add_section(plan, pairs->items[i].value, section_fields[requests ? 0 : 1], entries, count);
        } else {
            entries[(*count)++] = (struct layout_entry){
                .key = key_name(plan, pairs->items[i].key),
                .value = emit_flow(arena, plan->layout->bytes, pairs->items[i].value, plan->layout->json)};
        }
    }
    for (size_t i = 0; i < 2; i++) {
        if (!done[i]) {
            add_section(plan, NULL, section_fields[i], entries, count);
        }
    }
    return entries;
}

/* Where to put a new value over a scalar, in its own style. */
static void replace_scalar(const struct plan *plan, const struct yaml_pair *pair, enum manifest_field field)
{
    const struct yaml_node *node = pair->value;
    struct layout *layout = plan->layout;
    const char *text = new_text(plan, field);
    size_t start = node->value;
    if (node->kind == YAML_KIND_ALIAS) {
        if (plan->sharing != EDIT_FOLLOW) {
            plan->wants[field].local = true;
            layout_splice(layout, node->start, node->end, text);
        }
        return;
    }
    if (node->style == YAML_STYLE_LITERAL || node->style == YAML_STYLE_FOLDED) {
        size_t content = node->end;
        while (content > start && strchr(" \t\r\n", layout->bytes[content - 1]) == NULL) {
            content--;
        }
        size_t length = node->end - content;
        bool one_line = node->length >= length && memcmp(node->text, layout->bytes + content, length) == 0 &&
                        strspn(node->text + length, "\n") == node->length - length;
        start = one_line ? content : start;
        text = one_line ? plan->wants[field].text : text;
    } else if (node->tag != NULL && node->anchor == NULL && yaml_type_of(node) != YAML_TYPE_TEXT) {
        start = node->start; /* an integer's tag does not fit "250m" */
    }
    const char *lead = start == node->end ? layout_lead(layout, pair->key, node) : "";
    layout_splice(layout, start, node->end, arena_printf(layout->arena, "%s%s", lead, text));
}

/* Puts a new entry into a section: cpu before memory, else at the end. */
static void insert_leaf(const struct plan *plan, struct yaml_node *section, enum manifest_field field)
{
    struct layout_entry entry = {.key = manifest_resource(field), .value = new_text(plan, field)};
    struct layout_pair pair;
    struct yaml_pair memory = {0};
    bool before = manifest_is_cpu(field) && yaml_find(plan->layout->stream, section, "memory", &memory) &&
                  !memory.merged && layout_pair_of(section, memory.key, &pair);
    before = before && layout_pair_start(plan->layout, pair.key) == pair.key->start;
    if (before && section->style == YAML_STYLE_BLOCK) {
        before = layout_first_on_line(plan->layout, pair.key->start) &&
                 !layout_comment_above(plan->layout, pair.key->start);
    }
    if (before) {
        layout_insert_before(plan->layout, section, &pair, &entry, 2);
    } else if (layout_last(section, &pair)) {
        layout_insert_after(plan->layout, section, &pair, &entry, 2);
    }
}

/* What is to be done to a section that stands there itself and is not empty. */
struct section_work {
    int sets;
    int inserts;
    int removes;
    bool merged_remove; /* what goes away comes, or would then come, through a merge key */
    size_t left;        /* entries that remain */
};

static struct section_work survey(const struct plan *plan, struct yaml_node *section,
                                  enum manifest_field first)
{
    struct section_work work = {0};
    struct emit_pairs *pairs = arena_alloc(plan->layout->arena, sizeof *pairs);
    emit_effective(section, pairs);
    work.left = pairs->count;
    for (enum manifest_field field = first; field <= first + 1; field++) {
        struct yaml_pair pair = {0};
        bool there = yaml_find(plan->layout->stream, section, manifest_resource(field), &pair);
        if (plan->wants[field].set) {
            bool own = there && !pair.merged;
            work.sets += own;
            work.inserts += !own;
            work.left += !there;
        } else if (plan->wants[field].remove && there) {
            work.removes++;
            work.left--;
            work.merged_remove = work.merged_remove || emit_has_merge(section);
        }
    }
    return work;
}

/* Sets, inserts and removes the entries of a section one by one. */
static void plan_leaves(const struct plan *plan, struct yaml_node *section, enum manifest_field first)
{
    for (enum manifest_field field = first; field <= first + 1; field++) {
        struct yaml_pair pair = {0};
        struct layout_pair place;
        bool there = yaml_find(plan->layout->stream, section, manifest_resource(field), &pair);
        if (plan->wants[field].set && there && !pair.merged) {
            replace_scalar(plan, &pair, field);
        } else if (plan->wants[field].set && !(there && plan->sharing == EDIT_FOLLOW)) {
            plan->wants[field].local = there;
            insert_leaf(plan, section, field);
        } else if (plan->wants[field].remove && there && layout_pair_of(section, pair.key, &place)) {
            layout_remove(plan->layout, section, &place);
        }
    }
}

/* A section that stands in `resources` itself. */
static void plan_own_section(const struct plan *plan, struct yaml_node *resources,
                             const struct layout_pair *place, enum manifest_field first)
{
    struct section_work work = survey(plan, place->value, first);
    if (work.left == 0 && work.removes > 0) {
        layout_remove(plan->layout, resources, place);
    } else if (work.merged_remove || (place->value->style == YAML_STYLE_FLOW && work.removes > 0 &&
                                      work.removes + work.inserts > 1)) {
        size_t count;
        struct layout_entry *entries = section_entries(plan, place->value, first, &count);
        layout_fill(plan->layout, resources, place, entries, count, 2, true);
    } else {
        plan_leaves(plan, place->value, first);
    }
}

/* Whether a section of `resources` stands there in braces, so that a new one should too. */
static bool sections_in_flow(struct yaml_node *resources)
{
    for (const struct yaml_node *key = resources->first; key != NULL && key->next != NULL;
         key = key->next->next) {
        const struct yaml_node *value = key->next;
        if (value->kind == YAML_KIND_MAPPING && value->first != NULL) {
            return value->style == YAML_STYLE_FLOW;
        }
    }
    return false;
}

static bool is_shared(const struct yaml_pair *pair, bool found)
{
    return found && (pair->merged || pair->value->kind == YAML_KIND_ALIAS);
}

/* Entries as a mapping in flow style. */
static const char *in_braces(struct arena *arena, const struct layout_entry *entries, size_t count)
{
    struct buf text;
    buf_init(&text, (size_t)ENTRIES_MAX * EMIT_TEXT_MAX);
    for (size_t i = 0; i < count; i++) {
        buf_printf(&text, "%s%s: %s", i == 0 ? "{" : ", ", entries[i].key, entries[i].value);
    }
    buf_add_char(&text, '}');
    const char *copy = arena_strndup(arena, buf_str(&text), text.length);
    buf_release(&text);
    return copy;
}

/* A section that is absent, null, empty, or shared: it is written out whole. */
static void plan_new_section(const struct plan *plan, struct yaml_node *resources,
                             const struct yaml_pair *pair, bool found, enum manifest_field first)
{
    struct layout *layout = plan->layout;
    struct layout_pair place;
    size_t count;
    size_t step = step_below(plan, resources);
    struct yaml_node *section = found ? yaml_resolve(pair->value) : NULL;
    struct layout_entry *entries = section_entries(plan, section, first, &count);
    bool flow = sections_in_flow(resources);
    if (is_shared(pair, found)) {
        if (plan->sharing == EDIT_FOLLOW) {
            return;
        }
        mark_local(plan, first);
    }
    if (found && !pair->merged && layout_pair_of(resources, pair->key, &place)) {
        if (count > 0) {
            layout_fill(layout, resources, &place, entries, count, step, flow);
        } else {
            layout_remove(layout, resources, &place);
        }
        return;
    }
    if (count == 0 || !layout_last(resources, &place)) {
        return;
    }
    struct layout_entry entry = {.key = manifest_section(first), .children = entries, .count = count};
    if (resources->style == YAML_STYLE_BLOCK && flow) {
        entry = (struct layout_entry){.key = entry.key, .value = in_braces(layout->arena, entries, count)};
    }
    layout_insert_after(layout, resources, &place, &entry, step);
}

static bool stands_itself(const struct yaml_pair *pair)
{
    return !pair->merged && pair->value->kind == YAML_KIND_MAPPING && pair->value->first != NULL;
}

/* Whether nothing of `resources` would remain. */
static bool all_goes(const struct plan *plan, struct yaml_node *resources)
{
    size_t count;
    resources_entries(plan, resources, &count);
    return count == 0;
}

/* Whether `resources` in braces loses a section while another one comes: then its commas are best written
 * anew. */
static bool braces_turn_over(const struct plan *plan, struct yaml_node *resources)
{
    bool goes = false;
    bool comes = false;
    for (size_t i = 0; i < 2; i++) {
        enum manifest_field first = section_fields[i];
        struct yaml_pair pair = {0};
        bool found = yaml_find(plan->layout->stream, resources, manifest_section(first), &pair);
        size_t left;
        section_entries(plan, found ? pair.value : NULL, first, &left);
        if (found && !pair.merged && section_wanted(plan, first) && left == 0) {
            goes = true;
        } else if (!found || !stands_itself(&pair)) {
            comes = comes || plan->wants[first].set || plan->wants[first + 1].set;
        }
    }
    return resources->style == YAML_STYLE_FLOW && goes && comes;
}

/* Whether a section that comes through a merge key is to be empty: an own one could not take it away. */
static bool merged_section_goes(const struct plan *plan, struct yaml_node *resources)
{
    for (size_t i = 0; i < 2; i++) {
        enum manifest_field first = section_fields[i];
        struct yaml_pair pair = {0};
        size_t count;
        if (section_wanted(plan, first) && plan->sharing != EDIT_FOLLOW &&
            yaml_find(plan->layout->stream, resources, manifest_section(first), &pair) &&
            emit_has_merge(resources)) {
            section_entries(plan, pair.value, first, &count);
            if (count == 0) {
                mark_local(plan, first);
                return true;
            }
        }
    }
    return false;
}

/* `resources` that stands in the container itself and is not empty: what has a place is changed first, new
 * sections follow behind. */
static void plan_sections(const struct plan *plan, const struct layout_pair *place)
{
    struct yaml_node *resources = place->value;
    if (all_goes(plan, resources)) {
        layout_empty(plan->layout, place);
        return;
    }
    if (braces_turn_over(plan, resources) || merged_section_goes(plan, resources)) {
        size_t count;
        struct layout_entry *entries = resources_entries(plan, resources, &count);
        layout_fill(plan->layout, plan->container->node, place, entries, count, 2, true);
        return;
    }
    for (int pass = 0; pass < 3; pass++) { /* what follows behind a value comes after that value */
        for (size_t i = 0; i < 2; i++) {
            enum manifest_field first = section_fields[i];
            struct yaml_pair pair = {0};
            struct layout_pair inner;
            bool found = yaml_find(plan->layout->stream, resources, manifest_section(first), &pair);
            bool own = found && stands_itself(&pair);
            if (!section_wanted(plan, first) || pass != (own ? 0 : found && !pair.merged ? 1 : 2)) {
                continue;
            }
            if (own && layout_pair_of(resources, pair.key, &inner)) {
                plan_own_section(plan, resources, &inner, first);
            } else {
                plan_new_section(plan, resources, &pair, found, first);
            }
        }
    }
}

/* A new `resources` goes behind the image, else at the end of the container. */
static int insert_resources(const struct plan *plan, const struct layout_entry *entries, size_t count)
{
    struct yaml_node *map = plan->container->node;
    struct layout *layout = plan->layout;
    struct layout_pair place;
    struct yaml_pair image = {0};
    struct layout_entry entry = {.key = plan->resources};
    struct layout_entry *children = arena_alloc_array(layout->arena, count, sizeof *children);
    memcpy(children, entries, count * sizeof *children);
    entry.children = children;
    entry.count = count;
    bool behind_image = yaml_find(layout->stream, map, "image", &image) && !image.merged &&
                        image.value->kind == YAML_KIND_SCALAR && layout_pair_of(map, image.key, &place);
    if (!behind_image && !layout_last(map, &place)) {
        return err_set(plan->err, ERR_DATA, "the container has no key to put resources behind");
    }
    layout_insert_after(layout, map, &place, &entry, step_below(plan, map));
    return 0;
}

/* Moves the anchors of what stands in this container and is shared: `resources`, its sections, their values.
 */
static void move_anchors_of(const struct plan *plan, struct yaml_node *root, struct yaml_node *resources)
{
    edit_move_anchor(plan->layout, root, resources);
    for (size_t i = 0; i < 2; i++) {
        struct yaml_pair section = {0};
        bool found =
            yaml_find(plan->layout->stream, resources, manifest_section(section_fields[i]), &section);
        if (!found || !stands_itself(&section) || !section_wanted(plan, section_fields[i])) {
            continue;
        }
        edit_move_anchor(plan->layout, root, section.value);
        for (enum manifest_field field = section_fields[i]; field <= section_fields[i] + 1; field++) {
            struct yaml_pair leaf = {0};
            if (wanted(plan, field) &&
                yaml_find(plan->layout->stream, section.value, manifest_resource(field), &leaf) &&
                !leaf.merged && leaf.value->kind == YAML_KIND_SCALAR) {
                edit_move_anchor(plan->layout, root, leaf.value);
            }
        }
        mark_local(plan, section_fields[i]);
    }
}

/* Decides how each value is written. */
static void choose_texts(const struct plan *plan)
{
    for (enum manifest_field field = 0; field < FIELD_COUNT; field++) {
        struct edit_want *want = &plan->wants[field];
        const struct manifest_amount *amount = &plan->container->amounts[field];
        const struct yaml_node *node = amount->present ? yaml_resolve(amount->node) : NULL;
        if (want->set && want->text == NULL) {
            want->text =
                edit_quantity_text(plan->layout->arena, node == NULL ? NULL : node->text,
                                   node == NULL ? 0 : node->length, manifest_is_cpu(field), want->value);
        }
    }
}

int edit_plan_container(struct layout *layout, struct yaml_node *root,
                        const struct manifest_container *container, const char *resources_key,
                        struct edit_want wants[FIELD_COUNT], enum edit_sharing sharing, struct err *err)
{
    struct plan plan = {.layout = layout,
                        .root = root,
                        .container = container,
                        .resources = resources_key,
                        .wants = wants,
                        .sharing = sharing,
                        .err = err};
    struct yaml_pair pair = {0};
    struct layout_pair place = {0};
    bool found = yaml_find(layout->stream, container->node, resources_key, &pair);
    struct yaml_node *resources = found ? yaml_resolve(pair.value) : NULL;
    choose_texts(&plan);
    if (found && !pair.merged && !layout_pair_of(container->node, pair.key, &place)) {
        return err_set(err, ERR_DATA, "the container's resources cannot be found in its text");
    }
    if (found && stands_itself(&pair)) {
        plan_sections(&plan, &place);
        if (sharing == EDIT_MOVE) {
            move_anchors_of(&plan, root, resources);
        }
        return 0;
    }
    if (is_shared(&pair, found) && sharing == EDIT_FOLLOW) {
        return 0;
    }
    size_t count;
    struct layout_entry *entries = resources_entries(&plan, resources, &count);
    if (is_shared(&pair, found)) {
        mark_local(&plan, FIELD_REQUESTS_CPU);
        mark_local(&plan, FIELD_LIMITS_CPU);
    }
    if (!found || pair.merged) {
        return insert_resources(&plan, entries, count);
    }
    layout_fill(layout, container->node, &place, entries, count, step_below(&plan, container->node), false);
    return 0;
}
