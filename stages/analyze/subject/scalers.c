#include "stages/analyze/subject/scalers.h"

#include <string.h>

#include "pipeline/base/str.h"

enum { SCALERS_MAX = 33, METRICS_MAX = 64 };

static const char keda_prefix[] = "keda-hpa-"; /* what KEDA names the autoscaler that it makes */

static enum scaler_kind kind_of(const char *kind)
{
    if (kind && str_starts(kind, "VerticalPodAutoscaler")) {
        return SCALER_VPA;
    }
    return str_equal(kind, "ScaledObject") ? SCALER_KEDA : SCALER_HPA;
}

/* KEDA's triggers name a container without being of type ContainerResource. A resource metric that does not say how it
 * counts is a utilization. */
static void read_metric(const json_t *from, struct scaler_metric *out)
{
    const char *type = json_string_or_null(from, "type");
    const char *resource = json_string_or_null(from, "resource");
    const char *target = json_string_or_null(from, "target_type");
    bool memory = str_equal(resource, "memory");
    *out = (struct scaler_metric){.container = json_string_or_null(from, "container"),
                                  .resource = memory ? MEMORY : CPU,
                                  .target = json_int_or(from, "target", AMOUNT_ABSENT)};
    out->of_resource = (str_equal(type, "Resource") || str_equal(type, "ContainerResource")) &&
                       (memory || str_equal(resource, "cpu"));
    out->utilization = out->of_resource && (!target || str_equal(target, "Utilization"));
    if (str_equal(type, "ContainerResource") && !out->container) {
        out->of_resource = out->utilization = false;
    }
}

static void read_scaler(const json_t *from, struct arena *arena, struct scaler *out)
{
    const char *name = json_string_or_null(from, "name");
    const char *kind = json_string_or_null(from, "kind");
    const char *mode = json_string_or_null(from, "update_mode");
    const json_t *metrics = json_object_get(from, "metrics");
    size_t count = json_array_size(metrics);
    count = count < METRICS_MAX ? count : METRICS_MAX;
    *out = (struct scaler){.kind = kind_of(kind),
                           .kind_name = kind ? kind : "HorizontalPodAutoscaler",
                           .name = name ? name : "",
                           .min = json_int_or(from, "min", AMOUNT_ABSENT),
                           .max = json_int_or(from, "max", AMOUNT_ABSENT),
                           .metric_count = count};
    out->resizes = out->kind == SCALER_VPA && !str_equal(mode, "Off");
    out->metrics = arena_alloc_array(arena, count + 1, sizeof *out->metrics);
    for (size_t i = 0; i < count; i++) {
        read_metric(json_array_get(metrics, i), &out->metrics[i]);
    }
}

/* Whether this is the autoscaler that KEDA made of one of the others. */
static bool made_by_keda(const struct scaler *scaler, const struct scalers *all)
{
    for (size_t i = 0; i < all->count && scaler->kind == SCALER_HPA; i++) {
        if (all->items[i].kind == SCALER_KEDA && str_starts(scaler->name, keda_prefix) &&
            strcmp(scaler->name + sizeof keda_prefix - 1, all->items[i].name) == 0) {
            return true;
        }
    }
    return false;
}

static void drop_made_by_keda(struct scalers *all)
{
    size_t kept = 0;
    for (size_t i = 0; i < all->count; i++) {
        if (!made_by_keda(&all->items[i], all)) {
            struct scaler item = all->items[i];
            all->items[i] = all->items[kept];
            all->items[kept++] = item;
        }
    }
    all->count = kept;
}

const struct scalers *scalers_read(const json_t *workload, struct arena *arena)
{
    static const struct scalers none;
    const json_t *first = json_object_get(workload, "autoscaler");
    const json_t *also = json_object_get(first, "also");
    if (!json_is_object(first)) {
        return &none;
    }
    struct scalers *out = arena_alloc(arena, sizeof *out);
    size_t more = json_array_size(also);
    out->count = 1 + (more < SCALERS_MAX ? more : SCALERS_MAX);
    out->items = arena_alloc_array(arena, out->count, sizeof *out->items);
    for (size_t i = 0; i < out->count; i++) {
        read_scaler(i == 0 ? first : json_array_get(also, i - 1), arena, &out->items[i]);
    }
    drop_made_by_keda(out);
    return out;
}

bool scalers_follow(const struct scalers *scalers, const char *container, enum resource resource)
{
    for (size_t i = 0; i < scalers->count; i++) {
        for (size_t k = 0; k < scalers->items[i].metric_count; k++) {
            const struct scaler_metric *metric = &scalers->items[i].metrics[k];
            if (metric->utilization && metric->resource == resource &&
                (!metric->container || str_equal(metric->container, container))) {
                return true;
            }
        }
    }
    return false;
}

const struct scaler *scalers_resizer(const struct scalers *scalers)
{
    for (size_t i = 0; i < scalers->count; i++) {
        if (scalers->items[i].resizes) {
            return &scalers->items[i];
        }
    }
    return NULL;
}
