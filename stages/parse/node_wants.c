#include "stages/parse/node_wants.h"

#include "pipeline/base/str.h"

enum { LABELS_WANTED_MAX = 256, NODES_WANTED_MAX = 1000 };

void node_wants_release(struct node_wants *wants)
{
    json_decref(wants->labels);
    json_decref(wants->hosts);
    json_decref(wants->names);
    *wants = (struct node_wants){0};
}

/* Adds a text to a set, which is made with the first. */
static void add(json_t **set, const char *text, size_t most)
{
    if (text != NULL && json_object_size(*set) < most) {
        *set = *set == NULL ? json_object() : *set;
        json_object_set_new(*set, text, json_true());
    }
}

static void add_all(json_t **set, const json_t *texts)
{
    size_t index;
    json_t *text;
    json_array_foreach(texts, index, text)
    {
        add(set, json_string_value(text), NODES_WANTED_MAX);
    }
}

/* A label that is looked at; of a label that every node has for itself, its values. */
static void add_label(struct node_wants *wants, const char *key)
{
    if (!str_equal(key, HOST_LABEL)) {
        add(&wants->labels, key, LABELS_WANTED_MAX);
    }
}

static void add_requirements(struct node_wants *wants, const json_t *term)
{
    size_t index;
    json_t *requirement;
    json_array_foreach(term, index, requirement)
    {
        const char *key = json_string_or_null(requirement, "key");
        const json_t *values = json_object_get(requirement, "values");
        if (str_equal(key, HOST_LABEL)) {
            add_all(&wants->hosts, values);
        } else if (str_equal(key, "metadata.name")) {
            add_all(&wants->names, values);
        } else {
            add_label(wants, key);
        }
    }
}

/* The topology keys of a list. */
static void add_topologies(struct node_wants *wants, const json_t *list)
{
    size_t index;
    json_t *item;
    json_array_foreach(list, index, item)
    {
        add_label(wants, json_string_or_null(item, "topology_key"));
    }
}

void node_wants_add(struct node_wants *wants, const struct scheduling *scheduling, bool own)
{
    const char *key;
    json_t *value;
    size_t index;
    json_object_foreach(json_object_get(scheduling->member, "node_selector"), key, value)
    {
        add_label(wants, key);
        if (str_equal(key, HOST_LABEL)) {
            add(&wants->hosts, json_string_value(value), NODES_WANTED_MAX);
        }
    }
    json_array_foreach(json_object_get(scheduling->member, "node_affinity"), index, value)
    {
        add_requirements(wants, value);
    }
    add_topologies(wants, json_object_get(scheduling->member, "spread"));
    add_topologies(wants, scheduling->terms);
    if (!own) {
        add(&wants->names, json_string_or_null(scheduling->member, "node_name"), NODES_WANTED_MAX);
    }
}
