#include "stages/analyze/scaling/manifest/manifests.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "pipeline/base/quantity.h"
#include "pipeline/base/str.h"
#include "stages/analyze/scaling/manifest/document.h"
#include "stages/analyze/scaling/manifest/manifest_write.h"

enum { YAML_MAX = 64 * 1024, PERIOD_MIN = 1, PERIOD_MAX = 1800, STABILIZATION_MAX = 3600, PERCENT_MIN = 1, PERCENT_MAX = 100 };

bool manifest_possible(const struct scale_target *target, const char **why)
{
    static const char *const bad_name = "its name is none that Kubernetes takes";
    static const char *const bad_namespace = "its namespace is none that Kubernetes takes";
    static const char *const bad_version = "its apiVersion is not known";
    *why = !name_is_subdomain(target->name)                              ? bad_name
           : target->namespace && !name_is_label(target->namespace)      ? bad_namespace
           : !target->api_version || !strchr(target->api_version, '/')   ? bad_version
                                                                         : NULL;
    return *why == NULL;
}

void manifest_begin(struct manifest *manifest, const struct scale_target *target, const char *api_version, const char *kind,
                    const char *name)
{
    struct document *d = &manifest->document;
    *manifest = (struct manifest){.api_version = api_version, .kind = kind, .name = name};
    buf_init(&manifest->text, YAML_MAX);
    document_begin(d, &manifest->text);
    document_string(d, "apiVersion", api_version);
    document_string(d, "kind", kind);
    document_open(d, "metadata");
    document_string(d, "name", name);
    if (target->namespace) {
        document_string(d, "namespace", target->namespace);
    }
    document_open(d, "labels");
    document_string(d, "app.kubernetes.io/managed-by", "tare");
    document_close(d);
    document_close(d);
}

void manifest_end(struct manifest *manifest, json_t *out, const char *option)
{
    if (!manifest->text.overflow) {
        json_t *entry = json_object();
        json_object_set_new(entry, "api_version", json_string(manifest->api_version));
        json_object_set_new(entry, "kind", json_string(manifest->kind));
        json_object_set_new(entry, "name", json_string_safe(manifest->name));
        json_object_set_new(entry, "option", json_string_safe(option));
        json_object_set_new(entry, "yaml", json_string_safe(buf_str(&manifest->text)));
        json_array_append_new(out, entry);
    }
    buf_release(&manifest->text);
}

static int64_t within(int64_t value, int64_t least, int64_t most)
{
    return value < least ? least : value > most ? most : value;
}

static void put_reference(struct document *d, const char *key, const struct scale_target *target)
{
    document_open(d, key);
    document_string(d, "apiVersion", target->api_version);
    document_string(d, "kind", target->kind);
    document_string(d, "name", target->name);
    document_close(d);
}

static void put_policy(struct document *d, const char *type, int64_t value, int64_t seconds)
{
    document_item(d);
    document_string(d, "type", type);
    document_integer(d, "value", value);
    document_integer(d, "periodSeconds", within(seconds, PERIOD_MIN, PERIOD_MAX));
    document_item_end(d);
}

/* One direction: so many pods, or the usual `percent` and `pods` of which the larger counts. */
static void put_direction(struct document *d, const char *key, int64_t stabilization, int64_t pods, int64_t seconds, int64_t percent,
                          int64_t usual_pods)
{
    document_open(d, key);
    document_integer(d, "stabilizationWindowSeconds", within(stabilization, 0, STABILIZATION_MAX));
    document_string(d, "selectPolicy", "Max");
    document_open(d, "policies");
    if (pods > 0) {
        put_policy(d, "Pods", pods, seconds);
    } else {
        put_policy(d, "Percent", percent, 60);
        put_policy(d, "Pods", usual_pods, 60);
    }
    document_close(d);
    document_close(d);
}

/* Up at once, to twice as many in a minute; down slowly, once the load was low for a while. */
static void put_behaviour(struct document *d, const struct scale_pace *pace)
{
    document_open(d, "behavior");
    put_direction(d, "scaleUp", 0, pace->up_pods, pace->up_seconds, 100, 4);
    put_direction(d, "scaleDown", pace->stabilization_seconds, pace->down_pods, pace->down_seconds, 25, 1);
    document_close(d);
}

static void put_metric(struct document *d, const struct scale_metric *metric)
{
    document_item(d);
    document_string(d, "type", metric->container ? "ContainerResource" : "Resource");
    document_open(d, metric->container ? "containerResource" : "resource");
    document_string(d, "name", metric->resource);
    if (metric->container) {
        document_string(d, "container", metric->container);
    }
    document_open(d, "target");
    document_string(d, "type", "Utilization");
    document_integer(d, "averageUtilization", within(metric->percent, PERCENT_MIN, PERCENT_MAX));
    document_close(d);
    document_close(d);
    document_item_end(d);
}

void manifest_hpa(json_t *out, const struct scale_target *target, const char *name, const struct scale_range *range)
{
    struct manifest manifest;
    struct document *d = &manifest.document;
    manifest_begin(&manifest, target, "autoscaling/v2", "HorizontalPodAutoscaler", name);
    document_open(d, "spec");
    put_reference(d, "scaleTargetRef", target);
    document_integer(d, "minReplicas", range->min);
    document_integer(d, "maxReplicas", range->max);
    document_open(d, "metrics");
    for (size_t i = 0; i < range->metric_count; i++) {
        put_metric(d, &range->metrics[i]);
    }
    document_close(d);
    if (!range->pace.untold) {
        put_behaviour(d, &range->pace);
    }
    manifest_end(&manifest, out, "hpa");
}

static void put_sizes(struct document *d, const char *key, const struct size_spec *spec, const int64_t amounts[2])
{
    char text[QUANTITY_MAX];
    bool cpu = spec->cpu && amounts[0] > 0;
    bool memory = spec->memory && amounts[1] > 0;
    if (!cpu && !memory) {
        return;
    }
    document_open(d, key);
    if (cpu) {
        document_string(d, "cpu", quantity_cpu_format(amounts[0], text));
    }
    if (memory) {
        document_string(d, "memory", quantity_memory_format(amounts[1], text));
    }
    document_close(d);
}

static void put_container(struct document *d, const struct size_spec *spec, const struct size_range *range)
{
    document_item(d);
    document_string(d, "containerName", range->container);
    document_open(d, "controlledResources");
    if (spec->cpu) {
        document_entry(d, "cpu");
    }
    if (spec->memory) {
        document_entry(d, "memory");
    }
    document_close(d);
    document_string(d, "controlledValues", spec->limits_too ? "RequestsAndLimits" : "RequestsOnly");
    put_sizes(d, "minAllowed", spec, range->min);
    put_sizes(d, "maxAllowed", spec, range->max);
    document_item_end(d);
}

void manifest_vpa(json_t *out, const struct scale_target *target, const struct size_spec *spec)
{
    struct manifest manifest;
    struct document *d = &manifest.document;
    manifest_begin(&manifest, target, "autoscaling.k8s.io/v1", "VerticalPodAutoscaler", target->name);
    document_open(d, "spec");
    put_reference(d, "targetRef", target);
    document_open(d, "updatePolicy");
    document_string(d, "updateMode", spec->mode);
    document_close(d);
    document_open(d, "resourcePolicy");
    document_open(d, "containerPolicies");
    for (size_t i = 0; i < spec->container_count; i++) {
        put_container(d, spec, &spec->containers[i]);
    }
    manifest_end(&manifest, out, "vpa");
}

static void put_resource_trigger(struct document *d, const struct scale_metric *metric)
{
    char percent[24];
    (void)snprintf(percent, sizeof percent, "%" PRId64, within(metric->percent, PERCENT_MIN, PERCENT_MAX));
    document_item(d);
    document_string(d, "type", metric->resource);
    document_string(d, "metricType", "Utilization");
    document_open(d, "metadata");
    document_string(d, "value", percent);
    if (metric->container) {
        document_string(d, "containerName", metric->container);
    }
    document_close(d);
    document_item_end(d);
}

static void put_cron_trigger(struct document *d, const struct scale_crons *crons, const struct scale_cron *cron)
{
    char replicas[24];
    (void)snprintf(replicas, sizeof replicas, "%" PRId64, cron->replicas);
    document_item(d);
    document_string(d, "type", "cron");
    document_open(d, "metadata");
    document_string(d, "timezone", crons->timezone);
    document_string(d, "start", cron->start);
    document_string(d, "end", cron->end);
    document_string(d, "desiredReplicas", replicas);
    document_close(d);
    document_item_end(d);
}

static void put_query_trigger(struct document *d, const struct scale_query *query)
{
    char threshold[48];
    (void)snprintf(threshold, sizeof threshold, "%.15g", query->threshold);
    document_item(d);
    document_string(d, "type", "prometheus");
    document_string(d, "metricType", "Value");
    document_open(d, "metadata");
    document_string(d, "serverAddress", query->server);
    document_string(d, "query", query->query);
    document_string(d, "threshold", threshold);
    document_close(d);
    document_item_end(d);
}

void manifest_scaled_object(json_t *out, const struct scale_target *target, const char *name, const char *option,
                            const struct scale_range *range, const struct scale_crons *crons, const struct scale_query *query)
{
    struct manifest manifest;
    struct document *d = &manifest.document;
    manifest_begin(&manifest, target, "keda.sh/v1alpha1", "ScaledObject", name);
    document_open(d, "spec");
    put_reference(d, "scaleTargetRef", target);
    document_integer(d, "minReplicaCount", range->min);
    document_integer(d, "maxReplicaCount", range->max);
    if (!range->pace.untold) {
        document_open(d, "advanced");
        document_open(d, "horizontalPodAutoscalerConfig");
        put_behaviour(d, &range->pace);
        document_close(d);
        document_close(d);
    }
    document_open(d, "triggers");
    for (size_t i = 0; i < range->metric_count; i++) {
        put_resource_trigger(d, &range->metrics[i]);
    }
    for (size_t i = 0; crons && i < crons->count; i++) {
        put_cron_trigger(d, crons, &crons->items[i]);
    }
    if (query) {
        put_query_trigger(d, query);
    }
    manifest_end(&manifest, out, option);
}
