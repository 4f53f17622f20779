#include "stages/parse/nodes.h"

#include <stdlib.h>
#include <string.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/quantity.h"
#include "pipeline/base/str.h"

enum { TEXT_MAX = 512, TAINTS_MAX = 64, ROUND_ABOVE = 1024 * 1024 * 1024, ROUND_TO = 1024 * 1024 };

/* Labels by which Kubernetes and the clouds tell what a node is. The first that is there counts. */
static const struct {
    const char *label;
    const char *member; /* of the group; NULL: the label alone is told */
} known_labels[] = {
    {"kubernetes.io/arch", NULL},
    {"kubernetes.io/os", NULL},
    {"node-role.kubernetes.io/control-plane", NULL},
    {"node-role.kubernetes.io/master", NULL},
    {"node.kubernetes.io/instance-type", "instance"},
    {"beta.kubernetes.io/instance-type", "instance"},
    {"topology.kubernetes.io/region", "region"},
    {"failure-domain.beta.kubernetes.io/region", "region"},
    {"topology.kubernetes.io/zone", "zone"},
    {"failure-domain.beta.kubernetes.io/zone", "zone"},
    {"karpenter.sh/nodepool", "pool"},
    {"karpenter.sh/provisioner-name", "pool"},
    {"eks.amazonaws.com/nodegroup", "pool"},
    {"alpha.eksctl.io/nodegroup-name", "pool"},
    {"cloud.google.com/gke-nodepool", "pool"},
    {"kubernetes.azure.com/agentpool", "pool"},
    {"agentpool", "pool"},
    {"kops.k8s.io/instancegroup", "pool"},
};

/* And by which they tell how it is paid. */
static const struct {
    const char *label;
    const char *value;
    const char *type;
} capacity_types[] = {
    {"karpenter.sh/capacity-type", "spot", "spot"},
    {"karpenter.sh/capacity-type", "on-demand", "on-demand"},
    {"eks.amazonaws.com/capacityType", "SPOT", "spot"},
    {"eks.amazonaws.com/capacityType", "ON_DEMAND", "on-demand"},
    {"cloud.google.com/gke-provisioning", "spot", "spot"},
    {"cloud.google.com/gke-provisioning", "preemptible", "spot"},
    {"cloud.google.com/gke-provisioning", "standard", "on-demand"},
    {"cloud.google.com/gke-spot", "true", "spot"},
    {"cloud.google.com/gke-preemptible", "true", "spot"},
    {"kubernetes.azure.com/scalesetpriority", "spot", "spot"},
    {"node.kubernetes.io/lifecycle", "spot", "spot"},
};

void nodes_clear(struct nodes *nodes)
{
    json_decref(nodes->groups);
    *nodes = (struct nodes){.wants = nodes->wants};
}

/* A label's text; NULL when absent or longer than a label. */
static const char *label_of(const json_t *labels, const char *key)
{
    const char *text = json_string_or_null(labels, key);
    return text == NULL || strlen(text) > TEXT_MAX ? NULL : text;
}

static void copy_label(const json_t *labels, const char *key, json_t *out)
{
    const char *text = label_of(labels, key);
    if (text != NULL) {
        json_object_set_new(out, key, json_string(text));
    }
}

/* What the group is called by labels, and those labels that are told. */
static void read_labels(const struct node_wants *wants, const json_t *labels, json_t *group)
{
    json_t *told = json_object();
    const char *type = NULL;
    const char *key;
    json_t *yes;
    for (size_t i = 0; i < ARRAY_COUNT(known_labels); i++) {
        const char *text = label_of(labels, known_labels[i].label);
        const char *member = known_labels[i].member;
        copy_label(labels, known_labels[i].label, told);
        if (text != NULL && member != NULL && json_object_get(group, member) == NULL) {
            json_object_set_new(group, member, json_string(text));
        }
    }
    for (size_t i = 0; i < ARRAY_COUNT(capacity_types); i++) {
        copy_label(labels, capacity_types[i].label, told);
        if (type == NULL && str_equal(label_of(labels, capacity_types[i].label), capacity_types[i].value)) {
            type = capacity_types[i].type;
        }
    }
    json_object_foreach(wants->labels, key, yes)
    {
        copy_label(labels, key, told);
    }
    const char *host = label_of(labels, HOST_LABEL);
    if (host != NULL && json_object_get(wants->hosts, host) != NULL) {
        copy_label(labels, HOST_LABEL, told);
    }
    json_object_set_new(group, "capacity_type", json_string_safe(type));
    json_object_set_new(group, "labels", told);
}

/* An amount of a node; null where there is none or it is no quantity. */
static json_t *amount(const json_t *amounts, const char *name, bool cpu)
{
    const char *text = json_string_or_null(amounts, name);
    struct err odd;
    int64_t value = 0;
    if (text == NULL || strlen(text) > TEXT_MAX ||
        (cpu ? quantity_cpu(text, strlen(text), &value, &odd) : quantity_memory(text, strlen(text), &value, &odd))) {
        return json_null();
    }
    return json_integer((json_int_t)value);
}

/* Memory of machines of one type differs by some pages: whole MiB of it keep them together. */
static json_t *memory_amount(const json_t *amounts)
{
    json_t *exact = amount(amounts, "memory", false);
    json_int_t bytes = json_integer_value(exact);
    if (bytes >= ROUND_ABOVE) {
        json_integer_set(exact, bytes - bytes % ROUND_TO);
    }
    return exact;
}

static json_t *read_amounts(const json_t *amounts)
{
    return json_pack("{s:o, s:o, s:o}", "cpu_millicores", amount(amounts, "cpu", true), "memory_bytes",
                     memory_amount(amounts), "pods", amount(amounts, "pods", false));
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* New array of the taints without times, sorted. */
static json_t *read_taints(const json_t *taints)
{
    char *texts[TAINTS_MAX];
    size_t count = 0;
    size_t index;
    json_t *taint;
    json_t *out = json_array();
    json_array_foreach(taints, index, taint)
    {
        const char *key = label_of(taint, "key");
        if (key != NULL && count < TAINTS_MAX) {
            json_t *one = json_pack("{s:s, s:o, s:o}", "key", key, "value", json_string_safe(label_of(taint, "value")),
                                    "effect", json_string_safe(label_of(taint, "effect")));
            texts[count++] = json_text(one);
            json_decref(one);
        }
    }
    qsort(texts, count, sizeof texts[0], by_text);
    for (size_t i = 0; i < count; i++) {
        struct err none;
        json_t *one = json_read(texts[i], strlen(texts[i]), "a taint", &none);
        if (one != NULL) {
            json_array_append_new(out, one);
        }
        free(texts[i]);
    }
    return out;
}

/* Whether pods may be running there: its kubelet says so, and nobody takes it away. */
static bool is_ready(const json_t *node)
{
    size_t index;
    json_t *condition;
    if (json_object_get(json_object_get(node, "metadata"), "deletionTimestamp") != NULL) {
        return false;
    }
    json_array_foreach(json_object_get(json_object_get(node, "status"), "conditions"), index, condition)
    {
        if (str_equal(json_string_or_null(condition, "type"), "Ready")) {
            return str_equal(json_string_or_null(condition, "status"), "True");
        }
    }
    return false;
}

/* What a node is: new, without its count. What it does not say it may hand out is all that it has. */
static json_t *read_node(const struct node_wants *wants, const json_t *node)
{
    const json_t *metadata = json_object_get(node, "metadata");
    const json_t *spec = json_object_get(node, "spec");
    const json_t *status = json_object_get(node, "status");
    const json_t *allocatable = json_object_get(status, "allocatable");
    const json_t *capacity = json_object_get(status, "capacity");
    const char *name = label_of(metadata, "name");
    json_t *group = json_pack("{s:o, s:o, s:o, s:b, s:b}", "allocatable",
                              read_amounts(allocatable == NULL ? capacity : allocatable), "capacity", read_amounts(capacity),
                              "taints", read_taints(json_object_get(spec, "taints")), "unschedulable",
                              json_bool_or(spec, "unschedulable", false), "ready", is_ready(node));
    read_labels(wants, json_object_get(metadata, "labels"), group);
    if (name != NULL && json_object_get(wants->names, name) != NULL) {
        json_object_set_new(group, "name", json_string(name));
    }
    return group;
}

void nodes_add(struct nodes *nodes, const json_t *node)
{
    json_t *group;
    if (nodes->full || nodes->total == NODES_MAX) {
        nodes->full = true;
        return;
    }
    nodes->total++;
    group = read_node(nodes->wants, node);
    char *text = json_text(group);
    nodes->groups = nodes->groups == NULL ? json_object() : nodes->groups;
    json_object_set_new(nodes->groups, text, json_integer((json_int_t)json_int_or(nodes->groups, text, 0) + 1));
    nodes->full = json_object_size(nodes->groups) > NODE_GROUPS_MAX;
    free(text);
    json_decref(group);
}

json_t *nodes_settings(const struct nodes *nodes)
{
    size_t count = 0;
    const char *key;
    json_t *members;
    json_t *groups = json_array();
    const char **texts = xcalloc_array(json_object_size(nodes->groups) + 1, sizeof *texts);
    json_object_foreach(nodes->groups, key, members)
    {
        texts[count++] = key;
    }
    qsort(texts, count, sizeof *texts, by_text);
    for (size_t i = 0; i < count; i++) {
        struct err none;
        json_t *group = json_read(texts[i], strlen(texts[i]), "a group of nodes", &none);
        json_object_set(group, "count", json_object_get(nodes->groups, texts[i]));
        json_array_append_new(groups, group);
    }
    free(texts);
    return json_pack("{s:I, s:o}", "total", (json_int_t)nodes->total, "groups", groups);
}
