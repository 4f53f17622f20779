#include "stages/parse/join.h"

#include "pipeline/base/str.h"
#include "stages/parse/scaler.h"

enum { SCALERS_MAX = 8 };

/* Steals `value`. */
static int add_join(struct intake *intake, const unsigned char *id, const char *key, json_t *value, struct err *err)
{
    json_t *join = json_pack("{s:o}", key, value);
    int failed = shelf_add(&intake->joins, id, join, err);
    json_decref(join);
    return failed;
}

/* A Namespace matters for its opt-out annotation. */
static int take_namespace(struct intake *intake, struct manifest_reader *r, const struct manifest_object *object,
                          struct err *err)
{
    unsigned char id[SHELF_ID];
    struct yaml_node *metadata = yaml_get(r->stream, object->node, "metadata");
    const char *name = yaml_string(r->arena, yaml_get(r->stream, metadata, "name"));
    json_t *annotations = inventory_annotations(r, metadata, intake->options.skip_annotation);
    if (name == NULL || json_object_size(annotations) == 0) {
        json_decref(annotations);
        return 0;
    }
    shelf_id(name, "Namespace", NULL, id);
    return add_join(intake, id, "annotations", annotations, err);
}

static int take_scaler(struct intake *intake, struct manifest_reader *reader, const struct manifest_object *object,
                       struct err *err)
{
    struct scaler scaler;
    unsigned char id[SHELF_ID];
    if (!scaler_read(reader, object, &scaler)) {
        return 0;
    }
    shelf_id(scaler.namespace == NULL ? intake->namespace : scaler.namespace, scaler.kind, scaler.name, id);
    return add_join(intake, id, "autoscaler", scaler.member, err);
}

int join_take(struct intake *intake, struct manifest_reader *reader, const struct manifest_object *object,
              struct err *err)
{
    if (str_equal(object->kind, "Namespace") && str_equal(object->api_version, "v1")) {
        return take_namespace(intake, reader, object, err);
    }
    return scaler_is(object) ? take_scaler(intake, reader, object, err) : 0;
}

void join_ready(struct intake *intake)
{
    shelf_sort(&intake->joins);
}

/* Sets `autoscaler` from what aims at this identity: the first that scales replicas; others stand in its
 * `also`. */
static int join_scalers(struct intake *intake, const unsigned char *id, json_t *workload, struct err *err)
{
    size_t count;
    const struct shelf_entry *entry = shelf_find(&intake->joins, id, &count);
    json_t *chosen = NULL;
    json_t *also = json_array();
    int failed = 0;
    for (size_t i = 0; i < count && i < SCALERS_MAX && !failed; i++) {
        json_t *join = NULL;
        failed = shelf_get(&intake->joins, &entry[i], &join, err);
        json_t *scaler = json_object_get(join, "autoscaler");
        bool vertical = json_object_get(scaler, "update_mode") != NULL;
        if (scaler != NULL &&
            (chosen == NULL || (!vertical && json_object_get(chosen, "update_mode") != NULL))) {
            json_array_append(also, chosen);
            json_decref(chosen);
            chosen = json_incref(scaler);
        } else {
            json_array_append(also, scaler);
        }
        json_decref(join);
    }
    if (chosen != NULL) {
        if (json_array_size(also) > 0) {
            json_object_set(chosen, "also", also);
        }
        json_object_set_new(workload, "autoscaler", chosen);
    }
    json_decref(also);
    return failed;
}

/* Sets `namespace_annotations` where there is the Namespace and it has any that concern tare. */
static int join_namespace(struct intake *intake, json_t *workload, struct err *err)
{
    unsigned char id[SHELF_ID];
    size_t count;
    const char *namespace = json_string_or_null(workload, "namespace");
    shelf_id(namespace == NULL ? intake->namespace : namespace, "Namespace", NULL, id);
    const struct shelf_entry *entry = shelf_find(&intake->joins, id, &count);
    json_t *join = NULL;
    if (entry == NULL) {
        return 0;
    }
    if (shelf_get(&intake->joins, entry, &join, err)) {
        return -1;
    }
    json_object_set(workload, "namespace_annotations", json_object_get(join, "annotations"));
    json_decref(join);
    return 0;
}

int join_workload(struct intake *intake, const unsigned char id[SHELF_ID], json_t *workload, struct err *err)
{
    if (intake->joins.count == 0) {
        return 0;
    }
    return join_scalers(intake, id, workload, err) || join_namespace(intake, workload, err) ? -1 : 0;
}
