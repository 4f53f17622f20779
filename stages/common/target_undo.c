#include "stages/common/target_undo.h"

#include <stdio.h>
#include <stdlib.h>

#include "pipeline/base/arena.h"
#include "pipeline/io/json.h"
#include "stages/common/target_git.h"

bool undo_ledger_lost(struct ledger *ledger, const struct err *err)
{
    if (err->class != ERR_TEMPFAIL && err->class != ERR_UNAVAILABLE) {
        return false;
    }
    struct arena arena;
    const char *now = NULL;
    arena_init(&arena);
    bool lost = ledger_now(ledger, &arena, &now, NULL) != 0;
    arena_release(&arena);
    return lost;
}

typedef int lock_verb(struct ledger *ledger, int64_t run, const struct ledger_workload *workload,
                      struct err *err);

/* Locks or unlocks every workload of a change. */
static int each_workload(const struct undo_order *order, const struct ledger_change *change, lock_verb *verb,
                         struct err *err)
{
    json_t *list = json_loads(change->workloads, 0, NULL);
    size_t index = 0;
    const json_t *item = NULL;
    int failed = 0;
    json_array_foreach(list, index, item)
    {
        struct ledger_workload workload = {json_string_or_null(item, "namespace"),
                                           json_string_or_null(item, "kind"),
                                           json_string_or_null(item, "name")};
        failed = failed || verb(order->ledger, order->run, &workload, err);
    }
    json_decref(list);
    return failed ? -1 : 0;
}

int undo_lock(const struct undo_order *order, const struct ledger_change *change, struct err *err)
{
    return each_workload(order, change, ledger_workload_lock, err);
}

int undo_unlock(const struct undo_order *order, const struct ledger_change *change, struct err *err)
{
    return each_workload(order, change, ledger_workload_unlock, err);
}

/* Undoes one change. A lock that another session holds is a failure of this change; the ledger's silence is
 * an error. */
static int undo_one(const struct undo_order *order, const struct ledger_change *change,
                    enum undo_result *result, char why[UNDO_WHY_MAX], struct err *err)
{
    struct err inner = {0};
    char *recorded = order->root == NULL ? target_change_root(change) : NULL;
    const char *root = order->root != NULL ? order->root : recorded == NULL ? "." : recorded;
    int failed = undo_lock(order, change, &inner);
    failed = failed || target_file_undo(order->ledger, root, change, result, why, &inner);
    failed = failed || undo_unlock(order, change, &inner);
    free(recorded);
    if (!failed) {
        return 0;
    }
    if (undo_ledger_lost(order->ledger, &inner)) {
        *err = inner;
        return -1;
    }
    *result = UNDO_FAILED;
    snprintf(why, UNDO_WHY_MAX, "%s", inner.message);
    return 0;
}

static bool never_written(const struct ledger_change *change)
{
    return change->state == LEDGER_CHANGE_PLANNED || change->state == LEDGER_CHANGE_ROLLED_BACK;
}

void undo_count(const struct undo_order *order, const struct ledger_change *change, enum undo_result result, const char *why,
                struct undo_report *out)
{
    if (result == UNDO_DONE) {
        out->undone++;
    } else if (result == UNDO_FAILED || result == UNDO_CHANGED) {
        if (out->failed++ == 0) {
            snprintf(out->why, sizeof out->why, "%s", why);
        }
        out->left++;
    }
    if (order->told != NULL) {
        order->told(order->context, change, result, why);
    }
}

/* Files that were written, one by one. */
static int undo_written(const struct undo_order *order, const struct ledger_changes *changes, const bool *wanted,
                        struct undo_report *out, struct err *err)
{
    for (size_t i = changes->count; i > 0; i--) {
        const struct ledger_change *change = &changes->items[i - 1];
        enum undo_result result = UNDO_NOTHING;
        char why[UNDO_WHY_MAX] = "";
        if (!wanted[i - 1] || target_git_is(change)) {
            continue;
        }
        if (undo_one(order, change, &result, why, err)) {
            return -1;
        }
        undo_count(order, change, result, why, out);
    }
    return 0;
}

int undo_changes(const struct undo_order *order, struct undo_report *out, struct err *err)
{
    struct arena arena;
    struct ledger_changes changes = {0};
    arena_init(&arena);
    *out = (struct undo_report){0};
    if (ledger_changes(order->ledger, order->run, &arena, &changes, err)) {
        arena_release(&arena);
        return -1;
    }
    bool *wanted = arena_alloc_array(&arena, changes.count + 1, sizeof *wanted);
    for (size_t i = 0; i < changes.count; i++) {
        const struct ledger_change *change = &changes.items[i];
        wanted[i] = order->wanted == NULL || order->wanted(order->context, change);
        out->left += wanted[i] || never_written(change) ? 0 : 1;
    }
    int failed = undo_written(order, &changes, wanted, out, err) || target_git_undo(order, &changes, wanted, out, err);
    arena_release(&arena);
    return failed ? -1 : 0;
}
