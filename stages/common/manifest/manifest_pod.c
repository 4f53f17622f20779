#include <stdio.h>
#include <string.h>

#include "pipeline/base/str.h"
#include "stages/common/manifest/manifest.h"

enum { WHAT_MAX = 160 };

/* One amount of a section that is a mapping. */
static void read_amount(struct manifest_reader *r, struct yaml_node *section, enum manifest_field field,
                        struct manifest_container *out)
{
    struct yaml_pair pair = {0};
    struct manifest_amount *amount = &out->amounts[field];
    struct err err = {0};
    if (!yaml_find(r->stream, section, manifest_resource(field), &pair)) {
        return;
    }
    if (pair.again != NULL) {
        manifest_add_fault(r, true, "duplicate-key", pair.again->start, "the key \"%s\" is there twice",
                           manifest_resource(field));
    }
    if (yaml_type_of(pair.value) == YAML_TYPE_NULL) {
        return;
    }
    if (manifest_quantity(r->arena, pair.value, manifest_is_cpu(field), &amount->value, &err)) {
        manifest_add_fault(r, true, "bad-quantity", pair.value->start, "container \"%s\": %s.%s: %s",
                           out->name, manifest_section(field), manifest_resource(field), err.message);
        return;
    }
    amount->present = true;
    amount->node = pair.value;
}

static void read_resources(struct manifest_reader *r, struct manifest_container *out)
{
    char what[WHAT_MAX];
    snprintf(what, sizeof what, "resources of container \"%.60s\"", out->name);
    struct yaml_node *resources = manifest_map(r, out->node, "resources", what);
    for (int field = 0; field < FIELD_COUNT; field += 2) {
        snprintf(what, sizeof what, "resources.%s of container \"%.60s\"",
                 manifest_section((enum manifest_field)field), out->name);
        struct yaml_node *section =
            manifest_map(r, resources, manifest_section((enum manifest_field)field), what);
        if (section != NULL) {
            read_amount(r, section, (enum manifest_field)field, out);
            read_amount(r, section, (enum manifest_field)(field + 1), out);
        }
    }
}

/* Ports and command serve as hints only: what is odd is left out. */
static void read_hints(struct manifest_reader *r, struct manifest_container *out)
{
    struct yaml_node *ports = yaml_get(r->stream, out->node, "ports");
    struct yaml_node *command = yaml_get(r->stream, out->node, "command");
    struct yaml_node *item = ports != NULL && ports->kind == YAML_KIND_SEQUENCE ? ports->first : NULL;
    for (; item != NULL && out->port_count < MANIFEST_PORTS_MAX; item = item->next) {
        int64_t port;
        if (yaml_int(yaml_get(r->stream, item, "containerPort"), &port) && port > 0 && port < 65536) {
            out->ports[out->port_count++] = port;
        }
    }
    out->image = yaml_scalar(r->arena, yaml_get(r->stream, out->node, "image"));
    if (command != NULL && command->kind == YAML_KIND_SEQUENCE) {
        out->command = yaml_scalar(r->arena, command->first);
    }
}

static enum manifest_role role_of(struct manifest_reader *r, struct yaml_node *node, bool init)
{
    if (!init) {
        return ROLE_CONTAINER;
    }
    return yaml_text_is(yaml_get(r->stream, node, "restartPolicy"), "Always") ? ROLE_SIDECAR : ROLE_INIT;
}

/* An entry that tells kustomize what to do with the list ("$patch: replace") is no container. */
static bool is_directive(struct manifest_reader *r, struct yaml_node *node)
{
    return yaml_get(r->stream, node, "name") == NULL && yaml_get(r->stream, node, "$patch") != NULL;
}

/* One container of a list. False when it is none. */
static bool read_container(struct manifest_reader *r, struct yaml_node *item, const char *list, size_t index,
                           struct manifest_container *out)
{
    char what[WHAT_MAX];
    struct yaml_node *node = yaml_resolve(item);
    if (node->kind != YAML_KIND_MAPPING) {
        manifest_add_fault(r, true, "bad-value", item->start, "%s[%zu] is not a mapping", list, index);
        return false;
    }
    if (is_directive(r, node)) {
        return false;
    }
    *out = (struct manifest_container){
        .node = node, .by_alias = item->kind == YAML_KIND_ALIAS, .list = list, .index = index};
    snprintf(what, sizeof what, "%s[%zu].name", list, index);
    size_t faults = r->fault_count;
    out->name = manifest_text(r, node, "name", what);
    if (out->name == NULL || out->name[0] == '\0') {
        if (r->fault_count == faults) {
            manifest_add_fault(r, true, "bad-value", item->start, "%s[%zu] has no name", list, index);
        }
        return false;
    }
    out->role = role_of(r, node, list[0] == 'i');
    read_hints(r, out);
    read_resources(r, out);
    return true;
}

/* The list of containers below a key; NULL when absent, null or (with a fault) no list. */
static struct yaml_node *container_list(struct manifest_reader *r, struct yaml_node *pod, const char *key)
{
    struct yaml_node *list = manifest_value(r, pod, key);
    if (list != NULL && list->kind != YAML_KIND_SEQUENCE) {
        manifest_add_fault(r, true, "bad-value", list->start, "%s is not a list", key);
        return NULL;
    }
    if (list != NULL && list->count > MANIFEST_CONTAINERS_MAX) {
        manifest_add_fault(r, true, "size-limit", list->start, "%s has more than %d entries", key,
                           (int)MANIFEST_CONTAINERS_MAX);
        return NULL;
    }
    return list;
}

static void read_list(struct manifest_reader *r, struct yaml_node *list, const char *key,
                      struct manifest_workload *out)
{
    size_t index = 0;
    for (struct yaml_node *item = list == NULL ? NULL : list->first; item != NULL; item = item->next) {
        out->container_count += read_container(r, item, key, index++, &out->containers[out->container_count]);
    }
}

static void check_names(struct manifest_reader *r, const struct manifest_workload *workload)
{
    for (size_t i = 1; i < workload->container_count; i++) {
        const struct manifest_container *container = &workload->containers[i];
        for (size_t j = 0; j < i; j++) {
            if (str_equal(container->name, workload->containers[j].name)) {
                manifest_add_fault(r, false, "duplicate-container", container->node->start,
                                   "two containers are named \"%s\": neither is changed", container->name);
                break;
            }
        }
    }
}

/* A Kustomize patch names containers and what it sets, but no image. */
static bool looks_partial(const struct manifest_workload *workload)
{
    for (size_t i = 0; i < workload->container_count; i++) {
        if (workload->containers[i].image != NULL) {
            return false;
        }
    }
    return workload->container_count > 0;
}

void manifest_read_pod(struct manifest_reader *reader, struct manifest_workload *out)
{
    struct yaml_node *init = container_list(reader, out->pod, "initContainers");
    struct yaml_node *main_list = container_list(reader, out->pod, "containers");
    size_t count = (init == NULL ? 0 : init->count) + (main_list == NULL ? 0 : main_list->count);
    out->containers = arena_alloc_array(reader->arena, count + 1, sizeof *out->containers);
    read_list(reader, init, "initContainers", out);
    read_list(reader, main_list, "containers", out);
    check_names(reader, out);
    out->partial = looks_partial(out);
}
