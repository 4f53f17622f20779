#ifndef TARE_ANALYZE_SCALING_MANIFESTS_H
#define TARE_ANALYZE_SCALING_MANIFESTS_H

/* Complete objects as YAML. Each call adds {api_version,kind,name,option,yaml} entries to an array; `option` groups what belongs
 * together and tells apart what excludes each other. The caller sees to it that names are valid (manifest_possible). */

#include <stdbool.h>
#include <stdint.h>

#include "pipeline/io/json.h"
#include "stages/analyze/scaling/manifest/names.h"

enum { METRICS_SHOWN_MAX = 8, CRONS_MAX = 8, VPA_CONTAINERS_MAX = 64 };

/* What is scaled. */
struct scale_target {
    const char *namespace; /* NULL: none is written */
    const char *api_version, *kind, *name;
};

/* A resource metric of an autoscaler. */
struct scale_metric {
    const char *resource;  /* "cpu", "memory" */
    const char *container; /* NULL: of the whole pod */
    int64_t percent;
};

/* How fast an autoscaler may move; `pods` 0: the usual policies. */
struct scale_pace {
    int64_t up_pods, up_seconds;     /* at most so many pods more in so many seconds */
    int64_t down_pods, down_seconds;
    int64_t stabilization_seconds;   /* before pods are taken away */
    bool untold;                     /* leave the behaviour out: what stands there is not known */
};

struct scale_range {
    int64_t min, max;
    struct scale_pace pace;
    struct scale_metric metrics[METRICS_SHOWN_MAX];
    size_t metric_count;
};

/* A time in which at least so many replicas run: from `start` to `end`, both cron with 5 fields. */
struct scale_cron {
    char start[64], end[64];
    int64_t replicas;
};

struct scale_crons {
    const char *timezone;
    int64_t base; /* replicas at all other times */
    struct scale_cron items[CRONS_MAX];
    size_t count;
};

/* Sizes between which a VerticalPodAutoscaler moves one container; amounts below 0: no bound. */
struct size_range {
    const char *container;
    int64_t min[2], max[2]; /* CPU, memory */
};

struct size_spec {
    const char *mode; /* Off, Initial, InPlaceOrRecreate */
    bool cpu, memory; /* what it looks after */
    bool limits_too;
    struct size_range containers[VPA_CONTAINERS_MAX];
    size_t container_count;
};

/* A query that KEDA asks a Prometheus server. */
struct scale_query {
    const char *server, *query;
    double threshold;
};

/* Whether objects for a target can be written; *why (static) tells why not. */
bool manifest_possible(const struct scale_target *target, const char **why);

/* A HorizontalPodAutoscaler of autoscaling/v2 named `name`. */
void manifest_hpa(json_t *out, const struct scale_target *target, const char *name, const struct scale_range *range);

/* A VerticalPodAutoscaler. */
void manifest_vpa(json_t *out, const struct scale_target *target, const struct size_spec *spec);

/* A KEDA ScaledObject named `name` with the metrics of `range`, crons and a query (either may be NULL); `option` as above. */
void manifest_scaled_object(json_t *out, const struct scale_target *target, const char *name, const char *option,
                            const struct scale_range *range, const struct scale_crons *crons, const struct scale_query *query);

/* Two CronJobs for each cron, and a ServiceAccount that may read and write the scale of this target, and nothing else. `image`
 * holds kubectl. */
void manifest_cron_jobs(json_t *out, const struct scale_target *target, const struct scale_crons *crons, const char *image);

#endif
