#include "stages/apply/commit_message.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/mem.h"
#include "pipeline/base/money.h"
#include "pipeline/base/str.h"
#include "pipeline/run/record.h"

enum { LISTED_MAX = 200, LINE_MAX_BYTES = 400 };

/* What of a plan is told. */
struct told {
    size_t workloads;
    int64_t saving;
    struct buf lines; /* of the first LISTED_MAX */
};

/* A value in the place of {name}; NULL for a name that is none. */
static const char *value_of(const char *name, size_t length, const char *const (*values)[2], size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (strlen(values[i][0]) == length && memcmp(values[i][0], name, length) == 0) {
            return values[i][1];
        }
    }
    return NULL;
}

/* Adds a text with its {names} filled in; control characters do not come out. */
static void fill_in(const char *pattern, const char *const (*values)[2], size_t count, struct buf *out)
{
    for (const char *at = pattern; *at != '\0';) {
        size_t length = *at == '{' ? strcspn(at + 1, "}") : 0;
        const char *value = length > 0 && at[1 + length] == '}' ? value_of(at + 1, length, values, count) : NULL;
        if (value != NULL) {
            buf_add_str(out, value);
            at += length + 2;
        } else {
            buf_add_char(out, *at++);
        }
    }
}

static int tell_record(const struct writer *writer, const json_t *record, struct told *told, struct err *err)
{
    struct ledger_workload workload;
    char saved[MONEY_TEXT];
    char line[LINE_MAX_BYTES];
    int64_t saving = json_int_or(json_object_get(record, "cost"), "monthly_saving_microusd", 0);
    if (permit_workload(writer->permit, record, &workload, err)) {
        return -1;
    }
    told->saving += saving;
    if (told->workloads++ < LISTED_MAX) {
        snprintf(line, sizeof line, "%s/%s/%s: %s a month", workload.namespace, workload.kind, workload.name, money_format(saving, saved));
        str_mask_controls(line);
        buf_printf(&told->lines, "- %s\n", line);
    }
    return 0;
}

static int tell_all(const struct writer *writer, struct told *told, struct err *err)
{
    const struct apply_plan *plan = writer->plan;
    for (size_t i = 0; i < plan->item_count; i++) {
        json_t *record = NULL;
        if (plan->items[i].fate != FATE_PENDING) {
            continue;
        }
        int failed = spool_at(plan->spool, plan->items[i].offset, &record, err) || tell_record(writer, record, told, err);
        json_decref(record);
        if (failed) {
            return -1;
        }
    }
    return 0;
}

int commit_message(const struct writer *writer, struct buf *out, struct err *err)
{
    const struct ledger_run *run = writer->permit->run;
    const char *pattern = config_string(writer->permit->stage->config, "apply.git.message");
    struct told told = {0};
    char number[32];
    char workloads[32];
    char saved[MONEY_TEXT];
    buf_init(&told.lines, (size_t)LISTED_MAX * LINE_MAX_BYTES);
    int failed = tell_all(writer, &told, err);
    snprintf(number, sizeof number, "%" PRId64, run->id);
    snprintf(workloads, sizeof workloads, "%zu", told.workloads);
    const char *const values[][2] = {{"run", number},
                                     {"plan", run->plan_digest},
                                     {"cluster", run->cluster},
                                     {"saving", money_format(told.saving, saved)},
                                     {"workloads", workloads}};
    size_t start = out->length;
    fill_in(pattern, values, ARRAY_COUNT(values), out);
    for (size_t i = start; i < out->length; i++) {
        out->data[i] = out->data[i] == '\n' || out->data[i] == '\r' ? ' ' : out->data[i];
    }
    buf_printf(out, "\n\n%s", buf_str(&told.lines));
    if (told.workloads > LISTED_MAX) {
        buf_printf(out, "- and %zu more\n", told.workloads - LISTED_MAX);
    }
    buf_printf(out, "\nTare-Run: %s\nTare-Plan: %s\n", number, run->plan_digest);
    buf_release(&told.lines);
    return failed;
}

char *commit_branch(const struct writer *writer, const char *pattern)
{
    char number[32];
    struct buf out;
    snprintf(number, sizeof number, "%" PRId64, writer->permit->run->id);
    const char *const values[][2] = {{"run", number}};
    buf_init(&out, 1024);
    fill_in(pattern, values, ARRAY_COUNT(values), &out);
    return buf_steal(&out);
}
