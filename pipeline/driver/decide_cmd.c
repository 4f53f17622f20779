#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "pipeline/base/log.h"
#include "pipeline/base/str.h"
#include "pipeline/driver/command.h"
#include "pipeline/driver/confirm.h"
#include "pipeline/driver/plan_check.h"
#include "pipeline/driver/plan_view.h"
#include "pipeline/driver/view.h"
#include "pipeline/run/ledger_decide.h"

enum { DIGEST_LEAST = 12 };

static const char *plural(int64_t count)
{
    return count == 1 ? "" : "s";
}

/* The workloads that --workload names; none: count 0. In the session's arena. */
static int read_choice(struct session *session, struct ledger_choice *out, struct err *err)
{
    size_t count = options_list_count(session->options, OPT_WORKLOAD);
    *out = (struct ledger_choice){.items = arena_alloc(&session->arena, (count + 1) * sizeof *out->items)};
    for (size_t i = 0; i < count; i++) {
        if (workload_parse(session, options_list_item(session->options, OPT_WORKLOAD, i), &out->items[i], err)) {
            return -1;
        }
    }
    out->count = count;
    return 0;
}

static int get_run(struct session *session, const char *usage, struct ledger_run *run, bool *whole, struct err *err)
{
    int64_t id;
    return session_operands(session, 1, 1, usage, err) || session_run_id(session, 0, &id, err) ||
                   plan_view_run(session, id, run, whole, err)
               ? -1
               : 0;
}

/* What became of the run. Who does not see it whole is told how the rows stand that it sees. */
static int tell(struct session *session, int64_t id, struct err *err)
{
    struct ledger_run run;
    bool whole;
    if (plan_view_run(session, id, &run, &whole, err)) {
        return -1;
    }
    return whole ? view_run(session, &run, err) : view_part(session, &run, err);
}

/* ---- Approving ---- */

/* --plan must be the plan that is there: the whole digest, or its first digits. */
static int check_plan(const struct session *session, const struct ledger_run *run, struct err *err)
{
    const char *given = options_string(session->options, OPT_PLAN);
    if (given == NULL) {
        return 0;
    }
    size_t length = strlen(given);
    if (length < DIGEST_LEAST || length >= LEDGER_DIGEST_SIZE || strspn(given, "0123456789abcdef") != length) {
        err_set(err, ERR_USAGE, "--plan: \"%s\" is not the sha256 of a plan, nor its first %d digits or more", given, DIGEST_LEAST);
        return err_hint(err, "every report of the run ends with it: tare report %" PRId64, run->id);
    }
    if (run->plan_digest != NULL && strncmp(given, run->plan_digest, length) != 0) {
        err_set(err, ERR_STALE, "the plan of run %" PRId64 " is %s, not %s", run->id, run->plan_digest, given);
        return err_hint(err, "read it again: tare report %" PRId64, run->id);
    }
    return 0;
}

/* Why a row that needs approval is not in this one, in a few words. */
static const char *why_not(const struct session *session, const json_t *row)
{
    const char *login = ledger_login(session->ledger);
    size_t index;
    json_t *name;
    json_array_foreach(json_object_get(row, "approvers"), index, name)
    {
        if (str_equal(json_string_value(name), login)) {
            return "approved by you already";
        }
    }
    return json_string_or_null(row, "role");
}

/* Puts the rows that this approval would count for into `mine`, those that rules allow into `ruled`, and counts the rest by why. */
static void split(const struct session *session, const json_t *rows, json_t *mine, json_t *ruled, json_t *others)
{
    size_t index;
    json_t *row;
    json_array_foreach(rows, index, row)
    {
        const char *verdict = json_string_or_null(row, "verdict");
        const char *why = verdict;
        if (json_bool_or(row, "open_to_me", false)) {
            json_array_append(mine, row);
            continue;
        }
        if (json_string_or_null(row, "rejected") != NULL) {
            why = "rejected";
        } else if (str_equal(verdict, "allowed")) {
            json_array_append(ruled, row);
            continue;
        } else if (str_equal(verdict, "needs-approval")) {
            why = why_not(session, row);
        }
        why = why == NULL ? "-" : why;
        json_object_set_new(others, why, json_integer(json_int_or(others, why, 0) + 1));
    }
}

static void print_others(const json_t *others)
{
    static const char *const plain[] = {"rejected", "blocked", "unchanged", "approved by you already"};
    const char *why;
    json_t *count;
    json_object_foreach((json_t *)(uintptr_t)others, why, count)
    {
        bool known = false;
        for (size_t i = 0; i < sizeof plain / sizeof *plain; i++) {
            known = known || strcmp(why, plain[i]) == 0;
        }
        int64_t n = json_integer_value(count);
        printf("not in this approval: %" PRId64 " workload%s %s%s\n", n, plural(n), known ? "" : "that you cannot approve, of role ", why);
    }
}

/* The diff summary: what would be approved, what goes without, what is left out, and the digest that stands for all of it. */
static void print_summary(const struct session *session, const struct ledger_run *run, const json_t *chosen, bool whole)
{
    json_t *mine = json_array();
    json_t *ruled = json_array();
    json_t *others = json_object();
    split(session, chosen, mine, ruled, others);
    plan_view_table(mine);
    view_proposal(run);
    fputs("this approval: ", stdout);
    plan_view_totals(mine);
    if (json_array_size(ruled) > 0) {
        fputs("allowed by rule, without approval: ", stdout);
        plan_view_totals(ruled);
    }
    print_others(others);
    if (!whole) {
        puts("workloads of namespaces that you do not see are not listed");
    }
    printf("plan %s\n", run->plan_digest);
    json_decref(mine);
    json_decref(ruled);
    json_decref(others);
}

/* Whether an approval would add anything. */
static bool anything_open(const json_t *rows)
{
    size_t index;
    json_t *row;
    json_array_foreach(rows, index, row)
    {
        if (json_bool_or(row, "open_to_me", false)) {
            return true;
        }
    }
    return false;
}

/* In another state there is nothing to show and to ask: the ledger says why it takes none. */
static bool takes_approval(const struct ledger_run *run)
{
    return run->plan_digest != NULL &&
           (run->state == LEDGER_AWAITING_APPROVAL || run->state == LEDGER_APPROVED || run->state == LEDGER_REFUSED);
}

/* Shows what would be approved and asks. Where nothing is open to this login there is nothing to ask: the ledger says why. */
static int show_and_ask(struct session *session, const struct ledger_run *run, bool whole, struct err *err)
{
    json_t *rows = NULL;
    json_t *chosen = NULL;
    if (!takes_approval(run)) {
        return 0;
    }
    if (plan_view_rows(session, run, &rows, err)) {
        return -1;
    }
    int failed = plan_view_chosen(session, run, rows, &chosen, err);
    if (!failed && anything_open(chosen)) {
        if (!options_flag(session->options, OPT_YES)) {
            print_summary(session, run, chosen, whole);
        }
        plan_view_windows(chosen, options_flag(session->options, OPT_YES) ? stderr : stdout);
        fflush(stdout);
        char question[160];
        snprintf(question, sizeof question, "approve the plan %.12s of run %" PRId64 "?", run->plan_digest, run->id);
        failed = confirm(session, question, err);
    }
    json_decref(rows);
    json_decref(chosen);
    return failed;
}

static void say_approved(const struct ledger_decision *decision)
{
    if (decision->decided > 0) {
        log_info("approved %" PRId64 " workload%s%s", decision->decided, plural(decision->decided),
                 decision->already > 0 ? "; you had approved the others already" : "");
    } else {
        log_info("you had approved all of this already: nothing was added");
    }
}

/* What is approved is what was shown: the digest was taken before the question and is handed to the ledger. */
int command_approve(struct session *session, struct err *err)
{
    struct ledger_run run;
    struct ledger_choice choice;
    struct ledger_decision decision;
    bool whole;
    if (get_run(session, "tare approve RUN [--plan DIGEST] [--workload NAMESPACE/KIND/NAME]", &run, &whole, err) ||
        read_choice(session, &choice, err) || check_plan(session, &run, err) ||
        (whole && takes_approval(&run) && plan_check_rows(session, &run, err)) || show_and_ask(session, &run, whole, err) ||
        ledger_approve(session->ledger, run.id, run.plan_digest, &choice, options_string(session->options, OPT_REASON), &decision, err)) {
        return -1;
    }
    say_approved(&decision);
    return tell(session, run.id, err);
}

/* ---- Rejecting and taking back ---- */

static int check_rejection(const struct session *session, const struct ledger_run *run, const struct ledger_choice *choice, struct err *err)
{
    const char *reason = options_string(session->options, OPT_REASON);
    if (reason == NULL || reason[strspn(reason, " \t\n")] == '\0') {
        err_set(err, ERR_USAGE, "rejecting a plan needs a reason");
        return err_hint(err, "tare reject %" PRId64 " --reason \"…\"", run->id);
    }
    if (choice->count > 0 && options_flag(session->options, OPT_REST)) {
        err_set(err, ERR_USAGE, "--rest rejects all that are not approved, --workload those it names: only one of them goes");
        return err_hint(err, "leave one of them out");
    }
    return 0;
}

int command_reject(struct session *session, struct err *err)
{
    struct ledger_run run;
    struct ledger_choice choice;
    struct ledger_decision decision;
    bool whole;
    if (get_run(session, "tare reject RUN [--rest] [--workload NAMESPACE/KIND/NAME] --reason TEXT", &run, &whole, err) ||
        read_choice(session, &choice, err) || check_rejection(session, &run, &choice, err)) {
        return -1;
    }
    const char *reason = options_string(session->options, OPT_REASON);
    if (choice.count == 0 && !options_flag(session->options, OPT_REST)) {
        return ledger_reject(session->ledger, run.id, reason, err) || tell(session, run.id, err) ? -1 : 0;
    }
    if (ledger_reject_workloads(session->ledger, run.id, &choice, reason, &decision, err)) {
        return -1;
    }
    log_info("rejected %" PRId64 " workload%s%s", decision.decided, plural(decision.decided),
             decision.already > 0 ? "; you had rejected the others already" : "");
    return tell(session, run.id, err);
}

int command_withdraw(struct session *session, struct err *err)
{
    struct ledger_run run;
    struct ledger_choice choice;
    struct ledger_decision decision;
    bool whole;
    if (get_run(session, "tare withdraw RUN [--workload NAMESPACE/KIND/NAME]", &run, &whole, err) || read_choice(session, &choice, err) ||
        ledger_withdraw(session->ledger, run.id, &choice, options_string(session->options, OPT_REASON), &decision, err)) {
        return -1;
    }
    log_info("withdrew %" PRId64 " approval%s and %" PRId64 " rejection%s", decision.decided, plural(decision.decided), decision.rejections,
             plural(decision.rejections));
    return tell(session, run.id, err);
}
