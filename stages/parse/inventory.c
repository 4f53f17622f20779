#include "stages/parse/inventory.h"

#include <string.h>

#include "pipeline/base/str.h"
#include "pipeline/run/record.h"

enum { LABELS_MAX = 64, TEXT_MAX = 1024, OTHERS_MAX = 16 };

/* New string of at most TEXT_MAX bytes, whole characters only. */
static json_t *short_text(struct manifest_reader *r, const char *text)
{
    if (text == NULL || strlen(text) <= TEXT_MAX) {
        return json_string_safe(text);
    }
    char *cut = arena_strndup(r->arena, text, TEXT_MAX);
    str_trim_utf8(cut);
    return json_string_safe(cut);
}

/* A mapping of names to strings, as far as the caps allow: all of it, or what concerns tare. Odd values are
 * kept as written. */
static json_t *string_map(struct manifest_reader *r, struct yaml_node *map, const char *skip_annotation,
                          bool all)
{
    json_t *out = json_object();
    struct yaml_node *key = map == NULL || map->kind != YAML_KIND_MAPPING ? NULL : map->first;
    for (; key != NULL && key->next != NULL && json_object_size(out) < LABELS_MAX; key = key->next->next) {
        const char *name = yaml_scalar(r->arena, key);
        const char *value = yaml_scalar(r->arena, key->next);
        bool kept =
            all || (name != NULL && (str_starts(name, "tare.dev/") || str_equal(name, skip_annotation)));
        if (kept && name != NULL && value != NULL && strlen(name) <= TEXT_MAX) {
            json_object_set_new(out, name, short_text(r, value));
        }
    }
    return out;
}

json_t *inventory_annotations(struct manifest_reader *reader, struct yaml_node *metadata,
                              const char *skip_annotation)
{
    return string_map(reader, yaml_get(reader->stream, metadata, "annotations"), skip_annotation, false);
}

static json_t *amounts(const struct manifest_container *container, enum manifest_field cpu)
{
    const struct manifest_amount *memory = &container->amounts[cpu + 1];
    return json_pack("{s:o, s:o}", "cpu_millicores",
                     json_int_or_null(container->amounts[cpu].present, container->amounts[cpu].value),
                     "memory_bytes", json_int_or_null(memory->present, memory->value));
}

/* Extended resources of one section ("nvidia.com/gpu": "1"), as written. */
static void add_others(struct manifest_reader *r, const struct manifest_container *container,
                       const char *section, json_t *others)
{
    struct yaml_node *map = yaml_get(r->stream, yaml_get(r->stream, container->node, "resources"), section);
    json_t *out = json_object();
    struct yaml_node *key = map == NULL || map->kind != YAML_KIND_MAPPING ? NULL : map->first;
    for (; key != NULL && key->next != NULL && json_object_size(out) < OTHERS_MAX; key = key->next->next) {
        const char *name = yaml_scalar(r->arena, key);
        const char *value = yaml_scalar(r->arena, key->next);
        if (name != NULL && value != NULL && !str_equal(name, "cpu") && !str_equal(name, "memory")) {
            json_object_set_new(out, name, short_text(r, value));
        }
    }
    if (json_object_size(out) > 0) {
        json_object_set(others, section, out);
    }
    json_decref(out);
}

static json_t *container_json(struct manifest_reader *r, const struct manifest_container *container)
{
    json_t *ports = json_array();
    json_t *others = json_object();
    for (size_t i = 0; i < container->port_count; i++) {
        json_array_append_new(ports, json_integer(container->ports[i]));
    }
    add_others(r, container, "requests", others);
    add_others(r, container, "limits", others);
    json_t *out =
        json_pack("{s:o, s:s, s:o, s:o, s:o, s:o, s:o}", "name", short_text(r, container->name), "role",
                  manifest_role_name(container->role), "image", short_text(r, container->image), "command",
                  short_text(r, container->command), "ports", ports, "requests",
                  amounts(container, FIELD_REQUESTS_CPU), "limits", amounts(container, FIELD_LIMITS_CPU));
    if (json_object_size(others) > 0) {
        json_object_set(out, "other_resources", others);
    }
    json_decref(others);
    return out;
}

/* Amounts of the pod itself (`spec.resources`, Kubernetes 1.34), NULL when it has none. */
static json_t *pod_resources(struct manifest_reader *r, const struct manifest_workload *workload)
{
    struct yaml_node *resources = yaml_get(r->stream, workload->pod, "resources");
    if (resources == NULL || resources->kind != YAML_KIND_MAPPING) {
        return NULL;
    }
    json_t *out = json_object();
    for (int field = 0; field < FIELD_COUNT; field += 2) {
        const char *section = manifest_section((enum manifest_field)field);
        struct yaml_node *map = yaml_get(r->stream, resources, section);
        int64_t value[2] = {0, 0};
        bool there[2];
        for (int i = 0; i < 2; i++) {
            struct err err;
            struct yaml_node *node = yaml_get(r->stream, map, i == 0 ? "cpu" : "memory");
            there[i] = node != NULL && manifest_quantity(r->arena, node, i == 0, &value[i], &err) == 0;
        }
        json_object_set_new(out, section,
                            json_pack("{s:o, s:o}", "cpu_millicores", json_int_or_null(there[0], value[0]),
                                      "memory_bytes", json_int_or_null(there[1], value[1])));
    }
    return out;
}

static json_t *source_json(const struct manifest_workload *workload, const struct inventory_source *source)
{
    if (source->object != NULL) {
        return json_pack("{s:o}", "object", json_string_safe(source->object));
    }
    json_t *out = json_pack("{s:s, s:I, s:o, s:I, s:s}", "file", source->file, "document",
                            (json_int_t)source->document, "item",
                            json_int_or_null(workload->object->item > 0, workload->object->item), "line",
                            (json_int_t)source->line, "sha256", source->sha256);
    if (source->rendered != NULL) {
        json_object_set_new(out, "rendered", json_string(source->rendered));
    }
    return out;
}

/* What is live now, so that an apply can tell whether it still is. */
static json_t *live_json(struct manifest_reader *r, const struct manifest_workload *workload,
                         const char *cluster_id, json_t *containers)
{
    return json_pack(
        "{s:o, s:o, s:o, s:O}", "cluster_id", json_string_safe(cluster_id), "uid",
        short_text(r, yaml_scalar(r->arena, yaml_get(r->stream, workload->metadata, "uid"))), "resource_version",
        short_text(r, yaml_scalar(r->arena, yaml_get(r->stream, workload->metadata, "resourceVersion"))),
        "containers", containers);
}

/* Who made the object and holds it to what it says ({"api_version","kind","name"}): an operator would undo a change. NULL
 * when nobody does. */
static json_t *owner_json(struct manifest_reader *r, const struct manifest_workload *workload)
{
    struct yaml_node *list = yaml_get(r->stream, workload->metadata, "ownerReferences");
    struct yaml_node *node = list == NULL || list->kind != YAML_KIND_SEQUENCE ? NULL : list->first;
    for (; node != NULL; node = node->next) {
        if (yaml_text_is(yaml_get(r->stream, node, "controller"), "true")) {
            return json_pack("{s:o, s:o, s:o}", "api_version",
                             short_text(r, yaml_scalar(r->arena, yaml_get(r->stream, node, "apiVersion"))), "kind",
                             short_text(r, yaml_scalar(r->arena, yaml_get(r->stream, node, "kind"))), "name",
                             short_text(r, yaml_scalar(r->arena, yaml_get(r->stream, node, "name"))));
        }
    }
    return NULL;
}

static void add_live(struct manifest_reader *r, const struct manifest_workload *workload, const char *cluster_id,
                     json_t *containers, json_t *out)
{
    json_t *owner = owner_json(r, workload);
    json_object_set_new(out, "live", live_json(r, workload, cluster_id, containers));
    if (owner != NULL) {
        json_object_set_new(out, "owner", owner);
    }
}

static json_t *workload_json(struct manifest_reader *r, const struct manifest_workload *workload,
                             const struct inventory_source *source, const struct inventory_options *options)
{
    json_t *containers = json_array();
    for (size_t i = 0; i < workload->container_count; i++) {
        json_array_append_new(containers, container_json(r, &workload->containers[i]));
    }
    json_t *out =
        json_pack("{s:o, s:o, s:s, s:o, s:s, s:o, s:o, s:o, s:o, s:o, s:n}", "cluster",
                  json_string_safe(options->cluster), "namespace", short_text(r, workload->namespace), "kind",
                  workload->object->type->kind, "name", short_text(r, workload->name), "api_version",
                  workload->object->api_version, "replicas",
                  json_int_or_null(workload->has_replicas, workload->replicas), "labels",
                  string_map(r, yaml_get(r->stream, workload->metadata, "labels"), NULL, true), "annotations",
                  inventory_annotations(r, workload->metadata, options->skip_annotation), "source",
                  source_json(workload, source), "containers", containers, "autoscaler");
    json_t *pod = pod_resources(r, workload);
    if (pod != NULL) {
        json_object_set_new(out, "pod_resources", pod);
    }
    if (source->object != NULL) {
        add_live(r, workload, source->cluster_id, containers, out);
    }
    return out;
}

/* What the reader found that does not spoil the facts, and what is odd about the whole object. */
static void add_problems(struct manifest_reader *r, const struct manifest_workload *workload,
                         const char *file, json_t *record)
{
    size_t line;
    size_t column;
    struct yaml_node *again = yaml_duplicate(workload->object->node);
    for (size_t i = 0; i < r->fault_count; i++) {
        yaml_position(r->stream, r->faults[i].offset, &line, &column);
        record_problem_at(record, "parse", r->faults[i].code, file, (long)line, "%s", r->faults[i].message);
    }
    if (again != NULL) {
        yaml_position(r->stream, again->start, &line, &column);
        record_problem_at(record, "parse", "duplicate-key", file, (long)line,
                          "the key \"%.*s\" is there twice; tare does not use it, Kubernetes may refuse it",
                          (int)(again->length > 100 ? 100 : again->length), again->text);
    }
    if (workload->partial) {
        yaml_position(r->stream, workload->object->node->start, &line, &column);
        record_problem_at(
            record, "parse", "kustomize", file, (long)line,
            "no container has an image: this looks like a Kustomize patch; it is listed with what it holds");
    }
}

json_t *inventory_record(struct manifest_reader *reader, const struct manifest_workload *workload,
                         const struct inventory_source *source, const struct inventory_options *options)
{
    json_t *record =
        json_pack("{s:o, s:[]}", "workload", workload_json(reader, workload, source, options), "problems");
    add_problems(reader, workload, source->file, record);
    return record;
}
