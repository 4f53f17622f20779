#include "stages/common/permit/permit.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/clock.h"
#include "pipeline/base/str.h"
#include "pipeline/run/ledger_evidence.h"
#include "pipeline/run/ledger_object.h"
#include "pipeline/run/record.h"

/* A clock that is set right moves by less; two processes under one TARE_NOW begin it anew, each a moment later. */
enum { CLOCK_SLACK_SECONDS = 5 };

void permit_release(struct permit *permit)
{
    json_decref(permit->overrides);
    permit->overrides = NULL;
}

void permit_override(struct permit *permit, const char *window)
{
    if (window != NULL) {
        json_array_append_new(permit->overrides, json_string_safe(window));
    }
}

int permit_workload(const struct permit *permit, const json_t *record, struct ledger_workload *out,
                    struct err *err)
{
    struct identity identity;
    if (record_identity(record, &identity, err)) {
        return -1;
    }
    out->namespace = identity.namespace == NULL ? permit->default_namespace : identity.namespace;
    out->kind = identity.kind;
    out->name = identity.name;
    return 0;
}

/* The latest instant that is known to have been: what was seen last, and what has passed here since. */
static int64_t clock_floor_at(const struct permit *permit, int64_t monotonic_ms)
{
    return permit->latest + (monotonic_ms - permit->latest_ms) / 1000;
}

static int64_t clock_floor(const struct permit *permit)
{
    return clock_floor_at(permit, clock_monotonic_ms());
}

static int clock_stepped(struct permit *permit, int64_t now, struct err *err)
{
    char reads[RFC3339_MAX];
    char was[RFC3339_MAX];
    permit->stepped = true;
    err_set(err, ERR_TEMPFAIL,
            "the ledger's clock went backwards: it reads %s and was at %s before, so that windows and approvals cannot be judged by it",
            time_format(now, reads), time_format(clock_floor(permit), was));
    return err_hint(err, "set the clock of the database right, then: tare apply %" PRId64 "%s", permit->run->id,
                    permit->run->state == LEDGER_APPLYING || permit->begun ? " --resume" : "");
}

/* Takes note of what the ledger's clock reads, which it did at some time since `asked_ms`: the answer may have taken long. */
static int saw_clock(struct permit *permit, int64_t asked_ms, int64_t instant, struct err *err)
{
    if (permit->has_latest && instant < clock_floor_at(permit, asked_ms) - CLOCK_SLACK_SECONDS) {
        return clock_stepped(permit, instant, err);
    }
    if (!permit->has_latest || instant >= permit->latest) { /* a clock that is merely slow may fall behind ours */
        permit->has_latest = true;
        permit->latest = instant;
        permit->latest_ms = clock_monotonic_ms();
    }
    return 0;
}

int permit_clock(struct permit *permit, int64_t *instant, struct err *err)
{
    struct arena arena;
    const char *text = NULL;
    int64_t asked_ms = clock_monotonic_ms();
    arena_init(&arena);
    int failed = ledger_now(permit->stage->ledger, &arena, &text, err) || time_parse(text, instant, err);
    arena_release(&arena);
    return failed ? -1 : saw_clock(permit, asked_ms, *instant, err);
}

bool permit_floor(const struct permit *permit, char out[RFC3339_MAX])
{
    if (permit->has_latest) {
        time_format(clock_floor(permit) - CLOCK_SLACK_SECONDS, out);
    }
    return permit->has_latest;
}

/* What was recorded of this run has been. */
static int recall_clock(struct permit *permit, struct err *err)
{
    struct arena arena;
    const char *text = NULL;
    arena_init(&arena);
    int failed = ledger_run_newest(permit->stage->ledger, permit->run->id, &arena, &text, err) ||
                 (text != NULL && time_parse(text, &permit->latest, err));
    permit->has_latest = !failed && text != NULL;
    permit->latest_ms = clock_monotonic_ms();
    arena_release(&arena);
    return failed ? -1 : 0;
}

int permit_init(struct permit *permit, struct err *err)
{
    json_t *rows = NULL;
    permit->overrides = json_array();
    if (recall_clock(permit, err) || ledger_window_overrides(permit->stage->ledger, permit->run->id, &rows, err)) {
        return -1;
    }
    size_t index = 0;
    const json_t *row = NULL;
    json_array_foreach(rows, index, row)
    {
        permit_override(permit, json_string_or_null(row, "window"));
    }
    json_decref(rows);
    return 0;
}

/* The verdict of the windows, with the first override that opens them. */
static void judge_windows(const struct permit *permit, const json_t *record, int64_t instant,
                          struct window_verdict *out)
{
    const json_t *workload = record_workload(record);
    const char *namespace = json_string_or_null(workload, "namespace");
    struct window_subject subject = {
        .cluster = json_string_or_null(workload, "cluster"),
        .namespace = namespace == NULL ? permit->default_namespace : namespace,
        .labels = json_object_get(workload, "labels"),
    };
    window_judge(permit->inforce->windows, &subject, instant, NULL, out);
    for (size_t i = 0; !out->allowed && i < json_array_size(permit->overrides); i++) {
        struct window_verdict other;
        window_judge(permit->inforce->windows, &subject, instant,
                     json_string_value(json_array_get(permit->overrides, i)), &other);
        *out = other.allowed ? other : *out;
    }
}

/* Approvals of a record, and the clock, in one question. */
static int ask_approval(struct permit *permit, const json_t *record, struct objection *out, int64_t *instant, struct err *err)
{
    struct arena arena;
    struct ledger_workload workload;
    struct ledger_object_check check = {.approved = false};
    int64_t asked_ms = clock_monotonic_ms();
    arena_init(&arena);
    int failed = permit_workload(permit, record, &workload, err) ||
                 ledger_object_check(permit->stage->ledger, permit->run->id, &workload, &arena, &check, err) ||
                 time_parse(check.now, instant, err) || saw_clock(permit, asked_ms, *instant, err);
    if (!failed && !check.approved) {
        out->stands = true;
        out->rejected = str_starts(check.reason, "rejected by ");
        bool alone = str_starts(check.reason, "left alone ");
        snprintf(out->why, sizeof out->why, "%s%s", out->rejected || alone ? "" : "not approved: ", check.reason);
    }
    arena_release(&arena);
    return failed ? -1 : 0;
}

int permit_approval(struct permit *permit, const json_t *record, struct objection *out, struct err *err)
{
    int64_t instant = 0;
    *out = (struct objection){0};
    return ask_approval(permit, record, out, &instant, err);
}

void permit_windows(const struct permit *permit, const json_t *record, int64_t instant, struct objection *out)
{
    struct window_verdict verdict;
    judge_windows(permit, record, instant, &verdict);
    *out = (struct objection){0};
    if (!verdict.allowed) {
        *out = (struct objection){true, true, verdict.has_next, verdict.next_opening, verdict.overrun, "", false};
        snprintf(out->why, sizeof out->why, "%s", verdict.reason);
    }
}

int permit_record(struct permit *permit, const json_t *record, struct objection *out, struct err *err)
{
    int64_t instant = 0;
    *out = (struct objection){0};
    if (ask_approval(permit, record, out, &instant, err)) {
        return -1;
    }
    if (!out->stands) {
        permit_windows(permit, record, instant, out);
    }
    return 0;
}

void permit_again(const struct permit *permit, const json_t *record, struct objection *out)
{
    *out = (struct objection){0};
    if (permit->has_latest) {
        permit_windows(permit, record, clock_floor(permit), out);
    }
}
