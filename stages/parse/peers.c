#include "stages/parse/peers.h"

#include <stdlib.h>
#include <string.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"

/* The label that the API server gives each namespace. */
#define NAME_LABEL "kubernetes.io/metadata.name"

/* One label of a workload in its namespace, with its value or with any; or the workload in its namespace. */
struct peer_key {
    uint64_t key;
    uint32_t subject;
};

struct peer_space {
    const unsigned char *id;
    uint32_t subject; /* one of its workloads, which knows its name */
    json_t *labels;   /* with NAME_LABEL */
    bool known;       /* the Namespace was seen; else it is that label alone */
};

/* A term at work. */
struct search {
    struct peers *peers;
    size_t index; /* whose term it is */
    struct selector selector;
    uint32_t found[PEERS_LISTED_MAX];
    size_t count;
    size_t looks;
    bool self;
    bool more;
    const struct labels *own;
    struct err *err;
};

void peers_release(struct peers *peers)
{
    for (size_t i = 0; i < peers->space_count; i++) {
        json_decref(peers->spaces[i].labels);
    }
    free(peers->spaces);
    free(peers->keys);
    *peers = (struct peers){0};
}

void peers_namespace_id(const char *name, unsigned char id[SHELF_ID])
{
    shelf_id(name, "Namespace", "labels", id);
}

/* FNV-1a, 64 bits: what it finds is looked at anyway. A NULL value is any, a NULL label the namespace alone. */
static uint64_t key_of(const unsigned char *namespace, const char *label, const char *value)
{
    uint64_t hash = 14695981039346656037U;
    for (size_t i = 0; i < SHELF_ID; i++) {
        hash = (hash ^ namespace[i]) * 1099511628211U;
    }
    for (const char *at = label; at != NULL && *at != '\0'; at++) {
        hash = (hash ^ (unsigned char)*at) * 1099511628211U;
    }
    hash = (hash ^ (value == NULL ? 0xfe : 0xff)) * 1099511628211U; /* no bytes of a text */
    for (const char *at = value; at != NULL && *at != '\0'; at++) {
        hash = (hash ^ (unsigned char)*at) * 1099511628211U;
    }
    return hash;
}

static int by_key(const void *a, const void *b)
{
    const struct peer_key *left = a;
    const struct peer_key *right = b;
    if (left->key != right->key) {
        return left->key > right->key ? 1 : -1;
    }
    return (left->subject > right->subject) - (left->subject < right->subject);
}

static int by_id(const void *a, const void *b)
{
    return memcmp(((const struct peer_space *)a)->id, ((const struct peer_space *)b)->id, SHELF_ID);
}

static void add_key(struct peers *peers, uint64_t key, size_t subject)
{
    GROW(peers->keys, peers->key_capacity, peers->key_count + 1);
    peers->keys[peers->key_count++] = (struct peer_key){.key = key, .subject = (uint32_t)subject};
}

/* Indexes a workload, and notes its namespace. */
static int add_subject(struct peers *peers, size_t index, struct err *err)
{
    const struct subject *subject = &peers->subjects->items[index];
    json_t *labels;
    const char *key;
    json_t *value;
    if (subjects_labels(peers->subjects, index, &labels, err)) {
        return -1;
    }
    add_key(peers, key_of(subject->namespace, NULL, NULL), index);
    json_object_foreach(labels, key, value)
    {
        add_key(peers, key_of(subject->namespace, key, NULL), index);
        add_key(peers, key_of(subject->namespace, key, json_string_value(value)), index);
    }
    json_decref(labels);
    GROW(peers->spaces, peers->space_capacity, peers->space_count + 1);
    peers->spaces[peers->space_count++] = (struct peer_space){.id = subject->namespace, .subject = (uint32_t)index};
    return 0;
}

/* Labels of a namespace: those of its object, where one was seen, and the one that follows from its name. */
static int read_space(struct peers *peers, struct peer_space *space, struct err *err)
{
    unsigned char id[SHELF_ID];
    size_t count;
    const char *name;
    if (subjects_name(peers->subjects, space->subject, &name, err)) {
        return -1;
    }
    json_t *own = json_stringn(name, strcspn(name, "/"));
    peers_namespace_id(json_string_value(own), id);
    const struct shelf_entry *entry = shelf_find(peers->joins, id, &count);
    space->known = entry != NULL;
    int failed = entry == NULL ? 0 : shelf_get(peers->joins, entry, &space->labels, err);
    if (!failed) {
        space->labels = space->labels == NULL ? json_object() : space->labels;
        json_object_set(space->labels, NAME_LABEL, own);
    }
    json_decref(own);
    return failed;
}

static int make_ready(struct peers *peers, struct err *err)
{
    size_t kept = 0;
    peers->ready = true;
    for (size_t i = 0; i < peers->subjects->count; i++) {
        if (peers->subjects->items[i].labels > 0 && add_subject(peers, i, err)) {
            return -1;
        }
    }
    qsort(peers->keys, peers->key_count, sizeof *peers->keys, by_key);
    qsort(peers->spaces, peers->space_count, sizeof *peers->spaces, by_id);
    for (size_t i = 0; i < peers->space_count; i++) {
        if (kept == 0 || by_id(&peers->spaces[i], &peers->spaces[kept - 1]) != 0) {
            peers->spaces[kept++] = peers->spaces[i];
        }
    }
    peers->space_count = kept;
    for (size_t i = 0; i < kept; i++) {
        if (read_space(peers, &peers->spaces[i], err)) {
            return -1;
        }
    }
    return 0;
}

/* The first key that is not below `key`. */
static size_t first_key(const struct peers *peers, uint64_t key)
{
    size_t low = 0;
    size_t high = peers->key_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (peers->keys[middle].key < key) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static size_t count_key(const struct peers *peers, uint64_t key)
{
    return key == UINT64_MAX ? peers->key_count - first_key(peers, key) : first_key(peers, key + 1) - first_key(peers, key);
}

/* Whether it is listed, by a namespace or a value that is named twice. */
static bool is_found(const struct search *search, uint32_t subject)
{
    for (size_t i = 0; i < search->count; i++) {
        if (search->found[i] == subject) {
            return true;
        }
    }
    return false;
}

/* Looks at the workloads of a key in a namespace, and lists those that are meant. */
static int look_at(struct search *search, const unsigned char *namespace, uint64_t key)
{
    struct peers *peers = search->peers;
    struct labels labels;
    for (size_t i = first_key(peers, key); i < peers->key_count && peers->keys[i].key == key && !search->more; i++) {
        uint32_t subject = peers->keys[i].subject;
        json_t *object;
        if (subject == search->index || is_found(search, subject) ||
            memcmp(peers->subjects->items[subject].namespace, namespace, SHELF_ID) != 0) {
            continue;
        }
        search->more = search->count == PEERS_LISTED_MAX || ++search->looks > PEERS_LOOKS_MAX ||
                       ++peers->looks > PEERS_ALL_LOOKS_MAX;
        if (search->more) {
            return 0;
        }
        if (subjects_labels(peers->subjects, subject, &object, search->err)) {
            return -1;
        }
        labels_set(&labels, object);
        if (selector_matches(&search->selector, &labels)) {
            search->found[search->count++] = subject;
        }
        json_decref(object);
    }
    return 0;
}

/* The requirement that leaves the fewest workloads of a namespace to look at; NULL: none wants a label to be there. */
static const struct requirement *narrowest(const struct search *search, const unsigned char *namespace)
{
    const struct requirement *best = NULL;
    size_t fewest = SIZE_MAX;
    for (size_t i = 0; i < search->selector.count; i++) {
        const struct requirement *one = &search->selector.items[i];
        size_t count = one->any ? count_key(search->peers, key_of(namespace, one->key, NULL)) : 0;
        for (size_t j = 0; j < one->count; j++) {
            count += count_key(search->peers, key_of(namespace, one->key, one->values[j]));
        }
        if (one->wanted && count < fewest) {
            best = one;
            fewest = count;
        }
    }
    return best;
}

/* A namespace that the term is about. */
static int search_space(struct search *search, const unsigned char *namespace)
{
    const struct requirement *by = narrowest(search, namespace);
    if (memcmp(namespace, search->peers->subjects->items[search->index].namespace, SHELF_ID) == 0) {
        search->self = selector_matches(&search->selector, search->own);
    }
    if (by == NULL || by->any) {
        return look_at(search, namespace, key_of(namespace, by == NULL ? NULL : by->key, NULL));
    }
    for (size_t i = 0; i < by->count; i++) {
        if (look_at(search, namespace, key_of(namespace, by->key, by->values[i]))) {
            return -1;
        }
    }
    return 0;
}

/* Of a namespace that was not seen only the name is known: what else is wanted of it is taken to hold. */
static void forget_unknown(struct selector *selector)
{
    size_t kept = 0;
    for (size_t i = 0; i < selector->count; i++) {
        if (strcmp(selector->items[i].key, NAME_LABEL) == 0) {
            selector->items[kept++] = selector->items[i];
        }
    }
    selector->count = kept;
}

/* All namespaces that a selector means, its own first: whether the pods keep away from each other is told however many others there are. */
static int search_selected(struct search *search, const json_t *array, struct arena *arena)
{
    struct peers *peers = search->peers;
    const struct peer_space key = {.id = peers->subjects->items[search->index].namespace};
    const struct peer_space *own = bsearch(&key, peers->spaces, peers->space_count, sizeof key, by_id);
    struct selector whole;
    struct selector by_name;
    struct labels labels;
    selector_set(&whole, array, arena);
    selector_set(&by_name, array, arena);
    forget_unknown(&by_name);
    for (size_t i = 0; i <= peers->space_count && (i == 0 || !search->more); i++) {
        const struct peer_space *space = i == 0 ? own : &peers->spaces[i - 1];
        if (space == NULL || (i > 0 && space == own)) {
            continue;
        }
        labels_set(&labels, space->labels);
        search->more = ++peers->looks > PEERS_ALL_LOOKS_MAX || search->more;
        if (selector_matches(space->known ? &whole : &by_name, &labels) && search_space(search, space->id)) {
            return -1;
        }
    }
    return 0;
}

static int search_namespaces(struct search *search, const json_t *term, struct arena *arena)
{
    const json_t *names = json_object_get(term, "namespaces");
    const json_t *selector = json_object_get(term, "namespace_selector");
    size_t index;
    json_t *name;
    if (names == NULL && selector == NULL) {
        return search_space(search, search->peers->subjects->items[search->index].namespace);
    }
    json_array_foreach(names, index, name)
    {
        unsigned char id[SHELF_ID];
        shelf_id(json_string_value(name), "Namespace", NULL, id);
        if (search_space(search, id)) {
            return -1;
        }
    }
    return selector == NULL ? 0 : search_selected(search, selector, arena);
}

/* Adds the requirements that a term makes of labels which the pod itself has (`matchLabelKeys`). */
static void add_own(json_t *selector, const json_t *keys, const char *name, const json_t *labels)
{
    size_t index;
    json_t *key;
    json_array_foreach(keys, index, key)
    {
        json_t *value = json_object_get(labels, json_string_value(key));
        if (value != NULL) {
            json_array_append_new(selector, json_pack("[O, s, O]", key, name, value));
        }
    }
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* New array of the names of what was found, sorted: "Kind/name", of other namespaces with the namespace before it. The
 * workload's own name, of another record, is none. */
static json_t *name_found(const struct search *search)
{
    struct subjects *subjects = search->peers->subjects;
    char *names[PEERS_LISTED_MAX];
    const char *name = NULL;
    json_t *out = json_array();
    size_t count = 0;
    char *own = subjects_name(subjects, search->index, &name, search->err) ? NULL : xstrdup(name);
    for (; own != NULL && count < search->count; count++) {
        const struct subject *subject = &subjects->items[search->found[count]];
        bool here = memcmp(subject->namespace, subjects->items[search->index].namespace, SHELF_ID) == 0;
        if (subjects_name(subjects, search->found[count], &name, search->err)) {
            break;
        }
        names[count] = xstrdup(here && strcmp(name, own) != 0 ? strchr(name, '/') + 1 : name);
    }
    bool failed = own == NULL || count < search->count;
    qsort(names, count, sizeof names[0], by_text);
    for (size_t i = 0; i < count; i++) {
        if (own != NULL && strcmp(names[i], own) != 0 && (i == 0 || strcmp(names[i], names[i - 1]) != 0)) {
            json_array_append_new(out, json_string_safe(names[i]));
        }
    }
    for (size_t i = 0; i < count; i++) {
        free(names[i]);
    }
    free(own);
    if (failed) {
        json_decref(out);
        return NULL;
    }
    return out;
}

/* One term in words: new; NULL with *err. */
static json_t *resolve(struct search *search, const json_t *term, const json_t *own_labels, struct arena *arena)
{
    json_t *selector = json_deep_copy(json_object_get(term, "selector"));
    int failed = 0;
    if (selector != NULL) { /* without one it means no pod */
        add_own(selector, json_object_get(term, "match_keys"), "In", own_labels);
        add_own(selector, json_object_get(term, "mismatch_keys"), "NotIn", own_labels);
        selector_set(&search->selector, selector, arena);
        failed = search_namespaces(search, term, arena);
    }
    json_t *others = failed ? NULL : name_found(search);
    json_decref(selector);
    if (others == NULL) {
        return NULL;
    }
    json_t *out = json_pack("{s:O, s:b, s:o}", "topology_key", json_object_get(term, "topology_key"), "self", search->self,
                            "others", others);
    if (search->more) {
        json_object_set_new(out, "more", json_true());
    }
    return out;
}

int peers_resolve(struct peers *peers, size_t index, const json_t *terms, json_t *member, struct err *err)
{
    struct labels own;
    json_t *own_labels;
    size_t at;
    json_t *term;
    int failed = 0;
    if ((!peers->ready && make_ready(peers, err)) || subjects_labels(peers->subjects, index, &own_labels, err)) {
        return -1;
    }
    labels_set(&own, own_labels);
    json_array_foreach(terms, at, term)
    {
        struct search search = {.peers = peers, .index = index, .own = &own, .err = err};
        const char *name = json_string_or_null(term, "list");
        struct arena arena;
        arena_init(&arena);
        json_t *resolved = failed ? NULL : resolve(&search, term, own_labels, &arena);
        arena_release(&arena);
        failed = resolved == NULL;
        if (json_object_get(member, name) == NULL) {
            json_object_set_new(member, name, json_array());
        }
        json_array_append_new(json_object_get(member, name), resolved);
    }
    json_decref(own_labels);
    return failed ? -1 : 0;
}
