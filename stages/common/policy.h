#ifndef TARE_COMMON_POLICY_H
#define TARE_COMMON_POLICY_H

/*
 * The policy in force for one workload: `policy` of tare.yaml with its overrides applied in order, and the
 * exclusions. Pure: configuration and record in, values out.
 */

#include <stdbool.h>
#include <stdint.h>

#include "pipeline/cli/config.h"
#include "pipeline/io/json.h"
#include "stages/common/guardrail.h"

enum aggressiveness { AGGRESSIVENESS_SAFE = 0, AGGRESSIVENESS_BALANCED, AGGRESSIVENESS_LEAN };

/* What happens to limits: keep what is there, take it away, hold the old limit:request ratio, or give
 * headroom. */
enum limits_policy { LIMITS_KEEP = 0, LIMITS_REMOVE, LIMITS_RATIO, LIMITS_HEADROOM };

/* Whose figures a request is made of: what the number of replicas asks for, all pods' samples together, the highest pod's. */
enum replica_aggregation { REPLICAS_AUTO = 0, REPLICAS_POOLED, REPLICAS_MAX };

/* Hours that usage is learned from, as they were written; checked by whoever reads them. NULL: all hours. */
struct business_hours {
    const char *schedule; /* "Mon-Fri 08:00-18:00" */
    const char *timezone; /* IANA; NULL: UTC */
};

struct policy {
    enum aggressiveness aggressiveness;
    enum limits_policy limits[GUARDRAIL_RESOURCES];
    bool qos_change;
    int64_t minimum_history_seconds;
    double percentile[GUARDRAIL_RESOURCES]; /* that requests are made of, 50 to 100; 0: the rule's own */
    double headroom[GUARDRAIL_RESOURCES];   /* factor on it, 1.15 for 15 %; 0: what the aggressiveness gives */
    enum replica_aggregation replicas;
    struct business_hours hours;
    struct guardrails guardrails;
};

enum { POLICY_REASON_MAX = 256 };

/* The policy for one workload (`workload` member of a record, borrowed) by configuration alone; its texts are borrowed from
 * `config`. `default_namespace` stands for a null one; `class` is what kind
 * of program it is (recommendation.class; NULL unknown: overrides of classes do not count). Annotations: stages/analyze/sizing/knobs.h. */
void policy_for(const struct config *config, const json_t *workload, const char *default_namespace, const char *class,
                struct policy *out);

/* The guardrails that a file itself gives for a workload, by its own keys and the overrides that match: what it does not give
 * allows everything. */
void policy_guardrails_given(const struct config *config, const json_t *workload, const char *namespace, const char *class,
                             struct guardrails *out);

/* Sets one knob from a word as configuration and annotations write it: aggressiveness, limits of a resource (`none` is
 * another name of `remove`), replica aggregation. False and nothing set for a word that is none of its own. */
bool policy_set_aggressiveness(struct policy *policy, const char *word);
bool policy_set_limits(struct policy *policy, enum guardrail_resource resource, const char *word);
bool policy_set_replicas(struct policy *policy, const char *word);

/* Whether the policy excludes this workload (lists of namespaces, kinds and workloads, opt-out annotation "true" on the workload or its
 * namespace; with `given_only` only what the file itself gives); `reason` receives one clause for people. */
bool policy_excluded(const struct config *config, const json_t *workload, const char *default_namespace,
                     bool given_only, char reason[POLICY_REASON_MAX]);

#endif
