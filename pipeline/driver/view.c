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
#include "pipeline/driver/reports.h"
#include "pipeline/driver/table.h"

struct totals {
    int64_t workloads; /* records: two of one identity are two, as in the report */
    int64_t objects;   /* identities */
    int64_t changes;   /* allowed, waiting or blocked: anything but unchanged */
    int64_t waiting;
    int64_t blocked;
    int64_t unpriced;
    int64_t before;
    int64_t after;
    int64_t saving;
    int64_t held_back; /* saving of the blocked ones */
};

static struct totals sum_up(const json_t *rows)
{
    struct totals totals = {0};
    size_t index;
    json_t *row;
    json_array_foreach(rows, index, row)
    {
        const json_t *detail = json_object_get(row, "detail");
        int64_t before;
        totals.objects++;
        totals.workloads += json_int_or(detail, "records", 1);
        totals.waiting += json_int_or(detail, "needs-approval", 0);
        totals.blocked += json_int_or(detail, "blocked", 0);
        totals.changes += json_int_or(detail, "allowed", 0);
        totals.held_back += json_int_or(detail, "held_back_microusd", 0);
        totals.unpriced += json_int_or(detail, "unpriced", 0);
        if (!json_get_int(row, "monthly_before_microusd", &before)) {
            continue;
        }
        totals.before += before;
        totals.after += json_int_or(row, "monthly_after_microusd", before);
        totals.saving += json_int_or(row, "monthly_saving_microusd", 0);
    }
    totals.changes += totals.waiting + totals.blocked;
    return totals;
}

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
    if (totals->held_back != 0) {
        int64_t held = totals->held_back;
        printf("not in these sums: blocked changes worth %s %s a month\n",
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

int view_run(struct session *session, const struct ledger_run *run, struct err *err)
{
    json_t *rows;
    if (ledger_results_get(session->ledger, run->id, &rows, err)) {
        return -1;
    }
    printf("run %" PRId64 ": %s", run->id, ledger_state_name(run->state));
    if (run->superseded_by != 0) {
        printf(" by run %" PRId64, run->superseded_by);
    }
    printf("%s%s\n", run->reason == NULL ? "" : ": ", run->reason == NULL ? "" : run->reason);
    if (run->plan_digest != NULL) {
        printf("plan %s\n", run->plan_digest);
    }
    struct totals totals = sum_up(rows);
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

int view_run_json(struct session *session, const struct ledger_run *run, struct err *err)
{
    json_t *rows;
    if (ledger_results_get(session->ledger, run->id, &rows, err)) {
        return -1;
    }
    struct totals totals = sum_up(rows);
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
    char *text = json_text(out);
    puts(text);
    free(text);
    json_decref(out);
    return 0;
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
