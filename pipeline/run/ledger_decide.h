#ifndef TARE_RUN_LEDGER_DECIDE_H
#define TARE_RUN_LEDGER_DECIDE_H

/*
 * Decisions of people about a plan: approvals, rejections, and taking these back; and what is seen of a plan by those who decide, who
 * need not see the whole run. Each verb is one transaction: all of it is recorded, or nothing. Errors as in ledger.h.
 */

#include "pipeline/run/ledger.h"

/* The workloads that a decision is about; NULL for it, or no items: all that the login may decide about. Borrowed. */
struct ledger_choice {
    struct ledger_workload *items;
    size_t count;
};

/* What came of a decision. */
struct ledger_decision {
    enum ledger_state state; /* of the run, after it */
    int64_t decided;         /* workloads newly approved or rejected; approvals taken back */
    int64_t already;         /* workloads that this login had approved, or rejected, before */
    int64_t rejections;      /* rejections taken back */
};

/* The run as far as this login may know of it, which need not see it whole (*whole tells): then only id, state, plan_digest, cluster,
 * requested_by, created and superseded_by are filled, the rest is NULL or 0. ERR_NOINPUT where it sees nothing of it. */
int ledger_run_head(struct ledger *ledger, int64_t run, struct arena *arena, struct ledger_run *out, bool *whole, struct err *err);

/* Approves the plan with exactly this digest, or chosen workloads of it. ERR_STALE where it is another; ERR_REFUSED for the
 * requester, a run that takes no approval, a workload that needs none or was rejected; ERR_NOINPUT for a workload that is not there. */
int ledger_approve(struct ledger *ledger, int64_t run, const char *plan, const struct ledger_choice *choice, const char *reason,
                   struct ledger_decision *out, struct err *err);

/* Rejects the whole plan, for good; `reason` must not be empty. */
int ledger_reject(struct ledger *ledger, int64_t run, const char *reason, struct err *err);

/* Rejects chosen workloads, or (NULL) all that are not approved yet; `reason` must not be empty. They are left out of the plan, also
 * of later approvals, until this login withdraws the rejection. */
int ledger_reject_workloads(struct ledger *ledger, int64_t run, const struct ledger_choice *choice, const char *reason,
                            struct ledger_decision *out, struct err *err);

/* Takes back this login's approvals and rejections, all or those of the chosen workloads. */
int ledger_withdraw(struct ledger *ledger, int64_t run, const struct ledger_choice *choice, const char *reason,
                    struct ledger_decision *out, struct err *err);

/* The decisions about a run, oldest first: {"approver","decision","plan","workload" (null: the plan),"at","expires","reason",
 * "withdrawn","withdrawn_reason","valid"}. */
int ledger_approvals(struct ledger *ledger, int64_t run, json_t **out, struct err *err);

/* What the plan asks for and what holds now, an object for each workload that the login may see: the members of
 * ledger_plan_register's rows, and "plan", "approvals_valid", "approved", "approvers", "rejected" ("rejected by X: reason" or null),
 * "open_to_me" (an approval of this login would count and is not given yet). */
int ledger_plan_rows(struct ledger *ledger, int64_t run, json_t **out, struct err *err);

#endif
