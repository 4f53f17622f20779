#include <inttypes.h>
#include <stdio.h>

#include "pipeline/base/clock.h"
#include "pipeline/base/log.h"
#include "pipeline/cli/inforce.h"
#include "pipeline/driver/command.h"
#include "pipeline/driver/confirm.h"
#include "pipeline/driver/view.h"

static int get_run(struct session *session, const char *usage, struct ledger_run *run, struct err *err)
{
    int64_t id;
    return session_operands(session, 1, 1, usage, err) || session_run_id(session, 0, &id, err) ||
                   ledger_run_get(session->ledger, id, &session->arena, run, err)
               ? -1
               : 0;
}

static int tell(struct session *session, int64_t id, struct err *err)
{
    struct ledger_run run;
    return ledger_run_get(session->ledger, id, &session->arena, &run, err) || view_run(session, &run, err) ? -1 : 0;
}

/* What is approved is what was shown: the digest was taken before the question and is handed to the ledger. */
static int approve_one(struct session *session, int64_t run, const struct ledger_workload *workload, struct err *err)
{
    return ledger_approve(session->ledger, run, session->shown_plan, workload, options_string(session->options, OPT_REASON), NULL, err);
}

/* An approval may be given while a window is closed; the approver should know when it can be used. */
static int warn_windows(struct session *session, const struct ledger_run *run, struct err *err)
{
    struct inforce inforce = {0};
    struct window_subject subject = {.cluster = run->cluster};
    struct window_verdict verdict;
    char next[RFC3339_MAX];
    if (inforce_load(session->ledger, session->config, &inforce, err)) {
        inforce_release(&inforce);
        return -1;
    }
    window_judge(inforce.windows, &subject, clock_now(), NULL, &verdict);
    if (!verdict.allowed) {
        log_warn("no change is allowed now: %s%s%s", verdict.reason, verdict.has_next ? "; next opening " : "",
                 verdict.has_next ? time_format(verdict.next_opening, next) : "");
    }
    inforce_release(&inforce);
    return 0;
}

int command_approve(struct session *session, struct err *err)
{
    struct ledger_run run;
    if (get_run(session, "tare approve RUN [--workload NAMESPACE/KIND/NAME]", &run, err)) {
        return -1;
    }
    if (!options_flag(session->options, OPT_YES) && view_workloads(session, &run, 0, err)) {
        return -1;
    }
    char question[160];
    snprintf(question, sizeof question, "approve the plan %.12s of run %" PRId64 "?",
             run.plan_digest == NULL ? "-" : run.plan_digest, run.id);
    session->shown_plan = run.plan_digest;
    return warn_windows(session, &run, err) || confirm(session, question, err) ||
                   each_workload_option(session, run.id, approve_one, err) ||
                   tell(session, run.id, err)
               ? -1
               : 0;
}

int command_reject(struct session *session, struct err *err)
{
    struct ledger_run run;
    const char *reason = options_string(session->options, OPT_REASON);
    if (get_run(session, "tare reject RUN --reason TEXT", &run, err)) {
        return -1;
    }
    if (reason == NULL || *reason == '\0') {
        err_set(err, ERR_USAGE, "rejecting a plan needs a reason");
        return err_hint(err, "tare reject %" PRId64 " --reason \"…\"", run.id);
    }
    return ledger_reject(session->ledger, run.id, reason, err) || tell(session, run.id, err) ? -1 : 0;
}

static int withdraw_one(struct session *session, int64_t run, const struct ledger_workload *workload, struct err *err)
{
    return ledger_withdraw(session->ledger, run, workload, options_string(session->options, OPT_REASON), NULL, err);
}

int command_withdraw(struct session *session, struct err *err)
{
    struct ledger_run run;
    if (get_run(session, "tare withdraw RUN", &run, err)) {
        return -1;
    }
    return each_workload_option(session, run.id, withdraw_one, err) || tell(session, run.id, err) ? -1 : 0;
}
