#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pipeline/base/log.h"
#include "pipeline/base/mem.h"
#include "pipeline/base/money.h"
#include "pipeline/base/str.h"
#include "pipeline/driver/batch_view.h"
#include "pipeline/driver/calls_view.h"
#include "pipeline/driver/command.h"
#include "pipeline/driver/confirm.h"
#include "pipeline/driver/line.h"
#include "pipeline/driver/mine.h"
#include "pipeline/driver/notify.h"
#include "pipeline/driver/objects_view.h"
#include "pipeline/driver/plan_view.h"
#include "pipeline/driver/reports.h"
#include "pipeline/driver/rows.h"
#include "pipeline/driver/standing.h"
#include "pipeline/driver/table.h"
#include "pipeline/driver/view.h"
#include "pipeline/io/fs.h"
#include "pipeline/run/ledger_rules.h"
#include "pipeline/run/ledger_schedule.h"

enum { ALL_RUNS = 1000 };

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

static void run_cells(struct table *table, const json_t *run)
{
    rows_int_cell(table, run, "run");
    table_cell(table, json_string_or_null(run, "created"));
    table_cell(table, json_string_or_null(run, "state"));
    table_cell(table, json_string_or_null(run, "cluster"));
    table_cell(table, json_string_or_null(run, "batch"));
    table_cell(table, json_string_or_null(run, "requested_by"));
    rows_int_cell(table, run, "workloads");
    money_cell(table, run, "monthly_saving_microusd");
}

/* Why a list of runs is empty. ERR_NOINPUT where the schedule asked for is not there (one that was removed has its runs yet). */
static int why_none(struct session *session, const char *schedule, const char **why, struct err *err)
{
    json_t *found = NULL;
    bool narrowed = false;
    if ((schedule != NULL && ledger_schedule_get(session->ledger, schedule, &found, err)) ||
        ledger_narrowed(session->ledger, &narrowed, err)) {
        return -1;
    }
    json_decref(found);
    *why = narrowed           ? "there are no runs that you see as a whole: tare status RUN shows your part of one"
           : schedule != NULL ? "the schedule has no runs yet: tare schedule list tells when it is due"
                              : "there are no runs yet: tare run makes one";
    return 0;
}

static int list_runs(struct session *session, bool json, struct err *err)
{
    static const char *const heads[] = {">RUN", "STARTED", "STATE", "CLUSTER", "BATCH", "BY", ">WORKLOADS", ">SAVED/MONTH"};
    json_t *runs;
    const struct ledger_run_filter filter = {.limit = limit_of(session), .schedule = options_string(session->options, OPT_SCHEDULE)};
    const char *none = NULL;
    if (ledger_run_list(session->ledger, &filter, &runs, err)) {
        return -1;
    }
    if (json_array_size(runs) == 0 && why_none(session, filter.schedule, &none, err)) {
        json_decref(runs);
        return -1;
    }
    return json ? rows_json(runs) : rows_print(runs, heads, ARRAY_COUNT(heads), run_cells, none);
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

static int one_run(struct session *session, bool json, struct err *err)
{
    int64_t id;
    bool whole;
    struct ledger_run run;
    if (session_run_id(session, 0, &id, err) || plan_view_run(session, id, &run, &whole, err)) {
        return -1;
    }
    session_follow(session, run.cluster);
    if (json) {
        return view_status_json(session, &run, err);
    }
    if (view_workloads(session, &run, options_integer(session->options, OPT_LIMIT, NULL), err)) {
        return -1;
    }
    if (!whole) {
        return view_part(session, &run, err);
    }
    return print_attempts(session, id, err) ||
                   objects_print(session, id, options_integer(session->options, OPT_LIMIT, NULL), err) ||
                   standing_print(session, &run, err) || view_run(session, &run, err)
               ? -1
               : 0;
}

int command_status(struct session *session, struct err *err)
{
    bool json;
    if (session_operands(session, 0, 1, "tare status [RUN]", err) || session_json(session, &json, err)) {
        return -1;
    }
    if (options_given(session->options, OPT_BATCH)) {
        return session_operands(session, 0, 0, "tare status --batch NAME", err) || batch_status(session, json, err) ? -1 : 0;
    }
    if (options_operands(session->options) > 0) {
        return one_run(session, json, err);
    }
    notify_mention(session);
    return list_runs(session, json, err);
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
    if (fflush(stdout)) {
        return err_set(err, ERR_IO, "cannot write standard output");
    }
    return ledger_artifact_copy(session->ledger, digest, STDOUT_FILENO, err)
               ? err_prefix(err, "the %s of run %" PRId64, stage, id)
               : 0;
}

/* Of a run, or (NULL) of the batch that --batch names. */
static int report_to(struct session *session, const struct ledger_run *run, const char *format, int out, struct err *err)
{
    return run != NULL ? reports_one(session, run, format, out, err) : batch_report(session, format, out, err);
}

/* To standard output, or into a file by way of a spool, so that the file is whole or not there. */
static int print_report(struct session *session, const struct ledger_run *run, const char *format, struct err *err)
{
    int spool;
    const char *path = options_string(session->options, OPT_OUTPUT);
    if (path == NULL) {
        return report_to(session, run, format, STDOUT_FILENO, err);
    }
    if (fs_spool(&spool, err)) {
        return -1;
    }
    int failed = report_to(session, run, format, spool, err) || fs_replace_from(path, spool, 0644, err);
    close(spool);
    return failed ? -1 : 0;
}

static int report_batch(struct session *session, const char *format, struct err *err)
{
    static const enum option_id of_one[] = {OPT_COMPARE, OPT_MAX_BYTES, OPT_MINE};
    for (size_t i = 0; i < ARRAY_COUNT(of_one); i++) {
        if (options_given(session->options, of_one[i])) {
            err_set(err, ERR_USAGE, "--%s is for one run, and --batch names several", option_table()[of_one[i]].long_name);
            return err_hint(err, "tare status --batch %s lists them", options_string(session->options, OPT_BATCH));
        }
    }
    return session_operands(session, 0, 0, "tare report --batch NAME", err) || print_report(session, NULL, format, err) ? -1 : 0;
}

int command_report(struct session *session, struct err *err)
{
    int64_t id;
    struct ledger_run run;
    const char *format = options_string(session->options, OPT_FORMAT);
    bool whole;
    format = format == NULL ? "markdown" : format;
    if (options_given(session->options, OPT_BATCH)) {
        return reports_check_format(format, err) || report_batch(session, format, err) ? -1 : 0;
    }
    if (session_operands(session, 1, 1, "tare report RUN", err) || reports_check_format(format, err) ||
        session_run_id(session, 0, &id, err) || plan_view_run(session, id, &run, &whole, err)) {
        return -1;
    }
    if (options_flag(session->options, OPT_MINE)) {
        return mine_report(session, &run, format, err);
    }
    if (!whole) {
        err_set(err, ERR_NOINPUT, "run %" PRId64 " is not yours to see as a whole", id);
        return err_hint(err, "tare report %" PRId64 " --mine shows what you see of it", id);
    }
    session_follow(session, run.cluster);
    return print_report(session, &run, format, err);
}

static void history_row(struct table *table, const json_t *row)
{
    rows_int_cell(table, row, "run");
    table_cell(table, json_string_or_null(row, "created"));
    table_cell(table, json_string_or_null(row, "state"));
    money_cell(table, row, "monthly_before_microusd");
    money_cell(table, row, "monthly_after_microusd");
    money_cell(table, row, "monthly_saving_microusd");
}

static void savings_cells(struct table *table, const json_t *row)
{
    const json_t *measured = json_int_or(row, "measured", 0) > 0 ? row : NULL;
    rows_int_cell(table, row, "run");
    table_cell(table, json_string_or_null(row, "cluster"));
    table_cell(table, json_string_or_null(row, "applied"));
    rows_int_cell(table, row, "workloads");
    rows_int_cell(table, row, "measured");
    money_cell(table, row, "expected_microusd");
    money_cell(table, measured, "predicted_microusd");
    money_cell(table, measured, "realized_microusd");
    rows_int_cell(table, row, "measured_by");
}

/* What applied plans were said to save, and what later runs found. */
static int savings(struct session *session, bool json, struct err *err)
{
    static const char *const heads[] = {">RUN", "CLUSTER", "APPLIED", ">WORKLOADS", ">MEASURED",
                                        ">SAID", ">OF MEASURED", ">SAVED", ">BY RUN"};
    json_t *past;
    if (ledger_past(session->ledger, 0, limit_of(session), &past, err)) {
        return -1;
    }
    json_t *rows = json_incref(json_object_get(past, "applied"));
    if (json_bool_or(past, "narrowed", false)) {
        log_info("plans of runs that this login does not see whole are not listed");
    }
    json_decref(past);
    if (json) {
        return rows_json(rows);
    }
    return rows_print(rows, heads, ARRAY_COUNT(heads), savings_cells, "no plan was applied yet: tare apply RUN does");
}

int command_history(struct session *session, struct err *err)
{
    static const char *const heads[] = {">RUN", "STARTED", "STATE", ">MONTHLY NOW", ">AFTER", ">SAVED"};
    bool json;
    json_t *rows;
    struct ledger_workload workload = {0};
    bool one = options_operands(session->options) > 0;
    bool calls = one && strcmp(options_operand(session->options, 0), "llm") == 0;
    if (session_operands(session, 0, calls ? 2 : 1, "tare history [savings | llm [RUN] | NAMESPACE/KIND/NAME]", err) ||
        session_json(session, &json, err)) {
        return -1;
    }
    if (calls) {
        return calls_view(session, json, limit_of(session), err);
    }
    if (one && strcmp(options_operand(session->options, 0), "savings") == 0) {
        return savings(session, json, err);
    }
    if ((one && workload_parse(session, options_operand(session->options, 0), &workload, err)) ||
        ledger_trend(session->ledger, one ? &workload : NULL, limit_of(session), &rows, err)) {
        return -1;
    }
    if (json) {
        return rows_json(rows);
    }
    return rows_print(rows, heads, ARRAY_COUNT(heads), history_row, NULL);
}
