#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/str.h"
#include "pipeline/driver/notify.h"

enum { TOP_CHANGES = 5, FINDINGS_TOLD = 10, REASON_BYTES = 1000 };

/* What to type next, by what is told. */
static const struct {
    const char *event;
    const char *state;        /* NULL: any */
    const char *commands[2];  /* the number of the run comes after each */
    const char *rests[2];     /* and this after the number */
} advice[] = {
    {"awaiting-approval", NULL, {"tare report", "tare --as APPROVER approve"}, {"", ""}},
    {"applied", NULL, {"tare report", "tare rollback"}, {"", ""}},
    {"refused", "refused", {"tare status", "tare apply"}, {"", ""}},
    {"refused", NULL, {"tare report", "tare status"}, {"", ""}},
    {"rolled-back", NULL, {"tare report", "tare rerun"}, {"", " --from parse"}},
    {"critical", "failed", {"tare status", "tare rollback"}, {"", " --resume"}},
    {"critical", NULL, {"tare report", "tare status"}, {"", ""}},
};

static json_t *commands_for(const struct ledger_run *run, const char *event)
{
    json_t *commands = json_array();
    for (size_t i = 0; i < ARRAY_COUNT(advice); i++) {
        if (strcmp(advice[i].event, event) != 0 ||
            (advice[i].state != NULL && strcmp(advice[i].state, ledger_state_name(run->state)) != 0)) {
            continue;
        }
        for (size_t k = 0; k < ARRAY_COUNT(advice[i].commands); k++) {
            json_array_append_new(commands,
                                  json_sprintf("%s %" PRId64 "%s", advice[i].commands[k], run->id, advice[i].rests[k]));
        }
        break;
    }
    return commands;
}

static void copy_members(json_t *to, const json_t *from, const char *const *members, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        json_t *value = json_object_get(from, members[i]);
        if (value != NULL && !json_is_null(value)) {
            json_object_set(to, members[i], value);
        }
    }
}

static json_t *workload_name(const json_t *row)
{
    return json_sprintf("%s/%s/%s", json_string_or_null(row, "namespace"), json_string_or_null(row, "kind"),
                        json_string_or_null(row, "name"));
}

static int64_t weight(const json_t *row)
{
    int64_t saving = json_int_or(row, "monthly_saving_microusd", 0);
    return saving < 0 && saving > INT64_MIN ? -saving : saving;
}

static int by_weight(const void *a, const void *b)
{
    int64_t left = weight(*(json_t *const *)a);
    int64_t right = weight(*(json_t *const *)b);
    return (left < right) - (left > right);
}

/* The changes that are worth or cost most. */
static json_t *top_changes(const json_t *rows)
{
    static const char *const members[] = {"verdict",
                                          "risk",
                                          "cpu_before_millicores",
                                          "cpu_after_millicores",
                                          "memory_before_bytes",
                                          "memory_after_bytes",
                                          "monthly_saving_microusd"};
    json_t **sorted = xcalloc_array(json_array_size(rows), sizeof *sorted);
    size_t count = 0;
    size_t index;
    json_t *row;
    json_array_foreach(rows, index, row)
    {
        const char *verdict = json_string_or_null(row, "verdict");
        if (verdict != NULL && strcmp(verdict, "unchanged") != 0) {
            sorted[count++] = row;
        }
    }
    qsort(sorted, count, sizeof *sorted, by_weight);
    json_t *top = json_array();
    for (size_t i = 0; i < count && i < TOP_CHANGES; i++) {
        json_t *told = json_object();
        json_object_set_new(told, "workload", workload_name(sorted[i]));
        copy_members(told, sorted[i], members, ARRAY_COUNT(members));
        json_array_append_new(top, told);
    }
    free(sorted);
    return top;
}

static json_t *critical_findings(const json_t *rows)
{
    json_t *told = json_array();
    size_t index;
    json_t *row;
    json_array_foreach(rows, index, row)
    {
        size_t k;
        json_t *finding;
        json_array_foreach(json_at(row, "detail.critical_findings"), k, finding)
        {
            if (json_array_size(told) < FINDINGS_TOLD) {
                json_t *one = json_copy(finding);
                json_object_set_new(one, "workload", workload_name(row));
                json_array_append_new(told, one);
            }
        }
    }
    return told;
}

static void add_money(json_t *facts, const struct totals *totals)
{
    json_object_set_new(facts, "monthly_before_microusd", json_integer(totals->before));
    json_object_set_new(facts, "monthly_after_microusd", json_integer(totals->after));
    json_object_set_new(facts, "monthly_saving_microusd", json_integer(totals->saving));
    json_object_set_new(facts, "unpriced", json_integer(totals->unpriced));
}

static void add_text(json_t *facts, const char *name, const char *text)
{
    if (text != NULL) {
        char *cut = xstrndup(text, REASON_BYTES);
        str_trim_utf8(cut);
        json_object_set_new(facts, name, json_string_safe(cut));
        free(cut);
    }
}

json_t *notify_facts(const struct ledger_run *run, const char *event, const char *command, const struct totals *totals,
                     const json_t *rows)
{
    json_t *facts = json_pack("{s:i, s:s, s:s, s:I, s:s, s:s, s:s, s:s, s:s, s:s}", "version", 1, "event", event, "command", command, "run",
                              (json_int_t)run->id, "state", ledger_state_name(run->state), "cluster", run->cluster, "target", run->target,
                              "created", run->created, "at", run->state_since, "program", run->program);
    add_text(facts, "requested_by", run->requested_by);
    add_text(facts, "reason", run->reason);
    add_text(facts, "next_opening", run->next_opening);
    add_text(facts, "plan", run->plan_digest);
    if (totals->objects > 0) {
        json_object_set_new(facts, "workloads", json_integer(totals->workloads));
        json_object_set_new(facts, "changes", json_integer(totals->changes));
        json_object_set_new(facts, "to_approve", json_integer(totals->waiting));
        json_object_set_new(facts, "blocked", json_integer(totals->blocked));
        add_money(facts, totals);
    }
    bool about_findings = strcmp(event, "critical") == 0 && strcmp(command, "run") == 0;
    json_object_set_new(facts, "critical_count", json_integer(totals->critical));
    if (about_findings) {
        json_object_set_new(facts, "critical", critical_findings(rows));
    } else {
        json_object_set_new(facts, "top", top_changes(rows));
    }
    json_object_set_new(facts, "commands", commands_for(run, event));
    return facts;
}
