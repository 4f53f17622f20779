#include "pipeline/driver/next.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "pipeline/base/str.h"

/* What comes first in every command: --database must be typed again, and is not shown since it may be long. */
static const char *prefix(const struct session *session)
{
    return options_typed(session->options, OPT_DATABASE) ? "tare --database URL" : "tare";
}

static void line(const struct session *session, const char *command, int64_t run, const char *rest)
{
    printf("  %s %s %" PRId64 "%s\n", prefix(session), command, run, rest);
}

/* A name that can be typed as it is. */
static bool is_plain(const char *name)
{
    return name[strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.@-")] == '\0' && *name != '-';
}

/* On a private cluster nobody but the requester exists at first, and nobody approves their own run. */
static void approval_lines(struct session *session, const struct ledger_run *run)
{
    const char *approver = NULL;
    struct err ignored = {0};
    bool known = ledger_approver(session->ledger, run->requested_by, &session->arena, &approver, &ignored) == 0;
    if (known && approver == NULL && ledger_is_private(session->ledger)) {
        printf("  tare login reviewer viewer approver\n");
        approver = "reviewer";
    }
    char command[128];
    snprintf(command, sizeof command, "--as %s approve", approver == NULL || !is_plain(approver) ? "APPROVER" : approver);
    line(session, str_equal(approver, ledger_login(session->ledger)) && !options_typed(session->options, OPT_AS)
                      ? "approve"
                      : command, run->id, "");
}

static void apply_lines(const struct session *session, int64_t run)
{
    line(session, "apply", run, " --dry-run");
    line(session, "apply", run, "");
}

static void rerun_lines(const struct session *session, const struct ledger_run *run)
{
    if (run->plan_digest != NULL) {
        line(session, "report", run->id, "");
    }
    line(session, "rerun", run->id, " --from parse");
}

void next_print(struct session *session, const struct ledger_run *run)
{
    puts("next:");
    switch (run->state) {
    case LEDGER_AWAITING_APPROVAL:
        line(session, "report", run->id, "");
        approval_lines(session, run);
        line(session, "apply", run->id, "");
        break;
    case LEDGER_APPROVED:
        apply_lines(session, run->id);
        break;
    case LEDGER_REFUSED:
        printf("  %s windows\n", prefix(session));
        line(session, "apply", run->id, "");
        break;
    case LEDGER_APPLYING:
        line(session, "apply", run->id, " --resume");
        line(session, "rollback", run->id, " --resume");
        break;
    case LEDGER_APPLIED:
        line(session, "report", run->id, "");
        line(session, "rollback", run->id, "");
        break;
    case LEDGER_RUNNING:
        line(session, "run --resume", run->id, "");
        break;
    case LEDGER_SUPERSEDED:
        line(session, "status", run->superseded_by, "");
        break;
    case LEDGER_UNCHANGED:
    case LEDGER_REJECTED:
    case LEDGER_EXPIRED:
    case LEDGER_ROLLED_BACK:
    case LEDGER_FAILED:
        rerun_lines(session, run);
        break;
    }
}
