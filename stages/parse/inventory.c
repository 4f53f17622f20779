#include "stages/parse/inventory.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "pipeline/run/record.h"
#include "stages/common/objects/objects.h"

enum { LABELS_MAX = 64, TEXT_MAX = 1024, OTHERS_MAX = 16 };

/* At most TEXT_MAX bytes of a text, whole characters only. NULL stays NULL. */
static const char *short_text(struct manifest_reader *r, const char *text)
{
    if (text == NULL || strlen(text) <= TEXT_MAX) {
        return text;
    }
    char *cut = arena_strndup(r->arena, text, TEXT_MAX);
    str_trim_utf8(cut);
    return cut;
}

static void put_text(struct manifest_reader *r, struct buf *out, const char *key, const char *text)
{
    json_put_key(out, key);
    json_put_string(out, short_text(r, text));
}

static void put_int(struct buf *out, const char *key, bool present, int64_t value)
{
    json_put_key(out, key);
    json_put_int(out, present, value);
}

/* Puts an object (stolen); NULL is an empty one. */
static void put_value(struct buf *out, const char *key, json_t *value)
{
    struct err large; /* `out` keeps it */
    json_put_key(out, key);
    if (value == NULL) {
        buf_add_str(out, "{}");
    } else {
        json_write(value, out, &large);
    }
    json_decref(value);
}

/* Texts of a mapping that are taken into the inventory. */
struct taking {
    struct manifest_reader *r;
    bool (*wanted)(const struct taking *taking, const char *name);
    const char *skip_annotation; /* for annotation_wanted */
    size_t most;
    json_t *out; /* made with the first */
};

/* The first of each name stays; odd values are kept as written. */
static bool take_text(void *context, struct yaml_node *key, struct yaml_node *value)
{
    struct taking *taking = context;
    const char *name = yaml_scalar(taking->r->arena, key);
    bool wanted = name != NULL && strlen(name) <= TEXT_MAX && taking->wanted(taking, name) && json_object_get(taking->out, name) == NULL;
    const char *text = wanted ? yaml_scalar(taking->r->arena, value) : NULL;
    if (text != NULL) {
        taking->out = taking->out == NULL ? json_object() : taking->out;
        json_object_set_new(taking->out, name, json_string_safe(short_text(taking->r, text)));
    }
    return json_object_size(taking->out) < taking->most;
}

/* New object of at most `most` of them, those of merge keys too; NULL when there are none. */
static json_t *take_texts(struct taking taking, struct yaml_node *map)
{
    yaml_each(taking.r->stream, map, take_text, &taking);
    return taking.out;
}

static bool label_wanted(const struct taking *taking, const char *name)
{
    (void)taking;
    (void)name;
    return true;
}

/* What concerns tare, and who owns the object. */
static bool annotation_wanted(const struct taking *taking, const char *name)
{
    return str_starts(name, "tare.dev/") || str_equal(name, taking->skip_annotation) || object_owner_mark(name);
}

static bool resource_wanted(const struct taking *taking, const char *name)
{
    (void)taking;
    return !str_equal(name, "cpu") && !str_equal(name, "memory");
}

json_t *inventory_annotations(struct manifest_reader *reader, struct yaml_node *metadata,
                              const char *skip_annotation)
{
    const struct taking taking = {.r = reader, .wanted = annotation_wanted, .skip_annotation = skip_annotation, .most = LABELS_MAX};
    return take_texts(taking, yaml_get(reader->stream, metadata, "annotations"));
}

static void put_amounts(struct buf *out, const char *key, bool has_cpu, int64_t cpu, bool has_memory,
                        int64_t memory)
{
    json_put_key(out, key);
    buf_add_char(out, '{');
    put_int(out, "cpu_millicores", has_cpu, cpu);
    put_int(out, "memory_bytes", has_memory, memory);
    buf_add_char(out, '}');
}

static void put_section(struct buf *out, const struct manifest_container *container, enum manifest_field cpu)
{
    const struct manifest_amount *amounts = &container->amounts[cpu];
    put_amounts(out, manifest_section(cpu), amounts[0].present, amounts[0].value, amounts[1].present,
                amounts[1].value);
}

/* Extended resources of one section ("nvidia.com/gpu": "1"), as written; NULL when there are none. */
static json_t *other_resources(struct manifest_reader *r, const struct manifest_container *container,
                               const char *section)
{
    const struct taking taking = {.r = r, .wanted = resource_wanted, .most = OTHERS_MAX};
    return take_texts(taking, yaml_get(r->stream, yaml_get(r->stream, container->node, "resources"), section));
}

static void put_others(struct manifest_reader *r, const struct manifest_container *container, struct buf *out)
{
    json_t *limits = other_resources(r, container, "limits");
    json_t *requests = other_resources(r, container, "requests");
    if (limits != NULL || requests != NULL) {
        put_value(out, "other_resources", json_pack("{s:o*, s:o*}", "limits", limits, "requests", requests));
    }
}

/* Tells that `resources` has members beside requests and limits (claims), which whoever changes those must leave; nothing where not. */
static bool take_more(void *context, struct yaml_node *key, struct yaml_node *value)
{
    bool *more = context;
    (void)value;
    *more = !yaml_text_is(key, "requests") && !yaml_text_is(key, "limits");
    return !*more;
}

static void put_more(struct manifest_reader *r, const struct manifest_container *container, struct buf *out)
{
    bool more = false;
    yaml_each(r->stream, yaml_get(r->stream, container->node, "resources"), take_more, &more);
    if (more) {
        json_put_key(out, "resources_more");
        buf_add_str(out, "true");
    }
}

/* New: an amount with the type it has in JSON; NULL for what is none. */
static json_t *amount_as_written(struct manifest_reader *r, struct yaml_node *node)
{
    enum yaml_type type = yaml_type_of(node);
    int64_t whole = 0;
    const char *text = node == NULL ? NULL : yaml_scalar(r->arena, node);
    if (type == YAML_TYPE_INT) {
        return yaml_int(node, &whole) ? json_integer(whole) : NULL;
    }
    if (type == YAML_TYPE_FLOAT) {
        double number = text == NULL ? NAN : strtod(text, NULL);
        return isfinite(number) ? json_real(number) : NULL;
    }
    return type == YAML_TYPE_TEXT && text != NULL ? json_string_safe(text) : NULL;
}

/* The amounts as they stand there: kinds that are not Kubernetes' own keep 0.1, "0.5" and "1024Mi", and a JSON patch tests them. */
static void put_written(struct manifest_reader *r, const struct manifest_container *container, struct buf *out)
{
    struct yaml_node *resources = yaml_get(r->stream, container->node, "resources");
    json_t *written = json_object();
    for (enum manifest_field field = 0; field < FIELD_COUNT; field++) {
        const char *section = manifest_section(field);
        json_t *amount = amount_as_written(r, yaml_get(r->stream, yaml_get(r->stream, resources, section), manifest_resource(field)));
        if (amount != NULL && json_object_get(written, section) == NULL) {
            json_object_set_new(written, section, json_object());
        }
        json_object_set_new(json_object_get(written, section), manifest_resource(field), amount);
    }
    if (json_object_size(written) > 0) {
        put_value(out, "written", json_incref(written));
    }
    json_decref(written);
}

/* Members in the order of their names, here and below: the text is canonical. */
static void put_container(struct manifest_reader *r, const struct manifest_container *container, bool strategic, struct buf *out)
{
    json_put_comma(out);
    buf_add_char(out, '{');
    put_text(r, out, "command", container->command);
    put_text(r, out, "image", container->image);
    put_section(out, container, FIELD_LIMITS_CPU);
    put_text(r, out, "name", container->name);
    put_others(r, container, out);
    json_put_key(out, "ports");
    buf_add_char(out, '[');
    for (size_t i = 0; i < container->port_count; i++) {
        json_put_comma(out);
        json_put_int(out, true, container->ports[i]);
    }
    buf_add_char(out, ']');
    put_section(out, container, FIELD_REQUESTS_CPU);
    put_more(r, container, out);
    put_text(r, out, "role", manifest_role_name(container->role));
    if (!strategic) {
        put_written(r, container, out);
    }
    buf_add_char(out, '}');
}

static void put_containers(struct manifest_reader *r, const struct manifest_workload *workload, struct buf *out)
{
    json_put_key(out, "containers");
    buf_add_char(out, '[');
    for (size_t i = 0; i < workload->container_count; i++) {
        put_container(r, &workload->containers[i], workload->object->type->strategic, out);
    }
    buf_add_char(out, ']');
}

/* Amounts of the pod itself (`spec.resources`, Kubernetes 1.34), where it has some. */
static void put_pod_resources(struct manifest_reader *r, const struct manifest_workload *workload, struct buf *out)
{
    static const enum manifest_field sections[] = {FIELD_LIMITS_CPU, FIELD_REQUESTS_CPU};
    struct yaml_node *resources = yaml_get(r->stream, workload->pod, "resources");
    if (resources == NULL || resources->kind != YAML_KIND_MAPPING) {
        return;
    }
    json_put_key(out, "pod_resources");
    buf_add_char(out, '{');
    for (size_t section = 0; section < ARRAY_COUNT(sections); section++) {
        const char *name = manifest_section(sections[section]);
        struct yaml_node *map = yaml_get(r->stream, resources, name);
        int64_t value[2] = {0, 0};
        bool there[2];
        for (int i = 0; i < 2; i++) {
            struct err err;
            struct yaml_node *node = yaml_get(r->stream, map, i == 0 ? "cpu" : "memory");
            there[i] = node != NULL && manifest_quantity(r->arena, node, i == 0, &value[i], &err) == 0;
        }
        put_amounts(out, name, there[0], value[0], there[1], value[1]);
    }
    buf_add_char(out, '}');
}

static void put_source(const struct manifest_workload *workload, const struct inventory_source *source,
                       struct buf *out)
{
    json_put_key(out, "source");
    buf_add_char(out, '{');
    if (source->object != NULL) {
        json_put_key(out, "object");
        json_put_string(out, source->object);
    } else {
        put_int(out, "document", true, source->document);
        json_put_key(out, "file");
        json_put_string(out, source->file);
        put_int(out, "item", workload->object->item > 0, workload->object->item);
        put_int(out, "line", true, source->line);
        if (source->rendered != NULL) {
            json_put_key(out, "rendered");
            json_put_string(out, source->rendered);
        }
        json_put_key(out, "sha256");
        json_put_string(out, source->sha256);
    }
    buf_add_char(out, '}');
}

/* What is live now, so that an apply can tell whether it still is. */
static void put_live(struct manifest_reader *r, const struct manifest_workload *workload, const char *cluster_id,
                     struct buf *out)
{
    struct yaml_node *metadata = workload->metadata;
    json_put_key(out, "live");
    buf_add_char(out, '{');
    json_put_key(out, "cluster_id");
    json_put_string(out, cluster_id);
    put_containers(r, workload, out);
    const char *owners = yaml_scalar(r->arena, yaml_get(r->stream, metadata, "managedFields"));
    if (owners != NULL) { /* of a look-up: live_workload makes the drift of it */
        json_put_key(out, "owners");
        json_put_string(out, owners);
    }
    put_text(r, out, "resource_version", yaml_scalar(r->arena, yaml_get(r->stream, metadata, "resourceVersion")));
    put_text(r, out, "uid", yaml_scalar(r->arena, yaml_get(r->stream, metadata, "uid")));
    buf_add_char(out, '}');
}

/* Who made the object and holds it to what it says ({"api_version","kind","name"}): an operator would undo a change. */
static void put_owner(struct manifest_reader *r, const struct manifest_workload *workload, struct buf *out)
{
    struct yaml_node *list = yaml_get(r->stream, workload->metadata, "ownerReferences");
    struct yaml_node *node = list == NULL || list->kind != YAML_KIND_SEQUENCE ? NULL : list->first;
    while (node != NULL && !yaml_text_is(yaml_get(r->stream, node, "controller"), "true")) {
        node = node->next;
    }
    if (node != NULL) {
        json_put_key(out, "owner");
        buf_add_char(out, '{');
        put_text(r, out, "api_version", yaml_scalar(r->arena, yaml_get(r->stream, node, "apiVersion")));
        put_text(r, out, "kind", yaml_scalar(r->arena, yaml_get(r->stream, node, "kind")));
        put_text(r, out, "name", yaml_scalar(r->arena, yaml_get(r->stream, node, "name")));
        buf_add_char(out, '}');
    }
}

/* When a CronJob runs, as it is written; nothing for other kinds. */
static void put_schedule(struct manifest_reader *r, const struct manifest_workload *workload, struct buf *out)
{
    if (strcmp(workload->object->type->kind, "CronJob") != 0) {
        return;
    }
    struct yaml_node *spec = yaml_get(r->stream, workload->object->node, "spec");
    struct yaml_node *schedule = spec == NULL ? NULL : yaml_get(r->stream, spec, "schedule");
    if (schedule != NULL && schedule->kind == YAML_KIND_SCALAR && schedule->length <= TEXT_MAX) {
        put_text(r, out, "schedule", yaml_scalar(r->arena, schedule));
    }
}

static void put_workload(struct manifest_reader *r, const struct manifest_workload *workload,
                         const struct inventory_source *source, const struct inventory_options *options,
                         const json_t *scheduling, struct buf *out)
{
    const struct manifest_object *object = workload->object;
    const struct taking labels = {.r = r, .wanted = label_wanted, .most = LABELS_MAX};
    json_put_key(out, "workload");
    buf_add_char(out, '{');
    put_value(out, "annotations", inventory_annotations(r, workload->metadata, options->skip_annotation));
    json_put_key(out, "api_version");
    json_put_string(out, object->api_version);
    put_int(out, "autoscaler", false, 0);
    json_put_key(out, "cluster");
    json_put_string(out, options->cluster);
    put_containers(r, workload, out);
    put_text(r, out, "kind", object->type->kind);
    put_value(out, "labels", take_texts(labels, yaml_get(r->stream, workload->metadata, "labels")));
    if (source->object != NULL) {
        put_live(r, workload, source->cluster_id, out);
    }
    put_text(r, out, "name", workload->name);
    put_text(r, out, "namespace", workload->namespace);
    if (source->object != NULL) {
        put_owner(r, workload, out);
    }
    put_pod_resources(r, workload, out);
    put_int(out, "replicas", workload->has_replicas, workload->replicas);
    put_schedule(r, workload, out);
    if (scheduling != NULL) {
        put_value(out, "scheduling", json_incref((json_t *)(uintptr_t)scheduling));
    }
    put_source(workload, source, out);
    buf_add_char(out, '}');
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

void inventory_record(struct manifest_reader *reader, const struct manifest_workload *workload,
                      const struct inventory_source *source, const struct inventory_options *options,
                      const json_t *scheduling, struct buf *out)
{
    struct err large; /* `out` keeps it */
    json_t *record = json_object();
    add_problems(reader, workload, source->file, record);
    buf_clear(out);
    buf_add_str(out, "{\"problems\":");
    if (json_object_size(record) == 0) {
        buf_add_str(out, "[]");
    } else {
        json_write(json_object_get(record, "problems"), out, &large);
    }
    json_decref(record);
    put_workload(reader, workload, source, options, scheduling, out);
    buf_add_char(out, '}');
}
