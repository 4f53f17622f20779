#ifndef TARE_RUN_APPROVAL_H
#define TARE_RUN_APPROVAL_H

/*
 * Approval rules: from the policy and the facts of one change to what it needs. Pure; whether approvals are
 * there and hold is the ledger's to say.
 *
 * - `approvals.required` counts for every change; an override that matches and names a number replaces it.
 * - Every rule of `approvals.rules` that matches adds its demand (rules are ANDed: the largest number counts,
 * and a role that a rule names). A rule with `when` counts as soon as one of its thresholds is reached; a
 * fact that is not known counts as reached.
 * - `approvals.automatic` lifts only the general number, and only where no rule asks for more.
 * - Two rules that name different roles cannot both be met by one count: the change is refused, not guessed.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pipeline/base/err.h"
#include "pipeline/io/json.h"

enum risk { RISK_LOW = 0, RISK_MEDIUM = 1, RISK_HIGH = 2 };

enum { APPROVAL_RULE_MAX = 512, APPROVALS_MAX = 100 };

/* What a change is, as far as rules ask. `workload` is the record's member and `namespace` the effective one
 * (borrowed). */
struct approval_facts {
    const json_t *workload;
    const char *namespace;
    const char *class; /* recommendation.class; NULL unknown */
    enum risk risk;
    double decrease_percent; /* the largest fall of one value, ≥ 0 */
    double increase_percent;
    bool priced;
    double monthly_usd; /* the change of the monthly cost, either way, ≥ 0 */
    size_t new_objects; /* that the change would make beside the workload */
};

struct approval_requirement {
    int approvals;                /* 0: none needed */
    const char *role;             /* borrowed from the policy; NULL: any approver */
    bool conflict;                /* two rules ask for different roles */
    char rule[APPROVAL_RULE_MAX]; /* which rules say so; for 0 the rule that stands in for an approver */
};

/* Checks what types alone do not say: numbers in range, roles that are names, `automatic` with a risk.
 * `place` is the file that errors name. ERR_CONFIG naming the key ("approvals.rules[1].required"). */
int approval_check(const json_t *approvals, const char *place, struct err *err);

/* What a change needs. `approvals` is that member of the configuration, `overrides` the list
 * policy.overrides; both borrowed, may be NULL (then one approval). */
void approval_require(const json_t *approvals, const json_t *overrides, const struct approval_facts *facts,
                      struct approval_requirement *out);

/* Risk of a name; high for anything unknown or NULL. Name of a risk, static. */
enum risk risk_of(const char *name);
const char *risk_name(enum risk risk);

#endif
