#include "pipeline/driver/view.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/money.h"
#include "pipeline/base/quantity.h"
#include "pipeline/base/str.h"
#include "pipeline/driver/next.h"
#include "pipeline/driver/objects_view.h"
#include "pipeline/driver/reports.h"
#include "pipeline/driver/standing.h"
#include "pipeline/driver/table.h"
#include "pipeline/driver/totals.h"

static void print_totals(const struct totals *totals)
{
    char before[MONEY_TEXT];
    char after[MONEY_TEXT];
    char saving[MONEY_TEXT];
    printf("workloads %" PRId64, totals->workloads);
    if (totals->objects < totals->workloads) {
        printf(" (%" PRId64 " names)", totals->objects);
    }
    printf(", changes %" PRId64 " (to approve %" PRId64 ", blocked %" PRId64 ")\n", totals->changes,
           totals->waiting, totals->blocked);
    printf("monthly %s now, %s after, %s %s\n", money_format(totals->before, before), money_format(totals->after, after),
           totals->saving < 0 ? "more" : "saved", money_format(totals->saving < 0 ? -totals->saving : totals->saving, saving));
    int64_t held = totals->held_back + totals->unwritten;
    if (held != 0) {
        printf("not in these sums: changes that are held back, worth %s %s a month\n",
               money_format(held < 0 ? -held : held, saving), held < 0 ? "more" : "less");
    }
    if (totals->unpriced > 0) {
        printf("not in these sums: %" PRId64 " workloads without a price\n", totals->unpriced);
    }
}

static void print_reports(const struct session *session, const struct ledger_run *run)
{
    size_t index;
    json_t *format;
    json_array_foreach(config_value(session->config, "reports.formats"), index, format)
    {
        char *path = reports_path(session, run, json_string_value(format));
        if (access(path, F_OK) == 0) {
            printf("report: %s\n", path);
        }
        free(path);
    }
}

void view_proposal(const struct ledger_run *run)
{
    json_t *proposal = run->proposal == NULL ? NULL : json_read(run->proposal, strlen(run->proposal), "the proposal", NULL);
    const char *workload = json_string_or_null(proposal, "workload");
    const char *by = json_string_or_null(proposal, "by");
    const char *reason = json_string_or_null(proposal, "reason");
    if (proposal != NULL) {
        char *text = xasprintf("proposal of %s for %s, beside run %" PRId64 ": %s", by == NULL ? "?" : by,
                               workload == NULL ? "?" : workload,
                               run->parent, reason == NULL ? "?" : reason);
        str_mask_controls(text);
        puts(text);
        free(text);
    }
    json_decref(proposal);
}

int view_run(struct session *session, const struct ledger_run *run, struct err *err)
{
    json_t *rows;
    if (ledger_results_get(session->ledger, run->id, &rows, err)) {
        return -1;
    }
    bool superseded = run->state == LEDGER_SUPERSEDED;
    printf("run %" PRId64 ": %s", run->id, ledger_state_name(run->state));
    if (superseded && run->superseded_by != 0) {
        printf(" by run %" PRId64, run->superseded_by);
    }
    printf("%s%s\n", run->reason == NULL ? "" : ": ", run->reason == NULL ? "" : run->reason);
    view_proposal(run);
    if (!superseded && run->superseded_by != 0) {
        printf("run %" PRId64 " took its place\n", run->superseded_by);
    }
    if (run->plan_digest != NULL) {
        printf("plan %s\n", run->plan_digest);
    }
    struct totals totals = totals_of(rows);
    json_decref(rows);
    if (totals.workloads > 0) {
        print_totals(&totals);
    }
    if (run->plan_digest != NULL) {
        print_reports(session, run);
    }
    next_print(session, run);
    return 0;
}

int view_run_object(struct session *session, const struct ledger_run *run, json_t **object, struct err *err)
{
    json_t *rows;
    if (ledger_results_get(session->ledger, run->id, &rows, err)) {
        return -1;
    }
    struct totals totals = totals_of(rows);
    json_decref(rows);
    json_t *out = json_pack("{s:I, s:s, s:s?, s:s, s:s, s:s, s:s?, s:s?}", "run", (json_int_t)run->id, "state",
                            ledger_state_name(run->state), "plan", run->plan_digest, "cluster", run->cluster, "created",
                            run->created, "requested_by", run->requested_by, "reason", run->reason, "next_opening",
                            run->next_opening);
    json_object_set_new(out, "parent", json_int_or_null(run->parent != 0, run->parent));
    json_object_set_new(out, "superseded_by", json_int_or_null(run->superseded_by != 0, run->superseded_by));
    json_object_set_new(out, "workloads", json_integer(totals.workloads));
    json_object_set_new(out, "changes", json_integer(totals.changes));
    json_object_set_new(out, "blocked", json_integer(totals.blocked));
    json_object_set_new(out, "monthly_before_microusd", json_integer(totals.before));
    json_object_set_new(out, "monthly_after_microusd", json_integer(totals.after));
    json_object_set_new(out, "monthly_saving_microusd", json_integer(totals.saving));
    json_object_set_new(out, "monthly_blocked_microusd", json_integer(totals.held_back));
    json_object_set_new(out, "monthly_unwritten_microusd", json_integer(totals.unwritten));
    json_t *proposal = run->proposal == NULL ? NULL : json_read(run->proposal, strlen(run->proposal), "the proposal", NULL);
    json_object_set_new(out, "proposal", proposal == NULL ? json_null() : proposal);
    json_object_set_new(out, "batch", run->batch == NULL ? json_null() : json_string_safe(run->batch));
    *object = out;
    return 0;
}

/* Steals `object`. Returns 0. */
static int print_object(json_t *object)
{
    char *text = json_text(object);
    puts(text);
    free(text);
    json_decref(object);
    return 0;
}

int view_run_json(struct session *session, const struct ledger_run *run, struct err *err)
{
    json_t *object;
    if (view_run_object(session, run, &object, err)) {
        return -1;
    }
    return print_object(object);
}

int view_status_json(struct session *session, const struct ledger_run *run, struct err *err)
{
    json_t *object = NULL;
    json_t *standing = NULL;
    json_t *objects = NULL;
    if (view_run_object(session, run, &object, err) || standing_json(session, run, &standing, err) ||
        objects_json(session, run->id, &objects, err)) {
        json_decref(object);
        json_decref(standing);
        return -1;
    }
    json_object_set_new(object, "objects", objects);
    json_object_update(object, standing);
    json_decref(standing);
    return print_object(object);
}

int view_part(struct session *session, const struct ledger_run *run, struct err *err)
{
    printf("run %" PRId64 ": %s\n", run->id, ledger_state_name(run->state));
    if (run->plan_digest != NULL) {
        printf("plan %s\n", run->plan_digest);
    }
    return standing_print(session, run, err) || next_print_part(session, run);
}

static int by_saving(const void *a, const void *b)
{
    int64_t left = json_int_or(*(json_t *const *)a, "monthly_saving_microusd", INT64_MIN);
    int64_t right = json_int_or(*(json_t *const *)b, "monthly_saving_microusd", INT64_MIN);
    return (left < right) - (left > right);
}

/* "500m → 120m", or one value where it stays. */
static void change_cell(struct table *table, const json_t *row, const char *before_key, const char *after_key, bool cpu)
{
    int64_t before;
    int64_t after;
    char left[QUANTITY_MAX] = "none";
    char right[QUANTITY_MAX] = "none";
    bool has_before = json_get_int(row, before_key, &before);
    bool has_after = json_get_int(row, after_key, &after);
    if (has_before) {
        cpu ? quantity_cpu_format(before, left) : quantity_memory_format(before, left);
    }
    if (has_after) {
        cpu ? quantity_cpu_format(after, right) : quantity_memory_format(after, right);
    }
    if (strcmp(left, right) == 0) {
        table_cell(table, left);
    } else {
        table_cellf(table, "%s → %s", left, right);
    }
}

static void workload_row(struct table *table, const json_t *row)
{
    char money[MONEY_TEXT];
    int64_t saving;
    double confidence;
    table_cellf(table, "%s/%s/%s", json_string_or_null(row, "namespace"), json_string_or_null(row, "kind"),
                json_string_or_null(row, "name"));
    table_cell(table, json_string_or_null(row, "verdict"));
    change_cell(table, row, "cpu_before_millicores", "cpu_after_millicores", true);
    change_cell(table, row, "memory_before_bytes", "memory_after_bytes", false);
    table_cell(table, json_get_int(row, "monthly_saving_microusd", &saving) ? money_format(saving, money) : NULL);
    table_cell(table, json_string_or_null(row, "risk"));
    if (json_get_number(row, "confidence", &confidence)) {
        table_cellf(table, "%.2f", confidence);
    } else {
        table_cell(table, NULL);
    }
}

int view_workloads(struct session *session, const struct ledger_run *run, int64_t limit, struct err *err)
{
    static const char *const heads[] = {"WORKLOAD", "VERDICT", "CPU REQUEST", "MEMORY REQUEST", ">SAVED/MONTH", "RISK", "CONFIDENCE"};
    json_t *rows;
    if (ledger_results_get(session->ledger, run->id, &rows, err)) {
        return -1;
    }
    size_t count = json_array_size(rows);
    json_t **sorted = xcalloc_array(count, sizeof *sorted);
    for (size_t i = 0; i < count; i++) {
        sorted[i] = json_array_get(rows, i);
    }
    qsort(sorted, count, sizeof *sorted, by_saving);
    struct table *table = table_new(ARRAY_COUNT(heads), heads);
    size_t shown = limit > 0 && (size_t)limit < count ? (size_t)limit : count;
    for (size_t i = 0; i < shown; i++) {
        workload_row(table, sorted[i]);
    }
    if (count > 0) {
        table_print(table, stdout);
    }
    if (shown < count) {
        printf("… and %zu more: --limit 0 shows all\n", count - shown);
    }
    table_free(table);
    free(sorted);
    json_decref(rows);
    return 0;
}
