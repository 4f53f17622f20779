#ifndef TARE_ANALYZE_SUBJECT_SCALERS_H
#define TARE_ANALYZE_SUBJECT_SCALERS_H

/*
 * The autoscalers of a workload, read once from `workload.autoscaler` and its `also`: how many pods
 * (HorizontalPodAutoscaler, KEDA's ScaledObject) and how large they are (VerticalPodAutoscaler).
 */

#include "stages/analyze/subject/model.h"

enum scaler_kind { SCALER_HPA = 0, SCALER_KEDA, SCALER_VPA };

/* A metric that an autoscaler holds at a target. */
struct scaler_metric {
    bool of_resource; /* CPU or memory as Kubernetes measures it; anything else does not depend on requests */
    enum resource resource;
    bool utilization;      /* use ÷ request in percent; else an amount, which does not depend on the request */
    const char *container; /* NULL: all containers of the pod together */
    int64_t target;        /* percent, or an amount; AMOUNT_ABSENT unknown */
};

struct scaler {
    enum scaler_kind kind;
    const char *kind_name, *name; /* name: "" unknown */
    int64_t min, max;             /* AMOUNT_ABSENT where not given */
    bool resizes;                 /* a VerticalPodAutoscaler that changes pods, whenever that is */
    struct scaler_metric *metrics;
    size_t metric_count;
};

struct scalers {
    struct scaler *items; /* as in the record: the first that scales replicas comes first */
    size_t count;
};

/* Reads them. New in the arena, never NULL. The HorizontalPodAutoscaler that KEDA makes of a ScaledObject which is there
 * too is left out. */
const struct scalers *scalers_read(const json_t *workload, struct arena *arena);

/* Whether one of them follows the utilization of this resource of this container: then a new request would move its
 * replica count. */
bool scalers_follow(const struct scalers *scalers, const char *container, enum resource resource);

/* The VerticalPodAutoscaler that changes the pods' requests itself, NULL for none. */
const struct scaler *scalers_resizer(const struct scalers *scalers);

#endif
