#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pipeline/base/log.h"
#include "pipeline/base/mem.h"
#include "pipeline/base/money.h"
#include "pipeline/base/str.h"
#include "pipeline/driver/command.h"
#include "pipeline/driver/confirm.h"
#include "pipeline/driver/line.h"
#include "pipeline/driver/reports.h"
#include "pipeline/driver/table.h"
#include "pipeline/driver/view.h"
#include "pipeline/io/fs.h"

enum { ALL_RUNS = 1000 };

static int print_json(json_t *value)
{
    char *text = json_text(value);
    puts(text);
    free(text);
    json_decref(value);
    return 0;
}

static int limit_of(const struct session *session)
{
    int64_t limit = options_integer(session->options, OPT_LIMIT, NULL);
    return limit == 0 || limit > ALL_RUNS ? ALL_RUNS : (int)limit;
}

static void money_cell(struct table *table, const json_t *row, const char *key)
{
    int64_t value;
    char money[MONEY_TEXT];
    table_cell(table, json_get_int(row, key, &value) ? money_format(value, money) : NULL);
}

static void int_cell(struct table *table, const json_t *row, const char *key)
{
    int64_t value;
    if (json_get_int(row, key, &value)) {
        table_cellf(table, "%" PRId64, value);
    } else {
        table_cell(table, NULL);
    }
}

static int list_runs(struct session *session, bool json, struct err *err)
{
    static const char *const heads[] = {">RUN", "STARTED", "STATE", "CLUSTER", "BY", ">WORKLOADS", ">SAVED/MONTH"};
    json_t *runs;
    if (ledger_run_list(session->ledger, 0, limit_of(session), &runs, err)) {
        return -1;
    }
    if (json) {
        return print_json(runs);
    }
    struct table *table = table_new(ARRAY_COUNT(heads), heads);
    size_t index;
    json_t *run;
    json_array_foreach(runs, index, run)
    {
        int_cell(table, run, "run");
        table_cell(table, json_string_or_null(run, "created"));
        table_cell(table, json_string_or_null(run, "state"));
        table_cell(table, json_string_or_null(run, "cluster"));
        table_cell(table, json_string_or_null(run, "requested_by"));
        int_cell(table, run, "workloads");
        money_cell(table, run, "monthly_saving_microusd");
    }
    table_print(table, stdout);
    if (index == 0) {
        log_info("there are no runs yet: tare run makes one");
    }
    table_free(table);
    json_decref(runs);
    return 0;
}

static int print_attempts(struct session *session, int64_t run, struct err *err)
{
    static const char *const heads[] = {"STAGE", "STATE", "STARTED", "ENDED", ">BYTES", "ARTIFACT", "FROM"};
    struct ledger_attempts attempts;
    if (ledger_attempts(session->ledger, run, &session->arena, &attempts, err)) {
        return -1;
    }
    struct table *table = table_new(ARRAY_COUNT(heads), heads);
    for (size_t i = 0; i < attempts.count; i++) {
        const struct ledger_attempt *attempt = &attempts.items[i];
        table_cell(table, attempt->stage);
        table_cell(table, attempt->state);
        table_cell(table, attempt->started);
        table_cell(table, attempt->ended);
        table_cellf(table, "%" PRId64, attempt->size);
        table_cellf(table, "%.12s", attempt->digest == NULL ? "-" : attempt->digest);
        table_cell(table, attempt->inherited_from != 0 ? "parent run" : attempt->message);
    }
    table_print(table, stdout);
    table_free(table);
    return 0;
}

static int print_approvals(struct session *session, int64_t run, struct err *err)
{
    json_t *approvals;
    if (ledger_approvals(session->ledger, run, &approvals, err)) {
        return -1;
    }
    size_t index;
    json_t *approval;
    json_array_foreach(approvals, index, approval)
    {
        const char *workload = json_string_or_null(approval, "workload");
        const char *reason = json_string_or_null(approval, "reason");
        const char *expires = json_string_or_null(approval, "expires");
        printf("%s by %s at %s%s%s%s%s%s%s%s\n", json_string_or_null(approval, "decision"),
               json_string_or_null(approval, "approver"), json_string_or_null(approval, "at"),
               workload == NULL ? "" : " for ", workload == NULL ? "" : workload, expires == NULL ? "" : ", until ",
               expires == NULL ? "" : expires, json_bool_or(approval, "valid", true) ? "" : " (no longer valid)",
               reason == NULL ? "" : ": ", reason == NULL ? "" : reason);
    }
    json_decref(approvals);
    return 0;
}

static int one_run(struct session *session, bool json, struct err *err)
{
    int64_t id;
    struct ledger_run run;
    if (session_run_id(session, 0, &id, err) || ledger_run_get(session->ledger, id, &session->arena, &run, err)) {
        return -1;
    }
    if (json) {
        return view_run_json(session, &run, err);
    }
    return view_workloads(session, &run, options_integer(session->options, OPT_LIMIT, NULL), err) ||
                   print_attempts(session, id, err) || print_approvals(session, id, err) || view_run(session, &run, err)
               ? -1
               : 0;
}

int command_status(struct session *session, struct err *err)
{
    bool json;
    if (session_operands(session, 0, 1, "tare status [RUN]", err) || session_json(session, &json, err)) {
        return -1;
    }
    return options_operands(session->options) == 0 ? list_runs(session, json, err) : one_run(session, json, err);
}

int command_show(struct session *session, struct err *err)
{
    int64_t id;
    char digest[LEDGER_DIGEST_SIZE];
    if (session_operands(session, 2, 2, "tare show RUN STAGE", err) || session_run_id(session, 0, &id, err)) {
        return -1;
    }
    const char *stage = options_operand(session->options, 1);
    if (line_index(stage) == line_length() && strcmp(stage, "apply") != 0 && strcmp(stage, "rollback") != 0) {
        err_set(err, ERR_USAGE, "there is no stage \"%s\"", stage);
        return err_hint(err, "the stages are parse, collect, analyze, price, diff, gate, apply and rollback");
    }
    struct ledger_run run;
    if (ledger_run_get(session->ledger, id, &session->arena, &run, err) ||
        ledger_artifact_find(session->ledger, id, stage, digest, err)) {
        return -1;
    }
    return fflush(stdout) ? err_set(err, ERR_IO, "cannot write standard output")
                          : ledger_artifact_copy(session->ledger, digest, STDOUT_FILENO, err);
}

/* Into a file by way of a spool, so that the file is whole or not there. */
static int report_to_file(struct session *session, const struct ledger_run *run, const char *format, const char *path,
                          struct err *err)
{
    int spool;
    struct buf text;
    if (fs_spool(&spool, err)) {
        return -1;
    }
    buf_init(&text, (size_t)256 * 1024 * 1024);
    int failed = reports_one(session, run, format, spool, err);
    if (!failed) {
        lseek(spool, 0, SEEK_SET);
        failed = fs_read_fd(spool, "the report", &text, err) || fs_replace(path, buf_str(&text), text.length, 0644, err);
    }
    buf_release(&text);
    close(spool);
    return failed ? -1 : 0;
}

int command_report(struct session *session, struct err *err)
{
    int64_t id;
    struct ledger_run run;
    const char *format = options_string(session->options, OPT_FORMAT);
    const char *path = options_string(session->options, OPT_OUTPUT);
    format = format == NULL ? "markdown" : format;
    if (session_operands(session, 1, 1, "tare report RUN", err) || reports_check_format(format, err) ||
        session_run_id(session, 0, &id, err) ||
        ledger_run_get(session->ledger, id, &session->arena, &run, err)) {
        return -1;
    }
    return path == NULL ? reports_one(session, &run, format, STDOUT_FILENO, err)
                        : report_to_file(session, &run, format, path, err);
}

static void history_row(struct table *table, const json_t *row)
{
    int_cell(table, row, "run");
    table_cell(table, json_string_or_null(row, "created"));
    table_cell(table, json_string_or_null(row, "state"));
    money_cell(table, row, "monthly_before_microusd");
    money_cell(table, row, "monthly_after_microusd");
    money_cell(table, row, "monthly_saving_microusd");
}

int command_history(struct session *session, struct err *err)
{
    static const char *const heads[] = {">RUN", "STARTED", "STATE", ">MONTHLY NOW", ">AFTER", ">SAVED"};
    bool json;
    json_t *rows;
    struct ledger_workload workload = {0};
    bool one = options_operands(session->options) > 0;
    if (session_operands(session, 0, 1, "tare history [NAMESPACE/KIND/NAME]", err) || session_json(session, &json, err) ||
        (one && workload_parse(session, options_operand(session->options, 0), &workload, err)) ||
        ledger_trend(session->ledger, one ? &workload : NULL, limit_of(session), &rows, err)) {
        return -1;
    }
    if (json) {
        return print_json(rows);
    }
    struct table *table = table_new(ARRAY_COUNT(heads), heads);
    size_t index;
    json_t *row;
    json_array_foreach(rows, index, row)
    {
        history_row(table, row);
    }
    table_print(table, stdout);
    table_free(table);
    json_decref(rows);
    return 0;
}

static int audit_verify(struct session *session, bool json, struct err *err)
{
    struct ledger_audit_verdict verdict;
    if (ledger_audit_verify(session->ledger, &session->arena, &verdict, err)) {
        return -1;
    }
    if (json) {
        print_json(json_pack("{s:b, s:I, s:I, s:s?, s:s?}", "intact", verdict.intact, "events", (json_int_t)verdict.events,
                             "broken_at", (json_int_t)verdict.broken_at, "head", verdict.head, "message", verdict.message));
    } else {
        printf("%s\n", verdict.message);
        if (verdict.head != NULL) {
            printf("anchor %s\n", verdict.head);
        }
    }
    if (!verdict.intact) {
        err_set(&session->verdict, ERR_DATA, "the audit trail is broken at event %" PRId64, verdict.broken_at);
        err_hint(&session->verdict, "keep a copy of the database as it is and ask who had superuser access to it");
    }
    return 0;
}

static int audit_list(struct session *session, bool json, struct err *err)
{
    static const char *const heads[] = {">EVENT", "AT", "ACTOR", "ACTION", ">RUN", "SUBJECT"};
    int64_t run = 0;
    json_t *events;
    struct ledger_run about;
    int limit = options_given(session->options, OPT_LIMIT) ? limit_of(session) : ALL_RUNS;
    if ((options_operands(session->options) > 1 &&
         (session_run_id(session, 1, &run, err) || ledger_run_get(session->ledger, run, &session->arena, &about, err))) ||
        ledger_audit_list(session->ledger, run, 0, limit, &events, err)) {
        return -1;
    }
    if (json) {
        return print_json(events);
    }
    struct table *table = table_new(ARRAY_COUNT(heads), heads);
    size_t index;
    json_t *event;
    json_array_foreach(events, index, event)
    {
        int_cell(table, event, "position");
        table_cell(table, json_string_or_null(event, "at"));
        table_cell(table, json_string_or_null(event, "actor"));
        table_cell(table, json_string_or_null(event, "action"));
        int_cell(table, event, "run");
        table_cell(table, json_string_or_null(event, "subject"));
    }
    table_print(table, stdout);
    table_free(table);
    json_decref(events);
    return 0;
}

int command_audit(struct session *session, struct err *err)
{
    bool json;
    if (session_operands(session, 1, 2, "tare audit verify | list [RUN]", err) || session_json(session, &json, err)) {
        return -1;
    }
    const char *what = options_operand(session->options, 0);
    if (strcmp(what, "verify") == 0) {
        if (session_operands(session, 1, 1, "tare audit verify", err)) {
            return -1;
        }
        return audit_verify(session, json, err);
    }
    if (strcmp(what, "list") == 0) {
        return audit_list(session, json, err);
    }
    err_set(err, ERR_USAGE, "tare audit has verify and list, not \"%s\"", what);
    return err_hint(err, "usage: tare audit verify | list [RUN]");
}
