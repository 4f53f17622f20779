#include "pipeline/driver/standing.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "pipeline/driver/plan_view.h"
#include "pipeline/run/ledger_decide.h"

enum { NAMED = 10 };

/* Counts a row among those that miss the same number of approvals of the same role. */
static void add_missing(json_t *missing, const json_t *row)
{
    int64_t more = json_int_or(row, "approvals_required", 0) - json_int_or(row, "approvals_valid", 0);
    const char *role = json_string_or_null(row, "role");
    const char *namespace = json_string_or_null(row, "namespace");
    role = role == NULL ? "tare_approver" : role;
    char *key = xasprintf("%s %" PRId64, role, more);
    json_t *entry = json_object_get(missing, key);
    if (entry == NULL) {
        entry = json_pack("{s:s, s:I, s:i, s:{}}", "role", role, "approvals", (json_int_t)more, "workloads", 0, "namespaces");
        json_object_set_new(missing, key, entry);
    }
    free(key);
    json_object_set_new(entry, "workloads", json_integer(json_int_or(entry, "workloads", 0) + 1));
    json_object_set_new(json_object_get(entry, "namespaces"), namespace == NULL ? "" : namespace, json_true());
}

/* Sorts the rows into rules, rejections and what is missing. */
static void gather(const json_t *rows, json_t *rules, json_t *rejected, json_t *missing)
{
    size_t index;
    json_t *row;
    json_array_foreach(rows, index, row)
    {
        const char *verdict = json_string_or_null(row, "verdict");
        const char *no = json_string_or_null(row, "rejected");
        const char *rule = json_string_or_null(row, "rule");
        if (no != NULL) {
            char *name = plan_view_name(row);
            json_object_set_new(rejected, name, json_string(no));
            free(name);
        } else if (str_equal(verdict, "allowed")) {
            rule = rule == NULL ? "no approval required" : rule;
            json_object_set_new(rules, rule, json_integer(json_int_or(rules, rule, 0) + 1));
        } else if (str_equal(verdict, "needs-approval") && !json_bool_or(row, "approved", false)) {
            add_missing(missing, row);
        }
    }
}

static json_t *key_list(const json_t *object)
{
    json_t *list = json_array();
    const char *key;
    json_t *unused;
    json_object_foreach((json_t *)(uintptr_t)object, key, unused)
    {
        json_array_append_new(list, json_string(key));
    }
    return list;
}

/* As a list. Steals `missing`. */
static json_t *missing_list(json_t *missing)
{
    json_t *list = json_array();
    const char *key;
    json_t *entry;
    json_object_foreach(missing, key, entry)
    {
        json_object_set_new(entry, "namespaces", key_list(json_object_get(entry, "namespaces")));
        json_array_append(list, entry);
    }
    json_decref(missing);
    return list;
}

int standing_json(struct session *session, const struct ledger_run *run, json_t **out, struct err *err)
{
    json_t *rows = NULL;
    json_t *decisions = NULL;
    json_t *overrides = NULL;
    if (ledger_plan_rows(session->ledger, run->id, &rows, err) || ledger_approvals(session->ledger, run->id, &decisions, err) ||
        ledger_window_overrides(session->ledger, run->id, &overrides, err)) {
        json_decref(rows);
        json_decref(decisions);
        return -1;
    }
    json_t *rules = json_object();
    json_t *rejected = json_object();
    json_t *missing = json_object();
    bool waits = run->state == LEDGER_AWAITING_APPROVAL || run->state == LEDGER_REFUSED;
    gather(rows, rules, rejected, missing);
    json_decref(rows);
    if (!waits) {
        json_object_clear(missing);
    }
    *out = json_pack("{s:o, s:o, s:o, s:o, s:o}", "decisions", decisions, "overrides", overrides, "rules", rules, "rejected", rejected,
                     "missing", missing_list(missing));
    return 0;
}

/* A text from outside, so that it cannot steer a terminal. */
static void put(const char *before, const char *text, const char *after)
{
    char safe[512];
    snprintf(safe, sizeof safe, "%s", text == NULL ? "" : text);
    str_trim_utf8(safe);
    str_mask_controls(safe);
    printf("%s%s%s", before, safe, after);
}

static void print_decision(const json_t *decision)
{
    const char *workload = json_string_or_null(decision, "workload");
    const char *expires = json_string_or_null(decision, "expires");
    const char *reason = json_string_or_null(decision, "reason");
    const char *withdrawn = json_string_or_null(decision, "withdrawn");
    bool approves = str_equal(json_string_or_null(decision, "decision"), "approve");
    put(approves ? "approved by " : "rejected by ", json_string_or_null(decision, "approver"), "");
    put(" at ", json_string_or_null(decision, "at"), "");
    put(workload == NULL ? ": the plan" : ": ", workload, "");
    if (reason != NULL) {
        put(" (", reason, ")");
    }
    if (withdrawn != NULL) {
        put(", withdrawn at ", withdrawn, "");
        reason = json_string_or_null(decision, "withdrawn_reason");
        put(reason == NULL ? "" : " (", reason, reason == NULL ? "" : ")");
    } else if (!json_bool_or(decision, "valid", false)) {
        put(", no longer holds", NULL, "");
    } else if (approves) {
        put(", holds until ", expires, "");
    } else {
        put(workload == NULL ? "" : ", until it is withdrawn", NULL, "");
    }
    putchar('\n');
}

static void print_decisions(const json_t *decisions)
{
    size_t index;
    json_t *decision;
    size_t count = json_array_size(decisions);
    size_t first = count > 10 * NAMED ? count - 10 * NAMED : 0;
    if (first > 0) {
        printf("%zu earlier decisions: --format json has them all\n", first);
    }
    json_array_foreach(decisions, index, decision)
    {
        if (index >= first) {
            print_decision(decision);
        }
    }
}

static void print_rules(const json_t *rules)
{
    const char *rule;
    json_t *count;
    json_object_foreach((json_t *)(uintptr_t)rules, rule, count)
    {
        json_int_t n = json_integer_value(count);
        put("allowed by rule ", rule, "");
        printf(": %" JSON_INTEGER_FORMAT " workload%s\n", n, n == 1 ? "" : "s");
    }
}

static void print_missing(const json_t *missing)
{
    size_t index;
    json_t *entry;
    json_array_foreach(missing, index, entry)
    {
        int64_t approvals = json_int_or(entry, "approvals", 0);
        int64_t workloads = json_int_or(entry, "workloads", 0);
        const json_t *namespaces = json_object_get(entry, "namespaces");
        printf("missing: %" PRId64 " approval%s", approvals, approvals == 1 ? "" : "s");
        put(" of role ", json_string_or_null(entry, "role"), "");
        printf(" for %" PRId64 " workload%s in", workloads, workloads == 1 ? "" : "s");
        size_t at;
        json_t *namespace;
        json_array_foreach(namespaces, at, namespace)
        {
            if (at < NAMED) {
                put(at == 0 ? " " : ", ", json_string_value(namespace), "");
            }
        }
        if (at > NAMED) {
            printf(" and %zu more namespaces", at - NAMED);
        }
        putchar('\n');
    }
}

int standing_print(struct session *session, const struct ledger_run *run, struct err *err)
{
    json_t *standing;
    if (standing_json(session, run, &standing, err)) {
        return -1;
    }
    print_decisions(json_object_get(standing, "decisions"));
    size_t index;
    json_t *override;
    json_array_foreach(json_object_get(standing, "overrides"), index, override)
    {
        put("window ", json_string_or_null(override, "window"), " overridden");
        put(" by ", json_string_or_null(override, "by"), "");
        put(" at ", json_string_or_null(override, "at"), "");
        put(": ", json_string_or_null(override, "reason"), "\n");
    }
    print_rules(json_object_get(standing, "rules"));
    size_t rejected = json_object_size(json_object_get(standing, "rejected"));
    if (rejected > 0) {
        printf("left out: %zu rejected workload%s, which the sums of the run still have\n", rejected, rejected == 1 ? "" : "s");
    }
    print_missing(json_object_get(standing, "missing"));
    json_decref(standing);
    return 0;
}
