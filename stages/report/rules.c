#include "stages/report/rules.h"

#include <stdlib.h>
#include <string.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"

/* So much of each list is looked at: what Kubernetes accepts can be longer, what people write is not. Values may be the names of many
 * nodes; tare-parse keeps no more. */
enum { LIST_MAX = 64, VALUES_MAX = 1000 };

static const char hostname[] = "kubernetes.io/hostname";

void rules_init(struct rules *rules)
{
    *rules = (struct rules){0};
    arena_init(&rules->arena);
    index_init(&rules->by_text);
}

void rules_release(struct rules *rules)
{
    free(rules->items);
    index_release(&rules->by_text);
    arena_release(&rules->arena);
}

static size_t length_of(const json_t *array)
{
    size_t size = json_array_size(array);
    return size < LIST_MAX ? size : LIST_MAX;
}

/* Copy of a member; NULL where it is none. */
static const char *text_of(struct arena *arena, const json_t *object, const char *key)
{
    const char *text = json_string_or_null(object, key);
    return text == NULL ? NULL : arena_strdup(arena, text);
}

static const char *text_or(struct arena *arena, const json_t *object, const char *key, const char *fallback)
{
    const char *text = text_of(arena, object, key);
    return text == NULL ? fallback : text;
}

struct fleet_label *rules_labels(struct arena *arena, const json_t *object, size_t extra, size_t *count)
{
    struct fleet_label *labels = arena_alloc_array(arena, json_object_size(object) + extra + 1, sizeof *labels);
    const char *key;
    json_t *value;
    *count = extra;
    json_object_foreach((json_t *)(uintptr_t)object, key, value)
    {
        if (json_is_string(value)) {
            labels[(*count)++] = (struct fleet_label){arena_strdup(arena, key), arena_strdup(arena, json_string_value(value))};
        }
    }
    return labels;
}

struct fleet_taint *rules_taints(struct arena *arena, const json_t *array, size_t *count)
{
    *count = length_of(array);
    struct fleet_taint *taints = arena_alloc_array(arena, *count + 1, sizeof *taints);
    for (size_t i = 0; i < *count; i++) {
        const json_t *taint = json_array_get(array, i);
        taints[i] = (struct fleet_taint){text_or(arena, taint, "key", ""), text_of(arena, taint, "value"),
                                         text_or(arena, taint, "effect", "")};
    }
    return taints;
}

static void read_requirement(struct arena *arena, const json_t *from, struct fleet_requirement *out)
{
    const json_t *values = json_object_get(from, "values");
    size_t count = json_array_size(values) < VALUES_MAX ? json_array_size(values) : VALUES_MAX;
    const char **copy = arena_alloc_array(arena, count + 1, sizeof *copy);
    for (size_t i = 0; i < count; i++) {
        const char *value = json_string_value(json_array_get(values, i));
        copy[i] = arena_strdup(arena, value == NULL ? "" : value);
    }
    *out = (struct fleet_requirement){
        .key = text_or(arena, from, "key", ""), .operator = text_or(arena, from, "operator", ""), .values = copy, .value_count = count};
}

/* Terms of the node affinity: an array of arrays. */
static void read_affinity(struct arena *arena, const json_t *from, struct fleet_rules *out)
{
    out->has_affinity = json_is_array(from);
    out->affinity_count = length_of(from);
    struct fleet_term *terms = arena_alloc_array(arena, out->affinity_count + 1, sizeof *terms);
    for (size_t i = 0; i < out->affinity_count; i++) {
        const json_t *term = json_array_get(from, i);
        terms[i].count = length_of(term);
        struct fleet_requirement *items = arena_alloc_array(arena, terms[i].count + 1, sizeof *items);
        for (size_t r = 0; r < terms[i].count; r++) {
            read_requirement(arena, json_array_get(term, r), &items[r]);
        }
        terms[i].items = items;
    }
    out->affinity = terms;
}

static void read_tolerations(struct arena *arena, const json_t *from, struct fleet_rules *out)
{
    out->toleration_count = length_of(from);
    struct fleet_toleration *list = arena_alloc_array(arena, out->toleration_count + 1, sizeof *list);
    for (size_t i = 0; i < out->toleration_count; i++) {
        const json_t *one = json_array_get(from, i);
        list[i] = (struct fleet_toleration){
            .key = text_of(arena, one, "key"),
            .value = text_of(arena, one, "value"),
            .effect = text_of(arena, one, "effect"),
            .any_value = str_equal(json_string_or_null(one, "operator"), "Exists"),
        };
    }
    out->tolerations = list;
}

static void read_ports(struct arena *arena, const json_t *from, struct fleet_rules *out)
{
    out->port_count = length_of(from);
    int64_t *ports = arena_alloc_array(arena, out->port_count + 1, sizeof *ports);
    for (size_t i = 0; i < out->port_count; i++) {
        ports[i] = (int64_t)json_integer_value(json_array_get(from, i));
    }
    out->ports = ports;
}

/* "Kind/name" is in the same namespace, "namespace/Kind/name" in another. */
static const char *full_name(struct arena *arena, const char *cluster, const char *space, const char *name)
{
    const char *slash = strchr(name, '/');
    bool other = slash != NULL && strchr(slash + 1, '/') != NULL;
    return arena_printf(arena, "%s/%s", other ? cluster : space, name);
}

/* The terms that hold on a node; others are noted. */
static struct fleet_company *read_company(struct arena *arena, const json_t *from, const char *cluster, const char *space, size_t *count)
{
    struct fleet_company *list = arena_alloc_array(arena, length_of(from) + 1, sizeof *list);
    *count = 0;
    for (size_t i = 0; i < length_of(from); i++) {
        const json_t *term = json_array_get(from, i);
        const json_t *others = json_object_get(term, "others");
        if (!str_equal(json_string_or_null(term, "topology_key"), hostname)) {
            continue;
        }
        const char **names = arena_alloc_array(arena, length_of(others) + 1, sizeof *names);
        struct fleet_company *company = &list[(*count)++];
        *company = (struct fleet_company){.self = json_bool_or(term, "self", false), .others = names};
        for (size_t o = 0; o < length_of(others); o++) {
            const char *name = json_string_value(json_array_get(others, o));
            if (name != NULL) {
                names[company->other_count++] = full_name(arena, cluster, space, name);
            }
        }
    }
    return list;
}

static uint32_t add_rules(struct rules *rules, const json_t *scheduling, const char *cluster, const char *space)
{
    struct arena *arena = &rules->arena;
    struct fleet_rules out = {0};
    out.selector = rules_labels(arena, json_object_get(scheduling, "node_selector"), 0, &out.selector_count);
    read_affinity(arena, json_object_get(scheduling, "node_affinity"), &out);
    read_tolerations(arena, json_object_get(scheduling, "tolerations"), &out);
    read_ports(arena, json_object_get(scheduling, "host_ports"), &out);
    out.apart = read_company(arena, json_object_get(scheduling, "anti_affinity"), cluster, space, &out.apart_count);
    out.beside = read_company(arena, json_object_get(scheduling, "affinity"), cluster, space, &out.beside_count);
    GROW(rules->items, rules->capacity, rules->count + 1);
    rules->items[rules->count] = out;
    return (uint32_t)rules->count++;
}

/* The members that decide where a pod runs, as one text: who says the same shares the rules. Names of others depend on the namespace. */
static uint32_t find_rules(struct rules *rules, const json_t *scheduling, const char *cluster, const char *space)
{
    static const char *const members[] = {"node_selector", "node_affinity", "tolerations", "host_ports", "anti_affinity", "affinity"};
    uint64_t key = 0;
    bool any = false;
    for (size_t i = 0; i < ARRAY_COUNT(members); i++) {
        const json_t *value = json_object_get(scheduling, members[i]);
        if (value != NULL) {
            char *text = json_text(value);
            bool named = i >= 4 && strstr(text, "/") != NULL;
            key = index_key(index_key(index_key(key, members[i]), text), named ? space : "");
            any = true;
            free(text);
        }
    }
    uint32_t known = any ? index_find(&rules->by_text, key, PACK_NONE) : PACK_NONE;
    if (known != PACK_NONE || !any) {
        return known;
    }
    if (rules->count == RULES_MAX) {
        rules->full = true;
        return PACK_NONE;
    }
    index_add(&rules->by_text, key, (uint32_t)rules->count, NULL);
    return add_rules(rules, scheduling, cluster, space);
}

/* Whether a term holds elsewhere than on a node, or names more workloads than are told. */
static void look_at_terms(const json_t *terms, struct rules_reading *reading)
{
    for (size_t i = 0; i < json_array_size(terms); i++) {
        const json_t *term = json_array_get(terms, i);
        reading->spread = reading->spread || !str_equal(json_string_or_null(term, "topology_key"), hostname);
        reading->more = reading->more || json_bool_or(term, "more", false);
    }
}

struct rules_reading rules_read(struct rules *rules, const json_t *scheduling, const char *cluster, const char *space)
{
    struct rules_reading reading = {.rules = PACK_NONE};
    if (!json_is_object(scheduling)) {
        return reading;
    }
    const json_t *overhead = json_object_get(scheduling, "overhead");
    reading.overhead_cpu = json_int_or(overhead, "cpu_millicores", 0);
    reading.overhead_memory = json_int_or(overhead, "memory_bytes", 0);
    reading.pinned = json_string_or_null(scheduling, "node_name") != NULL;
    reading.spread = json_array_size(json_object_get(scheduling, "spread")) > 0;
    reading.several = json_array_size(json_object_get(scheduling, "affinity")) > 1;
    look_at_terms(json_object_get(scheduling, "anti_affinity"), &reading);
    look_at_terms(json_object_get(scheduling, "affinity"), &reading);
    reading.rules = find_rules(rules, scheduling, cluster, space);
    return reading;
}
