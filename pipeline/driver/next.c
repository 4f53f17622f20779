#include "pipeline/driver/next.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/str.h"
#include "pipeline/driver/line.h"

/* What comes first in every command: --database must be typed again, and is not shown since it may be long. */
static const char *prefix(const struct session *session)
{
    return options_typed(session->options, OPT_DATABASE) ? "tare --database URL" : "tare";
}

static void line(FILE *out, const struct session *session, const char *command, int64_t run, const char *rest)
{
    fprintf(out, "  %s %s %" PRId64 "%s\n", prefix(session), command, run, rest);
}

/* A name that can be typed as it is. */
static bool is_plain(const char *name)
{
    return name[strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.@-")] == '\0' && *name != '-';
}

/* On a private cluster nobody but the requester exists at first, and nobody approves their own run. */
static void approval_lines(FILE *out, struct session *session, const struct ledger_run *run)
{
    const char *approver = NULL;
    struct err ignored = {0};
    bool known = ledger_approver(session->ledger, run->requested_by, &session->arena, &approver, &ignored) == 0;
    if (known && approver == NULL && ledger_is_private(session->ledger)) {
        fprintf(out, "  tare login reviewer viewer approver\n");
        approver = "reviewer";
    }
    char command[128];
    char plan[32] = "";
    snprintf(command, sizeof command, "--as %s approve", approver == NULL || !is_plain(approver) ? "APPROVER" : approver);
    if (run->plan_digest != NULL) {
        snprintf(plan, sizeof plan, " --plan %.12s", run->plan_digest);
    }
    line(out, session, str_equal(approver, ledger_login(session->ledger)) && !options_typed(session->options, OPT_AS)
                      ? "approve"
                      : command, run->id, plan);
}

static void apply_lines(FILE *out, const struct session *session, int64_t run)
{
    line(out, session, "apply", run, " --dry-run");
    line(out, session, "apply", run, "");
}

/* Whether something that the run wrote still stands. */
static bool has_written(struct session *session, int64_t run)
{
    struct ledger_changes changes = {0};
    struct err ignored = {0};
    bool written = false;
    if (ledger_changes(session->ledger, run, &session->arena, &changes, &ignored) == 0) {
        for (size_t i = 0; i < changes.count && !written; i++) {
            written = changes.items[i].state != LEDGER_CHANGE_PLANNED && changes.items[i].state != LEDGER_CHANGE_ROLLED_BACK;
        }
    }
    return written;
}

/* The stage at which the line of a failed run ended: what stands before it need not be made again. */
static const char *failed_stage(struct session *session, const struct ledger_run *run)
{
    struct ledger_attempts attempts;
    struct err ignored = {0};
    const struct ledger_attempt *last = NULL;
    if (run->state == LEDGER_FAILED && ledger_attempts(session->ledger, run->id, &session->arena, &attempts, &ignored) == 0 &&
        attempts.count > 0) {
        last = &attempts.items[attempts.count - 1];
    }
    bool known = last != NULL && str_equal(last->state, "failed") && line_index(last->stage) < line_length();
    return known ? last->stage : "parse";
}

static void rerun_lines(FILE *out, struct session *session, const struct ledger_run *run)
{
    char from[64];
    if (run->plan_digest != NULL) {
        line(out, session, "report", run->id, "");
    }
    snprintf(from, sizeof from, " --from %s", failed_stage(session, run));
    line(out, session, "rerun", run->id, from);
}

static void write_lines(FILE *out, struct session *session, const struct ledger_run *run)
{
    switch (run->state) {
    case LEDGER_AWAITING_APPROVAL:
        line(out, session, "report", run->id, "");
        approval_lines(out, session, run);
        line(out, session, "apply", run->id, "");
        break;
    case LEDGER_APPROVED:
        apply_lines(out, session, run->id);
        break;
    case LEDGER_REFUSED:
        fprintf(out, "  %s windows\n", prefix(session));
        line(out, session, "apply", run->id, "");
        break;
    case LEDGER_APPLYING:
        line(out, session, "apply", run->id, " --resume");
        line(out, session, "rollback", run->id, " --resume");
        break;
    case LEDGER_APPLIED:
        line(out, session, "report", run->id, "");
        line(out, session, "rollback", run->id, "");
        break;
    case LEDGER_RUNNING:
        line(out, session, "run --resume", run->id, "");
        break;
    case LEDGER_SUPERSEDED:
        line(out, session, "status", run->superseded_by, "");
        break;
    case LEDGER_UNCHANGED:
    case LEDGER_REJECTED:
    case LEDGER_EXPIRED:
    case LEDGER_ROLLED_BACK:
        rerun_lines(out, session, run);
        break;
    case LEDGER_FAILED:
        if (has_written(session, run->id)) {
            line(out, session, "rollback", run->id, "");
        }
        rerun_lines(out, session, run);
        break;
    }
}

void next_print(struct session *session, const struct ledger_run *run)
{
    puts("next:");
    write_lines(stdout, session, run);
}

json_t *next_json(struct session *session, const struct ledger_run *run)
{
    char *text = NULL;
    size_t size = 0;
    json_t *list = json_array();
    FILE *out = open_memstream(&text, &size);
    if (out == NULL) {
        return list;
    }
    write_lines(out, session, run);
    (void)fclose(out);
    char *rest = text;
    for (char *one; (one = strtok_r(rest, "\n", &rest)) != NULL;) {
        json_array_append_new(list, json_string_safe(one + strspn(one, " ")));
    }
    free(text);
    return list;
}

int next_print_part(struct session *session, const struct ledger_run *run)
{
    FILE *out = stdout;
    puts("next:");
    line(out, session, "report", run->id, " --mine");
    if (run->state == LEDGER_AWAITING_APPROVAL || run->state == LEDGER_REFUSED) {
        approval_lines(out, session, run);
    }
    return 0;
}
