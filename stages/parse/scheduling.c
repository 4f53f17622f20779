#include "stages/parse/scheduling.h"

#include <string.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "stages/parse/affinity.h"
#include "stages/parse/labels.h"

enum { TEXT_MAX = 512, SELECTOR_MAX = 64, TERMS_MAX = 64, TEXTS_MAX = 1000, TOLERATIONS_MAX = 64, SPREADS_MAX = 16, PORTS_MAX = 64 };

/* What a fault says at its end. */
#define LEFT_OUT "it is left out of scheduling"

/* Until all is read, a fault that leaves something out is a fatal one: so an entry knows that it has one. */
static void odd(struct manifest_reader *r, const struct yaml_node *at, const char *what, const char *why)
{
    manifest_add_fault(r, true, "bad-value", at->start, "%s %s; " LEFT_OUT, what, why);
}

static void too_many(struct manifest_reader *r, const struct yaml_node *at, const char *what, int most)
{
    manifest_add_fault(r, false, "size-limit", at->start, "%s has more than %d entries; the others are left out of scheduling",
                       what, most);
}

/* A text that may be a name or a label's part: NULL (without a fault) for what is none. */
static const char *plain_text(struct manifest_reader *r, struct yaml_node *node)
{
    const char *text = node == NULL || yaml_resolve(node)->length > TEXT_MAX ? NULL : yaml_string(r->arena, node);
    for (const char *at = text; at != NULL && *at != '\0'; at++) {
        if ((unsigned char)*at < 0x20 || *at == 0x7f) {
            return NULL;
        }
    }
    return text;
}

/* The text of a key; NULL when it is absent, empty, or (with a fault) something else. */
static const char *text_of(struct manifest_reader *r, struct yaml_node *map, const char *key)
{
    struct yaml_node *node = yaml_get(r->stream, map, key);
    const char *text = plain_text(r, node);
    if (node != NULL && yaml_type_of(node) != YAML_TYPE_NULL && text == NULL) {
        odd(r, node, key, "is no string, or one that cannot be meant");
    }
    return text == NULL || text[0] == '\0' ? NULL : text;
}

/* The list or mapping of a key; NULL when it is absent or null, or (with a fault) something else. */
static struct yaml_node *part_of(struct manifest_reader *r, struct yaml_node *map, const char *key, enum yaml_kind kind)
{
    struct yaml_node *node = yaml_get(r->stream, map, key);
    if (node == NULL || yaml_type_of(node) == YAML_TYPE_NULL) {
        return NULL;
    }
    if (node->kind != kind) {
        odd(r, node, key, kind == YAML_KIND_SEQUENCE ? "is no list" : "is no mapping");
        return NULL;
    }
    return node;
}

/* Sets a member (stolen), unless there is nothing in it. */
static void set_member(json_t *member, const char *key, json_t *value)
{
    if (json_is_string(value) || json_array_size(value) > 0 || json_object_size(value) > 0) {
        json_object_set(member, key, value);
    }
    json_decref(value);
}

static json_t *read_node_selector(struct manifest_reader *r, struct yaml_node *pod)
{
    struct yaml_node *map = part_of(r, pod, "nodeSelector", YAML_KIND_MAPPING);
    json_t *labels = map == NULL ? NULL : labels_read(r, map);
    json_t *out = labels == NULL ? NULL : json_object();
    const char *key;
    json_t *value;
    for (struct yaml_node *own = map == NULL ? NULL : map->first; own != NULL && own->next != NULL; own = own->next->next) {
        if (yaml_resolve(own->next)->kind != YAML_KIND_SCALAR && !yaml_is_merge(own)) {
            odd(r, own->next, "a value of nodeSelector", "is no string");
        }
    }
    json_object_foreach(labels, key, value)
    {
        struct yaml_node *node = yaml_get(r->stream, map, key);
        bool empty = node != NULL && yaml_type_of(node) == YAML_TYPE_NULL; /* which the API reads as "" */
        if (json_object_size(out) == SELECTOR_MAX) {
            too_many(r, map, "nodeSelector", SELECTOR_MAX);
            break;
        }
        if (strlen(key) > TEXT_MAX || (!empty && plain_text(r, node) == NULL)) {
            odd(r, node == NULL ? map : node, "a value of nodeSelector", "is no string, or one that cannot be meant");
        } else {
            json_object_set(out, key, value);
        }
    }
    json_decref(labels);
    return out;
}

/* Whether a requirement of a node has the values that its operator wants. */
static bool operator_fits(const char *name, size_t values)
{
    static const struct {
        const char *name;
        size_t least, most;
    } operators[] = {
        {"In", 1, SIZE_MAX}, {"NotIn", 1, SIZE_MAX}, {"Exists", 0, 0}, {"DoesNotExist", 0, 0}, {"Gt", 1, 1}, {"Lt", 1, 1},
    };
    for (size_t i = 0; name != NULL && i < ARRAY_COUNT(operators); i++) {
        if (strcmp(operators[i].name, name) == 0) {
            return values >= operators[i].least && values <= operators[i].most;
        }
    }
    return false;
}

/* One requirement of a node: new {"key", "operator", "values"}; NULL after a fault. *texts counts. */
static json_t *read_requirement(struct manifest_reader *r, struct yaml_node *item, size_t *texts)
{
    const char *key = plain_text(r, yaml_get(r->stream, item, "key"));
    const char *name = plain_text(r, yaml_get(r->stream, item, "operator"));
    struct yaml_node *list = yaml_get(r->stream, item, "values");
    struct yaml_node *value = list != NULL && list->kind == YAML_KIND_SEQUENCE ? list->first : NULL;
    json_t *values = json_array();
    bool good = key != NULL && key[0] != '\0' && operator_fits(name, value == NULL ? 0 : list->count);
    for (; value != NULL && good && *texts <= TEXTS_MAX; value = value->next, ++*texts) {
        const char *text = plain_text(r, value);
        good = text != NULL;
        json_array_append_new(values, json_string_safe(text));
    }
    if (!good || ++*texts > TEXTS_MAX) {
        json_decref(values);
        if (good) {
            too_many(r, item, "nodeAffinity", TEXTS_MAX);
        } else {
            odd(r, item, "nodeAffinity", "has a condition without a key, or with an operator or values that are none");
        }
        return NULL;
    }
    return json_pack("{s:o, s:s, s:o}", "key", json_string_safe(key), "operator", name, "values", values);
}

/* Appends the requirements of a list to a term. False after a fault. */
static bool read_requirements(struct manifest_reader *r, struct yaml_node *node, const char *key, json_t *term, size_t *texts)
{
    struct yaml_node *list = yaml_get(r->stream, node, key);
    if (list == NULL || yaml_type_of(list) == YAML_TYPE_NULL) {
        return true;
    }
    if (list->kind != YAML_KIND_SEQUENCE) {
        odd(r, list, "nodeAffinity", "has conditions that are no list");
        return false;
    }
    for (struct yaml_node *item = list->first; item != NULL; item = item->next) {
        json_t *requirement = read_requirement(r, yaml_resolve(item), texts);
        if (requirement == NULL) {
            return false;
        }
        json_array_append_new(term, requirement);
    }
    return true;
}

/* The required terms of affinity to nodes: any of them has to hold, and all of a term's requirements. A term without any
 * matches no node. One that is odd takes all of it away: without it the others would say something else. */
static json_t *read_node_affinity(struct manifest_reader *r, struct yaml_node *affinity)
{
    struct yaml_node *node = part_of(r, affinity, "nodeAffinity", YAML_KIND_MAPPING);
    struct yaml_node *required = part_of(r, node, "requiredDuringSchedulingIgnoredDuringExecution", YAML_KIND_MAPPING);
    struct yaml_node *list = part_of(r, required, "nodeSelectorTerms", YAML_KIND_SEQUENCE);
    json_t *out = list == NULL ? NULL : json_array();
    size_t texts = 0;
    if (list != NULL && list->count > TERMS_MAX) {
        too_many(r, list, "nodeAffinity", TERMS_MAX);
        json_decref(out);
        return NULL;
    }
    for (struct yaml_node *item = list == NULL ? NULL : list->first; item != NULL; item = item->next) {
        json_t *term = json_array();
        if (!read_requirements(r, yaml_resolve(item), "matchExpressions", term, &texts) ||
            !read_requirements(r, yaml_resolve(item), "matchFields", term, &texts)) {
            json_decref(term);
            json_decref(out);
            return NULL;
        }
        if (json_array_size(term) > 0) {
            json_array_append(out, term);
        }
        json_decref(term);
    }
    return out;
}

/* One toleration. An operator that is not said is Equal. */
static json_t *read_toleration(struct manifest_reader *r, struct yaml_node *item)
{
    static const char *const effects[] = {"NoSchedule", "PreferNoSchedule", "NoExecute"};
    const char *key = text_of(r, item, "key");
    const char *name = text_of(r, item, "operator");
    const char *value = text_of(r, item, "value");
    const char *effect = text_of(r, item, "effect");
    bool exists = str_equal(name, "Exists");
    bool known = effect == NULL;
    for (size_t i = 0; i < ARRAY_COUNT(effects) && !known; i++) {
        known = str_equal(effect, effects[i]);
    }
    if (item->kind != YAML_KIND_MAPPING || !known || (name != NULL && !exists && !str_equal(name, "Equal")) ||
        (exists ? value != NULL : key == NULL)) {
        odd(r, item, "a toleration", "has an operator or an effect that is none, or tolerates nothing");
    }
    return json_pack("{s:o, s:o, s:s, s:o}", "effect", json_string_safe(effect), "key", json_string_safe(key), "operator",
                     exists ? "Exists" : "Equal", "value", exists ? json_null() : json_string_safe(value == NULL ? "" : value));
}

/* One spread, NULL when it is a preference. */
static json_t *read_spread(struct manifest_reader *r, struct yaml_node *item)
{
    int64_t skew = 0;
    const char *key = text_of(r, item, "topologyKey");
    if (yaml_text_is(yaml_get(r->stream, item, "whenUnsatisfiable"), "ScheduleAnyway")) {
        return NULL;
    }
    if (key == NULL || !yaml_int(yaml_get(r->stream, item, "maxSkew"), &skew) || skew < 1 || skew > INT32_MAX) {
        odd(r, item, "a constraint of topologySpreadConstraints", "has no topologyKey, or a maxSkew that is none");
    }
    return json_pack("{s:I, s:o}", "max_skew", (json_int_t)skew, "topology_key", json_string_safe(key));
}

/* The entries of a list, each as `read` has it; those with a fault are left out. */
static json_t *read_entries(struct manifest_reader *r, struct yaml_node *pod, const char *key, size_t most,
                            json_t *(*read)(struct manifest_reader *r, struct yaml_node *item))
{
    struct yaml_node *list = part_of(r, pod, key, YAML_KIND_SEQUENCE);
    struct yaml_node *item = list == NULL ? NULL : list->first;
    json_t *out = item == NULL ? NULL : json_array();
    for (size_t i = 0; item != NULL && i < most; item = item->next, i++) {
        r->fatal = false;
        json_t *entry = read(r, yaml_resolve(item));
        if (entry != NULL && !r->fatal) {
            json_array_append(out, entry);
        }
        json_decref(entry);
    }
    if (item != NULL) {
        too_many(r, item, key, (int)most);
    }
    return out;
}

/* Adds a port unless it is there, in the order of numbers. */
static void add_port(json_t *ports, int64_t port)
{
    size_t at = 0;
    while (at < json_array_size(ports) && json_integer_value(json_array_get(ports, at)) < port) {
        at++;
    }
    if (at == json_array_size(ports) || json_integer_value(json_array_get(ports, at)) != port) {
        json_array_insert_new(ports, at, json_integer((json_int_t)port));
    }
}

/* Ports of the node that its containers take; all of them where the pod has the node's network. Init containers that end
 * do not count, as the scheduler does not count them. */
static json_t *read_host_ports(struct manifest_reader *r, const struct manifest_workload *workload)
{
    bool network = false;
    json_t *ports = json_array();
    struct yaml_node *said = yaml_get(r->stream, workload->pod, "hostNetwork");
    if (said != NULL && yaml_type_of(said) != YAML_TYPE_NULL && !yaml_bool(said, &network)) {
        odd(r, said, "hostNetwork", "is no truth value");
    }
    for (size_t i = 0; i < workload->container_count; i++) {
        const struct manifest_container *container = &workload->containers[i];
        struct yaml_node *list = container->role == ROLE_INIT ? NULL : yaml_get(r->stream, container->node, "ports");
        struct yaml_node *item = list == NULL || list->kind != YAML_KIND_SEQUENCE ? NULL : list->first;
        for (; item != NULL; item = item->next) {
            int64_t port = 0;
            bool there = yaml_int(yaml_get(r->stream, item, "hostPort"), &port) ||
                         (network && yaml_int(yaml_get(r->stream, item, "containerPort"), &port));
            if (there && port > 0 && port < 65536 && json_array_size(ports) == PORTS_MAX) {
                too_many(r, item, "ports", PORTS_MAX);
                return ports;
            }
            if (there && port > 0 && port < 65536) {
                add_port(ports, port);
            }
        }
    }
    return ports;
}

/* What the pod takes besides its containers (its runtime class says it): NULL when nothing. */
static json_t *read_overhead(struct manifest_reader *r, struct yaml_node *pod)
{
    struct yaml_node *map = part_of(r, pod, "overhead", YAML_KIND_MAPPING);
    static const char *const names[] = {"cpu", "memory"};
    int64_t values[2] = {0, 0};
    bool there[2] = {false, false};
    for (int i = 0; map != NULL && i < 2; i++) {
        struct err err = {0};
        struct yaml_node *node = yaml_get(r->stream, map, names[i]);
        there[i] = node != NULL && manifest_quantity(r->arena, node, i == 0, &values[i], &err) == 0;
        if (node != NULL && !there[i]) {
            manifest_add_fault(r, true, "bad-quantity", node->start, "overhead.%s: %s; " LEFT_OUT, names[i], err.message);
        }
    }
    return !there[0] && !there[1] ? NULL
                                  : json_pack("{s:o, s:o}", "cpu_millicores", json_int_or_null(there[0], values[0]),
                                              "memory_bytes", json_int_or_null(there[1], values[1]));
}

/* The node that is named. In a cluster the scheduler has named one for every Pod, which says nothing of others where it could
 * run; a kubelet's own Pod (its manifest lies on the node) runs there alone. */
static const char *read_node_name(struct manifest_reader *r, const struct manifest_workload *workload, bool live)
{
    struct yaml_node *annotations = yaml_get(r->stream, workload->metadata, "annotations");
    bool scheduled = live && workload->object->type->pod_path[1] == NULL &&
                     yaml_get(r->stream, annotations, "kubernetes.io/config.mirror") == NULL;
    return scheduled ? NULL : text_of(r, workload->pod, "nodeName");
}

static json_t *string_or_nothing(const char *text)
{
    return text == NULL ? NULL : json_string_safe(text);
}

void scheduling_read(struct manifest_reader *reader, const struct manifest_workload *workload, bool live,
                     struct scheduling *out)
{
    struct yaml_node *pod = workload->pod;
    size_t faults = reader->fault_count;
    struct yaml_node *affinity = pod == NULL ? NULL : part_of(reader, pod, "affinity", YAML_KIND_MAPPING);
    *out = (struct scheduling){0};
    if (pod == NULL) {
        return;
    }
    json_t *member = json_object();
    json_t *nodes = read_node_affinity(reader, affinity);
    if (nodes != NULL) { /* an empty one says that no node fits */
        json_object_set_new(member, "node_affinity", nodes);
    }
    set_member(member, "node_name", string_or_nothing(read_node_name(reader, workload, live)));
    set_member(member, "node_selector", read_node_selector(reader, pod));
    set_member(member, "spread", read_entries(reader, pod, "topologySpreadConstraints", SPREADS_MAX, read_spread));
    set_member(member, "tolerations", read_entries(reader, pod, "tolerations", TOLERATIONS_MAX, read_toleration));
    set_member(member, "host_ports", read_host_ports(reader, workload));
    set_member(member, "overhead", read_overhead(reader, pod));
    set_member(member, "priority_class", string_or_nothing(text_of(reader, pod, "priorityClassName")));
    out->terms = affinity == NULL ? NULL : affinity_read(reader, affinity);
    for (; faults < reader->fault_count; faults++) {
        reader->faults[faults].fatal = false;
    }
    reader->fatal = false;
    if (json_object_size(member) > 0 || out->terms != NULL) {
        out->member = json_incref(member);
    }
    json_decref(member);
}

void scheduling_release(struct scheduling *scheduling)
{
    json_decref(scheduling->member);
    json_decref(scheduling->terms);
    *scheduling = (struct scheduling){0};
}
