#ifndef TARE_ANALYZE_SUBJECT_MODEL_H
#define TARE_ANALYZE_SUBJECT_MODEL_H

/*
 * What the rules look at: one workload and its usage, read once from the record into plain structs, so that
 * the rules never touch JSON and every number has one name and one unit. CPU in millicores, memory in bytes.
 *
 * Figures that the usage does not give are NaN; amounts that a manifest does not set are AMOUNT_ABSENT.
 * Strings and JSON are borrowed from the record; arrays live in the arena that was handed in.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pipeline/base/arena.h"
#include "pipeline/io/json.h"
#include "stages/common/guardrail.h"

enum { AMOUNT_ABSENT = GUARDRAIL_ABSENT, CONTAINERS_MAX = 64, HOURS_MAX = 24 * 31, STEPS_MAX = 12 * 24 * 49 };

/* More replicas or pods than that are no number of them, and count as unknown. */
enum { PODS_MAX = 1000 * 1000 };

enum resource { CPU = GUARDRAIL_CPU, MEMORY = GUARDRAIL_MEMORY, RESOURCES = GUARDRAIL_RESOURCES };

enum role { ROLE_CONTAINER = 0, ROLE_INIT, ROLE_SIDECAR };

struct scalers;   /* subject/scalers.h */
struct allowance; /* subject/allowance.h */

/* Hour by hour figures; `values` may hold NaN for hours without samples. */
struct hours {
    int64_t start; /* epoch seconds of the first hour */
    size_t count;
    const double *values;
};

/* The same in steps of five minutes: mean and highest of the samples of all pods in (start + i · step, start + (i + 1) ·
 * step]. NaN for steps without samples; both rows have `count` entries. */
struct steps {
    int64_t start; /* epoch seconds */
    int64_t step_seconds;
    size_t count;
    const double *mean, *high;
};

/* Usage of one resource by one container, over all pods of the workload in the window. */
struct figures {
    bool known; /* there were samples */
    double samples;
    double mean, p50, p90, p95, p99, p995, max;
    double weighted_p50, weighted_p95, weighted_p99; /* half-life 3 days */
    double busy_hour_p90;              /* highest weighted p90 of an hour of the day, 24 of them */
    double pods;                       /* pods with figures of their own */
    double pod_p95_max, pod_p95_median, pod_p95_p95; /* over the pods' weighted p95 */
    const char *hot_pod;                             /* name of the pod with the highest, NULL unknown */
    double p95_recent, p95_before;                   /* last 2 days, days before */
    double startup_p99, startup_max;                 /* of the first 3 minutes of pods that started in the window */
    /* Made of the steps, on the scale of samples, by figures_complete (rules/figures.h); NaN until then or without steps. */
    double weighted_p98;
    double day_p99_second;         /* second highest of the days' p99: passed for a hundredth of two days */
    double recent_p50, recent_p90; /* of the last hour */
    const bool *only;               /* for each step whether these figures are of it (business hours); NULL: of all */
    const struct figures *by_steps; /* all figures of the window as the steps alone have them; NULL likewise */
    struct hours low, mean_hour, high;               /* per hour of the window: min, mean, max */
    struct steps steps;
};

struct container {
    const char *name;
    const char *image; /* "" unknown */
    enum role role;
    int64_t request[RESOURCES]; /* as the pod gets it, with the defaults of a LimitRange */
    int64_t limit[RESOURCES];
    int64_t written_request[RESOURCES]; /* as the manifest has it: what a change starts from */
    int64_t written_limit[RESOURCES];
    const json_t *ports;
    const char *command;
    bool duplicate; /* another container of the pod has this name */
    struct figures use[RESOURCES];
    double throttled, throttled_worst_hour; /* shares 0..1 */
    double oom_kills, restarts;
    double oom_limit; /* memory limit at the last kill, 0 unknown */
    int64_t oom_last; /* 0 unknown */
};

/* A pod's quality-of-service class, by the definition of Kubernetes over all containers, init ones included.
 */
enum qos { QOS_BEST_EFFORT = 0, QOS_BURSTABLE, QOS_GUARANTEED };

struct subject {
    const char *namespace; /* as in the record, NULL where none is given */
    const char *looked_up_in; /* the same, or the default where none is given: "default" unless the caller sets another */
    const char *kind;
    const char *name;
    int64_t replicas; /* AMOUNT_ABSENT unknown */
    const json_t *workload;
    const json_t *usage;
    const json_t *autoscaler; /* NULL or null: none */
    const struct scalers *scalers;
    const struct allowance *allowance;
    struct container *containers;
    size_t container_count;
    bool has_usage;
    double coverage; /* share of the window's steps with samples */
    double pods, replicas_running;
    int64_t window_start, window_end, window_seconds;
    int64_t first_seen;     /* 0 unknown */
    double history_seconds; /* NaN unknown */
    bool batch;             /* Job or CronJob */
    enum qos qos;
};

/* Reads a workload record. Never fails: what is missing or of the wrong type counts as absent, and at most
 * CONTAINERS_MAX containers are read. */
void subject_read(const json_t *record, struct arena *arena, struct subject *out);

/* Seconds of history: from the first sample to the end of the window, or coverage × window where the first is
 * unknown. */
double subject_history_seconds(const struct subject *subject);

/* Share of the steps since the first sample that hold data, 0..1. Batch kinds run rarely by design: for them
 * it is 1 from three runs on, 0.75 for two, 0.5 for one (a Job runs only once). */
double subject_coverage(const struct subject *subject);

/* Replicas for the rule's "fewer than three": running at once where known, else the manifest's, else pods
 * seen. */
double subject_replicas(const struct subject *subject);

/* Containers that run together: all but init containers. */
size_t subject_running(const struct subject *subject);

/* An amount as a figure: NaN where it is absent. */
double amount_or_nan(int64_t amount);

/* The effective request: Kubernetes takes the limit where no request is set. */
int64_t container_request(const struct container *container, enum resource resource);

/* QoS class of a pod with these amounts; `request` and `limit` are [container][resource] as in the manifest.
 */
enum qos qos_of(const int64_t (*request)[RESOURCES], const int64_t (*limit)[RESOURCES], size_t count);

/* "BestEffort", "Burstable", "Guaranteed". Borrowed, static. */
const char *qos_name(enum qos qos);

/* "cpu_millicores", "memory_bytes". Borrowed, static. */
const char *resource_key(enum resource resource);

/* "CPU", "memory". Borrowed, static. */
const char *resource_word(enum resource resource);

/* "250m", "512Mi": an amount of a resource as people write it, rounded up to a whole unit; for text. Returns
 * `out`. */
char *amount_text(enum resource resource, double amount, char out[32]);

#endif
