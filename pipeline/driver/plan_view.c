#include "pipeline/driver/plan_view.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/clock.h"
#include "pipeline/base/mem.h"
#include "pipeline/base/money.h"
#include "pipeline/base/quantity.h"
#include "pipeline/base/str.h"
#include "pipeline/cli/inforce.h"
#include "pipeline/driver/confirm.h"
#include "pipeline/driver/totals.h"
#include "pipeline/run/ledger_decide.h"

enum { NAMES_MAX = 512, CHANGE_TEXT = 80 };

int plan_view_run(struct session *session, int64_t id, struct ledger_run *run, bool *whole, struct err *err)
{
    if (ledger_run_head(session->ledger, id, &session->arena, run, whole, err) ||
        (*whole && ledger_run_get(session->ledger, id, &session->arena, run, err))) {
        return -1;
    }
    session_follow(session, run->cluster);
    return 0;
}

char *plan_view_name(const json_t *row)
{
    return xasprintf("%s/%s/%s", json_string_or_null(row, "namespace"), json_string_or_null(row, "kind"), json_string_or_null(row, "name"));
}

/* ---- Loading ---- */

/* Sets "result" of each plan row from the flat rows. */
static void join_results(json_t *rows, const json_t *results)
{
    json_t *by_name = json_object();
    size_t index;
    json_t *row;
    json_array_foreach(results, index, row)
    {
        char *name = plan_view_name(row);
        json_object_set(by_name, name, row);
        free(name);
    }
    json_array_foreach(rows, index, row)
    {
        char *name = plan_view_name(row);
        json_t *result = json_object_get(by_name, name);
        json_object_set_new(row, "result", result == NULL ? json_null() : json_incref(result));
        free(name);
    }
    json_decref(by_name);
}

/* The windows' answer for one subject: closed, unless one of the overrides opens it. New. */
static json_t *judge_window(const struct window_set *windows, const struct window_subject *subject, int64_t now, const json_t *overrides)
{
    struct window_verdict verdict;
    window_judge(windows, subject, now, NULL, &verdict);
    size_t index;
    json_t *override;
    json_array_foreach(overrides, index, override)
    {
        struct window_verdict other;
        if (!verdict.allowed) {
            window_judge(windows, subject, now, json_string_or_null(override, "window"), &other);
            verdict = other.allowed ? other : verdict;
        }
    }
    char next[RFC3339_MAX];
    json_t *answer = json_object();
    json_object_set_new(answer, "open", json_boolean(verdict.allowed));
    json_object_set_new(answer, "reason", json_string_safe(verdict.reason));
    json_object_set_new(answer, "next",
                        !verdict.allowed && verdict.has_next ? json_string(time_format(verdict.next_opening, next)) : json_null());
    return answer;
}

/* Sets "window" of each row; rows of one namespace and the same labels are asked about once. */
static void judge_windows(json_t *rows, const struct ledger_run *run, const struct window_set *windows, int64_t now,
                          const json_t *overrides)
{
    json_t *known = json_object();
    size_t index;
    json_t *row;
    json_array_foreach(rows, index, row)
    {
        const json_t *labels = json_at(row, "facts.labels");
        struct window_subject subject = {.cluster = run->cluster, .namespace = json_string_or_null(row, "namespace"), .labels = labels};
        char *text = labels == NULL ? xstrdup("") : json_text(labels);
        char *key = xasprintf("%s %s", subject.namespace, text);
        if (json_object_get(known, key) == NULL) {
            json_object_set_new(known, key, judge_window(windows, &subject, now, overrides));
        }
        json_object_set(row, "window", json_object_get(known, key));
        free(key);
        free(text);
    }
    json_decref(known);
}

static int add_windows(struct session *session, const struct ledger_run *run, json_t *rows, struct err *err)
{
    struct inforce inforce = {0};
    const char *now = NULL;
    int64_t instant = 0;
    json_t *overrides = NULL;
    int failed = inforce_load(session->ledger, session->config, &inforce, err) ||
                 ledger_now(session->ledger, &session->arena, &now, err) || time_parse(now, &instant, err) ||
                 ledger_window_overrides(session->ledger, run->id, &overrides, err);
    if (!failed) {
        judge_windows(rows, run, inforce.windows, instant, overrides);
    }
    json_decref(overrides);
    inforce_release(&inforce);
    return failed ? -1 : 0;
}

static int64_t saving_of(const json_t *row)
{
    return json_int_or(json_object_get(row, "result"), "monthly_saving_microusd", 0);
}

static uint64_t size_of_change(const json_t *row)
{
    int64_t saving = saving_of(row);
    return saving < 0 ? (uint64_t) - (saving + 1) + 1 : (uint64_t)saving;
}

static int by_change(const void *a, const void *b)
{
    uint64_t left = size_of_change(*(json_t *const *)a);
    uint64_t right = size_of_change(*(json_t *const *)b);
    return (left < right) - (left > right);
}

/* A new array of the same rows, the largest change first. */
static json_t *sorted(const json_t *rows)
{
    size_t count = json_array_size(rows);
    json_t **items = xcalloc_array(count, sizeof *items);
    json_t *out = json_array();
    for (size_t i = 0; i < count; i++) {
        items[i] = json_array_get(rows, i);
    }
    qsort(items, count, sizeof *items, by_change);
    for (size_t i = 0; i < count; i++) {
        json_array_append(out, items[i]);
    }
    free(items);
    return out;
}

int plan_view_rows(struct session *session, const struct ledger_run *run, json_t **rows, struct err *err)
{
    json_t *plan = NULL;
    json_t *results = NULL;
    int failed = ledger_plan_rows(session->ledger, run->id, &plan, err) || ledger_results_get(session->ledger, run->id, &results, err);
    if (!failed) {
        join_results(plan, results);
        failed = add_windows(session, run, plan, err);
    }
    if (!failed) {
        *rows = sorted(plan);
    }
    json_decref(plan);
    json_decref(results);
    return failed ? -1 : 0;
}

static json_t *find_row(const json_t *rows, const struct ledger_workload *workload)
{
    size_t index;
    json_t *row;
    json_array_foreach(rows, index, row)
    {
        if (str_equal(json_string_or_null(row, "name"), workload->name) && str_equal(json_string_or_null(row, "kind"), workload->kind) &&
            str_equal(json_string_or_null(row, "namespace"), workload->namespace)) {
            return row;
        }
    }
    return NULL;
}

int plan_view_chosen(struct session *session, const struct ledger_run *run, const json_t *rows, json_t **chosen, struct err *err)
{
    size_t count = options_list_count(session->options, OPT_WORKLOAD);
    json_t *list = count == 0 ? json_copy((json_t *)(uintptr_t)rows) : json_array();
    for (size_t i = 0; i < count; i++) {
        const char *text = options_list_item(session->options, OPT_WORKLOAD, i);
        struct ledger_workload workload;
        json_t *row = NULL;
        int failed = workload_parse(session, text, &workload, err);
        row = failed ? NULL : find_row(rows, &workload);
        if (!failed && row == NULL) {
            failed = err_set(err, ERR_NOINPUT, "%s is not in the plan of run %" PRId64 ", or is not yours to see", text, run->id);
            err_hint(err, "tare report %" PRId64 " --mine lists what you see of it", run->id);
        }
        if (failed) {
            json_decref(list);
            return -1;
        }
        if (find_row(list, &workload) == NULL) {
            json_array_append(list, row);
        }
    }
    *chosen = list;
    return 0;
}

/* ---- Printing ---- */

static void amount_text(const json_t *object, const char *key, bool cpu, char out[QUANTITY_MAX])
{
    int64_t value;
    if (!json_get_int(object, key, &value)) {
        snprintf(out, QUANTITY_MAX, "none");
    } else if (cpu) {
        quantity_cpu_format(value, out);
    } else {
        quantity_memory_format(value, out);
    }
}

void plan_view_change(const json_t *row, const char *resource, const char *what, char *out, size_t size)
{
    bool cpu = strcmp(resource, "cpu") == 0;
    bool limit = strcmp(what, "limit") == 0;
    const json_t *result = json_object_get(row, "result");
    const json_t *place = limit ? json_object_get(result, "detail") : result;
    const char *unit = cpu ? "millicores" : "bytes";
    char before_key[64];
    char after_key[64];
    char before[QUANTITY_MAX];
    char after[QUANTITY_MAX];
    snprintf(before_key, sizeof before_key, "%s%s_before_%s", resource, limit ? "_limit" : "", unit);
    snprintf(after_key, sizeof after_key, "%s%s_after_%s", resource, limit ? "_limit" : "", unit);
    amount_text(place, before_key, cpu, before);
    amount_text(place, after_key, cpu, after);
    if (strcmp(before, after) == 0) {
        snprintf(out, size, "%s", limit ? "" : before);
    } else {
        snprintf(out, size, "%s → %s", before, after);
    }
}

static void limits_cell(struct table *table, const json_t *row)
{
    char cpu[CHANGE_TEXT];
    char memory[CHANGE_TEXT];
    plan_view_change(row, "cpu", "limit", cpu, sizeof cpu);
    plan_view_change(row, "memory", "limit", memory, sizeof memory);
    if (cpu[0] == '\0' && memory[0] == '\0') {
        table_cell(table, "as now");
    } else {
        table_cellf(table, "%s%s%s%s%s", cpu[0] == '\0' ? "" : "cpu ", cpu, cpu[0] == '\0' || memory[0] == '\0' ? "" : ", ",
                    memory[0] == '\0' ? "" : "memory ", memory);
    }
}

/* "1 of 2", and what stands in the way or made it needless. */
static void needs_cells(struct table *table, const json_t *row)
{
    const char *verdict = json_string_or_null(row, "verdict");
    if (json_string_or_null(row, "rejected") != NULL) {
        table_cell(table, "rejected");
    } else if (str_equal(verdict, "needs-approval")) {
        table_cellf(table, "%" PRId64 " of %" PRId64, json_int_or(row, "approvals_valid", 0), json_int_or(row, "approvals_required", 0));
    } else {
        table_cell(table, str_equal(verdict, "allowed") ? "none needed" : verdict);
    }
    table_cell(table, str_equal(verdict, "needs-approval") ? json_string_or_null(row, "role") : NULL);
    table_cell(table, json_string_or_null(row, "rule"));
}

const char *plan_view_money(const json_t *row, char *out, size_t size)
{
    int64_t saving;
    char money[MONEY_TEXT];
    if (!json_get_int(json_object_get(row, "result"), "monthly_saving_microusd", &saving) || saving == INT64_MIN) {
        return NULL;
    }
    snprintf(out, size, "%s%s", saving < 0 ? "+" : "", money_format(-saving, money));
    return out;
}

static void row_cells(struct table *table, const json_t *row)
{
    char text[CHANGE_TEXT];
    double confidence;
    const json_t *result = json_object_get(row, "result");
    char *name = plan_view_name(row);
    table_cell(table, name);
    free(name);
    plan_view_change(row, "cpu", "request", text, sizeof text);
    table_cell(table, text);
    plan_view_change(row, "memory", "request", text, sizeof text);
    table_cell(table, text);
    limits_cell(table, row);
    table_cell(table, plan_view_money(row, text, sizeof text));
    table_cell(table, json_string_or_null(row, "risk"));
    if (json_get_number(result, "confidence", &confidence)) {
        table_cellf(table, "%.2f", confidence);
    } else {
        table_cell(table, NULL);
    }
    needs_cells(table, row);
}

void plan_view_table(const json_t *rows)
{
    static const char *const heads[] = {"WORKLOAD", "CPU REQUEST", "MEMORY REQUEST", "LIMITS",    ">CHANGE/MONTH",
                                        "RISK",     "CONFIDENCE",  "APPROVALS",      "OF ROLE", "RULE"};
    struct table *table = table_new(ARRAY_COUNT(heads), heads);
    size_t index;
    json_t *row;
    json_array_foreach(rows, index, row)
    {
        row_cells(table, row);
    }
    table_print(table, stdout);
    table_free(table);
    (void)plan_view_objects(rows, "");
}

bool plan_view_objects(const json_t *rows, const char *code)
{
    bool any = false;
    size_t index;
    json_t *row;
    json_array_foreach(rows, index, row)
    {
        const json_t *objects = json_at(row, "result.detail.new_objects");
        char *name = plan_view_name(row);
        for (size_t i = 0; i < json_array_size(objects); i++) {
            const char *text = json_string_value(json_array_get(objects, i));
            char *line = xasprintf("new with %s%s%s: %s%s%s", code, name, code, code, text == NULL ? "?" : text, code);
            str_mask_controls(line);
            printf("%s%s\n", *code == '\0' ? "" : "- ", line);
            free(line);
            any = true;
        }
        free(name);
    }
    return any;
}

void plan_view_totals(const json_t *rows)
{
    json_t *results = json_array();
    size_t index;
    json_t *row;
    json_array_foreach(rows, index, row)
    {
        if (json_is_object(json_object_get(row, "result"))) {
            json_array_append(results, json_object_get(row, "result"));
        }
    }
    struct totals totals = totals_of(results);
    json_decref(results);
    char before[MONEY_TEXT];
    char after[MONEY_TEXT];
    char saving[MONEY_TEXT];
    printf("%zu workload%s: monthly %s now, %s after, %s %s\n", json_array_size(rows), json_array_size(rows) == 1 ? "" : "s",
           money_format(totals.before, before), money_format(totals.after, after), totals.saving < 0 ? "more" : "saved",
           money_format(totals.saving < 0 ? -totals.saving : totals.saving, saving));
    if (totals.unpriced > 0) {
        printf("not in these sums: %" PRId64 " without a price\n", totals.unpriced);
    }
}

void plan_view_windows(const json_t *rows, FILE *out)
{
    json_t *held = json_object();
    size_t index;
    json_t *row;
    json_array_foreach(rows, index, row)
    {
        const json_t *window = json_object_get(row, "window");
        const char *verdict = json_string_or_null(row, "verdict");
        bool comes = str_equal(verdict, "needs-approval") || str_equal(verdict, "allowed");
        if (window == NULL || json_bool_or(window, "open", true) || !comes || json_string_or_null(row, "rejected") != NULL) {
            continue;
        }
        const char *next = json_string_or_null(window, "next");
        char *text = xasprintf("%s; %s%s", json_string_or_null(window, "reason"),
                               next == NULL ? "it does not open within 400 days" : "next opening ", next == NULL ? "" : next);
        json_object_set_new(held, text, json_integer(json_int_or(held, text, 0) + 1));
        free(text);
    }
    const char *text;
    json_t *count;
    json_object_foreach(held, text, count)
    {
        json_int_t n = json_integer_value(count);
        fprintf(out, "held now: %" JSON_INTEGER_FORMAT " workload%s: %s\n", n, n == 1 ? "" : "s", text);
    }
    json_decref(held);
}
