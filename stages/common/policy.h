#ifndef TARE_COMMON_POLICY_H
#define TARE_COMMON_POLICY_H

/*
 * The policy in force for one workload: `policy` of tare.yaml with its overrides applied in order, the
 * exclusions, and the `match` selectors that overrides, approval rules and windows share. Pure: configuration
 * and record in, values out.
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

struct policy {
    enum aggressiveness aggressiveness;
    enum limits_policy limits[GUARDRAIL_RESOURCES];
    bool qos_change;
    int64_t minimum_history_seconds;
    struct guardrails guardrails;
};

enum { POLICY_REASON_MAX = 256 };

/* The policy for one workload (`workload` member of a record, borrowed). `default_namespace` stands for a
 * null one. */
void policy_for(const struct config *config, const json_t *workload, const char *default_namespace,
                struct policy *out);

/* Whether a `match` object {namespaces:[globs], clusters:[globs], kinds:[…], labels:{…}} fits a workload;
 * members that are missing, null or empty match everything, NULL matches everything. Namespaces and clusters
 * are globs (str_glob). */
bool policy_match(const json_t *match, const json_t *workload, const char *default_namespace);

/* Whether the policy excludes this workload (namespace list, opt-out annotation "true" on the workload or its
 * namespace); `reason` receives one clause for people. */
bool policy_excluded(const struct config *config, const json_t *workload, const char *default_namespace,
                     char reason[POLICY_REASON_MAX]);

#endif
