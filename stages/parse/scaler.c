#include "stages/parse/scaler.h"

#include <string.h>

#include "pipeline/base/str.h"

enum { METRICS_MAX = 32 };

bool scaler_is(const struct manifest_object *object)
{
    const char *version = object->api_version;
    if (version == NULL || object->kind == NULL) {
        return false;
    }
    return (str_equal(object->kind, "HorizontalPodAutoscaler") && str_starts(version, "autoscaling/")) ||
           (str_equal(object->kind, "VerticalPodAutoscaler") && str_starts(version, "autoscaling.k8s.io/")) ||
           (str_equal(object->kind, "ScaledObject") && str_starts(version, "keda.sh/"));
}

static struct yaml_node *get(struct manifest_reader *r, struct yaml_node *node, const char *key)
{
    return yaml_get(r->stream, node, key);
}

static const char *text(struct manifest_reader *r, struct yaml_node *node, const char *key)
{
    return yaml_scalar(r->arena, get(r, node, key));
}

/* An integer, or null. */
static json_t *integer(struct manifest_reader *r, struct yaml_node *node, const char *key)
{
    int64_t value = 0;
    bool there = yaml_int(get(r, node, key), &value);
    return json_int_or_null(there, value);
}

/* A target value: a percentage as it is; an amount of CPU in millicores, of memory in bytes, of anything else
 * null. */
static json_t *target_value(struct manifest_reader *r, struct yaml_node *node, const char *resource)
{
    struct err err;
    int64_t value = 0;
    bool cpu = str_equal(resource, "cpu");
    bool amount = cpu || str_equal(resource, "memory");
    bool there = amount && node != NULL && manifest_quantity(r->arena, node, cpu, &value, &err) == 0;
    return json_int_or_null(there, value);
}

static json_t *metric(const char *type, const char *resource, const char *container, const char *target_type,
                      json_t *target)
{
    return json_pack("{s:o, s:o, s:o, s:o, s:o}", "type", json_string_safe(type), "resource",
                     json_string_safe(resource), "container", json_string_safe(container), "target_type",
                     json_string_safe(target_type), "target", target);
}

/* One entry of an HPA's spec.metrics, in the form of v2 or of v2beta1. */
static json_t *hpa_metric(struct manifest_reader *r, struct yaml_node *item)
{
    const char *type = text(r, item, "type");
    bool of_container = str_equal(type, "ContainerResource");
    if (!of_container && !str_equal(type, "Resource")) {
        return metric(type, NULL, NULL, NULL, json_null());
    }
    struct yaml_node *body = get(r, item, of_container ? "containerResource" : "resource");
    struct yaml_node *target = get(r, body, "target");
    const char *resource = text(r, body, "name");
    const char *container = text(r, body, "container");
    if (target == NULL) {
        bool percent = get(r, body, "targetAverageUtilization") != NULL;
        return metric(type, resource, container, percent ? "Utilization" : "AverageValue",
                      percent ? integer(r, body, "targetAverageUtilization")
                              : target_value(r, get(r, body, "targetAverageValue"), resource));
    }
    const char *kind = text(r, target, "type");
    bool percent =
        kind == NULL ? get(r, target, "averageUtilization") != NULL : str_equal(kind, "Utilization");
    const char *key = str_equal(kind, "Value") ? "value" : "averageValue";
    return metric(type, resource, container,
                  percent                    ? "Utilization"
                  : str_equal(kind, "Value") ? "Value"
                                             : "AverageValue",
                  percent ? integer(r, target, "averageUtilization")
                          : target_value(r, get(r, target, key), resource));
}

static json_t *hpa_metrics(struct manifest_reader *r, struct yaml_node *spec)
{
    json_t *metrics = json_array();
    struct yaml_node *list = get(r, spec, "metrics");
    if (get(r, spec, "targetCPUUtilizationPercentage") != NULL) {
        json_array_append_new(metrics, metric("Resource", "cpu", NULL, "Utilization",
                                              integer(r, spec, "targetCPUUtilizationPercentage")));
    }
    struct yaml_node *item = list != NULL && list->kind == YAML_KIND_SEQUENCE ? list->first : NULL;
    for (; item != NULL && json_array_size(metrics) < METRICS_MAX; item = item->next) {
        json_array_append_new(metrics, hpa_metric(r, item));
    }
    return metrics;
}

/* KEDA's cpu and memory triggers are resource metrics; all others come from outside. */
static json_t *keda_metric(struct manifest_reader *r, struct yaml_node *item)
{
    const char *type = text(r, item, "type");
    struct yaml_node *metadata = get(r, item, "metadata");
    if (!str_equal(type, "cpu") && !str_equal(type, "memory")) {
        return metric("External", NULL, NULL, NULL, json_null());
    }
    const char *kind = text(r, item, "metricType");
    kind = kind == NULL ? text(r, metadata, "type") : kind;
    kind = kind == NULL ? "Utilization" : kind;
    const char *value = text(r, metadata, "value");
    int64_t percent = 0;
    if (!str_equal(kind, "Utilization")) {
        return metric("Resource", type, text(r, metadata, "containerName"), kind,
                      target_value(r, get(r, metadata, "value"), type));
    }
    bool there = value != NULL && str_int64(value, 0, INT32_MAX, &percent) == 0;
    return metric("Resource", type, text(r, metadata, "containerName"), kind,
                  json_int_or_null(there, percent));
}

static json_t *keda_metrics(struct manifest_reader *r, struct yaml_node *spec)
{
    json_t *metrics = json_array();
    struct yaml_node *list = get(r, spec, "triggers");
    struct yaml_node *item = list != NULL && list->kind == YAML_KIND_SEQUENCE ? list->first : NULL;
    for (; item != NULL && json_array_size(metrics) < METRICS_MAX; item = item->next) {
        json_array_append_new(metrics, keda_metric(r, item));
    }
    return metrics;
}

static json_t *member_of(struct manifest_reader *r, const struct manifest_object *object,
                         struct yaml_node *spec, const char *name)
{
    bool keda = str_equal(object->kind, "ScaledObject");
    bool vertical = str_equal(object->kind, "VerticalPodAutoscaler");
    json_t *member =
        json_pack("{s:s, s:o, s:o, s:o, s:o}", "kind", object->kind, "name", json_string_safe(name), "min",
                  integer(r, spec, keda ? "minReplicaCount" : "minReplicas"), "max",
                  integer(r, spec, keda ? "maxReplicaCount" : "maxReplicas"), "metrics",
                  keda ? keda_metrics(r, spec) : hpa_metrics(r, spec));
    if (vertical) {
        const char *mode = text(r, get(r, spec, "updatePolicy"), "updateMode");
        json_object_set_new(member, "update_mode", json_string_safe(mode == NULL ? "Auto" : mode));
    }
    return member;
}

bool scaler_read(struct manifest_reader *reader, const struct manifest_object *object, struct scaler *out)
{
    bool keda = str_equal(object->kind, "ScaledObject");
    bool vertical = str_equal(object->kind, "VerticalPodAutoscaler");
    struct yaml_node *metadata = get(reader, object->node, "metadata");
    struct yaml_node *spec = get(reader, object->node, "spec");
    struct yaml_node *target = get(reader, spec, vertical ? "targetRef" : "scaleTargetRef");
    const char *name = text(reader, target, "name");
    const char *kind = text(reader, target, "kind");
    const char *version = text(reader, target, "apiVersion");
    kind = kind == NULL && keda ? "Deployment" : kind;
    if (name == NULL || kind == NULL || (version != NULL && manifest_kind_of(version, kind) == NULL)) {
        return false;
    }
    *out = (struct scaler){.kind = kind,
                           .name = name,
                           .member = member_of(reader, object, spec, text(reader, metadata, "name"))};
    return true;
}
