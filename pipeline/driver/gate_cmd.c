/* tare gate: the verdict on each workload of a plan, with what stands against it now; --explain: with what speaks for it, too. */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "pipeline/driver/command.h"
#include "pipeline/driver/plan_view.h"

/* Adds a reason; `code` and `message` are copied. */
static void add_reason(json_t *reasons, const char *code, bool ok, const char *message)
{
    json_t *reason = json_object();
    json_object_set_new(reason, "code", json_string_safe(code));
    json_object_set_new(reason, "ok", json_boolean(ok));
    json_object_set_new(reason, "message", json_string_safe(message));
    json_array_append_new(reasons, reason);
}

/* What the ledger knows of the approvals now, in place of what the gate said when the plan was made. */
static void add_approvals(const json_t *row, json_t *reasons)
{
    const char *verdict = json_string_or_null(row, "verdict");
    const char *rejected = json_string_or_null(row, "rejected");
    const char *role = json_string_or_null(row, "role");
    char text[200];
    if (rejected != NULL) {
        add_reason(reasons, "approvals", false, rejected);
        return;
    }
    if (!str_equal(verdict, "needs-approval")) {
        return;
    }
    snprintf(text, sizeof text, "%" PRId64 " of %" PRId64 " approvals of role %.100s hold", json_int_or(row, "approvals_valid", 0),
             json_int_or(row, "approvals_required", 0), role == NULL ? "tare_approver" : role);
    add_reason(reasons, "approvals", json_bool_or(row, "approved", false), text);
}

/* The gate's reasons, with those about approvals and windows as they are now. New array. */
static json_t *reasons_now(const json_t *row)
{
    const char *verdict = json_string_or_null(row, "verdict");
    bool comes = str_equal(verdict, "needs-approval") || str_equal(verdict, "allowed");
    bool asked = str_equal(verdict, "needs-approval") || json_string_or_null(row, "rejected") != NULL;
    json_t *reasons = json_array();
    size_t index;
    json_t *reason;
    json_array_foreach(json_object_get(row, "reasons"), index, reason)
    {
        const char *code = json_string_or_null(reason, "code");
        if (!(comes && str_equal(code, "window")) && !(asked && str_equal(code, "approvals"))) {
            json_array_append(reasons, reason);
        }
    }
    add_approvals(row, reasons);
    const json_t *window = json_object_get(row, "window");
    const char *next = json_string_or_null(window, "next");
    if (comes) {
        const char *reason_text = json_string_or_null(window, "reason");
        char *text = xasprintf("%s%s%s", reason_text, next == NULL ? "" : "; next opening ", next == NULL ? "" : next);
        add_reason(reasons, "window", json_bool_or(window, "open", true), text);
        free(text);
    }
    return reasons;
}

/* What would become of the workload now. */
static const char *standing_of(const json_t *row)
{
    const char *verdict = json_string_or_null(row, "verdict");
    if (json_string_or_null(row, "rejected") != NULL) {
        return "rejected";
    }
    if (!json_bool_or(row, "approved", false)) {
        return verdict;
    }
    return json_bool_or(json_object_get(row, "window"), "open", true) ? "may be applied" : "held by a window";
}

static void print_row(const json_t *row, bool all)
{
    char *name = plan_view_name(row);
    str_mask_controls(name);
    printf("%s: %s\n", name, standing_of(row));
    free(name);
    json_t *reasons = reasons_now(row);
    size_t index;
    json_t *reason;
    json_array_foreach(reasons, index, reason)
    {
        bool ok = json_bool_or(reason, "ok", false);
        const char *text = json_string_or_null(reason, "message");
        if (all || !ok) {
            char *safe = xstrdup(text == NULL ? "-" : text);
            str_mask_controls(safe);
            printf("  %s %-28s %s\n", ok ? "+" : "-", json_string_or_null(reason, "code"), safe);
            free(safe);
        }
    }
    json_decref(reasons);
}

static json_t *row_json(const json_t *row)
{
    static const char *const members[] = {"namespace", "kind",     "name", "verdict", "approvals_required", "approvals_valid", "approved",
                                          "approvers", "rejected", "role", "rule",    "risk",               "facts",           "window",
                                          "saving_microusd"};
    json_t *out = json_object();
    for (size_t i = 0; i < ARRAY_COUNT(members); i++) {
        json_t *value = json_object_get(row, members[i]);
        json_object_set_new(out, members[i], value == NULL ? json_null() : json_incref(value));
    }
    json_object_set_new(out, "now", json_string(standing_of(row)));
    json_object_set_new(out, "reasons", reasons_now(row));
    return out;
}

static void print_json(const struct ledger_run *run, const json_t *rows)
{
    json_t *list = json_array();
    size_t index;
    json_t *row;
    json_array_foreach(rows, index, row)
    {
        json_array_append_new(list, row_json(row));
    }
    json_t *out = json_pack("{s:I, s:s, s:s?, s:o}", "run", (json_int_t)run->id, "state", ledger_state_name(run->state), "plan",
                            run->plan_digest, "workloads", list);
    char *text = json_text(out);
    puts(text);
    free(text);
    json_decref(out);
}

static void print_rows(const struct ledger_run *run, const json_t *rows, bool all)
{
    size_t index;
    json_t *row;
    json_array_foreach(rows, index, row)
    {
        print_row(row, all);
    }
    printf("run %" PRId64 ": %s\nplan %s\n", run->id, ledger_state_name(run->state), run->plan_digest);
}

int command_gate(struct session *session, struct err *err)
{
    int64_t id;
    bool json;
    bool whole;
    struct ledger_run run;
    json_t *rows = NULL;
    json_t *chosen = NULL;
    if (session_operands(session, 1, 1, "tare gate RUN [--explain] [--workload NAMESPACE/KIND/NAME]", err) ||
        session_json(session, &json, err) || session_run_id(session, 0, &id, err) || plan_view_run(session, id, &run, &whole, err)) {
        return -1;
    }
    if (run.plan_digest == NULL) {
        err_set(err, ERR_DATA, "run %" PRId64 " is %s and has no plan yet", id, ledger_state_name(run.state));
        return err_hint(err, "tare status %" PRId64 " tells how far it came", id);
    }
    if (plan_view_rows(session, &run, &rows, err)) {
        return -1;
    }
    int failed = plan_view_chosen(session, &run, rows, &chosen, err);
    json_decref(rows);
    if (failed) {
        return -1;
    }
    if (json) {
        print_json(&run, chosen);
    } else {
        print_rows(&run, chosen, options_flag(session->options, OPT_REASONS));
    }
    json_decref(chosen);
    return 0;
}
