#include "stages/parse/join.h"

#include <string.h>

#include "pipeline/base/str.h"
#include "pipeline/run/artifact.h"
#include "pipeline/run/record.h"
#include "stages/parse/allowance.h"
#include "stages/parse/budget.h"
#include "stages/parse/scaler.h"

static const char *namespace_of(struct intake *intake, struct manifest_reader *r, const struct manifest_object *object)
{
    const char *name =
        yaml_string(r->arena, yaml_get(r->stream, yaml_get(r->stream, object->node, "metadata"), "namespace"));
    return name == NULL || name[0] == '\0' ? intake->namespace : name;
}

/* The id under which all that concerns a namespace lies. */
static void namespace_id(const char *namespace, unsigned char id[SHELF_ID])
{
    shelf_id(namespace, "Namespace", NULL, id);
}

/* Puts `join` (stolen) on the shelf; NULL is nothing. */
static int add_join(struct intake *intake, const unsigned char *id, json_t *join, struct err *err)
{
    int failed = join == NULL ? 0 : shelf_add(&intake->joins, id, join, err);
    json_decref(join);
    return failed;
}

/* New {key: value}; NULL when `value` (stolen) is. */
static json_t *keyed(const char *key, json_t *value)
{
    return value == NULL ? NULL : json_pack("{s:o}", key, value);
}

/* A Namespace matters for its opt-out annotation, and its labels for affinity between pods. */
static int take_namespace(struct intake *intake, struct manifest_reader *r, const struct manifest_object *object,
                          struct err *err)
{
    unsigned char id[SHELF_ID];
    struct yaml_node *metadata = yaml_get(r->stream, object->node, "metadata");
    const char *name = yaml_string(r->arena, yaml_get(r->stream, metadata, "name"));
    json_t *annotations = name == NULL ? NULL : inventory_annotations(r, metadata, intake->options.skip_annotation);
    if (name == NULL) {
        return 0;
    }
    json_t *labels = labels_read(r, yaml_get(r->stream, metadata, "labels"));
    peers_namespace_id(name, id);
    if (add_join(intake, id, labels == NULL ? json_object() : labels, err)) {
        json_decref(annotations);
        return -1;
    }
    namespace_id(name, id);
    return add_join(intake, id, keyed("annotations", annotations), err);
}

static int take_scaler(struct intake *intake, struct manifest_reader *reader, const struct manifest_object *object,
                       struct err *err)
{
    struct scaler scaler;
    unsigned char id[SHELF_ID];
    if (!scaler_read(reader, object, &scaler)) {
        return 0;
    }
    shelf_id(namespace_of(intake, reader, object), scaler.kind, scaler.name, id);
    return add_join(intake, id, keyed("autoscaler", scaler.member), err);
}

int join_take(struct intake *intake, struct manifest_reader *reader, const struct manifest_object *object,
              struct err *err)
{
    unsigned char id[SHELF_ID];
    json_t *join = NULL;
    if (str_equal(object->kind, "Namespace") && str_equal(object->api_version, "v1")) {
        return take_namespace(intake, reader, object, err);
    }
    if (scaler_is(object)) {
        return take_scaler(intake, reader, object, err);
    }
    if (budget_is(object)) {
        join = budget_read(reader, object);
    } else if (limit_range_is(object)) {
        join = keyed("limit_ranges", limit_range_read(reader, object));
    } else if (quota_is(object)) {
        join = keyed("quota", quota_read(reader, object));
    }
    if (join == NULL) {
        return 0;
    }
    namespace_id(namespace_of(intake, reader, object), id);
    return add_join(intake, id, join, err);
}

/* A Rollout may take its pods' template from a Deployment or the like (spec.workloadRef), which then runs none itself:
 * both say so. */
static int take_template_source(struct intake *intake, struct manifest_reader *r,
                                const struct manifest_workload *workload, const char *namespace, struct err *err)
{
    unsigned char id[SHELF_ID];
    struct yaml_node *spec = yaml_get(r->stream, workload->object->node, "spec");
    struct yaml_node *source = yaml_get(r->stream, spec, "workloadRef");
    const char *version = yaml_string(r->arena, yaml_get(r->stream, source, "apiVersion"));
    const char *kind = yaml_string(r->arena, yaml_get(r->stream, source, "kind"));
    const char *name = yaml_string(r->arena, yaml_get(r->stream, source, "name"));
    if (name == NULL || manifest_kind_of(version, kind) == NULL) {
        return 0;
    }
    shelf_id(namespace, workload->object->type->kind, workload->name, id);
    if (add_join(intake, id, json_pack("{s:{s:s, s:s}}", "template_of", "kind", kind, "name", name), err)) {
        return -1;
    }
    shelf_id(namespace, kind, name, id);
    return add_join(intake, id,
                    json_pack("{s:{s:s, s:s, s:o}}", "run_by", "kind", workload->object->type->kind, "name",
                              workload->name, "replicas", json_int_or_null(workload->has_replicas, workload->replicas)),
                    err);
}

int join_subject(struct intake *intake, struct manifest_reader *reader, const struct manifest_workload *workload,
                 const char *name, const struct scheduling *scheduling, struct err *err)
{
    unsigned char id[SHELF_ID];
    const char *namespace = workload->namespace == NULL ? intake->namespace : workload->namespace;
    namespace_id(namespace, id);
    if (str_equal(workload->object->type->kind, "Rollout") &&
        take_template_source(intake, reader, workload, namespace, err)) {
        return -1;
    }
    return subjects_add(&intake->subjects, intake->records.count - 1, id, name, reader, workload, scheduling, err);
}

void join_ready(struct intake *intake)
{
    shelf_sort(&intake->joins);
    intake->peers.subjects = &intake->subjects;
    intake->peers.joins = &intake->joins;
}

/* Whether an autoscaler says how large pods are, and not how many. */
static bool is_vertical(const json_t *scaler)
{
    return json_object_get(scaler, "update_mode") != NULL;
}

/* Sets `autoscaler`: the first that scales replicas, else the first; the others stand in its `also`. False when there
 * are too many. */
static bool set_autoscaler(json_t *workload, json_t *scalers)
{
    size_t count = json_array_size(scalers);
    size_t chosen = 0;
    bool fits = true;
    if (count == 0) {
        return true;
    }
    for (size_t i = count; i > 0; i--) {
        chosen = is_vertical(json_array_get(scalers, i - 1)) ? chosen : i - 1;
    }
    json_t *first = json_incref(json_array_get(scalers, chosen));
    json_array_remove(scalers, chosen);
    json_t *also = json_array();
    size_t index;
    json_t *scaler;
    json_array_foreach(scalers, index, scaler)
    {
        if (!json_equal(scaler, first)) {
            fits = namespaces_list(also, scaler) && fits;
        }
    }
    if (json_array_size(also) > 0) {
        json_object_set(first, "also", also);
    }
    json_decref(also);
    json_object_set_new(workload, "autoscaler", first);
    return fits;
}

/* Whether an entry is the very one before it: manifests are often there several times. Keeps it in `last`. */
static int is_again(struct shelf *joins, const struct shelf_entry *entry, struct buf *last, bool *again, struct err *err)
{
    struct shelf_item item;
    if (shelf_read(joins, entry, &item, err)) {
        return -1;
    }
    *again = last->length == item.length && memcmp(last->data, item.text, item.length) == 0;
    buf_clear(last);
    buf_add(last, item.text, item.length);
    return 0;
}

/* What lies under the workload's own identity. 1 when not all was listed. */
static int join_identity(struct intake *intake, size_t index, json_t *workload, struct err *err)
{
    size_t count;
    const struct shelf_entry *entry = shelf_find(&intake->joins, intake->records.entries[index].id, &count);
    struct buf last;
    bool fits = count <= NAMESPACE_LISTED_MAX;
    bool again = false;
    int failed = 0;
    if (entry == NULL) {
        return 0;
    }
    json_t *scalers = json_array();
    buf_init(&last, ARTIFACT_LINE_MAX);
    for (size_t i = 0; i < count && i < NAMESPACE_LISTED_MAX && !failed; i++) {
        json_t *join = NULL;
        failed = is_again(&intake->joins, &entry[i], &last, &again, err) ||
                 (!again && shelf_get(&intake->joins, &entry[i], &join, err));
        if (failed || again) {
            continue;
        }
        json_array_append(scalers, json_object_get(join, "autoscaler"));
        json_object_del(join, "autoscaler");
        json_object_update_missing(workload, join);
        json_decref(join);
    }
    buf_release(&last);
    fits = set_autoscaler(workload, scalers) && fits;
    json_decref(scalers);
    return failed ? -1 : !fits;
}

/* Sets `key` to a list, unless it is empty. */
static void set_list(json_t *workload, const char *key, json_t *list)
{
    if (json_array_size(list) > 0) {
        json_object_set(workload, key, list);
    }
}

/* Sets `disruption_budgets` to those whose selector matches the pods' labels. 1 when not all are listed. */
static int join_budgets(struct intake *intake, const struct namespace_joins *joins, size_t index, json_t *workload,
                        struct err *err)
{
    struct labels labels;
    json_t *object;
    json_t *found = json_array();
    bool fits = true;
    if (subjects_labels(&intake->subjects, index, &object, err)) {
        json_decref(found);
        return -1;
    }
    labels_set(&labels, object);
    for (size_t i = 0; i < joins->budget_count && fits; i++) {
        fits = !selector_matches(&joins->budgets[i].selector, &labels) ||
               namespaces_list(found, joins->budgets[i].member);
    }
    set_list(workload, "disruption_budgets", found);
    json_decref(found);
    json_decref(object);
    return !fits;
}

/* What lies under the workload's namespace. 1 when not all is listed. */
static int join_namespace(struct intake *intake, size_t index, json_t *workload, struct err *err)
{
    const struct namespace_joins *joins;
    if (namespaces_get(&intake->namespaces, &intake->joins, intake->subjects.items[index].namespace, &joins, err)) {
        return -1;
    }
    if (joins == NULL) {
        return 0;
    }
    if (joins->annotations != NULL) {
        json_object_set(workload, "namespace_annotations", (json_t *)(uintptr_t)joins->annotations);
    }
    set_list(workload, "limit_ranges", joins->limit_ranges);
    set_list(workload, "quotas", joins->quotas);
    int more = joins->budget_count == 0 ? 0 : join_budgets(intake, joins, index, workload, err);
    return more != 0 ? more : joins->left_out;
}

/* Sets `scheduling` where it has terms that mean other pods. */
static int join_peers(struct intake *intake, size_t index, json_t *workload, struct err *err)
{
    struct scheduling scheduling;
    int failed = subjects_scheduling(&intake->subjects, index, &scheduling, err);
    if (!failed && scheduling.terms != NULL) {
        failed = peers_resolve(&intake->peers, index, scheduling.terms, scheduling.member, err);
        json_object_set(workload, "scheduling", scheduling.member);
    }
    scheduling_release(&scheduling);
    return failed;
}

int join_workload(struct intake *intake, size_t index, json_t *record, struct err *err)
{
    json_t *workload = record_workload(record);
    int identity = join_identity(intake, index, workload, err);
    int namespace = identity < 0 ? -1 : join_namespace(intake, index, workload, err);
    if (namespace < 0 || join_peers(intake, index, workload, err)) {
        return -1;
    }
    if (identity > 0 || namespace > 0) {
        record_problem(record, "parse", "size-limit",
                       "more objects concern this workload than are read (%d of a namespace) or listed (%d of a sort)",
                       (int)NAMESPACE_OBJECTS_MAX, (int)NAMESPACE_LISTED_MAX);
    }
    return 0;
}
