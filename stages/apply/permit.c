#include "stages/apply/permit.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/clock.h"
#include "pipeline/base/str.h"
#include "pipeline/run/record.h"
#include "pricing/catalog.h"
#include "stages/common/target_files.h"

enum { ROUNDS_MAX = 1000 };

int permit_init(struct permit *permit, struct err *err)
{
    json_t *rows = NULL;
    permit->overrides = json_array();
    if (ledger_window_overrides(permit->stage->ledger, permit->run->id, &rows, err)) {
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

static int read_clock(const struct permit *permit, int64_t *instant, struct err *err)
{
    struct arena arena;
    const char *text = NULL;
    arena_init(&arena);
    int failed = ledger_now(permit->stage->ledger, &arena, &text, err) || time_parse(text, instant, err);
    arena_release(&arena);
    return failed ? -1 : 0;
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

static int ask_approval(struct permit *permit, const json_t *record, struct objection *out, struct err *err)
{
    struct arena arena;
    struct ledger_workload workload;
    struct ledger_check check = {.approved = false};
    arena_init(&arena);
    int failed = permit_workload(permit, record, &workload, err) ||
                 ledger_apply_check(permit->stage->ledger, permit->run->id, &workload, &arena, &check, err);
    if (!failed && !check.approved) {
        out->stands = true;
        snprintf(out->why, sizeof out->why, "not approved: %s", check.reason);
    }
    arena_release(&arena);
    return failed ? -1 : 0;
}

static void ask_windows(const struct permit *permit, const json_t *record, int64_t instant,
                        struct objection *out)
{
    struct window_verdict verdict;
    judge_windows(permit, record, instant, &verdict);
    if (!verdict.allowed) {
        *out = (struct objection){true, true, verdict.has_next, verdict.next_opening, verdict.overrun, ""};
        snprintf(out->why, sizeof out->why, "%s", verdict.reason);
    }
}

/* Asks approvals and windows for one pending workload. Returns -1 only where the ledger does not answer. */
static int permit_record(struct permit *permit, const json_t *record, struct objection *out, struct err *err)
{
    int64_t instant = 0;
    *out = (struct objection){0};
    if (ask_approval(permit, record, out, err) || read_clock(permit, &instant, err)) {
        return -1;
    }
    if (!out->stands) {
        ask_windows(permit, record, instant, out);
    }
    return 0;
}

int permit_file(struct permit *permit, const struct apply_plan *plan, const struct apply_file *file,
                struct objection *out, struct err *err)
{
    *out = (struct objection){0};
    for (size_t i = file->first; i <= file->last && !out->stands; i++) {
        json_t *record = NULL;
        if (!apply_plan_pending(plan, file, i)) {
            continue;
        }
        if (spool_at(plan->spool, plan->items[i].offset, &record, err)) {
            return -1;
        }
        int failed = permit_record(permit, record, out, err);
        json_decref(record);
        if (failed) {
            return -1;
        }
    }
    return 0;
}

/* Refuses what is not approved. */
static int refuse_unapproved(struct permit *permit, struct apply_plan *plan, struct err *err)
{
    for (size_t i = 0; i < plan->item_count; i++) {
        struct objection objection = {0};
        json_t *record = NULL;
        if (plan->items[i].fate != FATE_PENDING) {
            continue;
        }
        if (spool_at(plan->spool, plan->items[i].offset, &record, err)) {
            return -1;
        }
        int failed = ask_approval(permit, record, &objection, err);
        json_decref(record);
        if (failed) {
            return -1;
        }
        if (objection.stands) {
            apply_item_set(&plan->items[i], FATE_REFUSED, objection.why);
        }
    }
    return 0;
}

/* The first objection of a window to any pending item at an instant. */
static int windows_at(const struct permit *permit, struct apply_plan *plan, int64_t instant,
                      struct objection *out, struct err *err)
{
    *out = (struct objection){0};
    for (size_t i = 0; i < plan->item_count && !out->stands; i++) {
        json_t *record = NULL;
        if (plan->items[i].fate != FATE_PENDING) {
            continue;
        }
        if (spool_at(plan->spool, plan->items[i].offset, &record, err)) {
            return -1;
        }
        ask_windows(permit, record, instant, out);
        json_decref(record);
    }
    return 0;
}

/* Goes from opening to opening until nothing objects any more. */
static int common_opening(const struct permit *permit, struct apply_plan *plan, int64_t now,
                          struct objection *first, struct err *err)
{
    struct objection later = *first;
    for (int round = 0; later.stands && later.has_next && round < ROUNDS_MAX; round++) {
        int64_t at = later.next_opening;
        if (at > now + WINDOW_HORIZON) {
            break;
        }
        if (windows_at(permit, plan, at, &later, err)) {
            return -1;
        }
        if (!later.stands) {
            first->next_opening = at;
            return 0;
        }
    }
    first->has_next = false;
    return 0;
}

int permit_plan(struct permit *permit, struct apply_plan *plan, struct objection *out, struct err *err)
{
    int64_t now = 0;
    if (refuse_unapproved(permit, plan, err) || read_clock(permit, &now, err) ||
        windows_at(permit, plan, now, out, err)) {
        return -1;
    }
    return out->stands ? common_opening(permit, plan, now, out, err) : 0;
}

static int stale(const struct permit *permit, struct err *err)
{
    return err_hint(err, "make a new plan: tare rerun %" PRId64 " --from parse", permit->run->id);
}

static int same_policy(const struct permit *permit, const struct apply_plan *plan, struct err *err)
{
    if (plan->policy[0] == '\0' || strcmp(plan->policy, permit->inforce->digest) == 0) {
        return 0;
    }
    err_set(err, ERR_STALE, "the plan is stale: the policy has the digest %s, the plan was judged by %s",
            permit->inforce->digest, plan->policy);
    return err_hint(err, "judge it again: tare rerun %" PRId64 " --from gate", permit->run->id);
}

static int same_prices(const struct permit *permit, const struct apply_plan *plan, struct err *err)
{
    struct catalog *catalog = NULL;
    if (plan->catalog[0] == '\0') {
        return 0;
    }
    if (catalog_embedded(&catalog, err)) {
        return -1;
    }
    int failed = 0;
    if (strcmp(plan->catalog, catalog_digest(catalog)) != 0) {
        err_set(err, ERR_STALE,
                "the plan is stale: the price table has the digest %s, the plan was made from %s",
                catalog_digest(catalog), plan->catalog);
        failed = err_hint(err, "price it again: tare rerun %" PRId64 " --from price", permit->run->id);
    }
    catalog_free(catalog);
    return failed;
}

static bool is_pending(const struct apply_plan *plan, const struct apply_file *file)
{
    for (size_t i = file->first; i <= file->last; i++) {
        if (apply_plan_pending(plan, file, i)) {
            return true;
        }
    }
    return false;
}

/* Adds the first file that moved to the message and counts the others. */
static int compare_files(const struct permit *permit, const struct apply_plan *plan, const char *root,
                         const json_t *begun, struct err *err)
{
    size_t moved = 0;
    char first[ERR_MESSAGE_MAX] = "";
    for (size_t i = 0; i < plan->file_count; i++) {
        const struct apply_file *file = &plan->files[i];
        enum file_content content = FILE_OTHER;
        char found[DIGEST_HEX];
        if (!is_pending(plan, file) || json_object_get(begun, file->path) != NULL) {
            continue;
        }
        if (target_file_compare(root, file->path, file->source_sha256, "", &content, found, err)) {
            return -1;
        }
        if (content != FILE_BEFORE && moved++ == 0) {
            snprintf(first, sizeof first, "%.400s %s%s, the plan was made from %s", file->path,
                     content == FILE_MISSING ? "is not there" : "has the sha256 ", found,
                     file->source_sha256);
        }
    }
    if (moved == 0) {
        return 0;
    }
    char more[48] = "";
    if (moved > 1) {
        snprintf(more, sizeof more, "; %zu more files moved too", moved - 1);
    }
    err_set(err, ERR_STALE, "the plan is stale: %s%s", first, more);
    return stale(permit, err);
}

int permit_fresh(const struct permit *permit, const struct apply_plan *plan, const char *root,
                 const json_t *begun, struct err *err)
{
    return same_policy(permit, plan, err) || same_prices(permit, plan, err) ||
                   compare_files(permit, plan, root, begun, err)
               ? -1
               : 0;
}
